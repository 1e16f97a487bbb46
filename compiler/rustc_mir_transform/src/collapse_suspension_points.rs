//! Merges the suspension points of identical awaits.
//!
//! # Motivation
//!
//! Each await in a body is a suspension point of its own. It costs a variant in the coroutine's
//! layout, a case in the switch at the start of `poll` and another in the drop glue, a poll of the
//! awaitee, and a drop of it on each exit. A `match` whose arms send two responses by the same
//! async fn pays for that twice, and a driver that writes ten registers in a row pays ten times.
//! LLVM cannot merge these states, because each stores another number.
//!
//! # The transformation
//!
//! The pass runs before [`InlineAwait`], which then has to inline an awaitee only once, and before
//! [`StateTransform`]. The other order would be worse: a body with awaitees inlined has more code
//! that differs, and small ones inlined first keep the larger ones apart. So what leads to the drop
//! of an awaitee is merged with its await: without that it could not be inlined any more. We call a
//! suspension point with the code around it a *site*. Two or more sites are merged in these steps:
//!
//! 1. Starting at the blocks that suspend, walk through the code of all sites in parallel. Merge
//!    blocks that are the same up to the names of locals: types, projections, constants, copies and
//!    moves, storage, and all successors, including those for unwinding and for the drop of the
//!    coroutine. The edge back to the suspension point is the loop that polls. ([`compare`])
//! 2. Walk backwards from the entry of that loop, in the same way, possibly into the middle of a
//!    block. If a call of an async fn differs in its arguments, these are passed in new locals.
//! 3. Replace the locals of the other sites by those of the first, everywhere in the body
//!    ([`Renaming`]).
//! 4. Sites often continue in one common block, as the arms of a `match` do. If they continue
//!    differently, a *selector* tells them apart: a `u8` that is assigned on the way in and saved
//!    with the state, or [by it](crate::selectors_in_states). Where the sites part, the body
//!    switches on it. In cleanup blocks, where some targets need control flow to be a tree, it
//!    switches to copies of what follows. ([`merge`])
//!
//! ```text
//!   bb1: call = send(const 1) -> bb3        bb1: argument = const 1; goto -> bb5
//!   bb2: other = send(const 2) -> bb4   to  bb2: argument = const 2; goto -> bb5
//!   bb3: .. polls, suspends; goto -> bb9    bb5: call = send(move argument) -> bb3
//!   bb4: .. polls, suspends; goto -> bb9    bb3: .. polls, suspends; goto -> bb9
//! ```
//!
//! # When sites are merged
//!
//! If that saves [twice](COST_FACTOR) what it costs, counted in assignments, calls and branches
//! ([`costs`]). Merging saves the copies of the merged blocks. It costs assignments of selectors
//! and arguments, switches, more states where a site was merged before, and with panics that unwind
//! a copy of each site's cleanup, as far as other code needs that cleanup, too. So a body should
//! not grow by it, and a body with many guards, whose cleanup grows with each, is left as it is.
//! Blocks after the suspension point that are the same, but lead to blocks that are not, are merged
//! only if that saves more than to part before them.
//!
//! Sites stay apart
//!
//! * if no site saves all the locals that the others save. The merged state would hold what none of
//!   them held, and might be larger than each.
//! * if a local has storage wherever one site is reached, but only on some of the ways to another,
//!   and they continue differently. Code after the first may use it, and would be reached from the
//!   second without.
//! * if the body would save more at any suspension point, if two of the locals that it saves could
//!   not share a place any more, or if it would have too many states. Merged code seems to lead
//!   from each site to what follows all others, and what is moved at one of them would be saved
//!   after it. ([`larger`])
//! * if their awaitees are made by the same call with different constants, and that call is not
//!   merged with them, as that of an async fn is where it pays. The compiler evaluates
//!   `Timer::after_millis(50)`. With an argument that is known only at run time, a microcontroller
//!   divides 64-bit numbers.
//! * if what they poll may see where it is polled. The rest of an await is not merged without its
//!   poll: no other pass would find it to be an await.
//! * if their awaitees are never pending. These need no state ([`ElideNoAwait`]).
//! * if they continue differently, and code is optimized for speed: at all opt-levels but `s` and
//!   `z`. Saving the selector and branching on it takes time.
//!
//! `./x.py run async-size -- --awaits` counts the reasons, the first two of these as one.
//!
//! # Complexity
//!
//! * Comparing sites takes time proportional to the code that they have in common, at most
//!   [`REGION_LIMIT`] blocks of each. Each step backward counts the costs of all these blocks
//!   again.
//! * Locals that become one are compared in pairs, as many as there are sites, by all places that
//!   mention them. A candidate has at most [`SITES_LIMIT`] sites.
//! * Each site is compared with at most [`LEADERS_LIMIT`] others that await the same type. What
//!   cannot be merged at once is halved, so it is compared as often as its size can be halved.
//! * What cleanup costs is counted by a walk through the [`REGION_LIMIT`] blocks that follow, once
//!   for each block where sites part.
//! * What would be saved is found out in a copy of the body: once in a round, and if it is more,
//!   by halves, at most [`CHECKS_LIMIT`] times. Each time takes the analyses that tell what a
//!   coroutine saves, and if that is no more, the one that tells what may share a place.
//! * There are at most [`ROUNDS_LIMIT`] rounds.
//!
//! Beyond [`SITES_LIMIT`] sites of a kind, time is linear in their number, as far as the analyses
//! are, which it takes for any coroutine.
//!
//! # Soundness
//!
//! * **A merged block does what each of the blocks did.** They are equal up to the renaming of
//!   locals, and their successors are equal, the same, or chosen by the selector. The selector has
//!   been assigned: each edge into merged blocks, from other code or from another site, goes
//!   through an assignment, and nothing else assigns it.
//! * **Two locals become one only if nobody can tell.** They have the same type. Either they never
//!   have storage at the same time, wherever one of them is mentioned; or they have no storage
//!   statements, are never borrowed, get their value in each block that reads them, and no block
//!   mentions both. A renaming replaces the whole local in the whole body. So nothing moves: a
//!   pinned future stays in its local, and what was borrowed from a local is borrowed from it
//!   still. What was saved at a suspension point still is.
//! * **The renaming is consistent.** No renamed local is the new name of another one, nor one that
//!   merged blocks mention in its own right.
//! * **Storage is preserved.** A local that has storage at one site only gets it on the way in at
//!   the others as well, unused. It loses it where the sites part or, after a common continuation,
//!   where it does at the first site.
//! * **Nobody but the body reads what is saved.** A coroutine that can be cloned is cloned with all
//!   that its state saves, some of which has no value at some of the sites. So the pass runs on
//!   async bodies only: these cannot be moved, and so not be cloned.
//!   (`tests/ui/async-await/collapse-suspension-points/cloned.rs`)
//! * **Drops happen in the same order, on the same edges.** They are part of the blocks that are
//!   compared. (`tests/ui/async-await/collapse-suspension-points/behaviour.rs`)
//! * **Code that sees its own source location is not merged**: calls of functions that are
//!   `#[track_caller]`, or that are not known and may be, polls of such an awaitee among them,
//!   assertions, and inline assembly.
//!   (`tests/ui/async-await/collapse-suspension-points/unlike.rs`)
//! * **Auto traits do not change.** Whether a future is `Send` was decided before.
//!
//! Merged blocks have the scopes of the first site, so a debugger shows its lines there. Variables
//! of the other sites are shown where they are now.
//!
//! # Left for later
//!
//! * Sites that become identical only when their awaitees have been inlined.
//! * Statements that make an awaitee of different constants, as `Sent(1)` and `Sent(2)`.
//!
//! [`ElideNoAwait`]: crate::elide_no_await::ElideNoAwait
//! [`InlineAwait`]: crate::inline_await::InlineAwait
//! [`Renaming`]: compare::Renaming
//! [`StateTransform`]: crate::coroutine::StateTransform

