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
//! `held` has not been moved, and it would still be saved there. Likewise what is read behind one
//! site would be saved in the states before another. And where two locals have storage at the same
//! time on such a way, they cannot share a place in the coroutine any more.
//!
//! What follows from all that is best found by asking those that lay out the coroutine: the sites
//! are merged in a copy of the body, and what that saves is compared with what the body does.

use rustc_data_structures::fx::{FxHashMap, FxIndexMap};
use rustc_index::bit_set::{BitMatrix, DenseBitSet};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use tracing::debug;

use super::compare::Candidate;
use super::{CHECKS_LIMIT, merge};
use crate::saved_locals::Saved;

/// Those of `plans` by which, together, no suspension point saves more, and the others.
pub(super) fn keep_no_larger<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    plans: Vec<Candidate>,
) -> (Vec<Candidate>, Vec<Candidate>) {
    let (mut kept, mut refused) = (vec![], vec![]);
    if plans.is_empty() {
        return (kept, refused);
    }
    let before = Saved::in_body(tcx, body);
    let mut waiting = vec![plans];
    let mut checks = 0;
    while let Some(mut plans) = waiting.pop() {
        let together: Vec<_> = kept.iter().chain(&plans).cloned().collect();
        checks += 1;
        if checks <= CHECKS_LIMIT && !is_larger(tcx, body, &before, &together) {
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

/// Whether, merged by `plans`, `body` would save more than it saved `before`, or could not have as
/// much share a place.
fn is_larger<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    before: &Saved,
    plans: &[Candidate],
) -> bool {
    let mut merged = body.clone();
    let ends = merge::apply(tcx, &mut merged, plans.to_vec());
    // Dataflow does not get to the blocks of the other sites. They stay, so that the numbers of the
    // blocks do.
    let reachable = traversal::reachable_as_bitset(&merged);
    for (block, data) in merged.basic_blocks_mut().iter_enumerated_mut() {
        if !reachable.contains(block) {
            data.statements.clear();
            data.terminator_mut().kind = TerminatorKind::Unreachable;
        }
    }
    let after = Saved::in_body(tcx, &merged);

    let names: FxHashMap<_, _> = plans
        .iter()
        .flat_map(|plan| &plan.renaming.renamed)
        .map(|(&of, &name)| (of, name))
        .collect();
    let name = |local: Local| names.get(&local).copied().unwrap_or(local);
    let mut may_save: FxIndexMap<BasicBlock, DenseBitSet<Local>> = FxIndexMap::default();
    for (&block, saved) in &before.at {
        let first = plans.iter().find_map(|plan| plan.site_of.get(&block)).map(|&(_, first)| first);
        let first = first.unwrap_or(block);
        let may_save = may_save
            .entry(ends.get(&first).copied().unwrap_or(first))
            .or_insert_with(|| DenseBitSet::new_empty(body.local_decls.len()));
        for local in saved.iter() {
            may_save.insert(name(local));
        }
    }
    let mut may_conflict = BitMatrix::new(body.local_decls.len(), body.local_decls.len());
    for local in before.conflicts.rows() {
        for other in before.conflicts.iter(local) {
            may_conflict.insert(name(local), name(other));
        }
    }

    // Selectors and parameters are new. What they cost is counted elsewhere.
    let is_old = |local: &Local| local.index() < body.local_decls.len();
    let saves_more = after.at.iter().any(|(block, saved)| {
        let may_save = may_save.get(block);
        let may_save = |local| may_save.is_some_and(|may_save| may_save.contains(local));
        saved.iter().filter(is_old).any(|local| !may_save(local))
    });
    saves_more
        || body.local_decls.indices().any(|local| {
            let mut others = after.conflicts.iter(local).filter(is_old);
            others.any(|other| !may_conflict.contains(local, other))
        })
}
