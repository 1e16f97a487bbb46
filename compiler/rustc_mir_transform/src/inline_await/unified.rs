//! Gives storage to locals that [`CopyProp`] puts in the place of their copies.
//!
//! ```text
//!   log(&id); send(id).await
//! ```
//!
//! Where `send` is inlined, `id` replaces the copy that `send` was passed. [`CopyProp`] removes the
//! storage of both. To those that are not borrowed [`storage`] gives it again. But a local that is
//! borrowed and whose storage never ends is saved at each suspension point after that, and shares
//! its memory with nothing: the future would be larger than with the awaitees in it.
//!
//! So the local gets storage from where it is assigned to where neither it nor a copy would have
//! been needed any more: until nothing reads any of them, and what is borrowed requires no storage,
//! since pointers may read that. A copy is never borrowed. That is found before [`CopyProp`] runs,
//! and inserted after it.
//!
//! [`CopyProp`] also puts the return place in the place of what is copied to it, and that has no
//! storage statements. So another local replaces it, and moves to it where the body returns.
//!
//! If there is a borrowed local to be unified with others, this takes the analyses that tell what
//! requires storage and what is live, and a walk through the body for each such local. Something
//! was inlined into it, so its code but for cleanup is bounded by
//! [`BODY_LIMIT`](crate::bodies_to_inline::BODY_LIMIT).
//!
//! # Soundness
//!
//! Each of these locals is assigned once, as [`SsaLocals`] has it, and that comes before each use
//! of it and of its copies. A local is live from where it is assigned to each of its uses, and
//! until there that is so of what it is a copy of. Pointers to what is borrowed are used only where
//! that requires storage. So there is storage from the assignment to each use, also on ways that
//! are never taken: merged suspension points have some. Only the terminator reads the return place
//! where a body returns.
//!
//! (`tests/ui/async-await/inline-await/borrowed-copies.rs`)
//!
//! [`CopyProp`]: crate::copy_prop::CopyProp
//! [`storage`]: super::storage

use rustc_data_structures::fx::{FxIndexMap, FxIndexSet};
use rustc_middle::mir::visit::{MutVisitor, PlaceContext};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::impls::{MaybeLiveLocals, always_storage_live_locals};
use rustc_mir_dataflow::{Analysis, ResultsCursor};
use tracing::debug;

use super::storage::Uses;
use crate::patch::MirPatch;
use crate::reachable::reachable_from;
use crate::required_storage::{RequiredStorage, with_required_storage};
use crate::ssa::SsaLocals;

/// What is to be done when `CopyProp` has run.
#[derive(Debug, Default)]
pub(super) struct Unified {
    /// Locals that are to get storage, by others that are mentioned where it ends. `CopyProp` moves
    /// statements, so their numbers do not tell where.
    by_marker: FxIndexMap<Local, Local>,
    /// What is to replace the return place, if that is unified with others.
    returned: Option<Local>,
}

impl Unified {
    /// Finds that before `CopyProp` runs, which goes by the same analysis.
    pub(super) fn find<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) -> Self {
        let ssa = SsaLocals::new(tcx, body, body.typing_env(tcx));
        let mut classes: FxIndexMap<Local, Vec<Local>> = FxIndexMap::default();
        for (local, &head) in ssa.copy_classes().iter_enumerated() {
            if local != head {
                classes.entry(head).or_insert_with(|| vec![head]).push(local);
            }
        }
        let mut unified = Unified::default();
        let mut patch = MirPatch::new(body);
        if classes.contains_key(&RETURN_PLACE) {
            unified.returned = Some(patch.new_temp(body.return_ty(), body.span));
        }
        // A class without any is for `storage` to look after.
        let is_borrowed = |local: Local| ssa.borrowed_locals().contains(local);
        classes.retain(|_, class| class.iter().any(|&local| is_borrowed(local)));
        if !classes.is_empty() {
            let live = MaybeLiveLocals.iterate_to_fixpoint(tcx, body, None);
            let mut live = ResultsCursor::new_borrowing(body, &live);
            with_required_storage(tcx, body, |_, required| {
                for (head, class) in classes {
                    let borrowed =
                        class.iter().copied().filter(|&local| is_borrowed(local)).collect();
                    let mut needed = Needed { class, borrowed, required, live: &mut live };
                    let local = match unified.returned {
                        Some(returned) if head == RETURN_PLACE => returned,
                        _ => head,
                    };
                    // No other statement mentions it, so `CopyProp` leaves it alone.
                    let marker = patch.new_temp(body.local_decls[head].ty, body.span);
                    unified.by_marker.insert(marker, local);
                    for end in needed.ends(body) {
                        let mention = Box::new(marker.into());
                        patch.add_statement(end, StatementKind::PlaceMention(mention));
                    }
                }
            });
        }
        patch.apply(body);
        debug!(?unified);
        unified
    }

    /// Gives the locals their storage, now that `CopyProp` has run.
    pub(super) fn give_storage<'tcx>(self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        // If the pass is switched off, they have their own.
        let has_none = always_storage_live_locals(body);
        if let Some(returned) = self.returned {
            // Storage of others is given later.
            let has_storage = self.by_marker.values().any(|&local| local == returned);
            replace_return_place(tcx, body, returned, has_storage);
        }
        if self.by_marker.is_empty() {
            return;
        }
        for data in body.basic_blocks.as_mut_preserves_cfg() {
            for statement in &mut data.statements {
                if let StatementKind::PlaceMention(place) = &statement.kind
                    && let Some(&local) = self.by_marker.get(&place.local)
                {
                    statement.kind = if has_none.contains(local) {
                        StatementKind::StorageDead(local)
                    } else {
                        StatementKind::Nop
                    };
                }
            }
        }
        // As `CopyProp` has left them.
        let uses = Uses::find(body);
        let mut patch = MirPatch::new(body);
        for local in self.by_marker.into_values().filter(|&local| has_none.contains(local)) {
            // It may be gone, if nothing uses it. An argument has storage in any case.
            let Some(definition) = uses.only_definition(local) else { continue };
            let successors = |block: BasicBlock| body.basic_blocks[block].terminator().successors();
            let in_a_loop = reachable_from(body, successors(definition.block), successors);
            if in_a_loop.contains(definition.block) {
                // A copy of the value before may have been there until now.
                patch.add_statement(definition, StatementKind::StorageDead(local));
            }
            patch.add_statement(definition, StatementKind::StorageLive(local));
        }
        patch.apply(body);
    }
}

