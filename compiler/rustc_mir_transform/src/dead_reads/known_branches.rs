//! Removes branches whose outcome is known.
//!
//! # Motivation
//!
//! ```text
//!   bb1: d = discriminant(e); switchInt(move d) -> [0: bb2, otherwise: bb9]
//!   bb2: part = move ((e as Ok).0); .. -> bb5        // awaits
//!   bb5: drop(part) -> bb6
//!   bb6: f = discriminant(e); switchInt(move f) -> [0: bb8, otherwise: bb7]
//!   bb7: drop(e) -> bb8
//! ```
//!
//! That is `if let Ok(part) = e { .. }`, if an error has something to drop, too. In `bb6` the
//! variant is known: the body has branched by it before. But the read keeps all of `e` alive. The
//! same goes for reads that depend on a drop flag, where that is known.
//!
//! # The transformation
//!
//! A branch becomes a `goto` where its outcome is known. If it is known only on some of the ways
//! to a block that does nothing else, these ways lead to its target directly. That is the case
//! where the arms of a `match` come together, and what was matched is dropped.
//!
//! Ways to the head of a loop stay, as they do in [`JumpThreading`]: LLVM does badly with loops
//! that are entered elsewhere. Ways to a block in cleanup lead around it only if cleanup stays
//! nested ([`cleanup`]). To make a `goto` of a branch only takes ways out.
//!
//! # Soundness
//!
//! A *fact* is that a `bool`, or `discriminant(place)`, has some value. It holds behind the edge of
//! a branch that is taken for this value, and behind the assignment of a constant. It holds until
//! the local may have changed: by anything that writes to it or to a part of it, drops it, or
//! begins or ends its storage. If the local is borrowed anywhere nothing is known of it, unless
//! nobody can write to it by that borrow: it is shared, and what is borrowed has no interior
//! mutability ([`is_freeze_by_fields`]). If that is a part, the borrow gives no right to the rest.
//!
//! To move a value, or a part of it, does not change its discriminant. A function that it is moved
//! to may write where it was, but drop elaboration reads the discriminant behind that, too, and
//! relies on drop flags where it matters.
//!
//! A block is passed by only if its branch moves the discriminant that the block has read, so that
//! no other block can need that, or if it only branches by a `bool`.
//!
//! (`tests/ui/async-await/dead-reads/known-branches.rs`)
//!
//! # Complexity
//!
//! The analysis has a bit for each value by which the body branches, if it branches by the same
//! place more than once, and two for each `bool` that it branches by and assigns constants to.
//! There is a set of these for each block, and each edge of a branch changes those of one place:
//! for an enum both grow with its variants, so that is quadratic in these. So
//! memory is in proportion to blocks times such values, as that of other analyses is to blocks
//! times locals. An edge leads around [`AROUND_LIMIT`] blocks at most in each round. What is asked
//! of cleanup takes one walk through the body, and a look at a few blocks for each way around one.
//!
//! # Left for later
//!
//! * What is borrowed by `ref mut`: to write to a part of an enum does not change its variant.
//!
//! [`JumpThreading`]: crate::jump_threading::JumpThreading
//! [`is_freeze_by_fields`]: crate::certain_body::is_freeze_by_fields

use rustc_data_structures::fx::{FxHashMap, FxHashSet, FxIndexMap, FxIndexSet};
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::visit::{NonUseContext, PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::fmt::DebugWithContext;
use rustc_mir_dataflow::{Analysis, ResultsCursor};
use tracing::debug;

use super::cleanup::{self, Edge};
use crate::certain_body::is_freeze_by_fields;
use crate::jump_threading::maybe_loop_headers;

/// How many blocks an edge leads around, at most, in one round.
const AROUND_LIMIT: usize = 4;

/// Removes what branches can be removed. `false` if there are none.
pub(super) fn remove_known_branches<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) -> bool {
    let Some(facts) = Facts::new(tcx, body) else { return false };
    let mut known = facts.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body);
    let loop_headers = maybe_loop_headers(body);
    let mut gotos = vec![];
    let mut edges = vec![];
    for (block, data) in traversal::reachable(body) {
        known.seek_before_primary_effect(body.terminator_loc(block));
        if let Some(target) = target_from(body, &known, block) {
            gotos.push((block, target));
            continue;
        }
        // Each edge of a branch has facts of its own.
        if matches!(data.terminator().kind, TerminatorKind::SwitchInt { .. }) {
            continue;
        }
        known.seek_after_primary_effect(body.terminator_loc(block));
        for successor in data.terminator().successors() {
            let mut behind = vec![];
            let mut next = successor;
            // Behind a variant comes a drop flag.
            while behind.len() < AROUND_LIMIT
                && !loop_headers.contains(next)
                && does_nothing_else(body, next)
                && let Some(target) = target_from(body, &known, next)
            {
                behind.push(target);
                next = target;
            }
            if !behind.is_empty() {
                edges.push(Edge { from: block, to: successor, behind });
            }
        }
    }
    cleanup::retain_nested(body, &mut edges);
    debug!(?gotos, ?edges);
    let is_any = !gotos.is_empty() || !edges.is_empty();
    for (block, target) in gotos {
        body.basic_blocks_mut()[block].terminator_mut().kind = TerminatorKind::Goto { target };
    }
    // A block may have several of these. If one leads to where another led, that is changed twice,
    // which does no harm: at the end of the block both know the same.
    for Edge { from, to, behind } in edges {
        let Some(&target) = behind.last() else { continue };
        body.basic_blocks_mut()[from].terminator_mut().successors_mut(|it| {
            if *it == to {
                *it = target;
            }
        });
    }
    is_any
}

