//! What the compiler knows of a future once its type is known.

use crate::intrinsics;
use crate::marker::PhantomData;

/// The facts about an `F`.
///
/// The compiler refers to these constants from generic code that awaits an `F`, where it cannot
/// tell yet what they are.
#[doc(hidden)]
#[unstable(feature = "future_facts", issue = "none")]
#[allow(missing_debug_implementations)]
pub struct FutureFacts<F: ?Sized>(PhantomData<F>);

impl<F: ?Sized> FutureFacts<F> {
    /// Whether the compiler can prove that the first poll of an `F` does not return `Pending`.
    #[lang = "never_pending"]
    #[unstable(feature = "future_facts", issue = "none")]
    pub const NEVER_PENDING: bool = intrinsics::never_pending::<F>();

    /// Whether the compiler can prove that the drop of an `F` does nothing when its last poll
    /// returned `Ready` or unwound.
    #[lang = "finished_is_empty"]
    #[unstable(feature = "future_facts", issue = "none")]
    pub const FINISHED_IS_EMPTY: bool = intrinsics::finished_is_empty::<F>();
}
