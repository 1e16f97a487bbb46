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

use rustc_data_structures::fx::{FxHashMap, FxHashSet, FxIndexMap, FxIndexSet};
use rustc_index::IndexVec;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::bug;
use rustc_middle::mir::interpret::Scalar;
use rustc_middle::mir::visit::{
    MutVisitor, MutatingUseContext, NonMutatingUseContext, NonUseContext, PlaceContext, Visitor,
};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, Ty, TyCtxt};
use rustc_mir_dataflow::impls::{
    MaybeBorrowedLocals, MaybeLiveLocals, MaybeRequiresStorage, MaybeStorageLive,
    always_storage_live_locals,
};
use rustc_mir_dataflow::{Analysis, ResultsCursor};
use rustc_session::Session;
use rustc_session::config::OptLevel;
use rustc_span::{DUMMY_SP, Span, Spanned};
use tracing::{debug, instrument};

use crate::certain_body;
use crate::elide_no_await::{self, is_optimize_none};
use crate::never_pending::makes_coroutine;
use crate::{pass_manager as pm, simplify};

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
        if !elide_no_await::awaits_by_lowering(body)
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
                apply(tcx, body, plans);
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

/// The blocks of several sites that do the same; the first site is the one that is kept.
#[derive(Clone, Debug)]
struct Tuple {
    blocks: Vec<BasicBlock>,
    /// The first statement of each that is the same.
    from: Vec<usize>,
    /// Whether it is all of its blocks, and leads in without more ado.
    is_whole: bool,
    next: Vec<Next>,
}

/// Where a successor of several sites leads.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Next {
    /// To blocks that do the same; this is the first.
    Same(BasicBlock),
    /// To one and the same block.
    Meeting,
    /// To blocks that differ.
    Different(Vec<BasicBlock>),
}

/// What sites have in common.
#[derive(Clone, Debug)]
struct Common {
    count: usize,
    tuples: FxIndexMap<BasicBlock, Tuple>,
    /// Which site each block in a tuple belongs to, and the first of that tuple.
    roles: FxIndexMap<BasicBlock, (usize, BasicBlock)>,
    names: Names,
    /// The blocks that all sites lead to.
    meetings: FxIndexSet<BasicBlock>,
    /// The call in a tuple that differs in these arguments.
    parameters: Option<(BasicBlock, Vec<usize>)>,
    /// What has storage at some of the sites, but not at the one with the index.
    pads: Vec<Vec<Local>>,
}

impl Common {
    fn add(&mut self, blocks: Vec<BasicBlock>, from: Vec<usize>) {
        let first = blocks[0];
        self.roles.extend(blocks.iter().enumerate().map(|(site, &block)| (block, (site, first))));
        let has_parameters =
            self.parameters.as_ref().is_some_and(|(with_parameters, _)| *with_parameters == first);
        let is_whole = !has_parameters && from.iter().all(|&index| index == 0);
        self.tuples.insert(first, Tuple { blocks, from, is_whole, next: vec![] });
    }

    /// What [`Common::undo`] takes to go back to what this is now.
    fn mark(&self) -> Mark {
        Mark {
            tuples: self.tuples.len(),
            roles: self.roles.len(),
            meetings: self.meetings.len(),
            names: self.names.added.len(),
            had_parameters: self.parameters.is_some(),
        }
    }

    fn undo(&mut self, mark: Mark) {
        self.tuples.truncate(mark.tuples);
        self.roles.truncate(mark.roles);
        self.meetings.truncate(mark.meetings);
        self.names.undo(mark.names);
        if !mark.had_parameters {
            self.parameters = None;
        }
    }

    fn exits(&self) -> FxIndexSet<&[BasicBlock]> {
        let nexts = self.tuples.values().flat_map(|tuple| &tuple.next);
        nexts
            .filter_map(|next| match next {
                Next::Different(blocks) => Some(&blocks[..]),
                _ => None,
            })
            .collect()
    }

    /// The locals that are renamed, or are the new names.
    fn renamed(&self) -> impl Iterator<Item = Local> {
        self.names.renamed.iter().flat_map(|(&local, &name)| [local, name])
    }
}

/// How much of [`Common`] there was.
struct Mark {
    tuples: usize,
    roles: usize,
    meetings: usize,
    names: usize,
    had_parameters: bool,
}

/// Finds out what is to be merged in a body.
struct Planner<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'a Body<'tcx>,
    always_live: DenseBitSet<Local>,
    /// The locals that may have storage at the start of each block.
    live_in: IndexVec<BasicBlock, DenseBitSet<Local>>,
    /// The locals that are needed behind each block that suspends.
    saved: FxHashMap<BasicBlock, DenseBitSet<Local>>,
    mentions: Mentions,
}