/// Where the branch at the end of `block` leads, if `known` says that.
fn target_from<'tcx>(
    body: &Body<'tcx>,
    known: &ResultsCursor<'_, 'tcx, Facts<'tcx>>,
    block: BasicBlock,
) -> Option<BasicBlock> {
    let (subject, targets) = branch(body, block)?;
    let values = known.analysis().values.get(&subject)?;
    let mut values = values.iter().filter(|(_, fact)| !known.get().contains(**fact));
    // The analysis starts with facts that all hold. Only reachable blocks are asked for, and there
    // at most one is left.
    let (&value, _) = values.next().filter(|_| values.next().is_none())?;
    Some(targets.target_for_value(value))
}

/// What a block branches by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject<'tcx> {
    Variant(Place<'tcx>),
    Flag(Local),
}

impl Subject<'_> {
    fn local(self) -> Local {
        match self {
            Subject::Variant(place) => place.local,
            Subject::Flag(local) => local,
        }
    }
}

/// What `block` branches by at its end, if that is a `bool`, or a variant that it reads last.
fn branch<'a, 'tcx>(
    body: &'a Body<'tcx>,
    block: BasicBlock,
) -> Option<(Subject<'tcx>, &'a SwitchTargets)> {
    let data = &body.basic_blocks[block];
    let TerminatorKind::SwitchInt { discr, targets } = &data.terminator().kind else { return None };
    let local = discr.place()?.as_local()?;
    if body.local_decls[local].ty.is_bool() {
        return Some((Subject::Flag(local), targets));
    }
    // Of what is behind a pointer, or at an index, nothing is known.
    let is_part =
        |element: PlaceElem<'_>| matches!(element, PlaceElem::Field(..) | PlaceElem::Downcast(..));
    match data.statements.last()?.kind {
        StatementKind::Assign(box (target, Rvalue::Discriminant(place)))
            if matches!(discr, Operand::Move(_))
                && target.as_local() == Some(local)
                && place.projection.iter().all(is_part) =>
        {
            Some((Subject::Variant(place), targets))
        }
        _ => None,
    }
}

/// Whether `block` reads what it branches by, and does nothing else that has an effect.
fn does_nothing_else(body: &Body<'_>, block: BasicBlock) -> bool {
    let Some((subject, _)) = branch(body, block) else { return false };
    let mut others = &body.basic_blocks[block].statements[..];
    if let Subject::Variant(_) = subject {
        others = others.split_last().map_or(&[], |(_, others)| others);
    }
    others.iter().all(|it| matches!(it.kind, StatementKind::PlaceMention(_) | StatementKind::Nop))
}

/// The flag and the value, if all that the statement does is to assign a constant to a `bool`.
fn set_flag(statement: &Statement<'_>) -> Option<(Local, bool)> {
    match &statement.kind {
        StatementKind::Assign(box (target, Rvalue::Use(Operand::Constant(constant))))
            if constant.ty().is_bool() =>
        {
            Some((target.as_local()?, constant.const_.try_to_bool()?))
        }
        _ => None,
    }
}

rustc_index::newtype_index! {
    /// That a `bool` or a discriminant has some value.
    struct Fact {}
}

impl<C> DebugWithContext<C> for Fact {}

/// An analysis of which facts may not hold.
struct Facts<'tcx> {
    /// What each may be.
    values: FxIndexMap<Subject<'tcx>, FxIndexMap<u128, Fact>>,
    of_local: FxHashMap<Local, Vec<Fact>>,
    branches: FxHashMap<BasicBlock, Subject<'tcx>>,
    count: usize,
}

