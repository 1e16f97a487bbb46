//! Numbers that depend on all that came before.

/// A number that depends on every bit of both: the work of the futures, and the checksum of it.
pub fn mix(before: u32, value: u32) -> u32 {
    (before.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9)
}
