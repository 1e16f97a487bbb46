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
//! The pass runs before [`CollapseSuspensionPoints`], which merges no suspension points of which
//! one would have to hold what the other saves, and again where [`InlineAwait`] has inlined
//! something. Each time it computes what is saved, and asks at each statement which of the locals
//! that may be released are needed. There are at most [`ANSWERS_LIMIT`] answers, and at most two
//! more statements for each that the body has. Locals that take more, or that [`escapes`]
//! gave up on, stay as they are.
//! (`tests/ui/async-await/release-storage/limit.rs`)
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
use rustc_index::IndexVec;
use rustc_index::bit_set::{BitMatrix, DenseBitSet};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::impls::{
    MaybeLiveLocals, MaybeStorageDead, always_storage_live_locals, borrowed_locals,
};
use rustc_mir_dataflow::{Analysis, ResultsCursor};
use tracing::debug;

use crate::async_bodies::AsyncPass;
use crate::escapes::{Mentions, Search, Whereabouts, statements_in};
use crate::maybe_with_value::MaybeWithValue;
use crate::patch::MirPatch;
use crate::saved_locals::all_saved_locals;

/// How many answers are given at most: whether a local is needed before a statement.
const ANSWERS_LIMIT: usize = 1_200_000;

pub(super) enum ReleaseStorage {
    /// Runs on the body as it is written.
    BeforeMerging,
    /// Runs on it again if something has been inlined.
    AfterInlining,
}

impl AsyncPass for ReleaseStorage {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        // So far only awaitees have been inlined. No other pass has made a local needed for less.
        let is_inlined = || body.source_scopes.iter().any(|scope| scope.inlined.is_some());
        if matches!(self, ReleaseStorage::AfterInlining) && !is_inlined() {
            return;
        }
        let locals = candidates(tcx, body);
        if locals.is_empty() {
            return;
        }
        let mut ends = Needed::new(tcx, body, &locals).ends();
        retain_few(body, &mut ends);
        let mut patch = MirPatch::new(body);
        for (location, local) in ends {
            debug!(?local, ?location, "is released");
            patch.add_statement(location, StatementKind::StorageDead(local));
            patch.add_statement(location, StatementKind::StorageLive(local));
        }
        patch.apply(body);
    }
}

/// Keeps the `ends` of locals as long as these are, in total, no more than the statements of the
/// body. Where a `match` with many arms needs many locals in one of them, each ends at the start of
/// each other arm. All later passes would have to look at that.
fn retain_few(body: &Body<'_>, ends: &mut Vec<(Location, Local)>) {
    let mut of_each: FxIndexMap<Local, usize> = FxIndexMap::default();
    for &(_, local) in &*ends {
        *of_each.entry(local).or_default() += 1;
    }
    let mut left = statements_in(body);
    of_each.retain(|_, count| match left.checked_sub(*count) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    ends.retain(|(_, local)| of_each.contains_key(local));
}

/// The locals that are saved although they may be needed no more, with where their address may be.
fn candidates<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> FxIndexMap<Local, Whereabouts> {
    let borrowed = borrowed_locals(body);
    if !body.vars_and_temps_iter().any(|local| borrowed.contains(local)) {
        return FxIndexMap::default();
    }
    let mut lent = all_saved_locals(tcx, body);
    lent.intersect(&borrowed);
    // Nothing would give them storage before the first time that they are released.
    lent.subtract(&always_storage_live_locals(body));
    if lent.is_empty() {
        return FxIndexMap::default();
    }
    let mut search = Search::new(tcx);
    let mentions = Mentions::in_body(body);
    lent.iter()
        .filter_map(|local| Some((local, search.of_local(body, &mentions, &borrowed, local)?)))
        .take(ANSWERS_LIMIT / statements_in(body))
        .collect()
}

/// Tells where locals are needed. They go by their index among `locals`.
struct Needed<'a, 'mir, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'mir Body<'tcx>,
    locals: &'a FxIndexMap<Local, Whereabouts>,
    /// For each local of the body those whose address it may hold.
    held_by: IndexVec<Local, Vec<usize>>,
    /// The locals of the body that matter: `locals`, and all that may hold an address of them.
    relevant: DenseBitSet<Local>,
    live: ResultsCursor<'mir, 'tcx, MaybeLiveLocals>,
    with_value: ResultsCursor<'mir, 'tcx, MaybeWithValue>,
    escaped: ResultsCursor<'mir, 'tcx, MaybeEscaped>,
}

