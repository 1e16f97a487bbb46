//! Moves the answer of an await to its destination only when the awaitee is gone.
//!
//! # Motivation
//!
//! MIR moves the answer of an await to its destination first, and drops the awaitee after that. If
//! a later suspension point needs the answer, then both are saved locals, and for a moment both are
//! live. So they share no byte of the coroutine, although no suspension point needs both. A body
//! that waits for a message of 256 bytes by a future of 300 bytes is 256 bytes too large.
//!
//! # The transformation
//!
//! ```text
//!   _3 = move _5;                   drop(_4) -> bb2
//!   StorageDead(_5);           to   bb2: StorageDead(_4);
//!   drop(_4) -> bb2                      _3 = move _5;
//!   bb2: StorageDead(_4);                StorageDead(_5);
//! ```
//!
//! The pass looks for a move (or a copy) of one local to another one that is saved. It moves that
//! statement after the `StorageDead` of a local that is saved and borrowed, as every awaitee is.
//! The first local does not become a saved one, as there is no suspension point in between. The
//! statement moves along code without branches, and past drops.
//!
//! The pass runs shortly before [`StateTransform`], which decides what shares a place. It leaves a
//! body with one suspension point alone: everything that it saves is needed at the same time.
//!
//! A move is followed through no more than [`BLOCKS_LIMIT`] blocks, and as many of cleanup. So the
//! pass walks through the body, and for each move to a saved local through these blocks.
//!
//! # Soundness
//!
//! * **Nobody can observe when the move happens.** No statement and no drop on the way mentions
//!   either local, except for the `StorageDead` of the first, which moves along. Neither is
//!   borrowed, so code that is called on the way cannot know where they are.
//! * **The move happens on every path that needs it.** Each path from the old location leads to the
//!   new one, or out of the body, from a drop that panics. The pass goes past such a drop only if
//!   the cleanup mentions neither local. It rarely does, since nothing drops the value of a `let`
//!   or `match` before it has been computed.
//!
//! (`tests/ui/async-await/late-answers/behaviour.rs`)
//!
//! # Left for later
//!
//! * Answers that are constructed at their destination, as by `Ok(f().await)`.
//!
//! [`StateTransform`]: crate::coroutine::StateTransform

use rustc_data_structures::fx::FxHashSet;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::visit::{PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::Analysis;
use rustc_mir_dataflow::impls::MaybeBorrowedLocals;
use tracing::debug;

use crate::async_bodies::AsyncPass;
use crate::awaits::BLOCKS_LIMIT;
use crate::patch::MirPatch;
use crate::saved_locals::all_saved_locals;
use crate::simplify;
use crate::upvars_in_place::move_to_local;

pub(super) struct LateAnswers;

impl AsyncPass for LateAnswers {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        // What is needed at the same suspension point has a place of its own in any case.
        let is_yield = |data: &&BasicBlockData<'tcx>| {
            matches!(data.terminator().kind, TerminatorKind::Yield { .. })
        };
        if body.basic_blocks.iter().filter(is_yield).count() < 2 {
            return;
        }
        // Drops that turned out to do nothing are branches that all lead to one block.
        simplify::simplify_cfg(tcx, body);
        // A borrow counts to the end of the storage: a raw pointer may be left of it.
        let mut borrowed =
            MaybeBorrowedLocals.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body);
        let saved = all_saved_locals(tcx, body);
        let mut delays = vec![];
        for (block, data) in body.basic_blocks.iter_enumerated() {
            for (statement_index, statement) in data.statements.iter().enumerate() {
                let start = Location { block, statement_index };
                let Some((to, from)) = move_to_local(statement) else { continue };
                // A part of a local stays behind in it. And what is not saved shares nothing.
                let Some(from) = from.as_local().filter(|_| saved.contains(to)) else { continue };
                borrowed.seek_before_primary_effect(start);
                if let Some(delay) = delay(body, &saved, borrowed.get(), start, [to, from]) {
                    debug!(?to, ?from, ?delay, "an answer is late");
                    delays.push(delay);
                }
            }
        }
        if delays.is_empty() {
            return;
        }
        // No two delays move the same statement: each has a move of its own.
        let mut patch = MirPatch::new(body);
        for Delay { statements, to } in delays {
            for location in statements {
                let Some(statement) = body.stmt_at(location).left() else { continue };
                patch.add_statement(to, statement.kind.clone());
                patch.nop_statement(location);
            }
        }
        patch.apply(body);
    }
}

