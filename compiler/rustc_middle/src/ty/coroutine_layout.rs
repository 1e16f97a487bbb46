//! Whose body a coroutine has, its layout while that body is still being optimized, and whether it
//! may wait for a drop.

use rustc_hir::def_id::DefId;

use super::layout::LayoutError;
use super::{ClosureKind, GenericArgsRef, Ty, TyCtxt};
use crate::mir::CoroutineLayout;

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

    /// The layout of a coroutine of this crate, from its body as it is before it is optimized, or
    /// `None` if it is to be read off the optimized body. With `-Zasync-returned-panic=no` the
    /// inliner may go into that body, and then the optimizations of the body ask for the layout of
    /// the coroutine itself, by the size of a type for instance.
    pub(super) fn layout_of_unoptimized_coroutine(
        self,
        def_id: DefId,
        args: GenericArgsRef<'tcx>,
    ) -> Option<Result<&'tcx CoroutineLayout<'tcx>, &'tcx LayoutError<'tcx>>> {
        if self.sess.opts.unstable_opts.async_returned_panic || !def_id.is_local() {
            return None;
        }
        let body = self.coroutine_body_def_id(def_id, args).expect_local();
        let layout = self.unoptimized_coroutine_layout(body);
        let unknown = || LayoutError::Unknown(Ty::new_coroutine(self, def_id, args));
        Some(layout.ok_or_else(|| &*self.arena.alloc(unknown())))
    }
}