impl<'a, 'tcx> Planner<'a, 'tcx> {
    fn new(tcx: TyCtxt<'tcx>, body: &'a Body<'tcx>) -> Self {
        let none = DenseBitSet::new_empty(body.local_decls.len());
        let storage = MaybeStorageLive::new(std::borrow::Cow::Owned(none));
        let mut storage = storage.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body);
        let live_in = body
            .basic_blocks
            .indices()
            .map(|block| {
                storage.seek_to_block_start(block);
                storage.get().clone()
            })
            .collect();
        let mut mentions = Mentions {
            places: IndexVec::from_elem(vec![], &body.local_decls),
            is_brief: DenseBitSet::new_filled(body.local_decls.len()),
        };
        mentions.visit_body(body);
        let always_live = always_storage_live_locals(body);
        Planner { tcx, body, always_live, live_in, saved: saved_locals(tcx, body), mentions }
    }

    /// What is to be merged now, and whether there is more to be merged then. Nothing of it has
    /// anything to do with the rest of it.
    fn plan(&self, groups: &[Vec<BasicBlock>]) -> (Vec<Common>, bool) {
        let mut is_more = false;
        let mut plans: Vec<Common> = vec![];
        let mut blocks = FxHashSet::default();
        let mut renamed = FxHashSet::default();
        let mut used = FxHashSet::default();
        for group in groups {
            for plan in self.plan_group(group) {
                let live = plan.tuples.values().flat_map(|tuple| {
                    tuple.blocks.iter().flat_map(|&block| self.live_in[block].iter())
                });
                let uses: Vec<_> = live.chain(plan.pads.iter().flatten().copied()).collect();
                if plan.roles.keys().any(|block| blocks.contains(block))
                    || plan.renamed().any(|local| renamed.contains(&local) || used.contains(&local))
                    || uses.iter().any(|local| renamed.contains(local))
                {
                    debug!("is left for the next round");
                    is_more = true;
                    continue;
                }
                blocks.extend(plan.roles.keys().copied());
                renamed.extend(plan.renamed());
                used.extend(uses);
                plans.push(plan);
            }
        }
        (plans, is_more)
    }

    fn plan_group(&self, group: &[BasicBlock]) -> Vec<Common> {
        let mut waiting = group.to_vec();
        let mut plans = vec![];
        for _ in 0..LEADERS_LIMIT {
            if waiting.len() < 2 {
                break;
            }
            let leader = waiting.remove(0);
            let mut members = vec![leader];
            let mut of_two = None;
            waiting.retain(|&other| {
                if members.len() == SITES_LIMIT {
                    return true;
                }
                let is_possible = self.may_hold_the_same(leader, other);
                match is_possible.and_then(|()| self.merge(&[leader, other])) {
                    Ok(plan) => {
                        of_two.get_or_insert(plan);
                        members.push(other);
                        false
                    }
                    Err(reason) => {
                        debug!(?leader, ?other, reason, "are not merged");
                        true
                    }
                }
            });
            while members.len() > 1 {
                let known = if members.len() == 2 { of_two.take() } else { None };
                match known.map_or_else(|| self.merge(&members), Ok) {
                    Ok(plan) => {
                        debug!(?members, ?plan, "are merged");
                        plans.push(plan);
                        break;
                    }
                    Err(reason) => {
                        debug!(?members, reason, "are not merged");
                        let rest = members.split_off(members.len() / 2);
                        waiting.extend(rest);
                    }
                }
            }
        }
        plans
    }

    /// Whether one of two sites may save all that the other saves, going by types, without which
    /// [`Planner::one_saves_all`] says no.
    fn may_hold_the_same(&self, one: BasicBlock, other: BasicBlock) -> Result<(), &'static str> {
        let (of_one, of_other) = (&self.saved[&one], &self.saved[&other]);
        let mut balance: FxIndexMap<Ty<'tcx>, isize> = FxIndexMap::default();
        for (saved, not, change) in [(of_one, of_other, 1), (of_other, of_one, -1)] {
            for local in saved.iter().filter(|&local| !not.contains(local)) {
                *balance.entry(self.body.local_decls[local].ty).or_default() += change;
            }
        }
        let mut signs = balance.values().map(|change| change.signum()).filter(|&sign| sign != 0);
        let first = signs.next();
        if signs.all(|sign| Some(sign) == first) { Ok(()) } else { Err(HOLD_DIFFERENT_LOCALS) }
    }

    /// What the sites that suspend in `yields` have in common, or why it is not to be merged.
    fn merge(&self, yields: &[BasicBlock]) -> Result<Common, &'static str> {
        let mut common = self.compare(yields, &FxHashSet::default())?;
        let cut = self.not_worthwhile(&common, yields[0]);
        if !cut.is_empty() {
            common = self.compare(yields, &cut)?;
        }
        self.extend_backward(&mut common);
        if self.differ_in_constants(&common) {
            return Err("are made of different constants");
        }
        if !self.one_saves_all(&common) {
            return Err(HOLD_DIFFERENT_LOCALS);
        }
        self.pad(&mut common)?;
        if !self.is_for_size() && self.branches_by_selector(&common) {
            return Err("go on differently, and are to be fast");
        }
        if self.gain(&common, &self.entries(&common)) <= 0 {
            return Err("cost more together than apart");
        }
        Ok(common)
    }

    /// Whether code is to be small, whatever else it costs.
    fn is_for_size(&self) -> bool {
        matches!(self.tcx.sess.opts.optimize, OptLevel::Size | OptLevel::SizeMin)
    }

    /// Whether there are branches by a selector, other than in cleanup.
    fn branches_by_selector(&self, common: &Common) -> bool {
        common.exits().iter().any(|blocks| !self.body.basic_blocks[blocks[0]].is_cleanup)
    }

    /// Goes on from the suspension points as long as what comes is the same.
    fn compare(
        &self,
        yields: &[BasicBlock],
        cut: &FxHashSet<BasicBlock>,
    ) -> Result<Common, &'static str> {
        let count = yields.len();
        let mut common = Common {
            count,
            tuples: FxIndexMap::default(),
            roles: FxIndexMap::default(),
            names: Names::new(count),
            meetings: FxIndexSet::default(),
            parameters: None,
            pads: vec![vec![]; count],
        };
        if !self.terminators_agree(&mut common, yields) {
            return Err("do not suspend in the same way");
        }
        let from = self.common_end(&mut common, yields);
        common.add(yields.to_vec(), from);
        self.expand(&mut common, yields[0], cut);
        Ok(common)
    }

    /// Fills in where the tuple of `first`, and all that is found on the way, lead.
    fn expand(&self, common: &mut Common, first: BasicBlock, cut: &FxHashSet<BasicBlock>) {
        let mut waiting = vec![first];
        while let Some(first) = waiting.pop() {
            let blocks = common.tuples[&first].blocks.clone();
            let successors: Vec<Vec<_>> = blocks
                .iter()
                .map(|&block| self.body.basic_blocks[block].terminator().successors().collect())
                .collect();
            let next = (0..successors[0].len())
                .map(|index| {
                    let targets: Vec<_> = successors.iter().map(|of_site| of_site[index]).collect();
                    let (next, is_new) = self.next(common, targets, cut);
                    if is_new {
                        waiting.extend(match next {
                            Next::Same(first) => Some(first),
                            _ => None,
                        });
                    }
                    next
                })
                .collect();
            common.tuples[&first].next = next;
        }
    }

    /// Whether `targets` do the same, and whether that was not known before.
    fn next(
        &self,
        common: &mut Common,
        targets: Vec<BasicBlock>,
        cut: &FxHashSet<BasicBlock>,
    ) -> (Next, bool) {
        let first = targets[0];
        if targets.iter().all(|&target| target == first) && !common.roles.contains_key(&first) {
            common.meetings.insert(first);
            return (Next::Meeting, false);
        }
        if let Some(tuple) = common.tuples.get(&first)
            && tuple.blocks == targets
            && tuple.is_whole
        {
            return (Next::Same(first), false);
        }
        let distinct: FxHashSet<_> = targets.iter().collect();
        if distinct.len() < targets.len()
            || targets.iter().any(|&target| {
                target == START_BLOCK
                    || common.roles.contains_key(&target)
                    || common.meetings.contains(&target)
                    || self.body.basic_blocks[target].is_cleanup
                        != self.body.basic_blocks[first].is_cleanup
            })
            || cut.contains(&first)
            || common.tuples.len() >= REGION_LIMIT
            || !self.blocks_agree(common, &targets)
        {
            return (Next::Different(targets), false);
        }
        let from = vec![0; targets.len()];
        common.add(targets, from);
        (Next::Same(first), true)
    }

    /// The tuples behind the suspension point that are better off apart.
    fn not_worthwhile(&self, common: &Common, start: BasicBlock) -> FxHashSet<BasicBlock> {
        // What leads back to the suspension point is merged in any case.
        let mut before: FxHashMap<BasicBlock, Vec<BasicBlock>> = FxHashMap::default();
        for (&first, tuple) in &common.tuples {
            for next in &tuple.next {
                if let Next::Same(next) = *next {
                    before.entry(next).or_default().push(first);
                }
            }
        }
        let mut forced = FxIndexSet::from_iter([start]);
        let mut waiting = vec![start];
        while let Some(first) = waiting.pop() {
            for &before in before.get(&first).into_iter().flatten() {
                if forced.insert(before) {
                    waiting.push(before);
                }
            }
        }
        let mut values = FxHashMap::default();
        let mut cut = FxHashSet::default();
        for &first in &forced {
            for next in &common.tuples[&first].next {
                self.value(common, &forced, &mut values, &mut cut, next);
            }
        }
        cut
    }

    /// What is saved from `next` on, at best; adds to `cut` what is better off apart.
    fn value(
        &self,
        common: &Common,
        forced: &FxIndexSet<BasicBlock>,
        values: &mut FxHashMap<BasicBlock, isize>,
        cut: &mut FxHashSet<BasicBlock>,
        next: &Next,
    ) -> isize {
        let apart = -exit_cost(common.count);
        let first = match *next {
            Next::Meeting => return 0,
            Next::Different(_) => return apart,
            Next::Same(first) => first,
        };
        if forced.contains(&first) {
            return 0;
        }
        if let Some(&value) = values.get(&first) {
            return value;
        }
        // A way back to here neither costs nor saves.
        values.insert(first, 0);
        let tuple = &common.tuples[&first];
        let mut together = self.saved(common, tuple);
        for next in &tuple.next {
            together += self.value(common, forced, values, cut, next);
        }
        if together < apart {
            cut.insert(first);
        }
        let value = together.max(apart);
        values.insert(first, value);
        value
    }

    /// The cost of the blocks that are not there when the tuple is merged.
    fn saved(&self, common: &Common, tuple: &Tuple) -> isize {
        let block = &self.body.basic_blocks[tuple.blocks[0]];
        let assigns = block.statements[tuple.from[0]..]
            .iter()
            .filter(|statement| matches!(statement.kind, StatementKind::Assign(_)))
            .count();
        let of_terminator = match block.terminator().kind {
            TerminatorKind::Call { .. } | TerminatorKind::Yield { .. } => 3,
            TerminatorKind::Goto { .. } => 0,
            _ => 1,
        };
        ((assigns + of_terminator) * (common.count - 1)) as isize
    }

    /// What is saved by merging all that is the same, which has these `entries`.
    fn gain(&self, common: &Common, entries: &[BasicBlock]) -> isize {
        let saved: isize = common.tuples.values().map(|tuple| self.saved(common, tuple)).sum();
        let exits = common.exits().len() as isize;
        let entries = entries.len() as isize;
        let of_parameters =
            common.parameters.as_ref().map_or(0, |(_, which)| which.len() * common.count);
        let count = common.count as isize;
        let of_selector =
            if exits == 0 { 0 } else { exits * exit_cost(common.count) + entries * count };
        saved - of_selector - of_parameters as isize
    }

    /// The tuples that other code leads to.
    fn entries(&self, common: &Common) -> Vec<BasicBlock> {
        let predecessors = self.body.basic_blocks.predecessors();
        common
            .tuples
            .iter()
            .filter(|(_, tuple)| {
                !tuple.is_whole
                    || tuple.blocks.iter().any(|&block| {
                        block == START_BLOCK
                            || predecessors[block]
                                .iter()
                                .any(|&before| !self.leads_to(common, before, block))
                    })
            })
            .map(|(&first, _)| first)
            .collect()
    }

    /// The one of `entries` that is not in cleanup, if there is only one.
    fn only_entry(&self, entries: &[BasicBlock]) -> Option<BasicBlock> {
        let entries = entries.iter().copied();
        let mut entries = entries.filter(|&entry| !self.body.basic_blocks[entry].is_cleanup);
        entries.next().filter(|_| entries.next().is_none())
    }

    /// Whether `before` is a block of the same site, and all that leads from it to `block` is
    /// merged.
    fn leads_to(&self, common: &Common, before: BasicBlock, block: BasicBlock) -> bool {
        let role = |block| common.roles.get(&block).copied();
        let (Some((site, from)), Some((of_block, to))) = (role(before), role(block)) else {
            return false;
        };
        site == of_block
            && self.body.basic_blocks[before]
                .terminator()
                .successors()
                .zip(&common.tuples[&from].next)
                .filter(|(target, _)| *target == block)
                .all(|(_, next)| *next == Next::Same(to))
    }

    /// Adds what comes before the only way in, as long as it is the same.
    fn extend_backward(&self, common: &mut Common) {
        let predecessors = self.body.basic_blocks.predecessors();
        let mut entries = self.entries(common);
        let mut gain = self.gain(common, &entries);
        while let Some(entry) = self.only_entry(&entries)
            && common.tuples[&entry].is_whole
            && common.tuples.len() < REGION_LIMIT
        {
            let blocks = common.tuples[&entry].blocks.clone();
            let mut before = vec![];
            for &block in &blocks {
                let mut others = predecessors[block]
                    .iter()
                    .filter(|&&other| !self.leads_to(common, other, block));
                let (Some(&other), None) = (others.next(), others.next()) else { return };
                before.push(other);
            }
            let distinct: FxHashSet<_> = before.iter().collect();
            let is_straight = |block: BasicBlock| {
                let data = &self.body.basic_blocks[block];
                let target = match data.terminator().kind {
                    TerminatorKind::Goto { target } | TerminatorKind::Drop { target, .. } => {
                        Some(target)
                    }
                    TerminatorKind::Call { target, .. } => target,
                    _ => None,
                };
                !data.is_cleanup
                    && !common.roles.contains_key(&block)
                    && !common.meetings.contains(&block)
                    && target.is_some_and(|target| blocks.contains(&target))
            };
            if distinct.len() < before.len() || !before.iter().all(|&block| is_straight(block)) {
                return;
            }
            let mark = common.mark();
            let from = if self.terminators_agree(common, &before) {
                self.common_end(common, &before)
            } else if let Some(parameters) = self.parameters(common, &before) {
                common.parameters = Some((before[0], parameters));
                before.iter().map(|&block| self.body.basic_blocks[block].statements.len()).collect()
            } else {
                common.undo(mark);
                return;
            };
            let first = before[0];
            let is_start = before.contains(&START_BLOCK);
            common.add(before, from);
            if is_start && common.tuples[&first].is_whole {
                common.undo(mark);
                return;
            }
            self.expand(common, first, &FxHashSet::default());
            entries = self.entries(common);
            let extended = self.gain(common, &entries);
            if extended < gain {
                common.undo(mark);
                return;
            }
            gain = extended;
        }
    }

    /// Whether what leads to the sites is the same call with other constants, which is better known
    /// where it is made.
    fn differ_in_constants(&self, common: &Common) -> bool {
        let predecessors = self.body.basic_blocks.predecessors();
        let Some(entry) = self.only_entry(&self.entries(common)) else { return false };
        let mut calls = vec![];
        for &block in &common.tuples[&entry].blocks {
            for &before in &predecessors[block] {
                if !self.leads_to(common, before, block)
                    && let TerminatorKind::Call { func, args, .. } =
                        &self.body.basic_blocks[before].terminator().kind
                {
                    calls.push((func.const_fn_def(), args));
                }
            }
        }
        let is_constant =
            |argument: &Spanned<Operand<'tcx>>| matches!(argument.node, Operand::Constant(_));
        let value =
            |argument: &Spanned<Operand<'tcx>>| argument.node.constant().map(|it| it.const_);
        let Some(((function, first), others)) = calls.split_first() else { return false };
        first.iter().all(is_constant)
            && others.iter().any(|(other, args)| {
                other == function && !first.iter().map(value).eq(args.iter().map(value))
            })
    }

    /// The arguments in which the calls at the end of `blocks` differ, if they differ in nothing
    /// else.
    fn parameters(&self, common: &mut Common, blocks: &[BasicBlock]) -> Option<Vec<usize>> {
        let mut calls = vec![];
        for &block in blocks {
            let terminator = self.body.basic_blocks[block].terminator();
            let TerminatorKind::Call { func, args, .. } = &terminator.kind else { return None };
            if !makes_coroutine(self.tcx, func) {
                return None;
            }
            calls.push((terminator, args));
        }
        let (_, first) = calls[0];
        if calls.iter().any(|(_, args)| args.len() != first.len()) {
            return None;
        }
        let ty = |argument: &Operand<'tcx>| argument.ty(self.body, self.tcx);
        let mut parameters = vec![];
        for (index, argument) in first.iter().enumerate() {
            let same_types =
                calls.iter().all(|(_, args)| ty(&args[index].node) == ty(&argument.node));
            if !same_types {
                return None;
            }
            let as_statement = |operand: &Operand<'tcx>| {
                StatementKind::Assign(Box::new((RETURN_PLACE.into(), Rvalue::Use(operand.clone()))))
            };
            let of_sites: Vec<_> =
                calls.iter().map(|(_, args)| as_statement(&args[index].node)).collect();
            if !self.agree(common, &of_sites.iter().collect::<Vec<_>>()) {
                parameters.push(index);
            }
        }
        // Without them, they have to be the same.
        let of_sites: Vec<_> = calls
            .iter()
            .map(|(terminator, _)| {
                let mut kind = terminator.kind.clone();
                if let TerminatorKind::Call { args, .. } = &mut kind {
                    for &index in &parameters {
                        args[index].node = Operand::Copy(RETURN_PLACE.into());
                    }
                }
                kind
            })
            .collect();
        (!calls.iter().any(|(terminator, _)| self.tells_where_it_is(&terminator.kind))
            && self.agree(common, &of_sites.iter().collect::<Vec<_>>()))
        .then_some(parameters)
    }

    /// Whether one of the sites saves all that the others do, so that no state gets larger.
    fn one_saves_all(&self, common: &Common) -> bool {
        common.tuples.values().all(|tuple| {
            let saved: Vec<_> = tuple
                .blocks
                .iter()
                .filter_map(|block| {
                    let mut saved = self.saved.get(block)?.clone();
                    common.names.rename(&mut saved);
                    Some(saved)
                })
                .collect();
            let Some(mut all) = saved.first().cloned() else { return true };
            for of_site in &saved {
                all.union(of_site);
            }
            saved.contains(&all)
        })
    }

    /// Finds what has storage at some sites only where they are entered.
    fn pad(&self, common: &mut Common) -> Result<(), &'static str> {
        let mut pads = None;
        for entry in self.entries(common) {
            let tuple = &common.tuples[&entry];
            let live: Vec<DenseBitSet<Local>> = (0..common.count)
                .map(|site| {
                    let mut live = self.live_before(tuple.blocks[site], tuple.from[site]);
                    common.names.rename(&mut live);
                    live
                })
                .collect();
            let mut all = live[0].clone();
            for of_site in &live {
                all.union(of_site);
            }
            let missing: Vec<Vec<_>> = live
                .iter()
                .map(|of_site| all.iter().filter(|&local| !of_site.contains(local)).collect())
                .collect();
            if pads.get_or_insert_with(|| missing.clone()) != &missing {
                return Err("hold different locals at different entries");
            }
        }
        let pads = pads.unwrap_or_default();
        if pads.iter().any(|missing| !missing.is_empty()) && common.exits().is_empty() {
            return Err("hold different locals, and go on in the same way");
        }
        common.pads = pads;
        Ok(())
    }

    /// The locals that may have storage in `block` just before the statement at `index`.
    fn live_before(&self, block: BasicBlock, index: usize) -> DenseBitSet<Local> {
        let mut live = self.live_in[block].clone();
        for statement in &self.body.basic_blocks[block].statements[..index] {
            match statement.kind {
                StatementKind::StorageLive(local) => live.insert(local),
                StatementKind::StorageDead(local) => live.remove(local),
                _ => false,
            };
        }
        live
    }

    /// Whether `local` may have storage just before `location`.
    fn has_storage(&self, local: Local, location: Location) -> bool {
        let statements = &self.body.basic_blocks[location.block].statements;
        for statement in statements[..location.statement_index].iter().rev() {
            match statement.kind {
                StatementKind::StorageLive(other) if other == local => return true,
                StatementKind::StorageDead(other) if other == local => return false,
                _ => {}
            }
        }
        self.live_in[location.block].contains(local)
    }

    /// Whether the two may be one: they never have storage at the same time or, without storage
    /// statements, never a value.
    fn may_be_one(&self, one: Local, other: Local) -> bool {
        if one.index() <= self.body.arg_count
            || other.index() <= self.body.arg_count
            || self.body.local_decls[one].ty != self.body.local_decls[other].ty
        {
            return false;
        }
        let Mentions { places, is_brief } = &self.mentions;
        match (self.always_live.contains(one), self.always_live.contains(other)) {
            (false, false) => {
                let apart = |one: Local, other: Local| {
                    places[one].iter().all(|&location| !self.has_storage(other, location))
                };
                apart(one, other) && apart(other, one)
            }
            (true, true) => {
                let blocks: FxHashSet<_> = places[one].iter().map(|place| place.block).collect();
                is_brief.contains(one)
                    && is_brief.contains(other)
                    && !places[other].iter().any(|place| blocks.contains(&place.block))
            }
            _ => false,
        }
    }

    fn blocks_agree(&self, common: &mut Common, blocks: &[BasicBlock]) -> bool {
        let statements: Vec<_> = blocks.iter().map(|&block| statements(self.body, block)).collect();
        if statements.iter().any(|of_site| of_site.len() != statements[0].len()) {
            return false;
        }
        let Some(terminators) = self.terminators(blocks) else { return false };
        let names = &mut common.names;
        let mark = names.added.len();
        let agree = (0..statements[0].len()).all(|index| {
            let of_sites: Vec<_> =
                statements.iter().map(|of_site| &of_site[index].1.kind).collect();
            self.name_alike(names, &of_sites)
        }) && self.name_alike(names, &terminators);
        if !agree {
            names.undo(mark);
        }
        agree
    }

    /// Where the last statements of `blocks` start that are the same.
    fn common_end(&self, common: &mut Common, blocks: &[BasicBlock]) -> Vec<usize> {
        let statements: Vec<_> = blocks.iter().map(|&block| statements(self.body, block)).collect();
        let least = statements.iter().map(Vec::len).min().unwrap_or(0);
        let mut length = 0;
        while length < least {
            let of_sites: Vec<_> = statements
                .iter()
                .map(|of_site| &of_site[of_site.len() - 1 - length].1.kind)
                .collect();
            if !self.agree(common, &of_sites) {
                break;
            }
            length += 1;
        }
        let is_whole = statements.iter().all(|of_site| of_site.len() == length);
        statements
            .iter()
            .zip(blocks)
            .map(|(of_site, &block)| match of_site.len() - length {
                _ if is_whole => 0,
                index if index < of_site.len() => of_site[index].0,
                _ => self.body.basic_blocks[block].statements.len(),
            })
            .collect()
    }

    fn terminators_agree(&self, common: &mut Common, blocks: &[BasicBlock]) -> bool {
        self.terminators(blocks).is_some_and(|terminators| self.agree(common, &terminators))
    }

    /// What `blocks` end in, unless that tells where it is.
    fn terminators(&self, blocks: &[BasicBlock]) -> Option<Vec<&'a TerminatorKind<'tcx>>> {
        let kinds = blocks.iter().map(|&block| &self.body.basic_blocks[block].terminator().kind);
        kinds.map(|kind| (!self.tells_where_it_is(kind)).then_some(kind)).collect()
    }

    /// Whether what is called may see, or say, which line of the source it is called in.
    fn tells_where_it_is(&self, kind: &TerminatorKind<'tcx>) -> bool {
        let func = match kind {
            TerminatorKind::Call { func, .. } => func,
            TerminatorKind::Assert { .. }
            | TerminatorKind::TailCall { .. }
            | TerminatorKind::InlineAsm { .. } => return true,
            _ => return false,
        };
        let Some((def_id, args)) = func.const_fn_def() else { return false };
        certain_body::may_be_told_its_caller(self.tcx, def_id, args).unwrap_or_else(|| {
            let lang_items = self.tcx.lang_items();
            ![lang_items.future_poll_fn(), lang_items.into_future_fn()].contains(&Some(def_id))
        })
    }

    /// Whether the parts of a body, each of another site, are the same but for the names of locals.
    /// Remembers these names.
    fn agree<P: Part<'tcx>>(&self, common: &mut Common, parts: &[&P]) -> bool {
        let mark = common.names.added.len();
        let agree = self.name_alike(&mut common.names, parts);
        if !agree {
            common.names.undo(mark);
        }
        agree
    }

    fn name_alike<P: Part<'tcx>>(&self, names: &mut Names, parts: &[&P]) -> bool {
        let kind = std::mem::discriminant(parts[0]);
        if parts.iter().any(|part| std::mem::discriminant(*part) != kind) {
            return false;
        }
        let (first, locals_of_first) = normalized(self.tcx, parts[0], None);
        parts.iter().enumerate().skip(1).all(|(site, &part)| {
            let (renamed, locals) = normalized(self.tcx, part, Some(&locals_of_first));
            renamed == first
                && locals.len() == locals_of_first.len()
                && std::iter::zip(&locals_of_first, &locals).all(|(&name, &local)| {
                    names.add(site, name, local, |one, other| self.may_be_one(one, other))
                })
        })
    }
}

