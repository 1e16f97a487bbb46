//! Text in XML, and a check of XML that was written.

/// The text with the characters that mean something in XML written in another way.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// How many elements called `name` the `document` has, or what is wrong with it: a tag that is not
/// closed in turn, a quote without another, a character that is not escaped. Only for tests: it
/// knows as much of XML as the charts have.
pub fn count_elements(document: &str, name: &str) -> Result<usize, String> {
    let mut open = Vec::new();
    let mut count = 0;
    for tag in document.split('<').skip(1) {
        let (tag, content) = tag.split_once('>').ok_or_else(|| format!("no end: {tag}"))?;
        let escapes = ["&amp;", "&lt;", "&gt;"];
        let plain = escapes.iter().fold(content.to_owned(), |text, &known| text.replace(known, ""));
        if plain.contains(['&', '>']) {
            return Err(format!("not escaped: {content}"));
        }
        if let Some(closed) = tag.strip_prefix('/') {
            if open.pop() != Some(closed) {
                return Err(format!("closed out of turn: {closed}"));
            }
            continue;
        }
        if tag.matches('"').count() % 2 != 0 {
            return Err(format!("an odd quote: {tag}"));
        }
        let element = tag.split([' ', '/']).next().unwrap_or_default();
        count += usize::from(element == name);
        if !tag.ends_with('/') {
            open.push(element);
        }
    }
    if open.is_empty() { Ok(count) } else { Err(format!("not closed: {}", open.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_counted_in_what_is_well_formed() {
        let text = format!("<a><b x=\"1\"/><b>{}</b></a>\n", escape("<1> & 2"));
        assert_eq!(count_elements(&text, "b"), Ok(2));
    }

    #[test]
    fn what_is_not_well_formed_is_an_error() {
        for text in ["<a", "<a>", "<a><b></a></b>", "<a x=\"/>", "<a>1 & 2</a>"] {
            assert!(count_elements(text, "a").is_err(), "{text}");
        }
    }
}
