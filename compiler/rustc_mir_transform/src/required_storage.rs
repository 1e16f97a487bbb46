//! Asks which locals require storage.

use rustc_middle::mir::Body;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::impls::{MaybeBorrowedLocals, MaybeRequiresStorage};
use rustc_mir_dataflow::{Analysis, ResultsCursor};

/// Which locals may be borrowed, at any location.
pub(crate) type BorrowedLocals<'mir, 'tcx> = ResultsCursor<'mir, 'tcx, MaybeBorrowedLocals>;

/// Which locals require storage, at any location.
pub(crate) type RequiredStorage<'a, 'mir, 'tcx> =
    ResultsCursor<'mir, 'tcx, MaybeRequiresStorage<'a, 'tcx>>;

/// Calls `f` with what tells which locals of `body` may be borrowed, and which require storage: the
/// second follows from the first.
pub(crate) fn with_required_storage<'tcx, R>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    f: impl FnOnce(&mut BorrowedLocals<'_, 'tcx>, &mut RequiredStorage<'_, '_, 'tcx>) -> R,
) -> R {
    let borrowed = MaybeBorrowedLocals.iterate_to_fixpoint(tcx, body, None);
    let required = MaybeRequiresStorage::new(ResultsCursor::new_borrowing(body, &borrowed))
        .iterate_to_fixpoint(tcx, body, None);
    f(
        &mut ResultsCursor::new_borrowing(body, &borrowed),
        &mut ResultsCursor::new_borrowing(body, &required),
    )
}
