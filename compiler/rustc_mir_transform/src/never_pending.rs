//! Finds the futures whose first poll is never `Pending`, and the awaits in a body.
//!
//! # Motivation
//!
//! An await gives the body around it a suspension point, with a state and the locals saved in it,
//! for the case that the awaitee is not ready. Many awaitees always are: an async fn without an
//! await, an implementation of an async trait for a device that is only memory,
//! `core::future::ready`. Whoever awaits them suspends for nothing, and so does whoever awaits
//! that, all the way up. [`ElideNoAwait`] takes those states away. What it goes by is found here.
//!
//! # What is known of a future
//!
//! * *Of a coroutine*, by its body: [`poll_summary`] lists which types it awaits by value, if
//!   nothing else in it can suspend. The first poll of the body is never `Pending` if that of each
//!   of them is not.
//! * *Of a future that is written by hand*, by the body of its `poll`: it is never pending if that
//!   [returns nothing but `Ready`](crate::only_ready).
//! * *Of a type*: [`never_pending`] follows the summaries, through any depth, until it has seen
//!   every awaitee or one of which nothing is known.
//!
//! # What is asked for
//!
//! All this may be asked while the body of a coroutine is made, for which its layout may be
//! waiting. So it may need nothing that could in turn wait for that layout. The page of
//! [`certain_body`] has the rules under which a body may be read. By these
//!
//! * a summary is asked for only if the coroutine is awaited by value. It is then part of the
//!   layout that is made, which needs its MIR in any case. The summary is taken from that MIR
//!   before drop elaboration, as its witness is, and refers to no other body. So a future that
//!   awaits itself is an error that is reported elsewhere, and here just one of which nothing is
//!   known;
//! * no type is checked for the sake of a `poll`, or of a function that makes a coroutine.
//!
//! (`tests/ui/async-await/certain-body/layout-of-types.rs`)
//!
//! The summary of a coroutine from another crate is in its layout. A crate that was compiled
//! without the pass records none, but its layout still tells that a body has no suspension point.
//!
//! # Soundness
//!
//! *An await by value is the first to poll its awaitee.* The awaitee has been moved into the
//! await's own local, and no coroutine of an async body may be moved once it has been polled: none
//! is `Unpin`, so whoever pins one by unsafe means has promised not to. From then on the await
//! polls it, in a loop that is only gone through again when the answer was `Pending`:
//!
//! * the local is assigned in one place, borrowed in one place, and that borrow goes into the poll
//!   and nowhere else;
//! * from where the poll was ready no path leads back to the poll but through the end of the
//!   local's storage, or its next assignment.
//!   (`tests/ui/async-await/elide-no-await/awaits-polled-before.rs`)
//!
//! *A coroutine without suspension points answers its first poll with `Ready`*, or not at all. The
//! same holds if none of its suspension points can be reached, which is what a summary says: every
//! one of them is behind the `Pending` of an await by value.
//!
//! *A `poll` written by hand is judged by what it returns*, on each of its ways: if that is
//! `Ready`, then no poll of it is `Pending`, be it the first or not. See the page of
//! [`only_ready`].
//!
//! *What is judged is what runs*, and what is asked cannot come back. See the page of
//! [`certain_body`].
//!
//! # Left for later
//!
//! * A `poll` that hands on the answer of another future, as `Pin<P>` and `&mut F` do. It would
//!   have to be the first poll of that future.
//! * Awaits behind a condition that is constant, but only after inlining.
//!
//! [`ElideNoAwait`]: crate::elide_no_await::ElideNoAwait
//! [`certain_body`]: crate::certain_body
//! [`only_ready`]: crate::only_ready

