//! What the compiler knows of a future that is finished, once its type is known.

use crate::intrinsics;
use crate::marker::PhantomData;

/// Stands for an `F` that has been polled for the last time.
///
/// The compiler refers to it from generic code that awaits an `F`, where it cannot tell yet whether
/// something is left to be dropped after that.
#[lang = "finished_is_empty"]
#[doc(hidden)]
#[unstable(feature = "finished_is_empty", issue = "none")]
#[allow(missing_debug_implementations)]
pub struct FinishedIsEmpty<F: ?Sized>(PhantomData<F>);

impl<F: ?Sized> FinishedIsEmpty<F> {
    /// Whether the compiler can prove that the drop of an `F` does nothing when its last poll
    /// returned `Ready` or unwound.
    #[unstable(feature = "finished_is_empty", issue = "none")]
    pub const ANSWER: bool = intrinsics::finished_is_empty::<F>();
}