/// The locals of the first site that those of the others become.
#[derive(Clone, Debug)]
struct Names {
    /// The name of each local, by site.
    of_site: Vec<FxHashMap<Local, Local>>,
    /// And the other way around.
    locals: Vec<FxHashMap<Local, Local>>,
    names: FxHashSet<Local>,
    /// The locals that get another name, whatever the site.
    renamed: FxIndexMap<Local, Local>,
    /// These by their new names.
    members: FxHashMap<Local, Vec<Local>>,
    /// All that was added, to be able to take it back.
    added: Vec<Added>,
}

/// What was added to [`Names`].
#[derive(Clone, Debug)]
struct Added {
    site: usize,
    name: Local,
    local: Local,
    is_name_new: bool,
    is_member_new: bool,
}

impl Names {
    fn new(count: usize) -> Self {
        Names {
            of_site: vec![FxHashMap::default(); count],
            locals: vec![FxHashMap::default(); count],
            names: FxHashSet::default(),
            renamed: FxIndexMap::default(),
            members: FxHashMap::default(),
            added: vec![],
        }
    }

    /// Has `local`, at the site, become `name`, unless either means something else somewhere.
    fn add(
        &mut self,
        site: usize,
        name: Local,
        local: Local,
        may_be_one: impl Fn(Local, Local) -> bool,
    ) -> bool {
        match (self.of_site[site].get(&local), self.locals[site].get(&name)) {
            (Some(&known), Some(_)) => return known == name,
            (None, None) => {}
            _ => return false,
        }
        let mut is_member_new = false;
        if self.renamed.contains_key(&name) {
            return false;
        }
        if name != local {
            if self.names.contains(&local) {
                return false;
            }
            match self.renamed.get(&local) {
                Some(&known) if known != name => return false,
                Some(_) => {}
                None => {
                    let members = self.members.entry(name).or_default();
                    if !may_be_one(name, local)
                        || !members.iter().all(|&member| may_be_one(member, local))
                    {
                        return false;
                    }
                    members.push(local);
                    self.renamed.insert(local, name);
                    is_member_new = true;
                }
            }
        }
        self.of_site[site].insert(local, name);
        self.locals[site].insert(name, local);
        let is_name_new = self.names.insert(name);
        self.added.push(Added { site, name, local, is_name_new, is_member_new });
        true
    }

