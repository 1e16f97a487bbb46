//! Lets the state of a coroutine say what a selector says.
//!
//! # Motivation
//!
//! [`CollapseSuspensionPoints`] merges awaits that do the same. If they continue differently, a
//! *selector* tells them apart: a byte that is saved over the suspension point. A coroutine that
//! was full to its last byte is then larger by as much as its alignment, and each one that awaits
//! it in the same way is larger by that again. But a coroutine saves a number in any case, its
//! state.
//!
//! # The transformation
//!
//! ```text
//!   bb1: yield -> [resume: bb2, drop: bb3]
//! ```
//! becomes
//! ```text
//!   bb1: switchInt(selector) -> [0: bb4, otherwise: bb5]
//!   bb4: yield -> [resume: bb6, drop: bb3]        bb6: selector = 0; goto -> bb2
//!   bb5: yield -> [resume: bb7, drop: bb3]        bb7: selector = 1; goto -> bb2
//! ```
//!
//! so that the suspension point does not save the selector. If code after `bb3` reads it, it is
//! assigned on the way there, too. The code in between stays merged. If the awaits were merged
//! once, there is a state for each of them again.
//!
//! A *selector* is a `u8` that is assigned constants, and read by switches, and nothing else.
//!
//! Awaits that were merged may be merged again, with another await. On the way from that other
//! await to the suspension point, the selector of the first merge has no value, although the
//! suspension point saves it. It is assigned one on the edge where this way joins one that has:
//!
//! ```text
//!   bb7: goto -> bb1                         bb7: goto -> bb8
//!                                            bb8: selector = 0; goto -> bb1
//! ```
//!
//! # Where it is done
//!
//! Where more selectors are saved than awaitees are inlined around the suspension point. An inlined
//! awaitee no longer saves its own state, so one selector can be saved in its place and the future
//! is no larger. To save a selector takes less code than more states do. If there are more
//! selectors, those with the fewest values become part of the state. Several of them make a state
//! for each combination of their values, also for those that never occur.
//!
//! No split is made that would bring a body over 253 suspension points, from where on the state
//! takes two bytes. If it has more when this pass begins, it gets at most twice as many, and no
//! more than 65,533. The selectors with the most values stay saved then. Awaits that would need so
//! many states are not merged in the first place, but awaitees that are inlined have states of
//! their own.
//!
//! This takes the dataflow analyses that tell what is saved, and which selectors have a value, a
//! walk through the body, and time in proportion to the new states.
//!
//! # Soundness
//!
//! * **The selector is what it was.** Where the coroutine is resumed, or dropped, it is assigned
//!   the value that led to this suspension point. That is one of the constants, since it is
//!   assigned nothing else.
//! * **It has a value where it is read.** A way to the suspension point that does not assign it has
//!   an edge from a block where it has no value to one where it may have one. Code after the
//!   suspension point may read it, so it is live there, and it is assigned on this edge. Nothing
//!   else reads that value. (`tests/mir-opt/coroutine/selectors_in_states.rs`)
//! * **Nobody can tell that it has not been saved.** It is never borrowed.
//! * **Nothing else is saved.** Each of the new suspension points is followed by what followed the
//!   old one, so it needs the same locals, without the selector.
//!
//! (`tests/ui/async-await/collapse-suspension-points/selectors.rs`)
//!
//! [`CollapseSuspensionPoints`]: crate::collapse_suspension_points::CollapseSuspensionPoints