use rustc_abi::VariantIdx;
use rustc_data_structures::fx::{FxHashMap, FxHashSet, FxIndexSet};
use rustc_hir as hir;
use rustc_hir::LangItem;
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_index::IndexVec;
use rustc_middle::mir::visit::{MutatingUseContext, NonMutatingUseContext, PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::query::Providers;
use rustc_middle::ty::{
    self, CoroutineArgs, CoroutineArgsExt, EarlyBinder, GenericArgsRef, Ty, TyCtxt,
};
use rustc_span::Spanned;
use tracing::{debug, instrument, trace};

use crate::certain_body::{self, CertainBody};
use crate::elide_no_await;
use crate::only_ready::{makes_only_ready, poll_variants};

pub(super) fn provide(providers: &mut Providers) {
    providers.poll_summary = poll_summary;
    providers.never_pending = never_pending;
}

/// Has what other bodies may ask of the body of `def_id` computed while its MIR can still be read.
pub(super) fn ensure_summaries(tcx: TyCtxt<'_>, def_id: LocalDefId) {
    if elide_no_await::is_enabled(tcx) && tcx.is_coroutine(def_id.to_def_id()) {
        tcx.ensure_done().poll_summary(def_id);
    }
}

/// What the coroutine of `def_id` says of its first poll, or `None` if that may be `Pending` for
/// all that can be seen.
#[instrument(level = "debug", skip(tcx), ret)]
fn poll_summary<'tcx>(tcx: TyCtxt<'tcx>, def_id: LocalDefId) -> Option<PollSummary<'tcx>> {
    if !certain_body::is_async(tcx, def_id.to_def_id()) {
        return None;
    }
    certain_body::read_promoted(tcx, def_id, |body| summary_of(tcx, body))
}

fn summary_of<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Option<PollSummary<'tcx>> {
    let never_waits: FxHashMap<_, _> =
        find_awaits(tcx, body).into_iter().map(|found| (found.switch, found)).collect();
    let mut awaitees = vec![];
    let mut seen = FxHashSet::default();
    let mut reachable = vec![START_BLOCK];
    while let Some(block) = reachable.pop() {
        if !seen.insert(block) {
            continue;
        }
        if let Some(found) = never_waits.get(&block) {
            awaitees.push(found.awaitee);
            reachable.push(found.ready);
            continue;
        }
        let terminator = body.basic_blocks[block].terminator();
        if let TerminatorKind::Yield { .. } = terminator.kind {
            return None;
        }
        reachable.extend(real_successors(terminator));
    }
    Some(PollSummary { awaitees, answer: constant_answer(body) })
}

/// The constant that is all a body without upvars computes.
fn constant_answer<'tcx>(body: &Body<'tcx>) -> Option<Const<'tcx>> {
    let mut known = FxHashMap::default();
    let assign = |(place, rvalue): &(Place<'tcx>, Rvalue<'tcx>)| {
        let value = match rvalue {
            // One that must be evaluated first may fail to, and that is reported where it is used.
            Rvalue::Use(Operand::Constant(constant)) if !constant.const_.is_required_const() => {
                constant.const_
            }
            Rvalue::Use(Operand::Copy(from) | Operand::Move(from)) => *known.get(from)?,
            _ => return None,
        };
        known.insert(*place, value);
        Some(())
    };
    // Of the coroutine itself, at the end of its body. It has no upvars, or none is known.
    let is_nothing = |local: Local| {
        local == ty::CAPTURE_STRUCT_LOCAL && has_no_upvars(body.local_decls[local].ty)
    };
    let returns = straight_line(body, assign, is_nothing);
    returns.and_then(|()| known.get(&Place::return_place()).copied())
}

/// Whether all that `body` does is to make a coroutine: one without upvars, or one whose upvars are
/// the arguments, all of them and in their order.
fn only_makes_coroutine(body: &Body<'_>) -> bool {
    if !matches!(body.return_ty().kind(), ty::Coroutine(..) | ty::Alias(..))
        || body.tainted_by_errors.is_some()
    {
        return false;
    }
    let arguments: Vec<_> = body.args_iter().collect();
    let assign = |(place, rvalue): &(Place<'_>, Rvalue<'_>)| {
        let Rvalue::Aggregate(kind, fields) = rvalue else { return None };
        let upvars = fields.iter().map(|field| field.place().and_then(|place| place.as_local()));
        let made = matches!(**kind, AggregateKind::Coroutine(..))
            && *place == Place::return_place()
            && (fields.is_empty() || upvars.eq(arguments.iter().copied().map(Some)));
        made.then_some(())
    };
    let makes = |statement: &Statement<'_>| match statement.kind.as_assign() {
        Some((_, Rvalue::Aggregate(_, fields))) => !fields.is_empty(),
        _ => false,
    };
    // What has been moved is dropped to no effect.
    let moved = body.basic_blocks[START_BLOCK].statements.iter().any(makes);
    straight_line(body, assign, |local| moved && arguments.contains(&local)).is_some()
}

