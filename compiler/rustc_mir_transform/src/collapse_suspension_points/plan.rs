//! Decides which suspension points are merged, by what that saves and costs.

use std::cell::RefCell;

use rustc_data_structures::fx::{FxHashMap, FxHashSet, FxIndexMap, FxIndexSet};
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::*;
use rustc_middle::ty::{self, Ty, TyCtxt};
use rustc_session::config::OptLevel;
use rustc_span::{Spanned, Symbol};
use tracing::debug;

use super::compare::{Candidate, Comparer, Successor};
use super::{
    COST_FACTOR, HOLD_DIFFERENT_LOCALS, HOLD_MORE, LEADERS_LIMIT, REGION_LIMIT, SITES_LIMIT,
    called_from,
};
use crate::certain_body;
use crate::never_pending::makes_coroutine;
use crate::saved_locals::{SavedLocals, saved_locals};
use crate::selectors_in_states::states_by_block;

/// Finds out what is to be merged in a body.
pub(super) struct Planner<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    pub(super) body: &'a Body<'tcx>,
    comparer: Comparer<'a, 'tcx>,
    /// The locals that are saved in each block that suspends.
    pub(super) saved: SavedLocals,
    /// In how many states each block that suspends is going to do so: several, if it was merged
    /// before.
    pub(super) states: FxIndexMap<BasicBlock, usize>,
    /// What [`Planner::cost_of_cleanup`] has found.
    pub(super) cleanup: RefCell<FxHashMap<BasicBlock, usize>>,
    /// What became of what suspends in each block, if that is to be noted.
    fates: RefCell<FxIndexMap<BasicBlock, AwaitFate>>,
}

impl<'a, 'tcx> Planner<'a, 'tcx> {
    pub(super) fn new(tcx: TyCtxt<'tcx>, body: &'a Body<'tcx>) -> Self {
        let saved = saved_locals(tcx, body);
        Planner {
            tcx,
            body,
            comparer: Comparer::new(tcx, body),
            states: states_by_block(tcx, body, &saved),
            saved,
            cleanup: RefCell::default(),
            fates: RefCell::default(),
        }
    }

    /// What is to be merged now, and whether there is more to be merged then. The plans are
    /// independent of each other.
    pub(super) fn plan(&self, groups: &[Vec<BasicBlock>]) -> (Vec<Candidate>, bool) {
        let mut is_more = false;
        let mut plans: Vec<Candidate> = vec![];
        let mut blocks = FxHashSet::default();
        let mut renamed = FxHashSet::default();
        let mut used = FxHashSet::default();
        for group in groups {
            for plan in self.plan_group(group) {
                let live = plan.merged.values().flat_map(|merged| {
                    merged.blocks.iter().flat_map(|&block| self.comparer.storage[block].iter())
                });
                let given = plan.missing_storage.iter().flatten().copied();
                let uses: Vec<_> = live.chain(given).collect();
                // Each plan was made for the body as it is. What one changes, no other may have
                // looked at: a block, or a local that gets another name.
                if plan.site_of.keys().any(|block| blocks.contains(block))
                    || plan.renamed().any(|local| renamed.contains(&local) || used.contains(&local))
                    || uses.iter().any(|local| renamed.contains(local))
                {
                    debug!("is left for the next round");
                    is_more = true;
                    continue;
                }
                blocks.extend(plan.site_of.keys().copied());
                renamed.extend(plan.renamed());
                used.extend(uses);
                plans.push(plan);
            }
        }
        (plans, is_more)
    }