use rustc_abi::Size;
use rustc_data_structures::fx::{FxIndexMap, FxIndexSet};
use rustc_index::IndexVec;
use rustc_middle::mir::interpret::Scalar;
use rustc_middle::mir::visit::{NonUseContext, PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::Analysis;
use rustc_mir_dataflow::impls::MaybeLiveLocals;
use rustc_session::Session;
use tracing::{debug, instrument};

use crate::async_bodies::is_enabled_in;
use crate::collapse_suspension_points::is_merged_in;
use crate::maybe_with_value::MaybeWithValue;
use crate::saved_locals::{SavedLocals, saved_locals};

/// How many suspension points a body may have for its state to be a byte. The states in which it
/// does not suspend are three.
const ONE_BYTE_LIMIT: usize = 253;

/// And for two bytes.
const TWO_BYTES_LIMIT: usize = 65_533;

pub(super) struct SelectorsInStates;

impl<'tcx> crate::MirPass<'tcx> for SelectorsInStates {
    fn is_enabled(&self, sess: &Session) -> bool {
        is_enabled_in(sess)
    }

    #[instrument(level = "debug", skip_all, fields(def_id = ?body.source.def_id()))]
    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        // No other body has selectors that a pass has made.
        if !is_merged_in(tcx, body) {
            return;
        }
        let selectors = selectors(tcx, body);
        // Most bodies have none, and the analyses below take time.
        if selectors.is_empty() {
            return;
        }
        let splits = splits(tcx, body, &selectors);
        let in_states: FxIndexSet<_> =
            splits.iter().flat_map(|(_, of_block)| of_block).map(|it| it.local).collect();
        // Before any split: all facts are about the body as it was, which the new blocks change.
        for ((block, target), locals) in edges_without_value(tcx, body, &in_states) {
            debug!(?block, ?target, ?locals, "have no value");
            let source_info = body.basic_blocks[block].terminator().source_info;
            // Any of its values will do: what comes after the suspension point on this way does
            // the same in each of the states.
            let between = locals.into_iter().fold(target, |target, local| {
                assign(tcx, body, source_info, (local, selectors[&local][0]), target)
            });
            body.basic_blocks_mut()[block].terminator_mut().successors_mut(|successor| {
                if *successor == target {
                    *successor = between;
                }
            });
        }
        for (block, of_block) in splits {
            debug!(?block, ?of_block, "suspends in a state for each value");
            // Each selector splits all the blocks that those before it have made.
            let mut blocks = vec![block];
            for selector in &of_block {
                blocks =
                    blocks.iter().flat_map(|&block| split(tcx, body, block, selector)).collect();
            }
        }
    }

    fn is_required(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Selector {
    local: Local,
    values: FxIndexSet<u8>,
    /// Whether it is read when the coroutine is dropped where it is suspended.
    is_read_in_drop: bool,
}

/// In how many states each block of `body` would suspend if all selectors were part of the state.
/// `saved` are the locals that it saves, by the block that suspends.
pub(crate) fn states_by_block<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    saved: &SavedLocals,
) -> FxIndexMap<BasicBlock, usize> {
    let selectors = selectors(tcx, body);
    let of_each = saved.iter().map(|(&block, locals)| {
        let selectors = selectors.iter().filter(|(local, _)| locals.contains(**local));
        (block, combinations(selectors.map(|(_, values)| values)))
    });
    of_each.collect()
}

/// In how many states `body` would suspend then, and how many it may have.
pub(crate) fn states_and_limit<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    saved: &SavedLocals,
) -> (usize, usize) {
    let states = states_by_block(tcx, body, saved).into_values().fold(0, usize::saturating_add);
    (states, states_limit(saved.len()))
}

/// How many states a body may have that has so many suspension points.
fn states_limit(suspension_points: usize) -> usize {
    match suspension_points {
        ..=ONE_BYTE_LIMIT => ONE_BYTE_LIMIT,
        // Some selectors have many values, and there is no need for that many states.
        _ => TWO_BYTES_LIMIT.min(2 * suspension_points),
    }
}

/// How many combinations the values have.
fn combinations<'a>(values: impl Iterator<Item = &'a FxIndexSet<u8>>) -> usize {
    values.map(|values| values.len()).fold(1, usize::saturating_mul)
}

