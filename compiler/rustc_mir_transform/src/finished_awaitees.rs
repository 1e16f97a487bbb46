//! Removes the drops of awaitees that have been polled to completion.
//!
//! # Motivation
//!
//! An await drops its awaitee after the last poll. A coroutine has nothing left by then: it has
//! returned its answer, and dropped everything else on its way. But only a state in memory says so,
//! and the drop glue has to read it. That is a call after each await, of glue that nothing else
//! needs if nobody cancels the future. LLVM cannot see the state unless it inlines the poll.
//!
//! # The transformation
//!
//! ```text
//!   poll:
//!     answer = <F as Future>::poll(pinned, context) -> [return: switch, unwind: cleanup]
//!   switch:
//!     switchInt(discriminant(answer)) -> [0: ready, 1: pending]
//!   ready:
//!     ..; drop(awaitee) -> [return: next, unwind: ..]
//!   cleanup:
//!     drop(awaitee) -> next_cleanup
//! ```
//! becomes
//! ```text
//!   ready:
//!     ..; goto -> next
//!   cleanup:
//!     goto -> next_cleanup
//! ```
//!
//! if `awaitee` is the coroutine of an async fn, block or closure. The drop of a future that is
//! cancelled, after `pending`, stays.
//!
//! What a generic awaitee is can be told only when code is generated. There the pass puts a switch
//! on the constant `FutureFacts::<F>::FINISHED_IS_EMPTY` before the drop. The collector and codegen
//! evaluate it for each instance, as they do for [`ElideNoAwait`].
//!
//! For each await that takes a walk through the blocks up to where the storage of its awaitee ends,
//! and no further than [`BLOCKS_LIMIT`] blocks.
//!
//! # Soundness
//!
//! * **The drop does nothing.** A coroutine that has returned `Ready`, or has unwound, is
//!   *returned* or *poisoned*. In both states its glue returns at once, whatever crate it is from.
//!   A coroutine without a state, which [`ElideNoAwait`] makes, has no upvar that needs drop.
//! * **The awaitee has returned or unwound.** A drop is removed if every path from the assignment
//!   of the awaitee to the drop goes through the answer `Ready` of the await's own poll, or through
//!   the unwinding of that poll. Nothing else polls the awaitee of an await by value, see the page
//!   of [`awaits`](crate::awaits). The other calls of an await, `Pin::new_unchecked` and
//!   `get_context`, do not unwind. (`tests/ui/async-await/finished-awaitees/behaviour.rs`)
//!
//! # Left for later
//!
//! * Futures that code written by hand polls: a coroutine in a `Pin<Box<_>>`, a task that has
//!   ended, what `select` and `join` have run to completion.
//!
//! [`ElideNoAwait`]: crate::elide_no_await::ElideNoAwait

use rustc_data_structures::fx::{FxHashMap, FxHashSet};
use rustc_hir::LangItem;
use rustc_middle::mir::*;
use rustc_middle::ty::{self, TyCtxt};
use tracing::debug;

use crate::async_bodies::AsyncPass;
use crate::awaits::{Await, BLOCKS_LIMIT, ends_storage, find_awaits};
use crate::elide_no_await::fact_of;
use crate::patch::MirPatch;

pub(super) struct FinishedAwaitees;

impl AsyncPass for FinishedAwaitees {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        let awaits = find_awaits(tcx, body);
        if awaits.is_empty() {
            return;
        }
        let drops = drops_of_locals(body);
        let mut patch = MirPatch::new(body);
        for found in awaits {
            // Of a future written by hand nobody knows what is left in it.
            let is_empty = tcx.finished_is_empty(found.awaitee);
            // An alias or a parameter may turn out to be a coroutine.
            if is_empty || matches!(found.awaitee.kind(), ty::Alias(..) | ty::Param(_)) {
                let drops = drops.get(&found.local).map_or(&[][..], Vec::as_slice);
                drop_unfinished_only(tcx, body, &found, drops, is_empty, &mut patch);
            }
        }
        patch.apply(body);
    }
}

