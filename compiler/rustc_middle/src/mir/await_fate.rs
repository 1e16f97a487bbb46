//! What passes do with the awaits in a coroutine, for `-Zdump-coroutines`.

use rustc_macros::{HashStable, TyDecodable, TyEncodable, TypeFoldable, TypeVisitable};
use rustc_span::{Span, Symbol};

use crate::ty::Ty;

/// What a pass did with an await, or why it did nothing.
///
/// A pass may say more than one thing of an await, and several passes may. Of what one pass says
/// the last holds. What is said of the awaits in a body that is inlined goes with that body.
#[derive(Clone, Debug, TyEncodable, TyDecodable, HashStable, TypeFoldable, TypeVisitable)]
pub struct NotedAwait<'tcx> {
    /// The expression that awaits.
    pub span: Span,
    /// The type that is polled.
    pub awaitee: Ty<'tcx>,
    #[type_foldable(identity)]
    #[type_visitable(ignore)]
    pub fate: AwaitFate,
}

/// See [`NotedAwait`].
#[derive(Clone, Debug, TyEncodable, TyDecodable, HashStable)]
pub enum AwaitFate {
    /// The awaitee is never pending, so the await has no suspension point.
    NeverWaits,
    /// The same, in each instance of a generic body in which the awaitee is never pending.
    WaitsIfAwaiteeDoes,
    /// The body of the awaitee is a part of the body with the await.
    Inlined,
    /// It is not. The cost is that of the awaitee's body, where it is known. The limit is that of
    /// each of its copies in this body.
    NotInlined { reason: Symbol, cost: Option<usize>, limit: usize },
    /// The await shares the suspension point of the one at `with`.
    Merged { with: Span },
    /// It does not share that one.
    NotMerged { with: Span, reason: Symbol },
}
