//! Upvars that are not saved because they are left in their place.

use rustc_hir::def_id::DefId;
use rustc_middle::mir::CoroutineLayout;
use rustc_middle::ty::layout::{HasTyCtxt, LayoutCx, LayoutError, LayoutOf};
use rustc_middle::ty::{EarlyBinder, GenericArgsRef, TypeFlags, TypeVisitableExt};

/// Lays out each upvar of the coroutine with `layout` that is saved, as its body is written, before
/// what it awaits. It may have been left in its place since, and would be laid out later, without a
/// span. An error that it leads to, be it that the type contains itself or that it is too generic,
/// is then found where it is found with the flag off.
///
/// Other awaited types are not laid out: they may be inlined, and may hold the upvar in ever larger
/// types, so that the search would not end.
pub(super) fn check<'tcx>(
    cx: &LayoutCx<'tcx>,
    def_id: DefId,
    args: GenericArgsRef<'tcx>,
    layout: &CoroutineLayout<'tcx>,
) -> Result<(), &'tcx LayoutError<'tcx>> {
    let tcx = cx.tcx();
    // Otherwise its crate has not left any in its place.
    if layout.upvar_conflicts.is_none() {
        return Ok(());
    }
    let upvars = args.as_coroutine().upvar_tys();
    let Some(witnesses) = tcx.mir_coroutine_witnesses(def_id) else { return Ok(()) };
    for saved in &witnesses.field_tys {
        let ty = EarlyBinder::bind(saved.ty).instantiate(tcx, args);
        if upvars.contains(&ty) {
            cx.spanned_layout_of(ty, saved.source_info.span)?;
        } else if ty.has_type_flags(TypeFlags::HAS_TY_CORO) {
            break;
        }
    }
    Ok(())
}
