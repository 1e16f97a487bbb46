//! What a server answered.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// A map that is the same in every run.
pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// What came of all requests.
pub struct Answers {
    /// A number that depends on every answer.
    pub checksum: u64,
    /// The main futures: the name and the bytes of each.
    pub futures: Vec<(&'static str, usize)>,
}

/// A number that depends on both: the checksum before, and the next answer.
pub fn mix(before: u64, answer: u64) -> u64 {
    (before.rotate_left(5) ^ answer).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