/// Calls `assign` for every assignment of a body that has no branch and no effect beside them, in
/// order. Returns `None` if the body is not of that kind, or `assign` says that it is not. A local
/// that `is_nothing` says so of may be dropped.
fn straight_line<'tcx>(
    body: &Body<'tcx>,
    mut assign: impl FnMut(&(Place<'tcx>, Rvalue<'tcx>)) -> Option<()>,
    is_nothing: impl Fn(Local) -> bool,
) -> Option<()> {
    let mut block = START_BLOCK;
    // A body without branches is left at the latest when it has gone through all of its blocks.
    for _ in body.basic_blocks.indices() {
        let data = &body.basic_blocks[block];
        for statement in &data.statements {
            match &statement.kind {
                StatementKind::Assign(statement) => assign(statement)?,
                StatementKind::StorageLive(_)
                | StatementKind::StorageDead(_)
                | StatementKind::FakeRead(_)
                | StatementKind::PlaceMention(_)
                | StatementKind::AscribeUserType(..)
                | StatementKind::ConstEvalCounter
                | StatementKind::Nop => {}
                _ => return None,
            }
        }
        block = match &data.terminator().kind {
            TerminatorKind::Return => return Some(()),
            TerminatorKind::Goto { target } => *target,
            TerminatorKind::FalseEdge { real_target, .. }
            | TerminatorKind::FalseUnwind { real_target, .. } => *real_target,
            TerminatorKind::Drop { place, target, .. }
                if place.as_local().is_some_and(&is_nothing) =>
            {
                *target
            }
            _ => return None,
        };
    }
    None
}

fn has_no_upvars(ty: Ty<'_>) -> bool {
    matches!(ty.kind(), ty::Coroutine(_, args) if args.as_coroutine().upvar_tys().is_empty())
}

/// Where `terminator` leads when it is executed, and not just in the eyes of the borrow checker.
fn real_successors<'a>(terminator: &'a Terminator<'_>) -> impl Iterator<Item = BasicBlock> + 'a {
    let imaginary = match terminator.kind {
        TerminatorKind::FalseEdge { imaginary_target, .. } => Some(imaginary_target),
        TerminatorKind::FalseUnwind { unwind: UnwindAction::Cleanup(target), .. } => Some(target),
        _ => None,
    };
    terminator.successors().filter(move |&target| Some(target) != imaginary)
}

/// Whether the first poll of a value of the type, made anew, is never `Pending`.
fn never_pending<'tcx>(tcx: TyCtxt<'tcx>, key: ty::PseudoCanonicalInput<'tcx, Ty<'tcx>>) -> bool {
    let ty::PseudoCanonicalInput { typing_env, value } = key;
    Search { tcx, typing_env, on_path: vec![], known: FxHashMap::default() }.never_pending(value)
}

/// What the coroutine of `def_id` answers at once, if that is a constant and it has no upvars.
pub(crate) fn answers_constant<'tcx>(
    tcx: TyCtxt<'tcx>,
    def_id: DefId,
    args: GenericArgsRef<'tcx>,
) -> Option<Const<'tcx>> {
    if !args.as_coroutine().upvar_tys().is_empty() {
        return None;
    }
    let answer = recorded_summary(tcx, def_id, args)?.answer?;
    Some(EarlyBinder::bind(answer).instantiate(tcx, args))
}

/// Whether all that a call of `func` does is to make a coroutine: one without upvars, or one whose
/// upvars are the arguments, all of them and in their order.
pub(crate) fn makes_coroutine<'tcx>(tcx: TyCtxt<'tcx>, func: &Operand<'tcx>) -> bool {
    let Some((def_id, args)) = func.const_fn_def() else { return false };
    match certain_body::of_call(tcx, def_id, args) {
        Ok(CertainBody::Local(body)) => is_body_of_maker(body),
        // A constant that fails to be evaluated has to be reported.
        Ok(CertainBody::Foreign(body)) => {
            !certain_body::has_errors_of_its_own(tcx, body) && only_makes_coroutine(body)
        }
        Err(_) => false,
    }
}

