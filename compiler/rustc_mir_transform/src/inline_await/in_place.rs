//! Uses one local for an upvar of an inlined body and for the argument that it is moved to.
//!
//! ```text
//!     _3 = move (_1.0: T);           (nothing)
//!     ..
//!     _4 = move _3;                  (nothing)
//!     _5 = &mut _4;             to   _5 = &mut _4;
//! ```
//!
//! Each upvar becomes a local of the caller, and after the move to `_4` nothing is left in it. Yet
//! both would be saved if suspension points come before the move and after it, and they could not
//! share their memory: at the move both are needed. [`CopyProp`] makes one local of the two only if
//! the second is not borrowed, and `pin!` borrows it.
//!
//! So `_4` becomes the upvar's local from the start, if the move may come after a suspension
//! point. Otherwise the upvar's value is not saved before it moves, and needs no place of its own.
//! [`upvars_in_place`] says for which locals this is sound, and why: the upvar's value moves there
//! once, nothing else uses the upvar, and wherever the local gets another value the move has run.
//! This is different here:
//!
//! * An upvar has storage as long as the coroutine, and a local has not. So the local gets storage
//!   as long as the inlined body runs: what was a drop or a mention of the upvar, or of a local on
//!   the way, may come after the end of its scope.
//! * Where its storage ended, its value still does: there the storage ends, and begins anew. That
//!   must not happen before the move, as it would in a loop that moves the upvar only when it is
//!   left. So an end counts only if the move dominates it, since the move is on no cycle, or if
//!   neither the move nor a drop of the value can be reached from there.
//! * `into_future` stays where it is called, because it is part of an await that may be inlined.
//!
//! A debugger shows one value for all that is unified, as it does for what [`upvars_in_place`]
//! replaces.
//!
//! This takes a few walks through the body for each local that an upvar is moved to.
//!
//! (`tests/ui/async-await/inline-await/moved-arguments.rs`)
//!
//! [`CopyProp`]: crate::copy_prop::CopyProp
//! [`upvars_in_place`]: crate::upvars_in_place

use rustc_abi::FieldIdx;
use rustc_data_structures::fx::{FxHashMap, FxIndexMap};
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::visit::MutVisitor;
use rustc_middle::mir::*;
use rustc_middle::ty::{TyCtxt, TypingEnv};
use tracing::debug;

use crate::patch::MirPatch;
use crate::reachable::reachable_from;
use crate::rename_locals::RenameLocals;
use crate::simplify;
use crate::upvars_in_place::{Move, moved_upvars, moves};

/// Replaces the locals that upvars are moved to by one local for each upvar, which has its value
/// from the start, and removes the moves. Returns these locals, by the upvar.
///
/// `callee` has the types that it is to have in the caller, whose `typing_env` this is.
pub(super) fn locals_of_upvars<'tcx>(
    tcx: TyCtxt<'tcx>,
    typing_env: TypingEnv<'tcx>,
    callee: &mut Body<'tcx>,
) -> FxHashMap<FieldIdx, Local> {
    // Only what can be reached has dominators.
    simplify::remove_dead_blocks(callee);
    // Of several chains of an upvar the last one is the longest. It has the others in it.
    let chains: FxIndexMap<Place<'tcx>, Vec<Move<'tcx>>> =
        moved_upvars(tcx, typing_env, callee, &moves(callee))
            .into_iter()
            .map(|(_, upvar_and_chain)| upvar_and_chain)
            .filter(|(_, chain)| is_after_suspension(callee, chain))
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
        for passed_on in &chain {
            patch.nop_statement(passed_on.location);
            to_last.insert(passed_on.to, last.to);
        }
        keep_storage(callee, &mut patch, &chain, last, &needed(callee, upvar, &chain, last));
    }
    patch.apply(callee);
    RenameLocals { tcx, renamed: &to_last }.visit_body(callee);
    by_field
}

/// Whether the last move of `chain` may come after a suspension point, where its value is saved.
fn is_after_suspension<'tcx>(body: &Body<'tcx>, chain: &[Move<'tcx>]) -> bool {
    let predecessors = body.basic_blocks.predecessors();
    let last = chain.last().map(|last| last.location.block);
    let before =
        reachable_from(body, last, |block: BasicBlock| predecessors[block].iter().copied());
    before.iter().any(|block| {
        matches!(body.basic_blocks[block].terminator().kind, TerminatorKind::Yield { .. })
    })
}

/// The blocks from which the last move can be reached, or a drop of what is moved.
fn needed<'tcx>(
    body: &Body<'tcx>,
    upvar: Place<'tcx>,
    chain: &[Move<'tcx>],
    last: &Move<'tcx>,
) -> DenseBitSet<BasicBlock> {
    let drops = body.basic_blocks.iter_enumerated().filter_map(|(block, data)| {
        let TerminatorKind::Drop { place, .. } = data.terminator().kind else { return None };
        (place == upvar || is_passed_on(chain, place.local)).then_some(block)
    });
    let predecessors = body.basic_blocks.predecessors();
    reachable_from(body, drops.chain([last.location.block]), |block: BasicBlock| {
        predecessors[block].iter().copied()
    })
}

/// Whether it is one of the locals that the chain of moves leads to.
fn is_passed_on(chain: &[Move<'_>], local: Local) -> bool {
    chain.iter().any(|passed_on| passed_on.to == local)
}

/// Removes the storage statements of the locals in `chain`. Where the storage of the last one ended
/// and its value is not `needed`, or has been moved there already, it begins anew.
fn keep_storage<'tcx>(
    body: &Body<'tcx>,
    patch: &mut MirPatch<'tcx>,
    chain: &[Move<'tcx>],
    last: &Move<'tcx>,
    needed: &DenseBitSet<BasicBlock>,
) {
    let dominators = body.basic_blocks.dominators();
    for (block, data) in body.basic_blocks.iter_enumerated() {
        for (statement_index, statement) in data.statements.iter().enumerate() {
            let location = Location { block, statement_index };
            match statement.kind {
                StatementKind::StorageDead(local)
                    if local == last.to
                        && (last.location.dominates(location, dominators)
                            || !needed.contains(block)) =>
                {
                    let begin = StatementKind::StorageLive(local);
                    patch.add_statement(location.successor_within_block(), begin);
                }
                StatementKind::StorageLive(local) | StatementKind::StorageDead(local)
                    if is_passed_on(chain, local) =>
                {
                    patch.nop_statement(location);
                }
                _ => {}
            }
        }
    }
}
