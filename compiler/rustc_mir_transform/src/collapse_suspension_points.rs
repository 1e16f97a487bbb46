//! Has awaits that do the same share one suspension point.
//!
//! # Motivation
//!
//! Each await of a body is a suspension point of its own: a variant of the coroutine's layout, a
//! case of the switch that a poll starts with, another one of the drop's, a poll of the awaitee,
//! and its drop on each way out. That is so if two arms of a `match` send one of two responses by
//! the same async fn, and if a driver writes ten registers one after the other. LLVM sees states
//! with different numbers, so what they do is not the same to it.
//!
//! # The transformation
//!
//! It comes before [`InlineAwait`], which then has to take in once what was awaited in several
//! places, and before [`StateTransform`]. Suspension points are *sites*. Two or more of them are
//! merged like this:
//!
//! * From the blocks that suspend on, the code of all sites is gone through at once. Blocks are
//!   merged if they are the same but for the names of locals, with all they consist of: types,
//!   projections, constants, copies and moves, storage, and where they lead on each way, also when
//!   they unwind or when the coroutine is dropped. What leads back to the suspension point is the
//!   loop that polls.
//! * Then backwards from where that is entered, as long as it is the same, to the middle of a
//!   block. A call of an async fn with other arguments gets them from locals that are new.
//! * The locals of the first site take the place of those that the others have for the same
//!   ([`Names`]), everywhere in the body.
//! * Often the sites meet again in one block, as the arms of a `match` do. Where they go on
//!   differently there is a *selector*, a `u8` that is assigned on the way in and saved with the
//!   state. Where they part the body branches by it. In cleanup, where control flow has to be a
//!   tree for the sake of some targets, it branches to copies of what comes.
//!
//! ```text
//!   bb1: call = send(const 1) -> bb3        bb1: argument = const 1; goto -> bb5
//!   bb2: other = send(const 2) -> bb4   to  bb2: argument = const 2; goto -> bb5
//!   bb3: .. polls, suspends; goto -> bb9    bb5: call = send(move argument) -> bb3
//!   bb4: .. polls, suspends; goto -> bb9    bb3: .. polls, suspends; goto -> bb9
//! ```
//!
//! # When it is done
//!
//! What is counted are assignments, calls and branches. Those that are saved have to be more than
//! those that it takes to set selectors and arguments and to branch. Where code behind the
//! suspension point is the same, but branches to what is not, it is merged only if that saves more
//! than to part before it.
//!
//! Sites are left apart
//!
//! * if none of them saves all that the others save. Else one state would hold what none of them
//!   held, and might be larger than each.
//! * if what they await is made by the same call with other constants only, and this is no async
//!   fn. `Timer::after_millis(50)` is computed by the compiler; of a number that is known only when
//!   it runs, a firmware needs a division of 64 bits.
//! * if what they await is never pending. That will need no state ([`ElideNoAwait`]).
//! * if they go on differently, and the code is to be fast: at all opt-levels but s and z. To save
//!   a selector and to branch by it takes time.
//!
//! Of the bodies in the crates of our firmware 153 await one type more than once, with 341 surplus
//! suspension points. 230 of these are gone; 83 hold different locals, 24 are made of different
//! constants, and of 4 the log does not say why they are left (`./x.py run async-size -- --awaits
//! --opt-level z` counts them, and `RUSTC_LOG=rustc_mir_transform=debug` shows each decision). The
//! flash of our firmware is 1.0 % smaller at opt-level z and 3.1 % at s than it is with this pass
//! off (`./x.py run async-size`, and `-Zmir-enable-passes=-CollapseSuspensionPoints` among the
//! `rustflags` of a `.cargo/config.toml` in its firmware). It costs some futures a few bytes, for
//! selectors and for arguments that were constants, and at these levels a future that mostly waits
//! some instructions, for the branches. That cannot be had without: with no selectors, when
//! `Planner::is_for_size` says no at all levels, only 21 of the points are gone, and of flash 0.1 %
//! and 0.3 % (measured without `FinishedAwaitees`).
//!
//! # Soundness
//!
//! * **Merged blocks do what each did.** They are equal when locals have their new names, and lead
//!   to equal blocks, to the same, or to where the selector says. It was assigned when the site was
//!   entered: each way into merged blocks, from outside of them or from another site, leads through
//!   an assignment, and nothing else assigns it.
//! * **Locals become one only if that cannot be seen.** They have the same type, and either never
//!   have storage at the same time, at no place that mentions one of them; or they have no storage
//!   statements, are not borrowed, and get their value in each block that uses them, and none uses
//!   both. It is the whole local that becomes another, in all of the body. So nothing is ever
//!   moved: a future that is pinned stays in the local that it was pinned in. What is borrowed was
//!   borrowed from a local that is still there. What is saved at a suspension point is what was.
//! * **A local means the same everywhere.** One that gets another name is no other's new name, and
//!   not one that merged blocks refer to in its own right.
//! * **Storage is as it was.** What has storage at one site only gets it on the way in at the
//!   others as well, unused. It loses it where they part or, behind where they meet, where it does
//!   at the first.
//! * **Nobody looks at what is saved but the body.** A coroutine that can be cloned is cloned with
//!   all that is saved in its state, which for one of the sites may have no value. So bodies are
//!   left alone that are no async ones; these cannot be moved, and so not be cloned.
//!   (`tests/ui/async-await/collapse-suspension-points/cloned.rs`)
//! * **Drops come in the same order, on the same ways.** They are part of the blocks that are
//!   compared. (`tests/ui/async-await/collapse-suspension-points/behaviour.rs`)
//! * **What tells where it is in the source is not merged**: calls of functions with
//!   `#[track_caller]`, or that are not known and may have it, assertions, inline assembly. The
//!   polls of awaitees whose type is not known, and [`IntoFuture::into_future`] of them, are; that
//!   such an implementation asks for its caller is the one case in which it is told that of the
//!   first site. (`tests/ui/async-await/collapse-suspension-points/unlike.rs`)
//! * **Types say what they said.** What a future holds, for `Send`, is decided before.
//!
//! The scopes of merged blocks are those of the first site, so a debugger shows the lines of that.
//! Variables of the others are shown where they now are.
//!
//! # Left for later
//!
//! * Sites that come to be the same when their awaitees have been taken in.
//! * Statements that make what is awaited of different constants, as `Sent(1)` and `Sent(2)`.
//!
//! [`ElideNoAwait`]: crate::elide_no_await::ElideNoAwait
//! [`InlineAwait`]: crate::inline_await::InlineAwait
//! [`StateTransform`]: crate::coroutine::StateTransform

