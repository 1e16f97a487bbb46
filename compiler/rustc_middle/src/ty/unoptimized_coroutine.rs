//! The layout of a coroutine while its body is being optimized.

use rustc_hir::def_id::DefId;

use super::layout::LayoutError;
use super::{GenericArgsRef, Ty, TyCtxt};
use crate::mir::CoroutineLayout;

impl<'tcx> TyCtxt<'tcx> {
    /// The layout of a coroutine of this crate, from its body as it is before it is optimized, or
    /// `None` if it is to be read off the optimized body. With `-Zasync-returned-panic=no` the
    /// inliner may go into that body, and then the optimizations of the body ask for the layout of
    /// the coroutine itself, by the size of a type for instance.
    pub(super) fn layout_of_unoptimized_coroutine(
        self,
        def_id: DefId,
        args: GenericArgsRef<'tcx>,
    ) -> Option<Result<&'tcx CoroutineLayout<'tcx>, &'tcx LayoutError<'tcx>>> {
        if !self.sess.opts.unstable_opts.async_returned_panic.is_no() || !def_id.is_local() {
            return None;
        }
        let body = self.coroutine_body_def_id(def_id, args).expect_local();
        let layout = self.unoptimized_coroutine_layout(body);
        let unknown = || LayoutError::Unknown(Ty::new_coroutine(self, def_id, args));
        Some(layout.ok_or_else(|| &*self.arena.alloc(unknown())))
    }
}