use rustc_data_structures::fx::FxIndexMap;
use rustc_middle::mir::*;
use rustc_middle::ty::{self, Ty, TyCtxt};
use rustc_session::Session;
use tracing::{debug, instrument};

use crate::async_bodies::{coroutine_to_transform, is_enabled_in, note};
use crate::awaits::{awaits_by_lowering, find_awaits};
use crate::elide_no_await;

mod compare;
mod costs;
mod larger;
mod merge;
mod plan;

use plan::Planner;

/// How many sites are merged at most, so that a selector is a byte.
const SITES_LIMIT: usize = 255;

/// How many blocks of a site, or of its cleanup, are looked at, at most.
const REGION_LIMIT: usize = 500;

/// How many sites of a group are compared with all others, at most.
const LEADERS_LIMIT: usize = 8;

/// How many times it is tried in a copy of a body, in a round, whether merges make it hold more.
const CHECKS_LIMIT: usize = 8;

/// How many rounds are made when one merge must wait for another.
const ROUNDS_LIMIT: usize = 4;

/// How much more has to be saved than it costs. Of what a merged await saves LLVM removes about
/// half from any await, such as the calls of `Pin::new_unchecked`; of what it costs nothing.
const COST_FACTOR: isize = 2;

/// The most common reason not to merge.
const HOLD_DIFFERENT_LOCALS: &str = "hold different locals";