    /// Gives locals their new names.
    fn rename(&self, locals: &mut DenseBitSet<Local>) {
        for (&local, &name) in &self.renamed {
            if locals.remove(local) {
                locals.insert(name);
            }
        }
    }

    /// Takes back what was added when so much was there.
    fn undo(&mut self, mark: usize) {
        while self.added.len() > mark {
            if let Some(added) = self.added.pop() {
                self.remove(added);
            }
        }
    }

    fn remove(&mut self, added: Added) {
        let Added { site, name, local, is_name_new, is_member_new } = added;
        self.of_site[site].remove(&local);
        self.locals[site].remove(&name);
        if is_name_new {
            self.names.remove(&name);
        }
        if is_member_new {
            self.renamed.pop();
            self.members.entry(name).or_default().pop();
        }
    }
}

/// The locals that are needed behind each suspension point, as the state transform finds them.
fn saved_locals<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
) -> FxHashMap<BasicBlock, DenseBitSet<Local>> {
    let borrowed = MaybeBorrowedLocals.iterate_to_fixpoint(tcx, body, None);
    let required = MaybeRequiresStorage::new(ResultsCursor::new_borrowing(body, &borrowed))
        .iterate_to_fixpoint(tcx, body, None);
    let mut required = ResultsCursor::new_borrowing(body, &required);
    let mut borrowed = ResultsCursor::new_borrowing(body, &borrowed);
    let mut live = MaybeLiveLocals.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body);
    let mut saved = FxHashMap::default();
    for (block, data) in body.basic_blocks.iter_enumerated() {
        if matches!(data.terminator().kind, TerminatorKind::Yield { .. }) {
            live.seek_to_block_end(block);
            let mut locals = live.get().clone();
            let location = body.terminator_loc(block);
            borrowed.seek_before_primary_effect(location);
            locals.union(borrowed.get());
            required.seek_before_primary_effect(location);
            locals.intersect(required.get());
            saved.insert(block, locals);
        }
    }
    saved
}

