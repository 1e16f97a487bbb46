//! Computes which saved locals may be where an upvar was.
//!
//! # Motivation
//!
//! The layout of a coroutine gives each upvar bytes of its own. But the body of an async fn moves
//! its arguments out of the upvars before it does anything else. What it does not need after a
//! suspension point has bytes in the coroutine for nothing, and what it hands on to another async
//! fn has bytes in both of them:
//!
//! ```text
//!   async fn serve(request: Request) { parse(request).await; .. }
//! ```
//!
//! The coroutine of `parse` has `request` as an upvar. While it exists, nothing reads the upvar of
//! `serve` any more, so the coroutine of `parse` may be in its place.
//!
//! # The rule
//!
//! An upvar is *needed* where control may still get to a mention of it. A saved local conflicts
//! with an upvar if its storage may be required where the upvar is needed. All others may overlap
//! the upvar: [`packed_coroutine`] places them.
//!
//! An upvar conflicts with all saved locals if its address may be kept, as by a borrow, or if the
//! coroutine can be moved while it is suspended.
//!
//! This takes time in proportion to the blocks in which an upvar is needed, for each upvar, and to
//! the saved locals for each statement in such a block.
//!
//! # Soundness
//!
//! * **Nothing reads an upvar that was overwritten.** What is written in a coroutine is a saved
//!   local, where its storage is required. No mention of an upvar comes after that if they do not
//!   conflict. An assignment requires the storage of what it assigns, so it never copies between
//!   places that overlap.
//! * **Nothing writes an upvar when something else is in its place.** That is a mention, too.
//! * **No drop needs it.** The coroutine drops its upvars before it is polled first: nothing is
//!   saved then. After that the body does, by a drop that is a mention.
//! * **No pointer leads there.** Only a borrow could make one that is still used after the last
//!   mention. A callee that is passed the upvar, or drops it, may use it until it returns, and
//!   what that call is assigned to conflicts with the upvar.
//! * **Nothing copies an upvar with the coroutine.** A coroutine that can be cloned is cloned with
//!   all upvars, whatever its state. Such a coroutine can be moved. An async body cannot.
//! * **Nothing relies on what is there.** A coroutine has no niche.
//!
//! (`tests/ui/async-await/packed-coroutines/upvars.rs`)
//!
//! # Left for later
//!
//! * An upvar that is passed to a call whose result is saved, with no local in between.
//!
//! [`packed_coroutine`]: ../../rustc_abi/layout/packed_coroutine

use rustc_abi::{FieldIdx, VariantIdx};
use rustc_data_structures::fx::FxIndexMap;
use rustc_hir::Movability;
use rustc_index::IndexVec;
use rustc_index::bit_set::{BitMatrix, DenseBitSet};
use rustc_middle::mir::visit::{MutatingUseContext, PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, Ty, TyCtxt};
use rustc_mir_dataflow::impls::always_storage_live_locals;
use tracing::debug;

use crate::async_bodies::is_enabled;
use crate::reachable::reachable_from;
use crate::required_storage::with_required_storage;

/// For each upvar of the coroutine the saved locals that must not be in its place, if the coroutine
/// is laid out for the passes for `async`. `places` says where `layout` has each local.
pub(crate) fn upvar_conflicts<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    places: &IndexVec<Local, Option<(Ty<'tcx>, VariantIdx, FieldIdx)>>,
    layout: &CoroutineLayout<'tcx>,
) -> Option<BitMatrix<FieldIdx, CoroutineSavedLocal>> {
    // The default layout gives each upvar bytes of its own.
    if !is_enabled(tcx) {
        return None;
    }
    let &ty::Coroutine(def_id, args) = body.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty.kind() else {
        return None;
    };
    let mut mentions = Mentions::in_body(tcx, body, args.as_coroutine().upvar_tys());
    // Who moves a coroutine moves all upvars, and who clones it clones them, whatever its state.
    if tcx.coroutine_movability(def_id) == Movability::Movable {
        mentions.is_kept.insert_all();
    }
    let mut conflicts = BitMatrix::new(mentions.of_upvars.len(), layout.field_tys.len());
    for upvar in mentions.is_kept.iter() {
        conflicts.insert_all_into_row(upvar);
    }
    let saved = |local: Local| {
        let (_, variant, field) = places.get(local).copied().flatten()?;
        Some(layout.variant_fields[variant][field])
    };
    // As in the default layout: no statement says from where on they have storage.
    for saved in always_storage_live_locals(body).iter().filter_map(saved) {
        for upvar in mentions.of_upvars.indices() {
            conflicts.insert(upvar, saved);
        }
    }
    let needed = mentions.needed_in(body);
    // The analysis below takes time, and would find nothing.
    if needed.iter().all(|upvars| upvars.is_empty()) || layout.field_tys.is_empty() {
        debug!(?conflicts);
        return Some(conflicts);
    }
    let mut of_location = DenseBitSet::new_empty(layout.field_tys.len());
    with_required_storage(tcx, body, |_, required| {
        // What is not reachable never runs, and dataflow says nothing of it.
        for (block, _) in traversal::reachable(body) {
            let needed = &needed[block];
            let last = needed.iter().map(|&(_, end)| end).max();
            for statement_index in last.into_iter().flat_map(|last| 0..=last) {
                // That includes what the statement or the call here assigns.
                required.seek_before_primary_effect(Location { block, statement_index });
                of_location.clear();
                for saved in required.get().iter().filter_map(saved) {
                    of_location.insert(saved);
                }
                for &(upvar, end) in needed {
                    if statement_index <= end {
                        conflicts.union_row_with(&of_location, upvar);
                    }
                }
            }
        }
    });
    debug!(?conflicts);
    Some(conflicts)
}