/// And the one that is found when they are merged in a copy.
const HOLD_MORE: &str = "would have other states hold more";

pub(super) struct CollapseSuspensionPoints;

impl<'tcx> crate::MirPass<'tcx> for CollapseSuspensionPoints {
    fn is_enabled(&self, sess: &Session) -> bool {
        is_enabled_in(sess)
    }

    #[instrument(level = "debug", skip_all, fields(def_id = ?body.source.def_id()))]
    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        if !is_merged_in(tcx, body) {
            return;
        }
        for round in 0..ROUNDS_LIMIT {
            // Anew in each round: what was merged is one site now, and its blocks are others.
            let groups = sites_by_kind(tcx, body);
            if groups.is_empty() {
                return;
            }
            debug!(round, ?groups, "await the same types");
            let planner = Planner::new(tcx, body);
            let (plans, is_more) = planner.plan(&groups);
            // What the plans promise is about the code. What they do to the layout is tried.
            let (plans, refused) = larger::keep_no_larger(tcx, body, &planner.saved, plans);
            refused.iter().for_each(|plan| planner.note_refused(plan));
            note_fates(tcx, body, planner.into_fates());
            if !plans.is_empty() {
                merge::apply(tcx, body, plans);
                merge::simplify(tcx, body);
            }
            // No plan waits for another one to be carried out.
            if !is_more {
                return;
            }
        }
    }

    fn is_required(&self) -> bool {
        false
    }
}

/// Whether suspension points may be merged in `body`.
///
/// A coroutine that is no async body may be cloned where it is suspended, with all that is saved in
/// that state, also what only one of the sites has given a value. An `async gen` may not: that is
/// why this pass is no `AsyncPass`.
pub(crate) fn is_merged_in<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> bool {
    awaits_by_lowering(body) && coroutine_to_transform(tcx, body).is_some()
}

/// Notes what became of the awaits that suspend in some blocks.
fn note_fates<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &mut Body<'tcx>,
    fates: FxIndexMap<BasicBlock, AwaitFate>,
) {
    if fates.is_empty() {
        return;
    }
    for found in find_awaits(tcx, body) {
        if let Some(block) = found.suspension_block(body)
            && let Some(fate) = fates.get(&block)
        {
            note(tcx, body, found.span(body), found.awaitee, || fate.clone());
        }
    }
}

/// The blocks that suspend, by what is called between a resumption and the first branch after it:
/// for an await its poll. Only those of which there are two or more are given.
fn sites_by_kind<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Vec<Vec<BasicBlock>> {
    let mut groups: FxIndexMap<_, Vec<_>> = FxIndexMap::default();
    for (block, data) in body.basic_blocks.iter_enumerated() {
        let TerminatorKind::Yield { ref value, resume, .. } = data.terminator().kind else {
            continue;
        };
        // A drop that suspends while unwinding is not merged with one that does not unwind.
        if data.is_cleanup {
            continue;
        }
        let called = called_from(tcx, body, resume);
        // Its suspension point is going to be removed.
        if called.iter().any(|&function| never_waits(tcx, body, function)) {
            continue;
        }
        // This only spares comparisons: sites that can be merged have the same, and so may others.
        groups.entry((value.ty(body, tcx), called)).or_default().push(block);
    }
    groups.into_values().filter(|sites| sites.len() > 1).collect()
}

/// What is called from the start of `block` to the first branch.
fn called_from<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>, mut block: BasicBlock) -> Vec<Ty<'tcx>> {
    let mut called = vec![];
    for _ in 0..REGION_LIMIT {
        block = match &body.basic_blocks[block].terminator().kind {
            &TerminatorKind::Goto { target } | &TerminatorKind::Drop { target, .. } => target,
            // An await calls `get_context` and `new_unchecked` before it polls.
            TerminatorKind::Call { func, target: Some(target), .. } => {
                called.push(func.ty(body, tcx));
                *target
            }
            _ => break,
        };
    }
    called
}

/// Whether `function` polls what is never pending. No state is needed for that.
fn never_waits<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>, function: Ty<'tcx>) -> bool {
    let &ty::FnDef(def_id, args) = function.kind() else { return false };
    if tcx.lang_items().future_poll_fn() != Some(def_id) || !elide_no_await::is_enabled(tcx) {
        return false;
    }
    let typing_env = ty::TypingEnv::post_analysis(tcx, body.source.def_id());
    // As `ElideNoAwait` asks it, so that both have one answer.
    let value = tcx.erase_and_anonymize_regions(args.type_at(0));
    tcx.never_pending(ty::PseudoCanonicalInput { typing_env, value })
}