/// Whether the body is nothing but a coroutine: what an async fn is lowered to, which captures all
/// arguments in their order, or an async block where there are no arguments.
fn is_body_of_maker(body: &hir::Body<'_>) -> bool {
    let mut value = body.value;
    while let hir::ExprKind::Block(block, None) = value.kind
        && let ([], Some(last)) = (block.stmts, block.expr)
    {
        value = last;
    }
    let hir::ExprKind::Closure(closure) = value.kind else { return false };
    let hir::ClosureKind::Coroutine(hir::CoroutineKind::Desugared(
        hir::CoroutineDesugaring::Async,
        source,
    )) = closure.kind
    else {
        return false;
    };
    match source {
        hir::CoroutineSource::Fn => true,
        hir::CoroutineSource::Block => body.params.is_empty(),
        hir::CoroutineSource::Closure => false,
    }
}

/// The summary of a coroutine, of this crate or of one that was compiled with the pass.
fn recorded_summary<'tcx>(
    tcx: TyCtxt<'tcx>,
    def_id: DefId,
    args: GenericArgsRef<'tcx>,
) -> Option<&'tcx PollSummary<'tcx>> {
    let body = certain_body::of_coroutine(tcx, def_id, args).ok()?;
    match body.as_local() {
        None => tcx.coroutine_layout(def_id, args).ok()?.poll_summary.as_ref(),
        Some(body) if elide_no_await::is_enabled(tcx) => tcx.poll_summary(body),
        Some(_) => None,
    }
}

/// A search through the awaitees of awaitees.
struct Search<'tcx> {
    tcx: TyCtxt<'tcx>,
    typing_env: ty::TypingEnv<'tcx>,
    /// The types that the current one is awaited by.
    on_path: Vec<Ty<'tcx>>,
    known: FxHashMap<Ty<'tcx>, bool>,
}

impl<'tcx> Search<'tcx> {
    fn never_pending(&mut self, ty: Ty<'tcx>) -> bool {
        let Ok(ty) = self.tcx.try_normalize_erasing_regions(self.typing_env, ty) else {
            return false;
        };
        if let Some(&known) = self.known.get(&ty) {
            return known;
        }
        if self.on_path.contains(&ty)
            || !self.tcx.recursion_limit().value_within_limit(self.on_path.len())
        {
            debug!(?ty, "awaits itself, or is too deep");
            return false;
        }
        self.on_path.push(ty);
        let answer = match *ty.kind() {
            ty::Coroutine(def_id, args) => self.coroutine(def_id, args),
            ty::Adt(..) => self.has_poll_that_returns_only_ready(ty),
            // An alias or parameter that is not known here.
            _ => false,
        };
        self.on_path.pop();
        trace!(?ty, answer);
        self.known.insert(ty, answer);
        answer
    }

    fn coroutine(&mut self, def_id: DefId, args: GenericArgsRef<'tcx>) -> bool {
        let tcx = self.tcx;
        if let Some(summary) = recorded_summary(tcx, def_id, args) {
            return summary.awaitees.iter().all(|&awaitee| {
                self.never_pending(EarlyBinder::bind(awaitee).instantiate(tcx, args))
            });
        }
        // This asks for the MIR of the body. From another crate it is there; in this one it is
        // only asked for when that crate has no summaries, and then not from the MIR of a body.
        (!def_id.is_local() || !elide_no_await::is_enabled(tcx))
            && certain_body::of_coroutine(tcx, def_id, args).is_ok()
            && tcx
                .coroutine_layout(def_id, args)
                .is_ok_and(|layout| layout.variant_fields.len() <= CoroutineArgs::RESERVED_VARIANTS)
    }

