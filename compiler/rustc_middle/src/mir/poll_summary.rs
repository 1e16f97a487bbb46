//! What a poll function says of itself to those who await it.

use rustc_macros::{HashStable, TyDecodable, TyEncodable, TypeFoldable, TypeVisitable};

use super::Const;
use crate::ty::Ty;

/// Why the first poll of a future does not answer `Pending`.
///
/// Whoever awaits a future by value polls it first in the state it was made in. If that poll cannot
/// be `Pending`, then the await needs no suspension point. Whether it can is for the awaitees of
/// the future to say in turn, and for those that are generic, only once they are known.
///
/// It is computed by the query `poll_summary`, and recorded for other crates.
#[derive(
    Clone, Debug, PartialEq, Eq, TyEncodable, TyDecodable, HashStable, TypeFoldable, TypeVisitable,
)]
pub struct PollSummary<'tcx> {
    /// The types that are awaited by value in the body. If the first poll of none of them is
    /// `Pending`, then the first poll of this future is not `Pending` either.
    pub awaitees: Vec<Ty<'tcx>>,

    /// What the future is ready with, if all that it does is to answer this constant.
    pub answer: Option<Const<'tcx>>,
}