/// Tells where locals that are to be unified are needed.
struct Needed<'c, 'a, 'mir, 'live, 'tcx> {
    class: Vec<Local>,
    /// Those of them that are borrowed.
    borrowed: Vec<Local>,
    required: &'c mut RequiredStorage<'a, 'mir, 'tcx>,
    live: &'c mut ResultsCursor<'live, 'tcx, MaybeLiveLocals>,
}

impl<'tcx> Needed<'_, '_, '_, '_, 'tcx> {
    /// Where none of the locals is needed any more.
    fn ends(&mut self, body: &Body<'tcx>) -> FxIndexSet<Location> {
        let mut ends = FxIndexSet::default();
        for (block, data) in traversal::reachable(body) {
            let is_live = self.live_within(block, data);
            self.required.seek_to_block_start(block);
            // What ends on the edge to this block ends at its start; see below.
            let mut was_needed = self.is_required() || is_live[0];
            for statement_index in 0..data.statements.len() {
                let location = Location { block, statement_index };
                self.required.seek_after_primary_effect(location);
                let is_needed = self.is_required() || is_live[statement_index + 1];
                if was_needed && !is_needed {
                    ends.insert(location.successor_within_block());
                }
                was_needed = is_needed;
            }
            // A call requires the storage of what it assigns.
            self.required.seek_before_primary_effect(body.terminator_loc(block));
            if !was_needed && !self.is_required() {
                continue;
            }
            for successor in data.terminator().successors() {
                self.required.seek_to_block_start(successor);
                self.live.seek_to_block_start(successor);
                if !self.is_required() && !self.is_live() {
                    ends.insert(successor.start_location());
                }
            }
        }
        ends
    }

    /// Whether a local is live in front of each statement of `block`, and of its terminator.
    fn live_within(&mut self, block: BasicBlock, data: &BasicBlockData<'tcx>) -> Vec<bool> {
        let mut is_live = vec![false; data.statements.len() + 1];
        // The analysis goes backward. So its effect on a statement tells what is live before that.
        for (statement_index, is_live) in is_live.iter_mut().enumerate().rev() {
            self.live.seek_after_primary_effect(Location { block, statement_index });
            *is_live = self.is_live();
        }
        is_live
    }

    fn is_required(&self) -> bool {
        self.borrowed.iter().any(|&local| self.required.get().contains(local))
    }

    fn is_live(&self) -> bool {
        self.class.iter().any(|&local| self.live.get().contains(local))
    }
}

/// Replaces the return place of `body` by `local`, which moves to it at the end.
fn replace_return_place<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &mut Body<'tcx>,
    local: Local,
    has_storage: bool,
) {
    ReplaceReturnPlace { tcx, local }.visit_body_preserves_cfg(body);
    let mut patch = MirPatch::new(body);
    for (block, data) in body.basic_blocks.iter_enumerated() {
        if let TerminatorKind::Return = data.terminator().kind {
            let moved = Rvalue::Use(Operand::Move(local.into()));
            let end = body.terminator_loc(block);
            patch.add_assign(end, Place::return_place(), moved);
            if has_storage {
                patch.add_statement(end, StatementKind::StorageDead(local));
            }
        }
    }
    patch.apply(body);
}

struct ReplaceReturnPlace<'tcx> {
    tcx: TyCtxt<'tcx>,
    local: Local,
}

impl<'tcx> MutVisitor<'tcx> for ReplaceReturnPlace<'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_local(&mut self, local: &mut Local, _: PlaceContext, _: Location) {
        if *local == RETURN_PLACE {
            *local = self.local;
        }
    }

    fn visit_terminator(&mut self, terminator: &mut Terminator<'tcx>, location: Location) {
        // What that reads is the return place itself.
        if !matches!(terminator.kind, TerminatorKind::Return) {
            self.super_terminator(terminator, location);
        }
    }
}