/// The blocks that end in the drop of a local.
fn drops_of_locals(body: &Body<'_>) -> FxHashMap<Local, Vec<BasicBlock>> {
    let mut drops: FxHashMap<_, Vec<_>> = FxHashMap::default();
    for (block, data) in body.basic_blocks.iter_enumerated() {
        if let TerminatorKind::Drop { place, .. } = data.terminator().kind
            // An await drops its awaitee as a whole.
            && let Some(local) = place.as_local()
        {
            drops.entry(local).or_default().push(block);
        }
    }
    drops
}

/// Removes those of `drops` that drop a finished awaitee if it `is_empty`. Otherwise makes them
/// depend on what the awaitee turns out to be.
fn drop_unfinished_only<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    found: &Await<'tcx>,
    drops: &[BasicBlock],
    is_empty: bool,
    patch: &mut MirPatch<'tcx>,
) {
    // The walk has bounds, so what it did not see may be unfinished: then all drops stay.
    let Some(unfinished) = unfinished_blocks(body, found) else { return };
    for &block in drops.iter().filter(|&block| !unfinished.contains(block)) {
        let data = &body.basic_blocks[block];
        let terminator = data.terminator();
        let TerminatorKind::Drop { target, .. } = terminator.kind else { continue };
        debug!(?block, awaitee = ?found.awaitee, is_empty, "drops what is finished");
        if is_empty {
            patch.patch_terminator(block, TerminatorKind::Goto { target });
            continue;
        }
        let span = terminator.source_info.span;
        // Another `core` may lack the constant. Then the drop stays.
        let fact = fact_of(tcx, LangItem::FinishedIsEmpty, found.awaitee, span);
        let Some(discr) = fact else { return };
        // The drop moves to a block of its own, and the fact decides whether control gets there.
        let drop = BasicBlockData::new(Some(terminator.clone()), data.is_cleanup);
        let targets = SwitchTargets::static_if(0, patch.new_block(drop), target);
        patch.patch_terminator(block, TerminatorKind::SwitchInt { discr, targets });
    }
}

/// The blocks in which the awaitee may be neither returned nor poisoned when their terminator runs.
/// `None` if there are too many.
fn unfinished_blocks(body: &Body<'_>, found: &Await<'_>) -> Option<FxHashSet<BasicBlock>> {
    let mut unfinished = FxHashSet::default();
    // Which successors are taken depends on the block, and there is a limit: no `reachable_from`.
    let mut waiting = vec![found.assigned.block];
    while let Some(block) = waiting.pop() {
        if !unfinished.insert(block) {
            continue;
        }
        if unfinished.len() > BLOCKS_LIMIT {
            debug!(?found, "has too many blocks after it");
            return None;
        }
        // It has no value from there on until it is assigned again, in the block where this starts.
        if block != found.assigned.block && ends_storage(&body.basic_blocks[block], found.local) {
            continue;
        }
        let terminator = body.basic_blocks[block].terminator();
        // If the poll unwinds the awaitee is poisoned. The other two calls only move a pointer.
        let never_unwinds = [found.new_unchecked, found.get_context].contains(&block);
        let unwinding = match terminator.unwind() {
            Some(&UnwindAction::Cleanup(cleanup)) if block == found.poll || never_unwinds => {
                Some(cleanup)
            }
            _ => None,
        };
        // A generic await that is never pending has that case lead to ready, too.
        let is_ready = block == found.switch || block == found.pending && is_guard(terminator);
        let is_taken = |target| Some(target) != unwinding && !(is_ready && target == found.ready);
        waiting.extend(terminator.successors().filter(|&target| is_taken(target)));
    }
    Some(unfinished)
}

/// Whether where the terminator leads is constant in an instance.
fn is_guard(terminator: &Terminator<'_>) -> bool {
    matches!(terminator.kind, TerminatorKind::SwitchInt { discr: Operand::Constant(_), .. })
}