/// What a branch by the selector costs.
fn exit_cost(count: usize) -> isize {
    count as isize + 1
}

/// The statements of `block`, with their indices, that are there for anything.
fn statements<'a, 'tcx>(
    body: &'a Body<'tcx>,
    block: BasicBlock,
) -> Vec<(usize, &'a Statement<'tcx>)> {
    let statements = body.basic_blocks[block].statements.iter().enumerate();
    statements.filter(|(_, statement)| !matches!(statement.kind, StatementKind::Nop)).collect()
}

/// What is done to each local.
struct Mentions {
    /// Where it is mentioned.
    places: IndexVec<Local, Vec<Location>>,
    /// The locals whose values are assigned in the blocks that use them, and not borrowed.
    is_brief: DenseBitSet<Local>,
}

impl<'tcx> Visitor<'tcx> for Mentions {
    fn visit_local(&mut self, local: Local, context: PlaceContext, location: Location) {
        if let PlaceContext::NonUse(NonUseContext::VarDebugInfo) = context {
            return;
        }
        let places = &mut self.places[local];
        let is_first = places.last().is_none_or(|last| last.block != location.block);
        let is_brief = match context {
            PlaceContext::MutatingUse(MutatingUseContext::Store) => true,
            PlaceContext::NonMutatingUse(
                NonMutatingUseContext::Copy
                | NonMutatingUseContext::Move
                | NonMutatingUseContext::Inspect,
            ) => !is_first && places.last() != Some(&location),
            _ => false,
        };
        if !is_brief {
            self.is_brief.remove(local);
        }
        places.push(location);
    }
}

