//! What a program prints.

/// What a program prints in its one line: the mode, a checksum, and words such as `allocated=200`
/// or `client=96`. Words of another kind are not for this tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Printed {
    /// A word that depends on all that the program did.
    pub checksum: String,
    /// The bytes that were allocated, if the program counts them. It prints them as `allocated`.
    pub allocated: Option<u64>,
    /// The main futures, which are all other names: the name and the bytes of each.
    pub futures: Vec<(String, u64)>,
}

impl Printed {
    /// Reads `text`, which is of a run in this `mode`. There is none without a checksum.
    pub fn read(text: &str, mode: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        if words.next()? != mode {
            return None;
        }
        let checksum = words.next()?.to_owned();
        let mut printed = Printed { checksum, allocated: None, futures: Vec::new() };
        for (name, bytes) in words.filter_map(|word| word.split_once('=')) {
            let bytes = bytes.parse().ok()?;
            match name {
                "allocated" => printed.allocated = Some(bytes),
                _ => printed.futures.push((name.to_owned(), bytes)),
            }
        }
        Some(printed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_word_behind_the_mode() {
        let printed = Printed::read("sync 12 40\n", "sync").unwrap();
        let expected = Printed { checksum: "12".into(), allocated: None, futures: vec![] };
        assert_eq!(printed, expected);
    }

    #[test]
    fn names_have_bytes() {
        let printed = Printed::read("kv 1 allocated=200 a=96 b=8", "kv").unwrap();
        assert_eq!(printed.allocated, Some(200));
        assert_eq!(printed.futures, [("a".to_owned(), 96), ("b".to_owned(), 8)]);
    }

    #[test]
    fn what_is_printed_otherwise_is_none() {
        for text in ["", "kv", "mesh 12", "kv 1 allocated=many"] {
            assert_eq!(Printed::read(text, "kv"), None, "{text}");
        }
    }
}