    fn has_poll_that_returns_only_ready(&self, ty: Ty<'tcx>) -> bool {
        let tcx = self.tcx;
        let Some(poll) = tcx.lang_items().future_poll_fn() else { return false };
        let args = tcx.mk_args(&[ty.into()]);
        match certain_body::of_call(tcx, poll, args) {
            Ok(body) => makes_only_ready(tcx, body),
            Err(reason) => {
                debug!(?ty, reason, "has a poll that cannot be judged");
                false
            }
        }
    }
}

/// An await by value, as it is lowered:
///
/// ```text
///   made = <I as IntoFuture>::into_future(..)
///   awaitee = move made
/// poll_loop:
///   borrow = &mut awaitee; reborrow = &mut *borrow
///   pin = Pin::new_unchecked(move reborrow)
///   resumed_with = copy ..
///   context = get_context(move resumed_with); context_reborrow = &mut *context
///   answer = <F as Future>::poll(move pin, move context_reborrow)
///   switchInt(discriminant(answer)) -> [0: ready, 1: pending]
/// pending:
///   yield -> poll_loop
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Await<'tcx> {
    /// The type that is polled.
    pub(crate) awaitee: Ty<'tcx>,
    /// The local that it is moved into.
    pub(crate) local: Local,
    /// What is made into it.
    pub(crate) made: Local,
    /// The blocks that end in the calls of `into_future`, `new_unchecked`, `get_context`, `poll`.
    pub(crate) into_future: BasicBlock,
    pub(crate) new_unchecked: BasicBlock,
    pub(crate) get_context: BasicBlock,
    pub(crate) poll: BasicBlock,
    /// What their arguments are made of: the three borrows, and a copy of the context.
    pub(crate) arguments: [Location; 4],
    /// The assignment of the awaitee to its local.
    pub(crate) assigned: Location,
    /// The block that ends in the switch, and where it leads.
    pub(crate) switch: BasicBlock,
    pub(crate) ready: BasicBlock,
    pub(crate) pending: BasicBlock,
}

/// The awaits by value in `body`, before or after drop elaboration, in the order of their blocks.
/// The module's page says what is checked of each.
pub(crate) fn find_awaits<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Vec<Await<'tcx>> {
    let Some(variants) = poll_variants(tcx) else { return vec![] };
    let mut finder = AwaitFinder { tcx, body, variants, locals: None };
    body.basic_blocks.indices().filter_map(|block| finder.await_that_polls_in(block)).collect()
}

/// The types that `body` polls with its own task context, which is what only an await does. These
/// are all that [`find_awaits`] may find in it, at whatever time. What no way leads to is no part
/// of the layout of the coroutine.
pub(crate) fn awaited_types<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> FxIndexSet<Ty<'tcx>> {
    let Some(variants) = poll_variants(tcx) else { return FxIndexSet::default() };
    let mut finder = AwaitFinder { tcx, body, variants, locals: None };
    let mut awaited = FxIndexSet::default();
    let mut seen = FxHashSet::default();
    let mut reachable = vec![START_BLOCK];
    while let Some(block) = reachable.pop() {
        if seen.insert(block) {
            awaited.extend(finder.awaited_type(block));
            reachable.extend(real_successors(body.basic_blocks[block].terminator()));
        }
    }
    awaited
}

struct AwaitFinder<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'a Body<'tcx>,
    variants: (VariantIdx, VariantIdx),
    /// Computed for the first poll in the body, since most bodies have none.
    locals: Option<IndexVec<Local, LocalUse>>,
}

