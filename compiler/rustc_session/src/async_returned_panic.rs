//! The values of `-Zasync-returned-panic`.

/// What a future does that is polled although it has nothing left to do, and with that, whether
/// async bodies are optimized on the ground that it does not panic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AsyncReturnedPanic {
    /// It panics.
    #[default]
    Yes,
    /// It is pending, or answers again with what it computes from constants. Async bodies are
    /// optimized where other bodies are.
    No,
    /// The same, and async bodies are optimized at opt-level 0, too.
    NoAtAllLevels,
}

impl AsyncReturnedPanic {
    /// What an error says that is allowed.
    pub(crate) const ALLOWED: &str =
        "a boolean (`yes`, `no`, `on`, `off`, etc.), or `no-at-all-levels`";

    /// Reads a value, and says whether it is one.
    pub(crate) fn parse(slot: &mut AsyncReturnedPanic, value: Option<&str>) -> bool {
        *slot = match value {
            None | Some("y" | "yes" | "on" | "true") => AsyncReturnedPanic::Yes,
            Some("n" | "no" | "off" | "false") => AsyncReturnedPanic::No,
            Some("no-at-all-levels") => AsyncReturnedPanic::NoAtAllLevels,
            Some(_) => return false,
        };
        true
    }

    /// Whether such a future does not panic.
    pub fn is_no(self) -> bool {
        self != AsyncReturnedPanic::Yes
    }
}
