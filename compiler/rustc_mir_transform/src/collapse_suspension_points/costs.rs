//! Says what merging suspension points saves and costs.

use rustc_middle::mir::*;

use super::compare::{Candidate, MergedBlock};
use super::plan::Planner;
use super::{REGION_LIMIT, SITES_LIMIT};
use crate::async_bodies::cost_of;
use crate::reachable::reachable_from;

impl<'a, 'tcx> Planner<'a, 'tcx> {
    /// The cost of the blocks that are gone when `merged` is one block.
    pub(super) fn saved(&self, candidate: &Candidate, merged: &MergedBlock) -> isize {
        let block = &self.body.basic_blocks[merged.blocks[0]];
        let cost = cost_of(&block.statements[merged.from[0]..], block.terminator());
        (cost * (candidate.count - 1)) as isize
    }

    /// What [`Planner::balance`] says is saved, less what it costs.
    pub(super) fn gain(&self, candidate: &Candidate, entries: &[BasicBlock]) -> isize {
        let [saved, cost] = self.balance(candidate, entries);
        saved - cost
    }

    /// The cost of the copies that merging removes, and what merging costs. `entries` are the
    /// merged blocks that other code leads to.
    pub(super) fn balance(&self, candidate: &Candidate, entries: &[BasicBlock]) -> [isize; 2] {
        let saved: isize =
            candidate.merged.values().map(|merged| self.saved(candidate, merged)).sum();
        let exits = candidate.exits();
        let of_exits: isize = exits.iter().map(|targets| self.exit_cost(candidate, targets)).sum();
        let entries = entries.len() as isize;
        let of_parameters =
            candidate.parameters.as_ref().map_or(0, |(_, which)| which.len() * candidate.count);
        let count = candidate.count as isize;
        // One without exits has no selector to assign, and no more states.
        let of_selector = match exits.is_empty() {
            true => 0,
            false => of_exits + entries * count + self.cost_of_states(candidate),
        };
        [saved, of_selector + of_parameters as isize]
    }

    /// What it costs to tell states from each other that were merged before. There is going to be
    /// one for each combination of the selectors' values: it is chosen where the body suspends, and
    /// told apart again where that is resumed.
    fn cost_of_states(&self, candidate: &Candidate) -> isize {
        let of_merged = candidate.merged.values().map(|merged| {
            let states = merged.blocks.iter().filter_map(|block| self.states.get(block)).max();
            let states = states.copied().filter(|&states| states > 1);
            // There may be any number if the source has variables that look like selectors. With a
            // limit no sum overflows.
            states.map_or(0, |states| 2 * candidate.count * states.min(SITES_LIMIT))
        });
        of_merged.sum::<usize>() as isize
    }

    /// What it costs to part to `targets` by the selector: the read, a case for each site, and in
    /// cleanup the copies of what comes there.
    pub(super) fn exit_cost(&self, candidate: &Candidate, targets: &[BasicBlock]) -> isize {
        // Where nothing is left to do but to unwind further, LLVM needs no selector.
        let is_mere = |target: BasicBlock| {
            self.body.basic_blocks[target].is_cleanup && self.cost_of_cleanup(target) <= 1
        };
        if targets.iter().all(|&target| is_mere(target)) {
            return 0;
        }
        let copies: usize =
            targets.iter().map(|&target| self.cost_of_copy(candidate, target)).sum();
        (candidate.count + 1 + copies) as isize
    }

    /// The cost of the cleanup from `target` on, if it is copied, and without what only merged
    /// blocks lead to. Of that the original goes.
    fn cost_of_copy(&self, candidate: &Candidate, mut target: BasicBlock) -> usize {
        let blocks = &self.body.basic_blocks;
        if !blocks[target].is_cleanup {
            return 0;
        }
        let predecessors = blocks.predecessors();
        if predecessors[target].iter().all(|block| candidate.site_of.contains_key(block)) {
            while let Some(next) = only_successor(&blocks[target])
                && predecessors[next].len() == 1
            {
                target = next;
            }
            let next: Vec<_> = blocks[target].terminator().successors().collect();
            return next.into_iter().map(|block| self.cost_of_cleanup(block)).sum();
        }
        self.cost_of_cleanup(target)
    }

    /// The cost of the cleanup that `start` leads to, or of its first [`REGION_LIMIT`] blocks.
    fn cost_of_cleanup(&self, start: BasicBlock) -> usize {
        if let Some(&cost) = self.cleanup.borrow().get(&start) {
            return cost;
        }
        let (mut cost, mut count) = (0, 0);
        reachable_from(self.body, [start], |block| {
            let data = &self.body.basic_blocks[block];
            count += 1;
            cost += cost_of(&data.statements, data.terminator());
            // What is dropped is passed to a function.
            cost += usize::from(matches!(data.terminator().kind, TerminatorKind::Drop { .. }));
            data.terminator().successors().filter(move |_| count < REGION_LIMIT)
        });
        self.cleanup.borrow_mut().insert(start, cost);
        cost
    }
}

/// Where the block leads, if that is one block.
fn only_successor(data: &BasicBlockData<'_>) -> Option<BasicBlock> {
    let mut successors = data.terminator().successors();
    successors.next().filter(|_| successors.next().is_none())
}
