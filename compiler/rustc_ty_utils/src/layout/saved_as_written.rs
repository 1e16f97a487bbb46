//! What a coroutine saved before passes changed that.

use rustc_middle::mir::CoroutineLayout;
use rustc_middle::ty::layout::{HasTyCtxt, LayoutCx, LayoutError, LayoutOf};
use rustc_middle::ty::{EarlyBinder, GenericArgsRef, Ty};

/// Lays out what the body of the coroutine with `layout` saves as it is written, as far as that may
/// hold coroutines. Passes may have inlined some of it, or left it in its place. An error that it
/// leads to, be it that the type contains itself, is too generic, or nests too deep, is then found
/// where it is found with the flag off.
pub(super) fn check<'tcx>(
    cx: &LayoutCx<'tcx>,
    args: GenericArgsRef<'tcx>,
    layout: &CoroutineLayout<'tcx>,
) -> Result<(), &'tcx LayoutError<'tcx>> {
    let tcx = cx.tcx();
    for &(ty, span) in &layout.saved_as_written {
        // As the layout of a coroutine does with what it saves. It takes more queries, and there is
        // a limit to how deep they may be.
        let ty = Ty::new_maybe_uninit(tcx, EarlyBinder::bind(ty).instantiate(tcx, args));
        cx.spanned_layout_of(ty, span)?;
    }
    Ok(())
}
