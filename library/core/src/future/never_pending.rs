//! What the compiler knows of a future once its type is known.

use crate::intrinsics;
use crate::marker::PhantomData;

/// Stands for the first poll of an `F`.
///
/// The compiler refers to it from generic code that awaits an `F`, where it cannot tell yet whether
/// that await ever has to wait.
#[lang = "never_pending"]
#[doc(hidden)]
#[unstable(feature = "never_pending", issue = "none")]
#[allow(missing_debug_implementations)]
pub struct NeverPending<F: ?Sized>(PhantomData<F>);

impl<F: ?Sized> NeverPending<F> {
    /// Whether the compiler can prove that the first poll of an `F` does not return `Pending`.
    #[unstable(feature = "never_pending", issue = "none")]
    pub const ANSWER: bool = intrinsics::never_pending::<F>();
}