/// A part of a body that can be compared with another.
trait Part<'tcx>: Clone + PartialEq {
    fn accept(&mut self, visitor: &mut impl MutVisitor<'tcx>);
}

impl<'tcx> Part<'tcx> for StatementKind<'tcx> {
    fn accept(&mut self, visitor: &mut impl MutVisitor<'tcx>) {
        let source_info = SourceInfo::outermost(DUMMY_SP);
        let mut statement =
            Statement::new(source_info, std::mem::replace(self, StatementKind::Nop));
        visitor.visit_statement(&mut statement, Location::START);
        *self = statement.kind;
    }
}

impl<'tcx> Part<'tcx> for TerminatorKind<'tcx> {
    fn accept(&mut self, visitor: &mut impl MutVisitor<'tcx>) {
        let source_info = SourceInfo::outermost(DUMMY_SP);
        let kind = std::mem::replace(self, TerminatorKind::Unreachable);
        let mut terminator = Terminator { source_info, kind };
        terminator.successors_mut(|target| *target = START_BLOCK);
        visitor.visit_terminator(&mut terminator, Location::START);
        if let TerminatorKind::Call { args, .. } = &mut terminator.kind {
            for argument in args {
                argument.span = DUMMY_SP;
            }
        }
        *self = terminator.kind;
    }
}

