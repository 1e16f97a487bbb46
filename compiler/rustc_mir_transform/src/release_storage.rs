//! Ends the storage of borrowed locals where nobody can reach them any more.
//!
//! # Motivation
//!
//! The state transform saves a local that has been borrowed until its storage ends, even if it was
//! moved long before. It has to, as long as all that it knows is that somebody may have the
//! address. So a request that was asked for its path, and then handed on by value through three
//! async fns, is saved three times, and a buffer that was printed once is saved until the end of
//! its scope.
//!
//! # The transformation
//!
//! ```text
//!     _4 = &_3;
//!     _5 = Request::uri(move _4) -> bb1;
//!   bb1:
//!     ..
//!     _6 = move _3;
//!     StorageDead(_3);          (new)
//!     StorageLive(_3);          (new)
//! ```
//!
//! The pass finds for each saved local that was borrowed where it is *needed*: where its value may
//! still be read, where a local is live that may hold its address, and where the address may have
//! escaped ([`escapes`]). Where it ceases to be needed its storage ends, and begins anew without a
//! value. It begins anew because MIR may mention the local all the same: where it gets another
//! value, or on a path on which a drop flag says that there is nothing to drop. A local without a
//! value is not saved.
//!
//! The pass runs twice: before [`CollapseSuspensionPoints`], which merges no suspension points of
//! which one would have to hold what the other saves, and on what [`InlineAwait`] has made of the
//! body. Each time it computes what is saved. For each local that may be released it walks through
//! the body, and asks at each statement whether it is needed; the limit of [`escapes`] holds for
//! both.
//!
//! # Soundness
//!
//! * **No value is lost.** Where a local is not needed nothing reads it before it is assigned: it
//!   is not live, or it has been moved or dropped, so that the reads that seem to follow are on
//!   ways that are not taken.
//! * **Nobody reads it by its address**, since no local that is live has that, and it is nowhere
//!   else. Nor does anybody know of the address: that it was aligned, say, or different from
//!   another one. So nobody sees that the local gets another address, or another local the same.
//! * **Storage is balanced.** It ends only where there is storage on each way to that place, and it
//!   begins at once.
//!
//! (`tests/ui/async-await/release-storage`)
//!
//! # Left for later
//!
//! * Upvars that were borrowed. They have storage as long as the coroutine.
//!
//! [`CollapseSuspensionPoints`]: crate::collapse_suspension_points::CollapseSuspensionPoints
//! [`InlineAwait`]: crate::inline_await::InlineAwait
//! [`escapes`]: crate::escapes

use rustc_data_structures::fx::{FxHashMap, FxIndexMap, FxIndexSet};
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::impls::{
    MaybeLiveLocals, MaybeStorageDead, always_storage_live_locals, borrowed_locals,
};
use rustc_mir_dataflow::{Analysis, ResultsCursor};
use tracing::debug;

use crate::async_bodies::AsyncPass;
use crate::escapes::{Search, Whereabouts};
use crate::maybe_with_value::MaybeWithValue;
use crate::patch::MirPatch;
use crate::saved_locals::all_saved_locals;

pub(super) struct ReleaseStorage;

impl AsyncPass for ReleaseStorage {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        let locals = candidates(tcx, body);
        if locals.is_empty() {
            return;
        }
        let ends = Needed::new(tcx, body, &locals).ends();
        let mut patch = MirPatch::new(body);
        for (location, local) in ends {
            debug!(?local, ?location, "is released");
            patch.add_statement(location, StatementKind::StorageDead(local));
            patch.add_statement(location, StatementKind::StorageLive(local));
        }
        patch.apply(body);
    }
}

/// The locals that are saved although they may be needed no more, with where their address may be.
fn candidates<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> FxIndexMap<Local, Whereabouts> {
    let borrowed = borrowed_locals(body);
    if !body.vars_and_temps_iter().any(|local| borrowed.contains(local)) {
        return FxIndexMap::default();
    }
    let mut search = Search::new(tcx);
    let saved = all_saved_locals(tcx, body);
    let always_live = always_storage_live_locals(body);
    let candidates = body
        .vars_and_temps_iter()
        .filter(|&local| saved.contains(local) && borrowed.contains(local))
        // Nothing would give it storage before the first time that it is released.
        .filter(|&local| !always_live.contains(local))
        // To find where it is needed takes another walk.
        .filter_map(|local| {
            let found = search.of_local(body, &borrowed, local)?;
            search.may_walk(body).then_some((local, found))
        });
    candidates.collect()
}

/// Tells where locals are needed.
struct Needed<'a, 'mir, 'tcx> {
    body: &'mir Body<'tcx>,
    locals: &'a FxIndexMap<Local, Whereabouts>,
    live: ResultsCursor<'mir, 'tcx, MaybeLiveLocals>,
    with_value: ResultsCursor<'mir, 'tcx, MaybeWithValue>,
    escaped: ResultsCursor<'mir, 'tcx, MaybeEscaped>,
    without_storage: ResultsCursor<'mir, 'tcx, MaybeStorageDead<'mir>>,
}

