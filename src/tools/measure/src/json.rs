//! What the reports for programs are made of.

use serde::{Serialize, Serializer};

use crate::passes::Variant;

/// An object whose keys stay in their order.
#[derive(Debug)]
pub struct Ordered<'a, T>(pub Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for Ordered<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// The flags of each variant, by its name.
fn flags(variants: &[Variant]) -> Ordered<'_, &[String]> {
    let pairs = variants.iter().map(|variant| (variant.name.as_str(), &variant.rustflags[..]));
    Ordered(pairs.collect())
}

/// JSON that people can read, too, with a line break at the end.
pub fn pretty(value: &impl Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// A report as JSON: the first line of `rustc -vV`, the flags of each variant, and the fields of
/// `results`.
pub fn render<T: Serialize>(
    compiler: &str,
    variants: &[Variant],
    results: T,
) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Root<'a, T> {
        compiler: &'a str,
        flags: Ordered<'a, &'a [String]>,
        #[serde(flatten)]
        results: T,
    }
    pretty(&Root { compiler, flags: flags(variants), results })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_in_their_order() {
        let text = pretty(&Ordered(vec![("off", 2), ("on", 1), ("a", 3)])).unwrap();
        assert_eq!(text, "{\n  \"off\": 2,\n  \"on\": 1,\n  \"a\": 3\n}\n");
    }
}
