//! Names of types as people write them.
//!
//! The compiler names each type in full: `{async fn body of net::run<'_, bus::Spi>()}`. Here that
//! is `net::run<Spi>`: no braces, no lifetimes, and no paths in generic arguments.

use measure::frames::last_segment;

/// What the compiler writes before and behind the path of an async fn.
const ASYNC_FN: [&str; 2] = ["{async fn body of ", "()}"];

/// What the paths of the standard library begin with.
const LIBRARIES: [&str; 3] = ["core::", "alloc::", "std::"];

/// How it begins the name of what is known by its place, such as a block.
const AT: &str = "@";

/// A short form of the `name` of a coroutine, which keeps the path that it begins with.
pub fn short(name: &str) -> String {
    without_paths(&plain(name), 0)
}

/// A short form of the `name` of a type, which has no paths.
pub fn short_type(name: &str) -> String {
    without_paths(&plain(name), 1)
}

/// A type without its generic arguments, as `Shell::run` for `Shell<Uart>::run`.
pub fn bare(short_type: &str) -> String {
    let mut bare = String::new();
    let mut rest = short_type;
    while let Some(start) = rest.find('<').filter(|_| !rest.starts_with(['<', '&', '[', '('])) {
        let mut depth = 0_usize;
        let end = rest[start..].char_indices().find(|&(_, c)| {
            depth = if c == '<' { depth + 1 } else { depth.saturating_sub(usize::from(c == '>')) };
            depth == 0
        });
        bare += &rest[..start];
        rest = end.map_or("", |(end, _)| &rest[start + end + 1..]);
    }
    bare + rest
}

/// The name without what only the compiler needs.
fn plain(name: &str) -> String {
    let text = places(name).replace(ASYNC_FN[0], "").replace(ASYNC_FN[1], "");
    without_lifetimes(&text)
}

/// A short form of the name of a coroutine, with the crate that it is defined in.
pub fn short_of_coroutine(name: &str, defined_in: &str) -> String {
    short(&with_crate(name, defined_in))
}

/// The `name` of a coroutine of `defined_in` as other crates have it: the crate itself leaves out
/// its own name.
pub fn with_crate(name: &str, defined_in: &str) -> String {
    match name.strip_prefix(ASYNC_FN[0]) {
        Some(path) if !path.starts_with('<') && !path.starts_with(&format!("{defined_in}::")) => {
            format!("{}{defined_in}::{path}", ASYNC_FN[0])
        }
        _ => name.to_owned(),
    }
}

/// `{async block@src/main.rs:3:5: 9:6}` as `{async block at main.rs:3}`, and
/// `{closure@net::run::{closure#0}}` as `{closure in run}`.
fn places(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(AT) {
        let (place, behind) = behind.split_at(end_of_braces(behind));
        short += before;
        if place.contains("::") {
            let path = place.split("::{").next().unwrap_or(place);
            short += &format!(" in {}", bare(last_segment(path)));
        } else {
            let mut parts = place.split(':');
            let file = parts.next().unwrap_or_default();
            let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
            short += &format!(" at {file}:{}", parts.next().unwrap_or_default());
        }
        rest = behind;
    }
    short + rest
}

