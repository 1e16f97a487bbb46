//! Whose body a coroutine has, and whether it may wait for a drop.

use rustc_hir::def_id::DefId;

use super::{ClosureKind, GenericArgsRef, TyCtxt};

impl<'tcx> TyCtxt<'tcx> {
    /// The item whose MIR is the body of the coroutine of `def_id` and `args`. That is `def_id`
    /// itself, but for the coroutine of an async closure that is consumed by its call.
    pub fn coroutine_body_def_id(self, def_id: DefId, args: GenericArgsRef<'tcx>) -> DefId {
        if self.needs_coroutine_by_move_body_def_id(def_id)
            && args.as_coroutine().kind_ty().to_opt_closure_kind() == Some(ClosureKind::FnOnce)
        {
            self.coroutine_by_move_body_def_id(def_id)
        } else {
            def_id
        }
    }

    /// Whether a coroutine of this crate may drop a value asynchronously. Where `async_drop` is not
    /// enabled it does so all the same with a type of a crate where it is.
    pub fn may_drop_async(self) -> bool {
        self.features().async_drop()
            || self
                .lang_items()
                .async_drop_trait()
                .is_some_and(|async_drop| self.all_impls(async_drop).next().is_some())
    }
}
