//! Asks which locals require storage.

use rustc_middle::mir::Body;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::impls::{MaybeBorrowedLocals, MaybeRequiresStorage};
use rustc_mir_dataflow::{Analysis, ResultsCursor};

/// Which locals require storage, at any location.
pub(crate) type RequiredStorage<'a, 'mir, 'tcx> =
    ResultsCursor<'mir, 'tcx, MaybeRequiresStorage<'a, 'tcx>>;

/// Calls `f` with what tells which locals of `body` require storage.
pub(crate) fn with_required_storage<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    f: impl FnOnce(&mut RequiredStorage<'_, '_, 'tcx>),
) {
    let borrowed = MaybeBorrowedLocals.iterate_to_fixpoint(tcx, body, None);
    let required = MaybeRequiresStorage::new(ResultsCursor::new_borrowing(body, &borrowed))
        .iterate_to_fixpoint(tcx, body, None);
    f(&mut ResultsCursor::new_borrowing(body, &required));
}