impl<'a, 'mir, 'tcx> Needed<'a, 'mir, 'tcx> {
    fn new(
        tcx: TyCtxt<'tcx>,
        body: &'mir Body<'tcx>,
        locals: &'a FxIndexMap<Local, Whereabouts>,
    ) -> Self {
        let mut held_by = IndexVec::from_elem(vec![], &body.local_decls);
        let mut relevant = DenseBitSet::new_empty(body.local_decls.len());
        let mut by_location: FxHashMap<Location, Vec<Local>> = FxHashMap::default();
        for (index, (&local, whereabouts)) in locals.iter().enumerate() {
            relevant.insert(local);
            relevant.union(&whereabouts.holders);
            for holder in whereabouts.holders.iter() {
                held_by[holder].push(index);
            }
            for &location in &whereabouts.escapes {
                by_location.entry(location).or_default().push(local);
            }
        }
        Needed {
            tcx,
            body,
            locals,
            held_by,
            relevant,
            live: MaybeLiveLocals.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body),
            with_value: MaybeWithValue
                .iterate_to_fixpoint(tcx, body, None)
                .into_results_cursor(body),
            escaped: MaybeEscaped { by_location }
                .iterate_to_fixpoint(tcx, body, None)
                .into_results_cursor(body),
        }
    }

    /// Where the locals are needed no more, but were needed just before, and have storage.
    fn ends(mut self) -> Vec<(Location, Local)> {
        // Nothing suspends in cleanup, or after it.
        let blocks = traversal::reachable(self.body).filter(|(_, data)| !data.is_cleanup);
        let needed_in: FxIndexMap<_, _> =
            blocks.map(|(block, _)| (block, self.needed_in(block))).collect();
        let mut ends = FxIndexSet::default();
        for (&block, needed) in &needed_in {
            let last = self.body.terminator_loc(block).statement_index;
            for statement_index in 1..=last {
                let location = Location { block, statement_index };
                let before = needed.iter(statement_index - 1);
                ends.extend(
                    before
                        .filter(|&index| !needed.contains(statement_index, index))
                        .map(|index| (location, index)),
                );
            }
            for successor in self.body.basic_blocks[block].terminator().successors() {
                // Where several ways join it is needed if it is on one of them.
                if let Some(after) = needed_in.get(&successor) {
                    ends.extend(
                        needed
                            .iter(last)
                            .filter(|&index| !after.contains(0, index))
                            .map(|index| (successor.start_location(), index)),
                    );
                }
            }
        }
        self.with_storage(ends)
    }

    /// Those of `ends` at which the local has storage, for certain and for longer.
    fn with_storage(&self, ends: FxIndexSet<(Location, usize)>) -> Vec<(Location, Local)> {
        let ends = ends.into_iter().filter_map(|(location, index)| {
            let (&local, _) = self.locals.get_index(index)?;
            (!self.ends_anyway(location, local)).then_some((location, local))
        });
        let mut ends: Vec<_> = ends.collect();
        // Most locals are needed until their storage ends. Then there is nothing to look up.
        if !ends.is_empty() {
            let always_live = std::borrow::Cow::Owned(always_storage_live_locals(self.body));
            let mut without_storage = MaybeStorageDead::new(always_live)
                .iterate_to_fixpoint(self.tcx, self.body, None)
                .into_results_cursor(self.body);
            ends.retain(|&(location, local)| {
                without_storage.seek_before_primary_effect(location);
                !without_storage.get().contains(local)
            });
        }
        ends
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

    /// Which of the locals are needed before each statement of `block`, and before its terminator.
    fn needed_in(&mut self, block: BasicBlock) -> BitMatrix<usize, usize> {
        let end = self.body.terminator_loc(block).statement_index;
        let mut needed = BitMatrix::new(end + 1, self.locals.len());
        // As far as they are live themselves: that is not enough, since they may have no value.
        let mut live_in: BitMatrix<usize, usize> = BitMatrix::new(end + 1, self.locals.len());
        let mut live = DenseBitSet::new_empty(self.body.local_decls.len());
        // From the last to the first: this analysis goes backward, and starts anew to go forward.
        // So what is after its effect on a statement is live before that.
        for statement_index in (0..=end).rev() {
            self.live.seek_after_primary_effect(Location { block, statement_index });
            live.clone_from(self.live.get());
            live.intersect(&self.relevant);
            for local in live.iter() {
                if let Some(index) = self.locals.get_index_of(&local) {
                    live_in.insert(statement_index, index);
                }
                for &index in &self.held_by[local] {
                    needed.insert(statement_index, index);
                }
            }
        }
        for statement_index in 0..=end {
            let location = Location { block, statement_index };
            self.escaped.seek_before_primary_effect(location);
            let escaped = self.escaped.get().iter();
            for index in escaped.filter_map(|local| self.locals.get_index_of(&local)) {
                needed.insert(statement_index, index);
            }
            self.with_value.seek_before_primary_effect(location);
            let with_value = self.with_value.get();
            for index in live_in.iter(statement_index) {
                if self.locals.get_index(index).is_some_and(|(&it, _)| with_value.contains(it)) {
                    needed.insert(statement_index, index);
                }
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