/// The blocks that are to suspend in a state for each value of some selectors, and these.
fn splits<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    selectors: &FxIndexMap<Local, FxIndexSet<u8>>,
) -> Vec<(BasicBlock, Vec<Selector>)> {
    let mut live = MaybeLiveLocals.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body);
    let with_value = MaybeWithValue.iterate_to_fixpoint(tcx, body, None);
    let mut with_value = with_value.into_results_cursor(body);
    let saved = saved_locals(tcx, body);
    let mut count = saved.len();
    let limit = states_limit(count);
    let mut splits = vec![];
    for (block, locals) in saved {
        let suspension = body.basic_blocks[block].terminator();
        let TerminatorKind::Yield { drop, .. } = suspension.kind else { continue };
        with_value.seek_before_primary_effect(body.terminator_loc(block));
        let mut of_block: Vec<_> = selectors
            .iter()
            .filter(|(local, _)| locals.contains(**local))
            // Nothing assigns it on any way to here.
            .filter(|(local, _)| with_value.get().contains(**local))
            .map(|(&local, values)| {
                let is_read_in_drop = drop.is_some_and(|target| {
                    live.seek_to_block_start(target);
                    live.get().contains(local)
                });
                Selector { local, values: values.clone(), is_read_in_drop }
            })
            .collect();
        // As many may stay saved as inlined awaitees have given back the byte of their own state.
        // Those with the most values stay: they would take the most states.
        let inlined = inlined_around(body, suspension.source_info.scope);
        of_block.sort_by_key(|selector| selector.values.len());
        of_block.truncate(of_block.len().saturating_sub(inlined));
        // This block has one state already.
        let more = |of_block: &[Selector]| {
            combinations(of_block.iter().map(|selector| &selector.values)) - 1
        };
        while !of_block.is_empty() && count.saturating_add(more(&of_block)) > limit {
            debug!(?block, count, "would have too many states");
            // The last one has the most values.
            of_block.pop();
        }
        count += more(&of_block);
        if !of_block.is_empty() {
            splits.push((block, of_block));
        }
    }
    splits
}

/// The edges on which the locals in `in_states` are to be assigned, by edge: from where one has no
/// value to where it may have one, and may be read.
fn edges_without_value<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    in_states: &FxIndexSet<Local>,
) -> FxIndexMap<(BasicBlock, BasicBlock), FxIndexSet<Local>> {
    let mut edges: FxIndexMap<_, FxIndexSet<_>> = FxIndexMap::default();
    if in_states.is_empty() {
        return edges;
    }
    let mut live = MaybeLiveLocals.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body);
    let with_value = MaybeWithValue.iterate_to_fixpoint(tcx, body, None);
    let mut with_value = with_value.into_results_cursor(body);
    // Once for each block, and not for each edge that leads to it. Where nothing reads a selector
    // any more it needs no value, as on most edges.
    let may_be_read: IndexVec<BasicBlock, Vec<Local>> = IndexVec::from_fn_n(
        |block| {
            live.seek_to_block_start(block);
            with_value.seek_to_block_start(block);
            let (live, with_value) = (live.get(), with_value.get());
            let locals = in_states.iter().copied();
            locals.filter(|&local| live.contains(local) && with_value.contains(local)).collect()
        },
        body.basic_blocks.len(),
    );
    for (block, data) in traversal::reachable(body) {
        with_value.seek_to_block_end(block);
        for target in data.terminator().successors() {
            for &local in &may_be_read[target] {
                if !with_value.get().contains(local) {
                    edges.entry((block, target)).or_default().insert(local);
                }
            }
        }
    }
    edges
}

/// How many awaitees are inlined into each other where `scope` is.
fn inlined_around(body: &Body<'_>, mut scope: SourceScope) -> usize {
    let mut count = 0;
    loop {
        let data = &body.source_scopes[scope];
        // The outermost scope of an inlined body says so. Any other scope names that one.
        let outer = if data.inlined.is_some() {
            count += 1;
            data.parent_scope
        } else {
            data.inlined_parent_scope
        };
        match outer {
            Some(outer) => scope = outer,
            None => return count,
        }
    }
}