/// A copy of `part` without what has no effect, and with `names` in the place of its locals, one
/// after the other. Gives its locals, too.
fn normalized<'tcx, P: Part<'tcx>>(
    tcx: TyCtxt<'tcx>,
    part: &P,
    names: Option<&[Local]>,
) -> (P, Vec<Local>) {
    let mut part = part.clone();
    let mut normalizer = Normalizer { tcx, names, locals: vec![] };
    part.accept(&mut normalizer);
    (part, normalizer.locals)
}

struct Normalizer<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    names: Option<&'a [Local]>,
    locals: Vec<Local>,
}

impl<'tcx> MutVisitor<'tcx> for Normalizer<'_, 'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_local(&mut self, local: &mut Local, _: PlaceContext, _: Location) {
        self.locals.push(*local);
        if *local != RETURN_PLACE
            && let Some(&name) = self.names.and_then(|names| names.get(self.locals.len() - 1))
        {
            *local = name;
        }
    }

    fn visit_span(&mut self, span: &mut Span) {
        *span = DUMMY_SP;
    }

    fn visit_const_operand(&mut self, constant: &mut ConstOperand<'tcx>, location: Location) {
        constant.user_ty = None;
        self.super_const_operand(constant, location);
    }
}

/// Merges what the plans say.
fn apply<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>, mut plans: Vec<Common>) {
    for plan in &mut plans {
        split(body, plan);
    }
    let originals = body.basic_blocks.to_owned();
    let mut merger = Merger {
        tcx,
        roles: FxHashMap::default(),
        selectors: vec![],
        parameters: vec![],
        entries: FxHashMap::default(),
        exits: FxHashMap::default(),
        plans: &plans,
        originals: &originals,
        body,
    };
    for (index, plan) in plans.iter().enumerate() {
        let roles = plan.tuples.iter().flat_map(|(&first, tuple)| {
            tuple.blocks.iter().enumerate().map(move |(site, &block)| (block, (index, site, first)))
        });
        merger.roles.extend(roles);
        let span = merger.body.span;
        let selector = (!plan.exits().is_empty())
            .then(|| merger.body.local_decls.push(LocalDecl::new(tcx.types.u8, span)));
        merger.selectors.push(selector);
        merger.parameters.push(FxHashMap::default());
        if let Some((first, arguments)) = &plan.parameters {
            merger.take_parameters(index, *first, arguments);
        }
    }
    for block in originals.indices() {
        merger.redirect(block);
    }

    let renaming = plans.iter().flat_map(|plan| &plan.names.renamed);
    let renaming = renaming.map(|(&local, &name)| (local, name)).collect();
    Renamer { tcx, renaming }.visit_body(body);
    simplify::remove_dead_blocks(body);
    pm::run_passes_no_validate(tcx, body, &[&simplify::SimplifyLocals::BeforeConstProp], None);
}

/// Makes whole blocks of the ends of blocks.
fn split<'tcx>(body: &mut Body<'tcx>, plan: &mut Common) {
    let partial = plan.tuples.values().filter(|tuple| !tuple.is_whole);
    let partial: Vec<_> = partial.map(|tuple| tuple.blocks[0]).collect();
    for first in partial {
        let Some(mut tuple) = plan.tuples.swap_remove(&first) else { continue };
        for (block, from) in tuple.blocks.iter_mut().zip(&mut tuple.from) {
            let new = body.basic_blocks.next_index();
            let data = &mut body.basic_blocks_mut()[*block];
            let statements = data.statements.split_off(*from);
            let source_info = data.terminator().source_info;
            let goto = Terminator { source_info, kind: TerminatorKind::Goto { target: new } };
            let terminator = std::mem::replace(data.terminator_mut(), goto);
            let is_cleanup = data.is_cleanup;
            let end = BasicBlockData::new_stmts(statements, Some(terminator), is_cleanup);
            body.basic_blocks_mut().push(end);
            plan.roles.swap_remove(block);
            *block = new;
            *from = 0;
        }
        tuple.is_whole = true;
        if let Some((with_parameters, _)) = &mut plan.parameters
            && *with_parameters == first
        {
            *with_parameters = tuple.blocks[0];
        }
        plan.tuples.insert(tuple.blocks[0], tuple);
    }
}

struct Merger<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'a mut Body<'tcx>,
    plans: &'a [Common],
    /// The blocks before all of this.
    originals: &'a BasicBlocks<'tcx>,
    /// The plan, the site and the tuple of each block.
    roles: FxHashMap<BasicBlock, (usize, usize, BasicBlock)>,
    /// Of each plan, what says at which site it is.
    selectors: Vec<Option<Local>>,
    /// Of each plan, by site, what is assigned where it is entered with parameters.
    parameters: Vec<FxHashMap<usize, Vec<(Local, Operand<'tcx>)>>>,
    entries: FxHashMap<(usize, usize, BasicBlock), BasicBlock>,
    exits: FxHashMap<(usize, Vec<BasicBlock>), BasicBlock>,
}