impl<'a, 'tcx> AwaitFinder<'a, 'tcx> {
    fn awaited_type(&mut self, poll: BasicBlock) -> Option<Ty<'tcx>> {
        let (polled, _, context) = self.poll_in(poll)?;
        let (_, context) = self.only_reborrow(moved_local(context)?)?;
        self.only_call(context, LangItem::GetContext)?;
        Some(polled)
    }

    /// The type that is polled by the call at the end of `block`, with its two arguments.
    fn poll_in(
        &self,
        block: BasicBlock,
    ) -> Option<(Ty<'tcx>, &'a Operand<'tcx>, &'a Operand<'tcx>)> {
        let (func, [pin, context], ..) = call_in(self.body, block)? else { return None };
        let (callee, args) = func.const_fn_def()?;
        (Some(callee) == self.tcx.lang_items().future_poll_fn())
            .then(|| (args.type_at(0), &pin.node, &context.node))
    }

    fn await_that_polls_in(&mut self, poll: BasicBlock) -> Option<Await<'tcx>> {
        let (polled, pin, context) = self.poll_in(poll)?;
        let (_, _, destination, Some(switch)) = call_in(self.body, poll)? else { return None };

        let (new_unchecked, reborrowed) =
            self.only_call(moved_local(pin)?, LangItem::PinNewUnchecked)?;
        let (second, borrowed) = self.only_reborrow(reborrowed)?;
        let (first, awaitee) = self.only_borrow(borrowed)?;
        let (assigned, made) = self.only_move(awaitee)?;
        let (into_future, _) = self.only_call_any(made, LangItem::IntoFutureIntoFuture)?;
        let (third, context) = self.only_reborrow(moved_local(context)?)?;
        let (get_context, resumed_with) = self.only_call(context, LangItem::GetContext)?;
        let (fourth, _) = self.only_rvalue(resumed_with)?;

        let (ready, pending) = self.switch_on(switch, destination)?;
        if self.leads_back(ready, poll, awaitee, assigned.block) {
            debug!(?poll, "the awaitee may be polled again after it was ready");
            return None;
        }
        Some(Await {
            awaitee: polled,
            local: awaitee,
            made,
            into_future,
            new_unchecked,
            get_context,
            poll,
            arguments: [first, second, third, fourth],
            assigned,
            switch,
            ready,
            pending,
        })
    }

    /// Where `switch` leads if `answer` is ready or pending, given that only the poll leads to it.
    fn switch_on(
        &self,
        switch: BasicBlock,
        answer: Place<'tcx>,
    ) -> Option<(BasicBlock, BasicBlock)> {
        if self.body.basic_blocks.predecessors()[switch].len() != 1 {
            return None;
        }
        let data = &self.body.basic_blocks[switch];
        let TerminatorKind::SwitchInt { discr, targets } = &data.terminator().kind else {
            return None;
        };
        let discr = discr.place()?;
        let reads_answer = |statement: &Statement<'tcx>| match statement.kind.as_assign() {
            Some((place, Rvalue::Discriminant(of))) => *place == discr && *of == answer,
            _ => false,
        };
        data.statements.iter().find(|statement| reads_answer(statement))?;
        let target = |variant: VariantIdx| targets.target_for_value(variant.as_u32().into());
        Some((target(self.variants.0), target(self.variants.1)))
    }

    /// Whether a path leads from `from` to `poll` on which `awaitee` stays what it is.
    fn leads_back(
        &self,
        from: BasicBlock,
        poll: BasicBlock,
        awaitee: Local,
        assigned_in: BasicBlock,
    ) -> bool {
        let mut seen = FxHashSet::default();
        let mut reachable = vec![from];
        while let Some(block) = reachable.pop() {
            if block == poll {
                return true;
            }
            let data = &self.body.basic_blocks[block];
            let ends = |statement: &Statement<'tcx>| match statement.kind {
                StatementKind::StorageDead(local) => local == awaitee,
                _ => false,
            };
            if block != assigned_in && !data.statements.iter().any(ends) && seen.insert(block) {
                reachable.extend(real_successors(data.terminator()));
            }
        }
        false
    }

    /// The one assignment to `local`, if all that becomes of it is one use.
    fn only_definition(&mut self, local: Local) -> Option<Location> {
        let body = self.body;
        let locals = self.locals.get_or_insert_with(|| LocalUse::in_body(body));
        match locals[local] {
            LocalUse { definition: Definition::One(location), uses: 1 } => Some(location),
            _ => None,
        }
    }

    fn only_rvalue(&mut self, local: Local) -> Option<(Location, &'a Rvalue<'tcx>)> {
        let location = self.only_definition(local)?;
        let (place, rvalue) = self.body.stmt_at(location).left()?.kind.as_assign()?;
        (place.as_local() == Some(local)).then_some((location, rvalue))
    }

    /// `local = &mut *from`
    fn only_reborrow(&mut self, local: Local) -> Option<(Location, Local)> {
        match self.only_rvalue(local)? {
            (location, Rvalue::Ref(_, BorrowKind::Mut { .. }, place))
                if place.projection[..] == [PlaceElem::Deref] =>
            {
                Some((location, place.local))
            }
            _ => None,
        }
    }

    /// `local = &mut from`
    fn only_borrow(&mut self, local: Local) -> Option<(Location, Local)> {
        match self.only_rvalue(local)? {
            (location, Rvalue::Ref(_, BorrowKind::Mut { .. }, place)) => {
                Some((location, place.as_local()?))
            }
            _ => None,
        }
    }

    /// `local = move from`
    fn only_move(&mut self, local: Local) -> Option<(Location, Local)> {
        match self.only_rvalue(local)? {
            (location, Rvalue::Use(operand)) => Some((location, moved_local(operand)?)),
            _ => None,
        }
    }

    /// `local = item(..)`, and its first argument.
    fn only_call_any(
        &mut self,
        local: Local,
        item: LangItem,
    ) -> Option<(BasicBlock, &'a Operand<'tcx>)> {
        let location = self.only_definition(local)?;
        let (func, args, destination, _) = call_in(self.body, location.block)?;
        let (callee, _) = func.const_fn_def()?;
        (location == self.body.terminator_loc(location.block)
            && destination.as_local() == Some(local)
            && self.tcx.is_lang_item(callee, item))
        .then_some((location.block, &args.first()?.node))
    }

    /// `local = item(move from)`
    fn only_call(&mut self, local: Local, item: LangItem) -> Option<(BasicBlock, Local)> {
        let (block, argument) = self.only_call_any(local, item)?;
        Some((block, moved_local(argument)?))
    }
}

