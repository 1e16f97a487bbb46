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
pub fn flags(variants: &[Variant]) -> Ordered<'_, &[String]> {
    let pairs = variants.iter().map(|variant| (variant.name.as_str(), &variant.rustflags[..]));
    Ordered(pairs.collect())
}

/// A report as JSON that people can read, too, with a line break at the end.
pub fn render(report: &impl Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_in_their_order() {
        let text = render(&Ordered(vec![("off", 2), ("on", 1), ("a", 3)])).unwrap();
        assert_eq!(text, "{\n  \"off\": 2,\n  \"on\": 1,\n  \"a\": 3\n}\n");
    }
}