/// Gives each value of `selector` a block of its own that suspends. Returns these blocks.
fn split<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &mut Body<'tcx>,
    block: BasicBlock,
    selector: &Selector,
) -> Vec<BasicBlock> {
    let suspension = body.basic_blocks[block].terminator().clone();
    let source_info = suspension.source_info;
    let mut blocks = vec![];
    for &value in &selector.values {
        let mut suspension = suspension.clone();
        if let TerminatorKind::Yield { resume, drop, .. } = &mut suspension.kind {
            let restored = (selector.local, value);
            *resume = assign(tcx, body, source_info, restored, *resume);
            if let Some(drop) = drop
                && selector.is_read_in_drop
            {
                *drop = assign(tcx, body, source_info, restored, *drop);
            }
        }
        let data = BasicBlockData::new(Some(suspension), false);
        blocks.push(body.basic_blocks_mut().push(data));
    }
    let values = selector.values.iter().map(|&value| u128::from(value));
    let mut targets: Vec<_> = values.zip(blocks.iter().copied()).collect();
    // The last value takes no comparison: it is assigned nothing else.
    if let Some((_, otherwise)) = targets.pop() {
        let targets = SwitchTargets::new(targets.into_iter(), otherwise);
        let discr = Operand::Copy(selector.local.into());
        body.basic_blocks_mut()[block].terminator_mut().kind =
            TerminatorKind::SwitchInt { discr, targets };
    }
    blocks
}

/// `local = value`
pub(crate) fn assign_selector<'tcx>(
    tcx: TyCtxt<'tcx>,
    source_info: SourceInfo,
    local: Local,
    value: u8,
) -> Statement<'tcx> {
    let value = Scalar::from_u8(value);
    let value = Operand::const_from_scalar(tcx, tcx.types.u8, value, source_info.span);
    let assigned = Box::new((local.into(), Rvalue::Use(value)));
    Statement::new(source_info, StatementKind::Assign(assigned))
}

/// Adds a block that assigns the value to the local, and goes to `target`. Returns it.
fn assign<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &mut Body<'tcx>,
    source_info: SourceInfo,
    (local, value): (Local, u8),
    target: BasicBlock,
) -> BasicBlock {
    let statement = assign_selector(tcx, source_info, local, value);
    let goto = Terminator { source_info, kind: TerminatorKind::Goto { target } };
    let is_cleanup = body.basic_blocks[target].is_cleanup;
    let data = BasicBlockData::new_stmts(vec![statement], Some(goto), is_cleanup);
    body.basic_blocks_mut().push(data)
}

/// The selectors of a body, with the values that they are assigned.
fn selectors<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> FxIndexMap<Local, FxIndexSet<u8>> {
    let of_all = body.vars_and_temps_iter();
    let candidates = of_all.filter(|&local| body.local_decls[local].ty == tcx.types.u8);
    // Each is taken for a selector until a mention says that it is none.
    let mut finder =
        Finder { values: candidates.map(|local| (local, Default::default())).collect() };
    if !finder.values.is_empty() {
        finder.visit_body(body);
    }
    // One value tells nothing apart.
    finder.values.retain(|_, values| values.len() > 1);
    finder.values
}

struct Finder {
    /// The values of each local that may be a selector still.
    values: FxIndexMap<Local, FxIndexSet<u8>>,
}

impl<'tcx> Visitor<'tcx> for Finder {
    fn visit_assign(&mut self, place: &Place<'tcx>, rvalue: &Rvalue<'tcx>, location: Location) {
        if let Rvalue::Use(Operand::Constant(constant)) = rvalue
            && let Some(local) = place.as_local()
            && let Some(values) = self.values.get_mut(&local)
            && let Some(value) = constant.const_.try_to_bits(Size::from_bytes(1))
        {
            values.insert(value as u8);
            // `visit_local` would take it for another mention.
            return;
        }
        self.super_assign(place, rvalue, location);
    }

    fn visit_terminator(&mut self, terminator: &Terminator<'tcx>, location: Location) {
        if let TerminatorKind::SwitchInt {
            discr: Operand::Copy(place) | Operand::Move(place), ..
        } = &terminator.kind
            && place.as_local().is_some()
        {
            // This is how a selector is read. It has no other operand.
            return;
        }
        self.super_terminator(terminator, location);
    }

    fn visit_local(&mut self, local: Local, context: PlaceContext, _: Location) {
        // Where it has no storage it is not saved.
        let is_storage = matches!(
            context,
            PlaceContext::NonUse(NonUseContext::StorageLive | NonUseContext::StorageDead)
        );
        // Any other mention: a variable of the source, a borrow, a value that is not known.
        if !is_storage {
            self.values.swap_remove(&local);
        }
    }
}