    /// What is to be merged of a group of sites that await one type.
    ///
    /// To compare each with each would take quadratic time. So one site leads, and those join it
    /// that could be merged with it alone; those that could not are left for the next leader, of
    /// which there are a few. If they cannot be merged all at once, half of them is tried.
    fn plan_group(&self, group: &[BasicBlock]) -> Vec<Candidate> {
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
                // The next leader has these.
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
                        self.note_fate(leader, &[other], Some(reason));
                        true
                    }
                }
            });
            while members.len() > 1 {
                let known = if members.len() == 2 { of_two.take() } else { None };
                match known.map_or_else(|| self.merge(&members), Ok) {
                    Ok(plan) => {
                        debug!(?members, ?plan, "are merged");
                        self.note_fate(leader, &members[1..], None);
                        plans.push(plan);
                        break;
                    }
                    Err(reason) => {
                        debug!(?members, reason, "are not merged");
                        self.note_fate(leader, &members[1..], Some(reason));
                        // The next leader is one of them.
                        let rest = members.split_off(members.len() / 2);
                        waiting.extend(rest);
                    }
                }
            }
        }
        plans
    }

    /// Notes that `others` share the suspension point of `leader`, or why they do not.
    fn note_fate(&self, leader: BasicBlock, others: &[BasicBlock], reason: Option<&'static str>) {
        if self.tcx.sess.opts.unstable_opts.dump_coroutines.is_none() {
            return;
        }
        let with = self.body.basic_blocks[leader].terminator().source_info.span;
        let fate = match reason {
            None => AwaitFate::Merged { with },
            Some(reason) => AwaitFate::NotMerged { with, reason: Symbol::intern(reason) },
        };
        let mut fates = self.fates.borrow_mut();
        fates.extend(others.iter().map(|&other| (other, fate.clone())));
    }

    /// Notes that what was to be merged is not.
    pub(super) fn note_refused(&self, plan: &Candidate) {
        if let Some((&leader, merged)) = plan.merged.first() {
            debug!(members = ?merged.blocks, reason = HOLD_MORE, "are not merged");
            self.note_fate(leader, &merged.blocks[1..], Some(HOLD_MORE));
        }
    }

    /// What became of what suspends in each block, if that is to be noted.
    pub(super) fn into_fates(self) -> FxIndexMap<BasicBlock, AwaitFate> {
        self.fates.into_inner()
    }

    /// Whether one of two sites may save all that the other saves, as far as types tell. Without
    /// that [`Planner::one_saves_all`] says no, and the sites need not be compared.
    fn may_hold_the_same(&self, one: BasicBlock, other: BasicBlock) -> Result<(), &'static str> {
        let (of_one, of_other) = (&self.saved[&one], &self.saved[&other]);
        let mut balance: FxIndexMap<Ty<'tcx>, isize> = FxIndexMap::default();
        for (saved, not, change) in [(of_one, of_other, 1), (of_other, of_one, -1)] {
            for local in saved.iter().filter(|&local| !not.contains(local)) {
                *balance.entry(self.body.local_decls[local].ty).or_default() += change;
            }
        }
        // If one site saves more of one type, and the other more of another, neither saves all.
        let mut signs = balance.values().map(|change| change.signum()).filter(|&sign| sign != 0);
        let first = signs.next();
        if signs.all(|sign| Some(sign) == first) { Ok(()) } else { Err(HOLD_DIFFERENT_LOCALS) }
    }

    /// What the sites that suspend in `yields` have in common, or why it is not to be merged.
    fn merge(&self, yields: &[BasicBlock]) -> Result<Candidate, &'static str> {
        // All sites of a group poll the same type.
        if self.polls_are_told_where(yields[0]) {
            return Err("may see where they are polled");
        }
        let mut candidate = self.comparer.compare(yields, &FxHashSet::default())?;
        // Which blocks are worth it is known only when it is known what comes after them.
        let cut = self.not_worthwhile(&candidate, yields[0]);
        if !cut.is_empty() {
            candidate = self.comparer.compare(yields, &cut)?;
        }
        // What comes before the sites does not change where they go on, but takes time to compare.
        self.check_speed(&candidate)?;
        self.extend_backward(&mut candidate);
        // A delay that is a constant would have to be computed at run time.
        if self.differ_in_constants(&candidate) {
            return Err("are made of different constants");
        }
        // One state would hold what none of them held.
        if !self.one_saves_all(&candidate) {
            return Err(HOLD_DIFFERENT_LOCALS);
        }
        self.find_missing_storage(&mut candidate)?;
        // Blocks that were found on the way back may lead elsewhere.
        self.check_speed(&candidate)?;
        let [saved, cost] = self.balance(&candidate, &self.entries(&candidate));
        debug!(saved, cost);
        // LLVM would remove a part of that by itself.
        if saved <= COST_FACTOR * cost {
            return Err("cost more together than apart");
        }
        Ok(candidate)
    }

    /// Whether what is polled where `suspension` is resumed may see its location in the source. If
    /// the rest of an await were merged without its poll, no pass would find it to be one.
    fn polls_are_told_where(&self, suspension: BasicBlock) -> bool {
        let TerminatorKind::Yield { resume, .. } =
            self.body.basic_blocks[suspension].terminator().kind
        else {
            return false;
        };
        called_from(self.tcx, self.body, resume).into_iter().any(|function| {
            match *function.kind() {
                ty::FnDef(def_id, args) => {
                    certain_body::may_be_told_its_caller(self.tcx, def_id, args).unwrap_or(true)
                }
                // Behind a function pointer a shim passes the caller's location.
                _ => false,
            }
        })
    }

    /// Whether code is to be small, whatever else it costs.
    fn is_for_size(&self) -> bool {
        matches!(self.tcx.sess.opts.optimize, OptLevel::Size | OptLevel::SizeMin)
    }

    /// Refuses branches by a selector, other than in cleanup, if code is to be fast: to save a
    /// selector and to branch by it takes time.
    fn check_speed(&self, candidate: &Candidate) -> Result<(), &'static str> {
        let is_branch = |blocks: &&[BasicBlock]| !self.body.basic_blocks[blocks[0]].is_cleanup;
        if !self.is_for_size() && candidate.exits().iter().any(is_branch) {
            return Err("go on differently, and are to be fast");
        }
        Ok(())
    }

    /// The merged blocks after the suspension point that are better off apart.
    fn not_worthwhile(&self, candidate: &Candidate, start: BasicBlock) -> FxHashSet<BasicBlock> {
        // What leads back to the suspension point is merged in any case.
        let mut before: FxHashMap<BasicBlock, Vec<BasicBlock>> = FxHashMap::default();
        for (&first, merged) in &candidate.merged {
            for successor in &merged.successors {
                if let Successor::Merged(successor) = *successor {
                    before.entry(successor).or_default().push(first);
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
        // An awaitee whose drop is not merged is not inlined any more.
        forced.extend(self.drop_of_awaitee(candidate, start));
        let mut values = FxHashMap::default();
        let mut cut = FxHashSet::default();
        for &first in &forced {
            for successor in &candidate.merged[&first].successors {
                self.value(candidate, &forced, &mut values, &mut cut, successor);
            }
        }
        cut
    }

    /// The merged blocks that run when the coroutine is dropped where it suspends in `start`, down
    /// to the first drop.
    fn drop_of_awaitee(&self, candidate: &Candidate, start: BasicBlock) -> Vec<BasicBlock> {
        let mut blocks = vec![];
        // The first successor is where the coroutine is resumed.
        let mut next = candidate.merged[&start].successors.get(1);
        while let Some(&Successor::Merged(first)) = next
            && !blocks.contains(&first)
        {
            blocks.push(first);
            next = match self.body.basic_blocks[first].terminator().kind {
                TerminatorKind::Goto { .. } => candidate.merged[&first].successors.first(),
                _ => None,
            };
        }
        blocks
    }

    /// What is saved from `successor` on, at best; adds to `cut` what is better off apart.
    fn value(
        &self,
        candidate: &Candidate,
        forced: &FxIndexSet<BasicBlock>,
        values: &mut FxHashMap<BasicBlock, isize>,
        cut: &mut FxHashSet<BasicBlock>,
        successor: &Successor,
    ) -> isize {
        // A common continuation is free; a split needs a branch.
        let first = match successor {
            Successor::Join => return 0,
            Successor::Different(targets) => return -self.exit_cost(candidate, targets),
            Successor::Merged(first) => *first,
        };
        if forced.contains(&first) {
            return 0;
        }
        if let Some(&value) = values.get(&first) {
            return value;
        }
        // A way back to here neither costs nor saves.
        values.insert(first, 0);
        let merged = &candidate.merged[&first];
        let apart = -self.exit_cost(candidate, &merged.blocks);
        let mut together = self.saved(candidate, merged);
        for successor in &merged.successors {
            together += self.value(candidate, forced, values, cut, successor);
        }
        if together < apart {
            cut.insert(first);
        }
        let value = together.max(apart);
        values.insert(first, value);
        value
    }

    /// The merged blocks that other code leads to.
    fn entries(&self, candidate: &Candidate) -> Vec<BasicBlock> {
        let predecessors = self.body.basic_blocks.predecessors();
        candidate
            .merged
            .iter()
            .filter(|(_, merged)| {
                !merged.is_whole
                    || merged.blocks.iter().any(|&block| {
                        block == START_BLOCK
                            || predecessors[block]
                                .iter()
                                .any(|&before| !self.leads_to(candidate, before, block))
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
    fn leads_to(&self, candidate: &Candidate, before: BasicBlock, block: BasicBlock) -> bool {
        let at = |block| candidate.site_of.get(&block).copied();
        let (Some((site, from)), Some((of_block, to))) = (at(before), at(block)) else {
            return false;
        };
        site == of_block
            && self.body.basic_blocks[before]
                .terminator()
                .successors()
                .zip(&candidate.merged[&from].successors)
                .filter(|(target, _)| *target == block)
                .all(|(_, successor)| *successor == Successor::Merged(to))
    }

    /// Adds what comes before the only way in, as long as it is the same.
    fn extend_backward(&self, candidate: &mut Candidate) {
        let predecessors = self.body.basic_blocks.predecessors();
        let mut entries = self.entries(candidate);
        let mut gain = self.gain(candidate, &entries);
        while let Some(entry) = self.only_entry(&entries)
            && candidate.merged[&entry].is_whole
            && candidate.merged.len() < REGION_LIMIT
        {
            let blocks = candidate.merged[&entry].blocks.clone();
            let mut before = vec![];
            for &block in &blocks {
                let mut others = predecessors[block]
                    .iter()
                    .filter(|&&other| !self.leads_to(candidate, other, block));
                // It is entered from several blocks: there is no one block before it.
                let (Some(&other), None) = (others.next(), others.next()) else { return };
                before.push(other);
            }
            let distinct: FxHashSet<_> = before.iter().collect();
            // Of a branch only one way is known to lead here, and the selector would have to be
            // assigned on the others, too.
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
                    && !candidate.site_of.contains_key(&block)
                    && !candidate.joins.contains(&block)
                    && target.is_some_and(|target| blocks.contains(&target))
            };
            if distinct.len() < before.len() || !before.iter().all(|&block| is_straight(block)) {
                return;
            }
            let mark = candidate.mark();
            let from = if self.comparer.terminators_agree(candidate, &before) {
                self.comparer.common_end(candidate, &before)
            } else if let Some(parameters) = self.parameters(candidate, &before) {
                candidate.parameters = Some((before[0], parameters));
                before.iter().map(|&block| self.body.basic_blocks[block].statements.len()).collect()
            } else {
                candidate.undo(mark);
                return;
            };
            let first = before[0];
            let is_start = before.contains(&START_BLOCK);
            candidate.add(before, from);
            // Nothing may lead to the start of the body, and something has to assign the selector.
            if is_start && candidate.merged[&first].is_whole {
                candidate.undo(mark);
                return;
            }
            self.comparer.expand(candidate, first, &FxHashSet::default());
            entries = self.entries(candidate);
            let extended = self.gain(candidate, &entries);
            // The sites split more often in between than it saves.
            if extended < gain {
                candidate.undo(mark);
                return;
            }
            gain = extended;
        }
    }

    /// Whether what leads to the sites is the same call with other constants, which is better known
    /// where it is made.
    fn differ_in_constants(&self, candidate: &Candidate) -> bool {
        let predecessors = self.body.basic_blocks.predecessors();
        let Some(entry) = self.only_entry(&self.entries(candidate)) else { return false };
        let mut calls = vec![];
        for &block in &candidate.merged[&entry].blocks {
            for &before in &predecessors[block] {
                if !self.leads_to(candidate, before, block)
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
    fn parameters(&self, candidate: &mut Candidate, blocks: &[BasicBlock]) -> Option<Vec<usize>> {
        let mut calls = vec![];
        for &block in blocks {
            let terminator = self.body.basic_blocks[block].terminator();
            let TerminatorKind::Call { func, args, .. } = &terminator.kind else { return None };
            // Another function may compute more when its arguments are known.
            if !makes_coroutine(self.tcx, func) {
                return None;
            }
            calls.push((terminator, args));
        }
        let (_, first) = calls[0];
        // Only a variadic function could be called so, and none of these makes a coroutine.
        if calls.iter().any(|(_, args)| args.len() != first.len()) {
            return None;
        }
        let ty = |argument: &Operand<'tcx>| argument.ty(self.body, self.tcx);
        let mut parameters = vec![];
        for (index, argument) in first.iter().enumerate() {
            // A coroutine has the same upvars if it is the same, but for lifetimes.
            let same_types =
                calls.iter().all(|(_, args)| ty(&args[index].node) == ty(&argument.node));
            if !same_types {
                return None;
            }
            // The comparer compares statements: that assigns the argument to what is never renamed.
            let as_statement = |operand: &Operand<'tcx>| {
                StatementKind::Assign(Box::new((RETURN_PLACE.into(), Rvalue::Use(operand.clone()))))
            };
            let of_sites: Vec<_> =
                calls.iter().map(|(_, args)| as_statement(&args[index].node)).collect();
            if !self.comparer.agree(candidate, &of_sites.iter().collect::<Vec<_>>()) {
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
        (!calls.iter().any(|(terminator, _)| self.comparer.tells_where_it_is(&terminator.kind))
            && self.comparer.agree(candidate, &of_sites.iter().collect::<Vec<_>>()))
        .then_some(parameters)
    }

    /// Whether one of the sites saves all that the others do, so that no state of this body gets
    /// larger.
    fn one_saves_all(&self, candidate: &Candidate) -> bool {
        candidate.merged.values().all(|merged| {
            let saved: Vec<_> = merged
                .blocks
                .iter()
                .filter_map(|block| {
                    let mut saved = self.saved.get(block)?.clone();
                    candidate.renaming.rename(&mut saved);
                    Some(saved)
                })
                .collect();
            // A block that does not suspend saves nothing.
            let Some(mut all) = saved.first().cloned() else { return true };
            for of_site in &saved {
                all.union(of_site);
            }
            saved.contains(&all)
        })
    }

    /// Finds what has storage at some sites only where they are entered. That is given to the
    /// others there, and taken where they part. So it has to be the same at each entry, and if they
    /// do not part there is no place to take it.
    fn find_missing_storage(&self, candidate: &mut Candidate) -> Result<(), &'static str> {
        let mut of_all = None;
        for entry in self.entries(candidate) {
            let merged = &candidate.merged[&entry];
            let none = DenseBitSet::new_empty(self.body.local_decls.len());
            // What has storage at some site, what has it there for certain, and what may have it.
            let (mut all, mut certain, mut uncertain) = (none.clone(), none.clone(), none);
            let mut live = vec![];
            for site in 0..candidate.count {
                let (block, from) = (merged.blocks[site], merged.from[site]);
                let [mut storage, mut no_storage] = self.comparer.storage_before(block, from);
                candidate.renaming.rename(&mut storage);
                candidate.renaming.rename(&mut no_storage);
                all.union(&storage);
                let mut of_site = storage.clone();
                of_site.subtract(&no_storage);
                certain.union(&of_site);
                no_storage.intersect(&storage);
                uncertain.union(&no_storage);
                live.push(storage);
            }
            // Behind the site where a local is certain to have storage it may be used, and merged
            // blocks would lead there from the other, too.
            certain.intersect(&uncertain);
            if !certain.is_empty() && !candidate.exits().is_empty() {
                return Err(HOLD_DIFFERENT_LOCALS);
            }
            let missing: Vec<Vec<_>> = live
                .iter()
                .map(|of_site| all.iter().filter(|&local| !of_site.contains(local)).collect())
                .collect();
            if of_all.get_or_insert_with(|| missing.clone()) != &missing {
                return Err("hold different locals at different entries");
            }
        }
        let missing = of_all.unwrap_or_default();
        if missing.iter().any(|of_site| !of_site.is_empty()) && candidate.exits().is_empty() {
            return Err("hold different locals, and go on in the same way");
        }
        candidate.missing_storage = missing;
        Ok(())
    }
}
