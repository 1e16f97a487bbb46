//! Uses one local for an upvar of an inlined body and for the argument that it is moved to.
//!
//! ```text
//!     _3 = move (_1.0: T);           (nothing)
//!     ..
//!     _4 = move _3;                  (nothing)
//!     _5 = &mut _4;             to   _5 = &mut _4;
//! ```
//!
//! Each upvar becomes a local of the caller, and behind the move to `_4` nothing is left in it. Yet
//! both would be saved if suspension points come before the move and behind it, and they could not
//! share their memory: at the move both are needed. [`CopyProp`] makes one local of the two only if
//! neither is borrowed mutably, as `pin!` does.
//!
//! So `_4` becomes the upvar's local from the start. [`upvars_in_place`] says for which locals that
//! is sound, and why: the upvar's value moves there once, nothing else uses the upvar, and wherever
//! the local gets another value the move has run. Two things are different here:
//!
//! * The local's storage begins with the inlined body now. There must be no end of it before the
//!   move, as there is in a loop that moves the upvar only when it is left. So of its storage
//!   statements those stay that the move dominates, and the others go. Those that stay never come
//!   before the move, since that is on no cycle. Nor do they come behind one that goes, once the
//!   move has run: there would be a way to them around the move. So an end that goes there is made
//!   up for where the inlined body ends. If a begin may go there the local is left alone.
//! * Drops of the upvar become drops of the local. Behind the end of its storage a drop flag may
//!   say that the upvar has been moved, and MIR has to see storage there all the same. So the
//!   storage begins anew, without a value that would be saved.
//! * `into_future` stays where it is called, because it is part of an await that may be inlined.
//!
//! This takes time in proportion to the body, and a walk through it for each upvar that is moved.
//!
//! (`tests/ui/async-await/inline-await/moved-arguments.rs`)
//!
//! [`CopyProp`]: crate::copy_prop::CopyProp
//! [`upvars_in_place`]: crate::upvars_in_place

use rustc_abi::FieldIdx;
use rustc_data_structures::fx::{FxHashMap, FxIndexMap};
use rustc_middle::mir::visit::{MutVisitor, PlaceContext};
use rustc_middle::mir::*;
use rustc_middle::ty::{TyCtxt, TypingEnv};
use tracing::debug;

use crate::patch::MirPatch;
use crate::reachable::reachable_from;
use crate::simplify;
use crate::upvars_in_place::{Move, moved_upvars, moves};

/// Removes the moves of upvars to locals that may take their place from the start, and the begin of
/// the storage of these. Returns these locals, by the upvar.
///
/// `callee` has the types that it is to have in the caller, whose `typing_env` this is.
pub(super) fn locals_of_upvars<'tcx>(
    tcx: TyCtxt<'tcx>,
    typing_env: TypingEnv<'tcx>,
    callee: &mut Body<'tcx>,
) -> FxHashMap<FieldIdx, Local> {
    // Only what can be reached has dominators.
    simplify::remove_dead_blocks(callee);
    // Of several locals of an upvar the last one moves the furthest, by way of the others.
    let chains: FxIndexMap<Place<'tcx>, Vec<Move<'tcx>>> =
        moved_upvars(tcx, typing_env, callee, &moves(callee))
            .into_iter()
            .map(|(_, upvar_and_chain)| upvar_and_chain)
            .filter(|(_, chain)| has_its_storage_apart(callee, chain))
            .collect();

    let mut to_last = FxHashMap::default();
    let mut by_field = FxHashMap::default();
    let mut patch = MirPatch::new(callee);
    for (upvar, chain) in chains {
        let (&[PlaceElem::Field(field, _)], Some(last)) = (&upvar.projection[..], chain.last())
        else {
            continue;
        };
        debug!(?upvar, ?last, "is the upvar's local from the start");
        by_field.insert(field, last.to);
        keep_storage_behind(callee, &mut patch, upvar, &chain);
        for passed_on in &chain {
            let Location { block, statement_index } = passed_on.location;
            callee.basic_blocks.as_mut_preserves_cfg()[block].statements[statement_index]
                .make_nop(true);
            to_last.insert(passed_on.to, last.to);
        }
    }
    // Only now, since statements get other numbers.
    patch.apply(callee);
    Replacer { tcx, to_last }.visit_body(callee);
    by_field
}

/// Whether storage of the last local in `chain` begins only before the last move, or where that has
/// run in any case.
fn has_its_storage_apart<'tcx>(body: &Body<'tcx>, chain: &[Move<'tcx>]) -> bool {
    let Some(last) = chain.last() else { return false };
    let dominators = body.basic_blocks.dominators();
    let successors = |block: BasicBlock| body.basic_blocks[block].terminator().successors();
    let behind = reachable_from(body, successors(last.location.block), successors);
    behind.iter().all(|block| {
        let statements = body.basic_blocks[block].statements.iter().enumerate();
        statements.into_iter().all(|(statement_index, statement)| {
            let location = Location { block, statement_index };
            !matches!(statement.kind, StatementKind::StorageLive(local) if local == last.to)
                || last.location.dominates(location, dominators)
        })
    })
}

/// Removes the storage statements of the locals that `chain` moves to, but for those of the last
/// one that come behind the last move on each way. Where a drop of one of these locals or of
/// `upvar` may come behind an end, the storage begins anew.
fn keep_storage_behind<'tcx>(
    body: &mut Body<'tcx>,
    patch: &mut MirPatch<'tcx>,
    upvar: Place<'tcx>,
    chain: &[Move<'tcx>],
) {
    let Some(last) = chain.last() else { return };
    let is_passed_on = |local| chain.iter().any(|passed_on| passed_on.to == local);
    let drops = body.basic_blocks.iter_enumerated().filter_map(|(block, data)| {
        let TerminatorKind::Drop { place, .. } = data.terminator().kind else { return None };
        (place == upvar || is_passed_on(place.local)).then_some(block)
    });
    let predecessors = body.basic_blocks.predecessors();
    let to_a_drop =
        reachable_from(body, drops, |block: BasicBlock| predecessors[block].iter().copied());
    let dominators = body.basic_blocks.dominators().clone();
    for (block, data) in body.basic_blocks.as_mut_preserves_cfg().iter_enumerated_mut() {
        for (statement_index, statement) in data.statements.iter_mut().enumerate() {
            let location = Location { block, statement_index };
            let (StatementKind::StorageLive(local) | StatementKind::StorageDead(local)) =
                statement.kind
            else {
                continue;
            };
            if local != last.to || !last.location.dominates(location, &dominators) {
                if is_passed_on(local) {
                    statement.make_nop(true);
                }
            } else if let StatementKind::StorageLive(_) = statement.kind {
                // It may have begun anew.
                patch.add_statement(location, StatementKind::StorageDead(local));
            } else if to_a_drop.contains(block) {
                let begin = StatementKind::StorageLive(local);
                patch.add_statement(location.successor_within_block(), begin);
            }
        }
    }
}

/// Puts the last local of a chain in the place of those before it.
struct Replacer<'tcx> {
    tcx: TyCtxt<'tcx>,
    to_last: FxHashMap<Local, Local>,
}

impl<'tcx> MutVisitor<'tcx> for Replacer<'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_local(&mut self, local: &mut Local, _: PlaceContext, _: Location) {
        if let Some(&last) = self.to_last.get(local) {
            *local = last;
        }
    }
}