impl<'a, 'mir, 'tcx> Needed<'a, 'mir, 'tcx> {
    fn new(
        tcx: TyCtxt<'tcx>,
        body: &'mir Body<'tcx>,
        locals: &'a FxIndexMap<Local, Whereabouts>,
    ) -> Self {
        let mut by_location: FxHashMap<Location, Vec<Local>> = FxHashMap::default();
        for (&local, whereabouts) in locals {
            for &location in &whereabouts.escapes {
                by_location.entry(location).or_default().push(local);
            }
        }
        let always_live = std::borrow::Cow::Owned(always_storage_live_locals(body));
        Needed {
            body,
            locals,
            live: MaybeLiveLocals.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body),
            with_value: MaybeWithValue
                .iterate_to_fixpoint(tcx, body, None)
                .into_results_cursor(body),
            escaped: MaybeEscaped { by_location }
                .iterate_to_fixpoint(tcx, body, None)
                .into_results_cursor(body),
            without_storage: MaybeStorageDead::new(always_live)
                .iterate_to_fixpoint(tcx, body, None)
                .into_results_cursor(body),
        }
    }

    /// Where the locals are needed no more, but were needed just before.
    fn ends(mut self) -> FxIndexSet<(Location, Local)> {
        // Nothing suspends in cleanup, or after it.
        let blocks: Vec<_> = traversal::reachable(self.body)
            .filter(|(_, data)| !data.is_cleanup)
            .map(|(block, _)| block)
            .collect();
        // Once for each block, and not for each edge that leads to it.
        let at_start: FxHashMap<_, _> =
            blocks.iter().map(|&block| (block, self.needed_at_start(block))).collect();
        let mut ends = FxIndexSet::default();
        for &block in &blocks {
            let mut before = at_start[&block].clone();
            for (statement_index, live) in self.live_within(block).iter().enumerate().skip(1) {
                let location = Location { block, statement_index };
                let needed = self.needed_at(location, live);
                self.add_ends(&before, &needed, location, &mut ends);
                before = needed;
            }
            for successor in self.body.basic_blocks[block].terminator().successors() {
                // Where several ways join it is needed if it is on one of them.
                if let Some(needed) = at_start.get(&successor) {
                    self.add_ends(&before, needed, successor.start_location(), &mut ends);
                }
            }
        }
        ends
    }

    /// What is live before each statement of `block`, and before its terminator.
    fn live_within(&mut self, block: BasicBlock) -> Vec<DenseBitSet<Local>> {
        let end = self.body.terminator_loc(block).statement_index;
        // From the last to the first: the analysis goes backward, and starts anew to go forward. So
        // what is after its effect on a statement is live before that.
        let live = (0..=end).rev().map(|statement_index| {
            self.live.seek_after_primary_effect(Location { block, statement_index });
            self.live.get().clone()
        });
        let mut live: Vec<_> = live.collect();
        live.reverse();
        live
    }

    fn needed_at_start(&mut self, block: BasicBlock) -> DenseBitSet<usize> {
        self.live.seek_to_block_start(block);
        let live = self.live.get().clone();
        self.needed_at(block.start_location(), &live)
    }

    fn add_ends(
        &mut self,
        before: &DenseBitSet<usize>,
        needed: &DenseBitSet<usize>,
        location: Location,
        ends: &mut FxIndexSet<(Location, Local)>,
    ) {
        self.without_storage.seek_before_primary_effect(location);
        for index in before.iter().filter(|&index| !needed.contains(index)) {
            let Some((&local, _)) = self.locals.get_index(index) else { continue };
            if !self.without_storage.get().contains(local) && !self.ends_anyway(location, local) {
                ends.insert((location, local));
            }
        }
    }

    /// Whether the storage of `local` ends at `location` already, among that of others.
    fn ends_anyway(&self, location: Location, local: Local) -> bool {
        let statements = &self.body.basic_blocks[location.block].statements;
        let of_storage = statements[location.statement_index..].iter().take_while(|statement| {
            matches!(
                statement.kind,
                StatementKind::StorageLive(_) | StatementKind::StorageDead(_) | StatementKind::Nop
            )
        });
        of_storage.into_iter().any(|statement| {
            matches!(statement.kind, StatementKind::StorageDead(other) if other == local)
        })
    }

    /// Which of the locals, by index, are needed before the statement or terminator at `location`.
    /// `live` are the locals that are live there.
    fn needed_at(&mut self, location: Location, live: &DenseBitSet<Local>) -> DenseBitSet<usize> {
        self.with_value.seek_before_primary_effect(location);
        self.escaped.seek_before_primary_effect(location);
        let (with_value, escaped) = (self.with_value.get(), self.escaped.get());
        let mut needed = DenseBitSet::new_empty(self.locals.len());
        for (index, (&local, Whereabouts { holders, .. })) in self.locals.iter().enumerate() {
            if live.contains(local) && with_value.contains(local)
                || escaped.contains(local)
                || holders.iter().any(|holder| live.contains(holder))
            {
                needed.insert(index);
            }
        }
        needed
    }
}

/// Which locals have an address that may have escaped since their storage began.
struct MaybeEscaped {
    by_location: FxHashMap<Location, Vec<Local>>,
}

impl MaybeEscaped {
    fn escape(&self, state: &mut DenseBitSet<Local>, location: Location) {
        for &local in self.by_location.get(&location).into_iter().flatten() {
            state.insert(local);
        }
    }
}

impl<'tcx> Analysis<'tcx> for MaybeEscaped {
    type Domain = DenseBitSet<Local>;

    const NAME: &'static str = "maybe_escaped";

    fn bottom_value(&self, body: &Body<'tcx>) -> Self::Domain {
        DenseBitSet::new_empty(body.local_decls.len())
    }

    fn initialize_start_block(&self, _: &Body<'tcx>, _: &mut Self::Domain) {}

    fn apply_primary_statement_effect(
        &self,
        state: &mut Self::Domain,
        statement: &Statement<'tcx>,
        location: Location,
    ) {
        if let StatementKind::StorageLive(local) | StatementKind::StorageDead(local) =
            statement.kind
        {
            state.remove(local);
        }
        self.escape(state, location);
    }

    fn apply_primary_terminator_effect<'mir>(
        &self,
        state: &mut Self::Domain,
        terminator: &'mir Terminator<'tcx>,
        location: Location,
    ) -> TerminatorEdges<'mir, 'tcx> {
        self.escape(state, location);
        terminator.edges()
    }
}