fn moved_local(operand: &Operand<'_>) -> Option<Local> {
    match operand {
        Operand::Move(place) => place.as_local(),
        _ => None,
    }
}

/// The function, arguments, destination and target of the call that ends `block`, if one does.
pub(crate) fn call_in<'a, 'tcx>(
    body: &'a Body<'tcx>,
    block: BasicBlock,
) -> Option<(&'a Operand<'tcx>, &'a [Spanned<Operand<'tcx>>], Place<'tcx>, Option<BasicBlock>)> {
    match &body.basic_blocks[block].terminator().kind {
        TerminatorKind::Call { func, args, destination, target, .. } => {
            Some((func, args, *destination, *target))
        }
        _ => None,
    }
}

/// How a body uses one of its locals, apart from its storage, its drop, and what the debugger sees.
#[derive(Clone, Copy, Default)]
struct LocalUse {
    definition: Definition,
    uses: usize,
}

#[derive(Clone, Copy, Default)]
enum Definition {
    #[default]
    None,
    One(Location),
    Many,
}

impl LocalUse {
    fn in_body(body: &Body<'_>) -> IndexVec<Local, LocalUse> {
        let mut counter =
            LocalUseCounter(IndexVec::from_elem(LocalUse::default(), &body.local_decls));
        counter.visit_body(body);
        counter.0
    }
}

struct LocalUseCounter(IndexVec<Local, LocalUse>);

impl<'tcx> Visitor<'tcx> for LocalUseCounter {
    fn visit_local(&mut self, local: Local, context: PlaceContext, location: Location) {
        let local = &mut self.0[local];
        match context {
            PlaceContext::NonUse(_)
            | PlaceContext::NonMutatingUse(
                NonMutatingUseContext::PlaceMention | NonMutatingUseContext::Inspect,
            )
            | PlaceContext::MutatingUse(MutatingUseContext::Drop | MutatingUseContext::Retag) => {}
            PlaceContext::MutatingUse(
                MutatingUseContext::Store
                | MutatingUseContext::Call
                | MutatingUseContext::Yield
                | MutatingUseContext::AsmOutput,
            ) => {
                local.definition = match local.definition {
                    Definition::None => Definition::One(location),
                    _ => Definition::Many,
                };
            }
            _ => local.uses += 1,
        }
    }
}
