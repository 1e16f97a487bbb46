//! Refuses merges by which a coroutine would hold more.
//!
//! Merged code can be reached from each site, and leads to what follows each of them. The selector
//! keeps these ways apart, but dataflow does not know that. So what is saved may change at
//! suspension points that are not merged:
//!
//! ```text
//!   held = made(); first().await; held.await; second().await
//! ```
//!
//! If the first two awaits become one, a way seems to lead from the first to `second()`, on which
//! `held` has not been moved, and it would still be saved there. Likewise what is read after one
//! site would be saved in the states before another. And where two locals have storage at the same
//! time on such a way, they cannot share a place in the coroutine any more.
//!
//! What follows from all that is best found by asking those that lay out the coroutine: the sites
//! are merged in a copy of the body, and what that saves is compared with what the body does.
//!
//! The selectors themselves become part of the state, unless there are too many states for that
//! ([`selectors_in_states`]). So their number must not exceed the limit, either.
//!
//! [`selectors_in_states`]: crate::selectors_in_states

use std::cell::OnceCell;

use rustc_data_structures::fx::FxHashMap;
use rustc_index::bit_set::{BitMatrix, DenseBitSet};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use tracing::debug;

use super::compare::Candidate;
use super::{CHECKS_LIMIT, merge};
use crate::coroutine::saved_with_conflicts;
use crate::saved_locals::{SavedLocals, saved_locals};
use crate::selectors_in_states::states_and_limit;

/// Those of `plans` by which, together, `body` holds no more, and the others. `saved` are the
/// locals that it saves, by the block that suspends.
pub(super) fn keep_no_larger<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    saved: &SavedLocals,
    plans: Vec<Candidate>,
) -> (Vec<Candidate>, Vec<Candidate>) {
    let (mut kept, mut refused) = (vec![], vec![]);
    if plans.is_empty() {
        return (kept, refused);
    }
    let before = Before {
        tcx,
        body,
        saved,
        states: states_and_limit(tcx, body, saved).0,
        conflicts: OnceCell::new(),
    };
    let mut waiting = vec![plans];
    let mut checks = 0;
    while let Some(mut plans) = waiting.pop() {
        // With those that are kept: two merges may each do no harm, and harm together.
        let together: Vec<_> = kept.iter().chain(&plans).cloned().collect();
        checks += 1;
        if checks <= CHECKS_LIMIT && !before.is_larger(&together) {
            kept = together;
        } else if checks < CHECKS_LIMIT && plans.len() > 1 {
            // It may be due to a few of them.
            waiting.push(plans.split_off(plans.len() / 2));
            waiting.push(plans);
        } else {
            debug!(?plans, "hold more when they are merged");
            refused.extend(plans);
        }
    }
    (kept, refused)
}

/// A body that nothing is merged in yet.
struct Before<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'a Body<'tcx>,
    saved: &'a SavedLocals,
    /// How many states it has, with its selectors as part of them.
    states: usize,
    /// Which of what it saves may not share a place. That takes time, and is often not needed.
    conflicts: OnceCell<BitMatrix<Local, Local>>,
}

impl Before<'_, '_> {
    /// Whether the body, merged by `plans`, would save more, have too many states, or have less
    /// share a place. The last takes most of the time, so it comes last.
    fn is_larger(&self, plans: &[Candidate]) -> bool {
        let mut merged = self.body.clone();
        let ends = merge::apply(self.tcx, &mut merged, plans.to_vec());
        // Dataflow does not get to the blocks of the other sites. They stay, so that the numbers of
        // the blocks do.
        let reachable = traversal::reachable_as_bitset(&merged);
        for (block, data) in merged.basic_blocks_mut().iter_enumerated_mut() {
            if !reachable.contains(block) {
                data.statements.clear();
                data.terminator_mut().kind = TerminatorKind::Unreachable;
            }
        }
        let names: FxHashMap<_, _> = plans
            .iter()
            .flat_map(|plan| &plan.renaming.renamed)
            .map(|(&of, &name)| (of, name))
            .collect();
        let name = |local: Local| names.get(&local).copied().unwrap_or(local);
        // Selectors and parameters are new. Selectors become part of the state, and parameters are
        // not saved.
        let is_old = |local: Local| local.index() < self.body.local_decls.len();

        // What each suspension point may save: all that its sites did, by the names that are left.
        let mut may_save = SavedLocals::default();
        let firsts: FxHashMap<_, _> = plans
            .iter()
            .flat_map(|plan| &plan.site_of)
            .map(|(&block, &(_, first))| (block, first))
            .collect();
        for (&block, saved) in self.saved {
            // The site that is kept suspends in its own block, or in the end of that.
            let first = firsts.get(&block).copied().unwrap_or(block);
            let may_save = may_save
                .entry(ends.get(&first).copied().unwrap_or(first))
                .or_insert_with(|| DenseBitSet::new_empty(self.body.local_decls.len()));
            for local in saved.iter() {
                may_save.insert(name(local));
            }
        }
        let saved = saved_locals(self.tcx, &merged);
        let saves_more = saved.iter().any(|(block, saved)| {
            let may_save = may_save.get(block);
            let may_save = |local| may_save.is_some_and(|may_save| may_save.contains(local));
            saved.iter().any(|local| is_old(local) && !may_save(local))
        });
        let (states, limit) = states_and_limit(self.tcx, &merged, &saved);
        if saves_more || states > limit.max(self.states) {
            debug!(saves_more, states, limit);
            return true;
        }

        let mut may_conflict =
            BitMatrix::new(self.body.local_decls.len(), self.body.local_decls.len());
        // Two locals that become one have the conflicts of both.
        let conflicts = self.conflicts.get_or_init(|| conflicts_of_saved(self.tcx, self.body));
        for local in conflicts.rows() {
            for other in conflicts.iter(local) {
                may_conflict.insert(name(local), name(other));
            }
        }
        let conflicts = conflicts_of_saved(self.tcx, &merged);
        self.body.local_decls.indices().any(|local| {
            let mut others = conflicts.iter(local);
            others.any(|other| is_old(other) && !may_conflict.contains(local, other))
        })
    }
}

/// Which of the locals that an async body saves need storage at the same time, and so cannot share
/// a place in the coroutine.
fn conflicts_of_saved<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> BitMatrix<Local, Local> {
    let (saved, by_index) = saved_with_conflicts(tcx, body);
    let saved: Vec<_> = saved.iter().collect();
    let mut conflicts = BitMatrix::new(body.local_decls.len(), body.local_decls.len());
    for index in by_index.rows() {
        for other in by_index.iter(index) {
            conflicts.insert(saved[index.index()], saved[other.index()]);
        }
    }
    conflicts
}
