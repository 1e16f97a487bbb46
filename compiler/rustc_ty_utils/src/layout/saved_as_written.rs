//! What a coroutine saved before passes changed that.

use rustc_middle::mir::CoroutineLayout;
use rustc_middle::ty::layout::{HasTyCtxt, LayoutCx, LayoutError, LayoutOf};
use rustc_middle::ty::{EarlyBinder, GenericArgsRef};

/// Lays out what the body of the coroutine with `layout` saves as it is written, as far as that may
/// hold coroutines. Passes may have inlined some of it, or left it in its place. An error that it
/// leads to, be it that the type contains itself or that it is too generic, is then found where it
/// is found with the flag off.
pub(super) fn check<'tcx>(
    cx: &LayoutCx<'tcx>,
    args: GenericArgsRef<'tcx>,
    layout: &CoroutineLayout<'tcx>,
) -> Result<(), &'tcx LayoutError<'tcx>> {
    for &(ty, span) in &layout.saved_as_written {
        cx.spanned_layout_of(EarlyBinder::bind(ty).instantiate(cx.tcx(), args), span)?;
    }
    Ok(())
}
