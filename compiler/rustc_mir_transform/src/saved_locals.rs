//! Computes which locals a coroutine has to save at its suspension points.
//!
//! The state transform asks this to lay the coroutine out. The passes before it ask what it is
//! going to save: one answer for all of them.

use rustc_data_structures::fx::FxIndexMap;
use rustc_index::bit_set::{BitMatrix, DenseBitSet};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, TyCtxt};
use rustc_mir_dataflow::impls::{
    MaybeBorrowedLocals, MaybeLiveLocals, MaybeRequiresStorage, always_storage_live_locals,
};
use rustc_mir_dataflow::{Analysis, Results, ResultsCursor};

use crate::coroutine::{CoroutineSavedLocals, compute_storage_conflicts};

/// The locals that are saved where `block` suspends. `borrowed` is `None` for a coroutine that can
/// be moved while it is suspended: no borrow may live across its suspension points.
pub(crate) fn saved_at<'tcx>(
    body: &Body<'tcx>,
    block: BasicBlock,
    live: &mut ResultsCursor<'_, 'tcx, MaybeLiveLocals>,
    borrowed: Option<&mut ResultsCursor<'_, 'tcx, MaybeBorrowedLocals>>,
    requires_storage: &mut ResultsCursor<'_, 'tcx, MaybeRequiresStorage<'_, 'tcx>>,
) -> DenseBitSet<Local> {
    let suspension = body.terminator_loc(block);
    live.seek_to_block_end(block);
    let mut saved = live.get().clone();
    if let Some(borrowed) = borrowed {
        // A borrow may have become a raw pointer, so it lives as long as the storage.
        borrowed.seek_before_primary_effect(suspension);
        saved.union(borrowed.get());
    }
    // A local that was moved, or whose storage has ended, has nothing to save.
    requires_storage.seek_before_primary_effect(suspension);
    saved.intersect(requires_storage.get());
    saved
}

/// What an async body saves.
pub(crate) struct Saved {
    /// The locals that are saved, by the block that suspends.
    pub(crate) at: FxIndexMap<BasicBlock, DenseBitSet<Local>>,
    /// Which of them need storage at the same time, and so cannot share a place in the coroutine.
    pub(crate) conflicts: BitMatrix<Local, Local>,
}

impl Saved {
    pub(crate) fn in_body<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Saved {
        let borrowed = MaybeBorrowedLocals.iterate_to_fixpoint(tcx, body, None);
        let requires_storage = requires_storage(tcx, body, &borrowed);
        let at = saved_by_block(tcx, body, &borrowed, &requires_storage);
        let mut saved = DenseBitSet::new_empty(body.local_decls.len());
        for of_block in at.values() {
            saved.union(of_block);
        }
        let locals: Vec<_> = saved.iter().collect();
        let saved = CoroutineSavedLocals(saved);
        let always_live = always_storage_live_locals(body);
        let by_index = compute_storage_conflicts(body, &saved, always_live, &requires_storage);
        let mut conflicts = BitMatrix::new(body.local_decls.len(), body.local_decls.len());
        for index in by_index.rows() {
            for other in by_index.iter(index) {
                conflicts.insert(locals[index.index()], locals[other.index()]);
            }
        }
        Saved { at, conflicts }
    }
}

/// The locals that an async body saves, by the block that suspends.
pub(crate) fn saved_locals<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
) -> FxIndexMap<BasicBlock, DenseBitSet<Local>> {
    let borrowed = MaybeBorrowedLocals.iterate_to_fixpoint(tcx, body, None);
    let requires_storage = requires_storage(tcx, body, &borrowed);
    saved_by_block(tcx, body, &borrowed, &requires_storage)
}

fn requires_storage<'a, 'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &'a Body<'tcx>,
    borrowed: &'a Results<'tcx, MaybeBorrowedLocals>,
) -> Results<'tcx, MaybeRequiresStorage<'a, 'tcx>> {
    MaybeRequiresStorage::new(ResultsCursor::new_borrowing(body, borrowed))
        .iterate_to_fixpoint(tcx, body, None)
}

fn saved_by_block<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    borrowed: &Results<'tcx, MaybeBorrowedLocals>,
    requires_storage: &Results<'tcx, MaybeRequiresStorage<'_, 'tcx>>,
) -> FxIndexMap<BasicBlock, DenseBitSet<Local>> {
    let mut requires_storage = ResultsCursor::new_borrowing(body, requires_storage);
    let mut borrowed = ResultsCursor::new_borrowing(body, borrowed);
    let mut live = MaybeLiveLocals.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body);
    let suspends = |(block, data): (BasicBlock, &BasicBlockData<'tcx>)| {
        matches!(data.terminator().kind, TerminatorKind::Yield { .. }).then_some(block)
    };
    body.basic_blocks
        .iter_enumerated()
        .filter_map(suspends)
        .map(|block| {
            let borrowed = Some(&mut borrowed);
            let mut saved = saved_at(body, block, &mut live, borrowed, &mut requires_storage);
            // This is the coroutine itself, where all the others are saved.
            saved.remove(ty::CAPTURE_STRUCT_LOCAL);
            (block, saved)
        })
        .collect()
}