/// Where the braces end that were opened before the text.
fn end_of_braces(text: &str) -> usize {
    let mut depth = 1;
    let end = text.char_indices().find(|&(_, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    end.map_or(text.len(), |(end, _)| end)
}

/// The text without the lifetimes among generic arguments and behind references.
fn without_lifetimes(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\'') {
        let end = behind.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(behind.len());
        let behind = &behind[end..];
        short += before;
        rest = behind.strip_prefix(", ").or(behind.strip_prefix(' ')).unwrap_or(behind);
        if rest.starts_with('>') {
            // An argument before it, or none at all.
            if short.ends_with('<') {
                short.pop();
                short.truncate(short.trim_end_matches("::").len());
                rest = &rest[1..];
            } else {
                short.truncate(short.trim_end_matches(", ").len());
            }
        }
    }
    short + rest
}

/// The text in which paths between brackets have only their last part. It is itself between as many
/// brackets as `depth` says.
fn without_paths(text: &str, mut depth: usize) -> String {
    let mut short = String::new();
    let mut path = String::new();
    let mut before = ' ';
    for c in text.chars() {
        if c.is_alphanumeric() || "_:#".contains(c) {
            path.push(c);
            continue;
        }
        short += last_part(&path, depth);
        path.clear();
        match c {
            '<' | '[' | '(' | '&' => depth += 1,
            // Arrows are no brackets.
            '>' if before == '-' => {}
            '>' | ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        short.push(c);
        before = c;
    }
    short + last_part(&path, depth)
}

/// The last part of a path that stands at some depth of brackets, with the type that it is a method
/// of. Outside of all, only a path in the standard library is shortened. What follows a bracket is
/// kept.
fn last_part(path: &str, depth: usize) -> &str {
    let is_known = LIBRARIES.iter().any(|library| path.starts_with(library));
    if path.starts_with("::") || (depth == 0 && !is_known) {
        return path;
    }
    let Some((before, last)) = path.rsplit_once("::") else { return path };
    let owner = before.rsplit("::").next().unwrap_or(before);
    if owner.starts_with(char::is_uppercase) {
        &path[path.len() - owner.len() - "::".len() - last.len()..]
    } else {
        last
    }
}

/// The short name of a coroutine in at most `width` characters: without generic arguments, if it is
/// longer, and without the modules that it begins with.
pub fn fit(short: &str, width: usize) -> String {
    if short.chars().count() <= width {
        return short.to_owned();
    }
    let bare = bare(short);
    let mut path = bare.as_str();
    let mut start = "";
    while start.chars().count() + path.chars().count() > width
        && !path.starts_with('<')
        && let Some((_, rest)) = path.split_once("::")
    {
        (start, path) = ("…", rest);
    }
    cut(&format!("{start}{path}"), width)
}

/// The text, cut to at most `width` characters in its middle.
pub fn cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let (head, tail) = (width.saturating_sub(1) * 2 / 3, (width.saturating_sub(1)).div_ceil(3));
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short() {
        let cases = [
            ("{async fn body of net::run<'_, bus::spi::Spi>()}", "net::run<Spi>"),
            ("{async fn body of net::run<'_>()}", "net::run"),
            ("{async fn body of net::run::<'_>()}", "net::run"),
            ("{async fn body of <net::Tcp<'_> as io::Read>::read()}", "<Tcp as Read>::read"),
            ("{async block@/a/b/main.rs:3:5: 9:6}", "{async block at main.rs:3}"),
            ("{closure@a::Bus<b::C>::enable<b::D>::{closure#0}}", "{closure in enable}"),
            ("Map<{closure@a::b::{closure#0}::{closure#1}}, u8>", "Map<{closure in b}, u8>"),
            ("core::option::Option<&'static mut [a::B; 4]>", "Option<&mut [B; 4]>"),
            ("join::Join<{async fn body of a::b()}, 'a>", "join::Join<b>"),
            ("fn(a::B) -> c::D", "fn(B) -> c::D"),
            ("[u8; 16]", "[u8; 16]"),
        ];
        for (name, expected) in cases {
            assert_eq!(short(name), expected, "{name}");
        }
    }

    #[test]
    fn types_have_no_paths() {
        assert_eq!(short_type("embassy_time::Timer"), "Timer");
        assert_eq!(short_type("{async fn body of a::B<c::D>::e()}"), "B<D>::e");
        assert_eq!(short_type("{async fn body of a::B<'_>::e()}"), "B::e");
        assert_eq!(short_type("[a::B; 4]"), "[B; 4]");
    }

    #[test]
    fn a_bare_type_has_no_arguments() {
        for (name, expected) in [
            ("Shell<Uart, Option<u8>>::run<u8>", "Shell::run"),
            ("Timer", "Timer"),
            ("&mut Pipe<u8>", "&mut Pipe<u8>"),
            ("<Tcp as Read>::read", "<Tcp as Read>::read"),
        ] {
            assert_eq!(bare(name), expected);
        }
    }

    #[test]
    fn the_own_crate_is_named_once() {
        let name = "{async fn body of net::run()}";
        assert_eq!(short_of_coroutine(name, "app"), "app::net::run");
        assert_eq!(short_of_coroutine(name, "net"), "net::run");
        let of_trait = "{async fn body of <Tcp as Read>::read()}";
        assert_eq!(short_of_coroutine(of_trait, "app"), "<Tcp as Read>::read");
    }

    #[test]
    fn long_names_fit_without_what_matters_least() {
        let name = "store::map::Map<Flash, Cache<u8>>::fetch";
        assert_eq!(fit(name, 40), name);
        assert_eq!(fit(name, 30), "store::map::Map::fetch");
        assert_eq!(fit(name, 15), "…Map::fetch");
    }

    #[test]
    fn long_names_are_cut_in_the_middle() {
        assert_eq!(cut("abcdefghij", 10), "abcdefghij");
        assert_eq!(cut("abcdefghijk", 10), "abcdef…ijk");
        assert_eq!(cut("abcdefghijk", 10).chars().count(), 10);
    }
}