use rustc_data_structures::fx::FxIndexMap;
use rustc_middle::mir::*;
use rustc_middle::ty::{self, Ty, TyCtxt};
use rustc_session::Session;
use tracing::{debug, instrument};

use crate::awaits::awaits_by_lowering;
use crate::elide_no_await::{self, is_optimize_none};
use crate::pass_manager as pm;

mod compare;
mod merge;
mod plan;

use plan::Planner;

/// How many sites are merged at most, so that a selector is a byte.
const SITES_LIMIT: usize = 255;

/// How many blocks of a site are looked at, at most.
const REGION_LIMIT: usize = 500;

/// How many sites of a group are compared with all others, at most.
const LEADERS_LIMIT: usize = 8;

/// How often a body is looked at, if what is to be merged has to wait for what is.
const ROUNDS_LIMIT: usize = 4;

/// Why most sites are left apart that are.
const HOLD_DIFFERENT_LOCALS: &str = "hold different locals";

pub(super) struct CollapseSuspensionPoints;

impl<'tcx> crate::MirPass<'tcx> for CollapseSuspensionPoints {
    fn is_enabled(&self, sess: &Session) -> bool {
        !sess.opts.unstable_opts.async_returned_panic && sess.mir_opt_level() >= 2
    }

    #[instrument(level = "debug", skip_all, fields(def_id = ?body.source.def_id()))]
    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        // A coroutine that is no async body may be cloned where it is suspended, with all that is
        // saved in that state, also what only one of the sites has given a value.
        if !awaits_by_lowering(body)
            || !is_enabled(tcx)
            || body.tainted_by_errors.is_some()
            || body.function_coverage_info.is_some()
            || body.source.def_id().as_local().is_none_or(|local| is_optimize_none(tcx, local))
        {
            return;
        }
        for round in 0..ROUNDS_LIMIT {
            let groups = sites_by_kind(tcx, body);
            if groups.is_empty() {
                return;
            }
            debug!(round, ?groups, "await the same types");
            let (plans, is_more) = Planner::new(tcx, body).plan(&groups);
            if !plans.is_empty() {
                merge::apply(tcx, body, plans);
            }
            if !is_more {
                return;
            }
        }
    }

    fn is_required(&self) -> bool {
        false
    }
}

/// Whether the pass is on for this crate. It is not where a drop may suspend.
pub(crate) fn is_enabled(tcx: TyCtxt<'_>) -> bool {
    pm::should_run_pass(tcx, &CollapseSuspensionPoints, pm::Optimizations::Allowed)
        && !tcx.may_drop_async()
}

/// The blocks that suspend, by what is called between a resumption and the first branch behind it:
/// for an await its poll. Only those of which there are two or more are given.
fn sites_by_kind<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Vec<Vec<BasicBlock>> {
    let mut groups: FxIndexMap<_, Vec<_>> = FxIndexMap::default();
    for (block, data) in body.basic_blocks.iter_enumerated() {
        let TerminatorKind::Yield { ref value, resume, .. } = data.terminator().kind else {
            continue;
        };
        if data.is_cleanup {
            continue;
        }
        let called = called_from(tcx, body, resume);
        if called.iter().any(|&function| never_waits(tcx, body, function)) {
            continue;
        }
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
    let value = tcx.erase_and_anonymize_regions(args.type_at(0));
    tcx.never_pending(ty::PseudoCanonicalInput { typing_env, value })
}