/// Statements that are to be moved.
#[derive(Debug)]
struct Delay {
    statements: Vec<Location>,
    /// Where they are to be, in their order: just before what is there.
    to: Location,
}

/// How far the move at `start` may come, if that is after the storage of something that is saved
/// and borrowed.
fn delay<'tcx>(
    body: &Body<'tcx>,
    saved: &DenseBitSet<Local>,
    borrowed: &DenseBitSet<Local>,
    start: Location,
    locals: [Local; 2],
) -> Option<Delay> {
    // Whatever is called on the way could look at it.
    if locals.iter().any(|&local| borrowed.contains(local)) {
        return None;
    }
    let mut mentions = Mentions { locals, is_found: false };
    // The best place so far is kept: after the last awaitee whose storage ends on the way.
    let mut statements = vec![start];
    let mut cleanup = FxHashSet::default();
    let mut delay = None;
    let mut at = start.successor_within_block();
    for _ in 0..BLOCKS_LIMIT {
        let data = &body.basic_blocks[at.block];
        while let Some(statement) = data.statements.get(at.statement_index) {
            match statement.kind {
                // It would end before the move that reads it.
                StatementKind::StorageDead(local) if local == locals[1] => statements.push(at),
                StatementKind::StorageDead(local)
                    if saved.contains(local) && borrowed.contains(local) =>
                {
                    let to = at.successor_within_block();
                    delay = Some(Delay { statements: statements.clone(), to });
                }
                _ => mentions.visit_statement(statement, at),
            }
            // The value is used here, or something else is in its place.
            if mentions.is_found {
                return delay;
            }
            at = at.successor_within_block();
        }
        let terminator = data.terminator();
        mentions.visit_terminator(terminator, at);
        // Only where control goes on in one way. A move on each of several ways would be more code.
        let target = match terminator.kind {
            TerminatorKind::Goto { target } => target,
            TerminatorKind::Drop { target, unwind, drop: None, async_fut: None, .. }
                // A drop that is asynchronous suspends. If this one panics, the move has not run.
                if !mentions.is_found
                    && !is_mentioned_in_cleanup(body, unwind, locals, &mut cleanup) =>
            {
                target
            }
            // What is left of a drop that turned out to do nothing.
            TerminatorKind::SwitchInt { ref targets, .. } if !mentions.is_found => {
                let first = targets.otherwise();
                if targets.all_targets().iter().any(|&target| target != first) {
                    return delay;
                }
                first
            }
            // A branch, a call, or a suspension point, which would save the first local.
            _ => return delay,
        };
        // A path that leads there otherwise has not gone through the move. Nor may this be a loop.
        let mut predecessors = body.basic_blocks.predecessors()[target].iter();
        if target == start.block || predecessors.any(|&predecessor| predecessor != at.block) {
            return delay;
        }
        at = target.start_location();
    }
    delay
}

/// Whether cleanup uses one of the locals, apart from the blocks in `seen`. Adds to these the
/// blocks that it looks at: all drops on the way share one search, which `reachable_from` could not
/// do. If there are more than [`BLOCKS_LIMIT`], they are taken to use the locals.
fn is_mentioned_in_cleanup(
    body: &Body<'_>,
    unwind: UnwindAction,
    locals: [Local; 2],
    seen: &mut FxHashSet<BasicBlock>,
) -> bool {
    let UnwindAction::Cleanup(cleanup) = unwind else { return false };
    let mut mentions = Mentions { locals, is_found: false };
    let mut waiting = vec![cleanup];
    while let Some(block) = waiting.pop() {
        if !seen.insert(block) {
            continue;
        }
        // As if the rest of it used them: then the move stays before this drop.
        if seen.len() > BLOCKS_LIMIT {
            return true;
        }
        let data = &body.basic_blocks[block];
        // To end its storage is no use: a value that is lost when it panics needs none.
        for statement in &data.statements {
            if !matches!(statement.kind, StatementKind::StorageDead(_)) {
                mentions.visit_statement(statement, block.start_location());
            }
        }
        mentions.visit_terminator(data.terminator(), body.terminator_loc(block));
        waiting.extend(data.terminator().successors());
    }
    mentions.is_found
}

/// Finds out whether one of two locals is mentioned.
struct Mentions {
    locals: [Local; 2],
    is_found: bool,
}

impl<'tcx> Visitor<'tcx> for Mentions {
    fn visit_local(&mut self, local: Local, _: PlaceContext, _: Location) {
        self.is_found |= self.locals.contains(&local);
    }
}