impl<'tcx> Merger<'_, 'tcx> {
    /// Has the call at the end of `first` take arguments from new locals.
    fn take_parameters(&mut self, index: usize, first: BasicBlock, arguments: &[usize]) {
        let tuple = &self.plans[index].tuples[&first];
        let operand = |body: &Body<'tcx>, block: BasicBlock, argument: usize| match &body
            .basic_blocks[block]
            .terminator()
            .kind
        {
            TerminatorKind::Call { args, .. } => args[argument].node.clone(),
            _ => bug!("parameters of what is no call: {block:?}"),
        };
        for &argument in arguments {
            let ty = operand(self.body, first, argument).ty(&*self.body, self.tcx);
            let span = self.body.span;
            let local = self.body.local_decls.push(LocalDecl::new(ty, span));
            for (site, &block) in tuple.blocks.iter().enumerate() {
                let operand = operand(self.body, block, argument);
                self.parameters[index].entry(site).or_default().push((local, operand));
            }
            let terminator = self.body.basic_blocks_mut()[first].terminator_mut();
            if let TerminatorKind::Call { args, .. } = &mut terminator.kind {
                args[argument].node = Operand::Move(local.into());
            }
        }
    }

    /// Leads the successors of `block` to where they are now.
    fn redirect(&mut self, block: BasicBlock) {
        let targets: Vec<_> = self.body.basic_blocks[block].terminator().successors().collect();
        let new: Vec<_> = match self.roles.get(&block) {
            Some(&(index, 0, first)) => {
                let next = self.plans[index].tuples[&first].next.clone();
                targets
                    .into_iter()
                    .zip(next)
                    .map(|(target, next)| match next {
                        Next::Same(first) => first,
                        Next::Meeting => self.enter(target),
                        Next::Different(targets) => self.leave(index, targets),
                    })
                    .collect()
            }
            Some(_) => return,
            None => targets.into_iter().map(|target| self.enter(target)).collect(),
        };
        let mut new = new.into_iter();
        self.body.basic_blocks_mut()[block].terminator_mut().successors_mut(|target| {
            if let Some(new) = new.next() {
                *target = new;
            }
        });
    }

    /// Where code that is not merged gets to what was `target`.
    fn enter(&mut self, target: BasicBlock) -> BasicBlock {
        let Some(&(index, site, first)) = self.roles.get(&target) else { return target };
        let plan = &self.plans[index];
        let source_info = self.body.basic_blocks[first].terminator().source_info;
        let mut statements: Vec<_> = plan.pads[site]
            .iter()
            .map(|&local| Statement::new(source_info, StatementKind::StorageLive(local)))
            .collect();
        let assign = |local: Local, operand| {
            let assigned = Box::new((local.into(), Rvalue::Use(operand)));
            Statement::new(source_info, StatementKind::Assign(assigned))
        };
        if let Some(selector) = self.selectors[index] {
            statements.push(assign(
                selector,
                Operand::const_from_scalar(
                    self.tcx,
                    self.tcx.types.u8,
                    Scalar::from_u8(site as u8),
                    source_info.span,
                ),
            ));
        }
        if plan.parameters.as_ref().is_some_and(|(with_parameters, _)| *with_parameters == first) {
            let of_site = self.parameters[index].get(&site).cloned().unwrap_or_default();
            statements.extend(of_site.into_iter().map(|(local, operand)| assign(local, operand)));
        }
        if statements.is_empty() {
            return first;
        }
        if let Some(&entry) = self.entries.get(&(index, site, first)) {
            return entry;
        }
        let goto = Terminator { source_info, kind: TerminatorKind::Goto { target: first } };
        let is_cleanup = self.body.basic_blocks[first].is_cleanup;
        let entry = BasicBlockData::new_stmts(statements, Some(goto), is_cleanup);
        let entry = self.body.basic_blocks_mut().push(entry);
        self.entries.insert((index, site, first), entry);
        entry
    }

    /// Copies what comes from `target` on, which is all in cleanup.
    fn copy(&mut self, target: BasicBlock) -> BasicBlock {
        let mut copies = FxIndexMap::default();
        let mut waiting = vec![target];
        while let Some(block) = waiting.pop() {
            if copies.contains_key(&block) {
                continue;
            }
            let data = self.originals[block].clone();
            waiting.extend(data.terminator().successors());
            copies.insert(block, self.body.basic_blocks_mut().push(data));
        }
        for &copy in copies.values() {
            let terminator = self.body.basic_blocks_mut()[copy].terminator_mut();
            terminator.successors_mut(|target| *target = copies[&*target]);
        }
        copies[&target]
    }

    /// Where code that is merged gets to what differs from site to site.
    fn leave(&mut self, index: usize, targets: Vec<BasicBlock>) -> BasicBlock {
        let key = (index, targets);
        if let Some(&exit) = self.exits.get(&key) {
            return exit;
        }
        let targets = &key.1;
        let source_info = self.body.basic_blocks[targets[0]].terminator().source_info;
        let is_cleanup = self.body.basic_blocks[targets[0]].is_cleanup;
        let mut of_sites = vec![];
        for (site, &target) in targets.iter().enumerate() {
            let target = if is_cleanup { self.copy(target) } else { self.enter(target) };
            let pads = &self.plans[index].pads[site];
            of_sites.push(if pads.is_empty() {
                target
            } else {
                let dead = pads
                    .iter()
                    .map(|&local| Statement::new(source_info, StatementKind::StorageDead(local)))
                    .collect();
                let goto = Terminator { source_info, kind: TerminatorKind::Goto { target } };
                let data = BasicBlockData::new_stmts(dead, Some(goto), is_cleanup);
                self.body.basic_blocks_mut().push(data)
            });
        }
        let Some(selector) = self.selectors[index] else {
            bug!("sites go on differently: {targets:?}");
        };
        let values = of_sites.iter().enumerate().map(|(site, &target)| (site as u128, target));
        let values: Vec<_> = values.collect();
        let Some((&(_, otherwise), others)) = values.split_last() else {
            bug!("no sites");
        };
        let targets = SwitchTargets::new(others.iter().copied(), otherwise);
        let kind = TerminatorKind::SwitchInt { discr: Operand::Move(selector.into()), targets };
        let switch = Terminator { source_info, kind };
        let exit = BasicBlockData::new_stmts(vec![], Some(switch), is_cleanup);
        let exit = self.body.basic_blocks_mut().push(exit);
        self.exits.insert(key, exit);
        exit
    }
}

struct Renamer<'tcx> {
    tcx: TyCtxt<'tcx>,
    renaming: FxHashMap<Local, Local>,
}

impl<'tcx> MutVisitor<'tcx> for Renamer<'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_local(&mut self, local: &mut Local, _: PlaceContext, _: Location) {
        if let Some(&renamed) = self.renaming.get(local) {
            *local = renamed;
        }
    }
}
