//! Text in XML.

/// The text with the characters that mean something in XML written in another way.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read_as_it_was() {
        let text = "<1> & 2";
        let document = format!("<a>{}</a>", escape(text));
        let document = roxmltree::Document::parse(&document).unwrap();
        assert_eq!(document.root_element().text(), Some(text));
    }
}