/// Where a body mentions its upvars.
struct Mentions {
    of_upvars: IndexVec<FieldIdx, Vec<Location>>,
    /// The upvars whose address may be kept.
    is_kept: DenseBitSet<FieldIdx>,
    /// Where all upvars are dropped at once. That is nothing to those that need no drop.
    drops_of_all: Vec<Location>,
}

impl Mentions {
    fn in_body<'tcx>(
        tcx: TyCtxt<'tcx>,
        body: &Body<'tcx>,
        upvar_tys: &'tcx ty::List<Ty<'tcx>>,
    ) -> Mentions {
        let mut mentions = Mentions {
            of_upvars: IndexVec::from_elem_n(vec![], upvar_tys.len()),
            is_kept: DenseBitSet::new_empty(upvar_tys.len()),
            drops_of_all: vec![],
        };
        mentions.visit_body(body);
        if !mentions.drops_of_all.is_empty() {
            let typing_env = body.typing_env(tcx);
            for (locations, ty) in mentions.of_upvars.iter_mut().zip(upvar_tys) {
                if ty.needs_drop(tcx, typing_env) {
                    locations.extend(&mentions.drops_of_all);
                }
            }
        }
        mentions
    }

    /// For each block the upvars that are needed in it, each with the index of the last statement
    /// before or at which it is. Those whose address may be kept are left out.
    fn needed_in(&self, body: &Body<'_>) -> IndexVec<BasicBlock, Vec<(FieldIdx, usize)>> {
        let mut needed = IndexVec::from_elem(vec![], &body.basic_blocks);
        for (upvar, locations) in self.of_upvars.iter_enumerated() {
            if self.is_kept.contains(upvar) {
                continue;
            }
            let mut last_mention = FxIndexMap::default();
            for &Location { block, statement_index } in locations {
                let last = last_mention.entry(block).or_insert(statement_index);
                *last = statement_index.max(*last);
            }
            let leads_there = reachable_from(body, last_mention.keys().copied(), |block| {
                body.basic_blocks.predecessors()[block].iter().copied()
            });
            for block in leads_there.iter() {
                let data = &body.basic_blocks[block];
                let end = if data.terminator().successors().any(|next| leads_there.contains(next)) {
                    // A mention may follow after this block.
                    data.statements.len()
                } else {
                    // This block is in the set for its own mentions.
                    last_mention[&block]
                };
                needed[block].push((upvar, end));
            }
        }
        needed
    }
}

impl<'tcx> Visitor<'tcx> for Mentions {
    fn visit_place(&mut self, place: &Place<'tcx>, context: PlaceContext, location: Location) {
        if place.local != ty::CAPTURE_STRUCT_LOCAL {
            self.super_place(place, context, location);
        } else if !context.is_use() {
            // A debugger shows what is there.
        } else if let [PlaceElem::Field(upvar, _), ..] = place.projection[..] {
            self.of_upvars[upvar].push(location);
            // Behind a pointer it is not the upvar that is borrowed.
            if (context.is_borrow() || context.is_address_of()) && !place.is_indirect() {
                self.is_kept.insert(upvar);
            }
        } else if context == PlaceContext::MutatingUse(MutatingUseContext::Drop) {
            self.drops_of_all.push(location);
        } else {
            self.is_kept.insert_all();
        }
    }
}