impl<'tcx> Facts<'tcx> {
    /// `None` if no branch can be known.
    fn new(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Option<Self> {
        let mut by_subject: FxIndexMap<_, Vec<_>> = FxIndexMap::default();
        for block in body.basic_blocks.indices() {
            if let Some((subject, targets)) = branch(body, block) {
                by_subject.entry(subject).or_default().push((block, targets));
            }
        }
        let statements = body.basic_blocks.iter().flat_map(|data| &data.statements);
        let flags: FxHashSet<_> = statements.filter_map(set_flag).map(|(flag, _)| flag).collect();
        by_subject.retain(|subject, branches| match subject {
            Subject::Variant(_) => branches.len() > 1,
            Subject::Flag(flag) => flags.contains(flag),
        });
        if by_subject.is_empty() {
            return None;
        }
        let none = DenseBitSet::new_empty(body.local_decls.len());
        let mut may_be_written = MayBeWritten { tcx, body, locals: none };
        may_be_written.visit_body(body);
        by_subject.retain(|subject, _| !may_be_written.locals.contains(subject.local()));

        let mut facts = Facts {
            values: FxIndexMap::default(),
            of_local: FxHashMap::default(),
            branches: FxHashMap::default(),
            count: 0,
        };
        for (subject, branches) in by_subject {
            let mut values: FxIndexSet<_> =
                branches.iter().flat_map(|(_, targets)| targets.iter().map(|it| it.0)).collect();
            if let Subject::Flag(_) = subject {
                values.extend([0, 1]);
            }
            facts.branches.extend(branches.iter().map(|&(block, _)| (block, subject)));
            let values = values.into_iter().map(|value| {
                let fact = Fact::from_usize(facts.count);
                facts.count += 1;
                facts.of_local.entry(subject.local()).or_default().push(fact);
                (value, fact)
            });
            facts.values.insert(subject, values.collect());
        }
        (facts.count > 0).then_some(facts)
    }

    /// Notes that the `subject` has this value, and no other one.
    fn set(&self, state: &mut DenseBitSet<Fact>, subject: Subject<'tcx>, value: u128) {
        for (&of_fact, &fact) in self.values.get(&subject).into_iter().flatten() {
            if of_fact == value {
                state.remove(fact);
            } else {
                state.insert(fact);
            }
        }
    }
}

impl<'tcx> Analysis<'tcx> for Facts<'tcx> {
    type Domain = DenseBitSet<Fact>;

    type SwitchIntData = Subject<'tcx>;

    const NAME: &'static str = "known_branches";

    fn bottom_value(&self, _: &Body<'tcx>) -> Self::Domain {
        DenseBitSet::new_empty(self.count)
    }

    fn initialize_start_block(&self, _: &Body<'tcx>, state: &mut Self::Domain) {
        state.insert_all();
    }

    fn apply_primary_statement_effect(
        &self,
        state: &mut Self::Domain,
        statement: &Statement<'tcx>,
        location: Location,
    ) {
        Changes { facts: self, state }.visit_statement(statement, location);
        if let Some((flag, value)) = set_flag(statement) {
            self.set(state, Subject::Flag(flag), value.into());
        }
    }

    fn apply_primary_terminator_effect<'mir>(
        &self,
        state: &mut Self::Domain,
        terminator: &'mir Terminator<'tcx>,
        location: Location,
    ) -> TerminatorEdges<'mir, 'tcx> {
        // What is assigned by a call may be so if it unwinds, too.
        Changes { facts: self, state }.visit_terminator(terminator, location);
        terminator.edges()
    }

    fn get_switch_int_data(&self, block: BasicBlock, _: &Operand<'tcx>) -> Option<Subject<'tcx>> {
        self.branches.get(&block).copied()
    }

    fn apply_switch_int_edge_effect(
        &self,
        subject: &mut Subject<'tcx>,
        state: &mut Self::Domain,
        value: SwitchTargetValue,
        targets: &SwitchTargets,
    ) {
        let value = match (value, *subject, targets.all_values()) {
            (SwitchTargetValue::Normal(value), ..) => value,
            // It is one or the other.
            (SwitchTargetValue::Otherwise, Subject::Flag(_), [value]) => 1 - value.0,
            (SwitchTargetValue::Otherwise, ..) => return,
        };
        self.set(state, *subject, value);
    }
}

/// Forgets the facts about what changes.
struct Changes<'a, 'tcx> {
    facts: &'a Facts<'tcx>,
    state: &'a mut DenseBitSet<Fact>,
}

impl<'tcx> Visitor<'tcx> for Changes<'_, 'tcx> {
    fn visit_local(&mut self, local: Local, context: PlaceContext, _: Location) {
        let changes = context.is_mutating_use()
            || matches!(
                context,
                PlaceContext::NonUse(NonUseContext::StorageLive | NonUseContext::StorageDead)
            );
        if changes && let Some(facts) = self.facts.of_local.get(&local) {
            for &fact in facts {
                self.state.insert(fact);
            }
        }
    }
}

/// The locals that may be written to by a borrow of the whole or a part. A drop borrows its place,
/// too, and counts for `borrowed_locals`, but not here: it is a change, and what it has got the
/// address of has no value any more. If the local gets another value, that is written to the local
/// directly, which ends the old borrow.
struct MayBeWritten<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'a Body<'tcx>,
    locals: DenseBitSet<Local>,
}

impl<'tcx> Visitor<'tcx> for MayBeWritten<'_, 'tcx> {
    fn visit_rvalue(&mut self, rvalue: &Rvalue<'tcx>, location: Location) {
        match rvalue {
            // A guard of a `match` borrows like that, and so do `ref` and `is_some()`.
            Rvalue::Ref(_, BorrowKind::Shared, place)
                if is_freeze_by_fields(self.tcx, place.ty(self.body, self.tcx).ty) => {}
            _ => self.super_rvalue(rvalue, location),
        }
    }

    fn visit_place(&mut self, place: &Place<'tcx>, context: PlaceContext, _: Location) {
        if (context.is_borrow() || context.is_address_of()) && !place.is_indirect() {
            self.locals.insert(place.local);
        }
    }
}
