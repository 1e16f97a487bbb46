//! Computes which locals a coroutine has to save at its suspension points.
//!
//! The state transform asks this to lay the coroutine out. The passes before it ask what it is
//! going to save: one answer for all of them.

use rustc_data_structures::fx::FxIndexMap;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::*;
use rustc_middle::ty::{self, TyCtxt};
use rustc_mir_dataflow::impls::MaybeLiveLocals;
use rustc_mir_dataflow::{Analysis, ResultsCursor};

use crate::required_storage::{BorrowedLocals, RequiredStorage, with_required_storage};

/// The locals that are saved, by the block that suspends.
pub(crate) type SavedLocals = FxIndexMap<BasicBlock, DenseBitSet<Local>>;

/// The locals that are saved where `block` suspends. `borrowed` is `None` for a coroutine that can
/// be moved while it is suspended: no borrow may live across its suspension points.
pub(crate) fn saved_at<'tcx>(
    body: &Body<'tcx>,
    block: BasicBlock,
    live: &mut ResultsCursor<'_, 'tcx, MaybeLiveLocals>,
    borrowed: Option<&mut BorrowedLocals<'_, 'tcx>>,
    required: &mut RequiredStorage<'_, '_, 'tcx>,
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
    required.seek_before_primary_effect(suspension);
    saved.intersect(required.get());
    saved
}

/// The locals that an async body saves, at whichever suspension point.
pub(crate) fn all_saved_locals<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> DenseBitSet<Local> {
    let mut all = DenseBitSet::new_empty(body.local_decls.len());
    for saved in saved_locals(tcx, body).values() {
        all.union(saved);
    }
    all
}

/// The locals that an async body saves.
pub(crate) fn saved_locals<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> SavedLocals {
    let suspends = |(block, data): (BasicBlock, &BasicBlockData<'tcx>)| {
        matches!(data.terminator().kind, TerminatorKind::Yield { .. }).then_some(block)
    };
    let blocks: Vec<_> = body.basic_blocks.iter_enumerated().filter_map(suspends).collect();
    // Three analyses of a body take time, and many never suspend.
    if blocks.is_empty() {
        return SavedLocals::default();
    }
    let mut live = MaybeLiveLocals.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body);
    with_required_storage(tcx, body, |borrowed, required| {
        let saved_at = |block| {
            let mut saved = saved_at(body, block, &mut live, Some(&mut *borrowed), required);
            // This is the coroutine itself, where all the others are saved.
            saved.remove(ty::CAPTURE_STRUCT_LOCAL);
            (block, saved)
        };
        blocks.into_iter().map(saved_at).collect()
    })
}
