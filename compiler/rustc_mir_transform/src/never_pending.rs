//! Finds the futures whose first poll is never `Pending`.
//!
//! # Motivation
//!
//! An await adds a suspension point to its body, with a state and saved locals, in case the awaitee
//! is not ready. Many awaitees always are: an async fn without an await, an implementation of an
//! async trait for a device that is only memory, `core::future::ready`. What awaits them suspends
//! for nothing, and so does what awaits that, all the way up. [`ElideNoAwait`] removes those
//! states. This module computes the facts that it uses.
//!
//! # What is known of a future
//!
//! * *A coroutine* is judged by its body. [`poll_summary`] lists the types that it awaits by value,
//!   if nothing else in it can suspend. Its first poll is never `Pending` if theirs never are.
//! * *A future written by hand* is judged by the body of its `poll`. It is never pending if that
//!   [returns nothing but `Ready`](crate::only_ready).
//! * *A type* is judged by [`never_pending`], which follows the summaries to a depth of
//!   [`DEPTH_LIMIT`], until it has seen every awaitee, or one of which nothing is known.
//!
//! # What is asked for
//!
//! All this may be asked while the body of a coroutine is computed, and the layout of that
//! coroutine may be waiting for the body. So nothing may be asked that could need the layout. The
//! page of [`certain_body`] says which bodies may be read. It follows that
//!
//! * a summary is asked for only if the coroutine is awaited by value. The coroutine is then part
//!   of the layout, which needs its MIR in any case. The summary is taken from the MIR before drop
//!   elaboration, as the witness is, and refers to no other body. So a future that awaits itself is
//!   an error that is reported elsewhere; here nothing is known of it;
//! * no type is checked for the sake of a `poll`, or of a function that constructs a coroutine.
//!
//! (`tests/ui/async-await/certain-body/layout-of-types.rs`)
//!
//! A crate that was compiled without the pass records no summaries. The layout of its coroutines
//! still tells whether a body has a suspension point.
//!
//! A summary takes one walk through its body. A search looks at each type once, if that is not part
//! of a recursion, and follows each awaitee of each body. The layout of a future with that many
//! awaitees needs as many types.
//!
//! # Soundness
//!
//! *An await by value is the first to poll its awaitee*, and the only one. See the page of
//! [`awaits`](crate::awaits).
//!
//! *A coroutine without suspension points answers its first poll with `Ready`*, or not at all. The
//! same holds if no suspension point can be reached. That is what a summary says: each of them is
//! after the `Pending` of an await by value.
//!
//! *A `poll` written by hand is judged by what it returns*, on each path. If that is `Ready`, then
//! no poll of it is `Pending`, whether it is the first or not. See the page of [`only_ready`].
//!
//! *What is judged is what runs*, and no query leads back to itself. See the page of
//! [`certain_body`].
//!
//! # Left for later
//!
//! * A `poll` that returns the answer of another future, as that of `Pin<P>` and `&mut F` does. It
//!   would have to be the first poll of that future.
//! * Awaits behind a condition that is constant, but only after inlining.
//!
//! [`ElideNoAwait`]: crate::elide_no_await::ElideNoAwait
//! [`certain_body`]: crate::certain_body
//! [`only_ready`]: crate::only_ready

use rustc_data_structures::fx::FxHashMap;
use rustc_hir as hir;
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_middle::mir::*;
use rustc_middle::query::Providers;
use rustc_middle::ty::{
    self, CoroutineArgs, CoroutineArgsExt, EarlyBinder, GenericArgsRef, Ty, TyCtxt,
};
use tracing::{debug, instrument, trace};

use crate::awaits::{find_awaits, real_successors};
use crate::certain_body::{self, CertainBody};
use crate::elide_no_await;
use crate::only_ready::makes_only_ready;
use crate::reachable::reachable_from;

/// How deep awaitees of awaitees are looked at. A crate may raise its recursion limit to anything,
/// and each body is looked at for each of those that it is awaited by.
pub(crate) const DEPTH_LIMIT: usize = 128;

pub(super) fn provide(providers: &mut Providers) {
    providers.poll_summary = poll_summary;
    providers.never_pending = never_pending;
}

/// Computes what other bodies may ask of the body of `def_id` while its MIR can still be read.
pub(super) fn ensure_summaries(tcx: TyCtxt<'_>, def_id: LocalDefId) {
    if elide_no_await::is_enabled(tcx) && tcx.is_coroutine(def_id.to_def_id()) {
        tcx.ensure_done().poll_summary(def_id.to_def_id());
    }
}

/// What the coroutine of `def_id` says of its first poll, or `None` if that may be `Pending` for
/// all that can be seen.
#[instrument(level = "debug", skip(tcx), ret)]
fn poll_summary<'tcx>(tcx: TyCtxt<'tcx>, def_id: LocalDefId) -> Option<PollSummary<'tcx>> {
    if !elide_no_await::is_enabled(tcx) || !certain_body::is_async(tcx, def_id.to_def_id()) {
        return None;
    }
    certain_body::read_promoted(tcx, def_id, |body| summary_of(tcx, body))
}

fn summary_of<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Option<PollSummary<'tcx>> {
    let awaits: FxHashMap<_, _> =
        find_awaits(tcx, body).into_iter().map(|found| (found.switch, found)).collect();
    let mut awaitees = vec![];
    let mut may_suspend = false;
    // What comes after a `Pending` is not followed: it is for the awaitees to rule that out.
    reachable_from(body, [START_BLOCK], |block| {
        let found = awaits.get(&block);
        awaitees.extend(found.map(|found| found.awaitee));
        let terminator = body.basic_blocks[block].terminator();
        may_suspend |= matches!(terminator.kind, TerminatorKind::Yield { .. });
        // An await goes on only where its answer is ready.
        real_successors(terminator)
            .filter(move |&target| found.is_none_or(|found| target == found.ready))
    });
    let summary = || PollSummary { awaitees, answer: constant_answer(body) };
    (!may_suspend).then(summary)
}

/// The constant that is all a body without upvars computes.
fn constant_answer<'tcx>(body: &Body<'tcx>) -> Option<Const<'tcx>> {
    let mut known = FxHashMap::default();
    let assign = |(place, rvalue): &(Place<'tcx>, Rvalue<'tcx>)| {
        // Another place may be behind a pointer, where others see it, or a part of what is known.
        let local = place.as_local()?;
        let value = match rvalue {
            // One that must be evaluated first may fail to, and that is reported where it is used.
            Rvalue::Use(Operand::Constant(constant)) if !constant.const_.is_required_const() => {
                constant.const_
            }
            Rvalue::Use(Operand::Copy(from) | Operand::Move(from)) => {
                *known.get(&from.as_local()?)?
            }
            _ => return None,
        };
        known.insert(local, value);
        Some(())
    };
    // The body ends by dropping the coroutine, that is its upvars. Here there are none.
    let is_nothing = |local: Local| {
        local == ty::CAPTURE_STRUCT_LOCAL && has_no_upvars(body.local_decls[local].ty)
    };
    // Where it ends it has returned, so the return place has one of the known values.
    let returns = straight_line(body, assign, is_nothing);
    returns.and_then(|()| known.get(&RETURN_PLACE).copied())
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
        // An upvar that is not an argument is computed, and that could have an effect.
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
                // These do nothing when they are executed.
                StatementKind::StorageLive(_)
                | StatementKind::StorageDead(_)
                | StatementKind::FakeRead(_)
                | StatementKind::PlaceMention(_)
                | StatementKind::AscribeUserType(..)
                | StatementKind::ConstEvalCounter
                | StatementKind::Nop => {}
                // Whatever else there is may have an effect.
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
    // To drop them may have an effect, and so may to construct them.
    if !args.as_coroutine().upvar_tys().is_empty() {
        return None;
    }
    let answer = recorded_summary(tcx, def_id, args)?.answer?;
    Some(EarlyBinder::bind(answer).instantiate(tcx, args))
}

/// Whether all that a call of `func` does is to make a coroutine: one without upvars, or one whose
/// upvars are the arguments, all of them and in their order.
pub(crate) fn makes_coroutine<'tcx>(tcx: TyCtxt<'tcx>, func: &Operand<'tcx>) -> bool {
    // Of a function pointer the body is not known.
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
    // The lowering puts the closure in blocks without statements.
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
        // An async closure has captures of its own, which are not among the parameters.
        hir::CoroutineSource::Closure => false,
    }
}

/// The summary of a coroutine, of this crate or of one that was compiled with the pass.
fn recorded_summary<'tcx>(
    tcx: TyCtxt<'tcx>,
    def_id: DefId,
    args: GenericArgsRef<'tcx>,
) -> Option<&'tcx PollSummary<'tcx>> {
    tcx.poll_summary(certain_body::of_coroutine(tcx, def_id, args).ok()?)
}

/// A search through the awaitees of awaitees.
struct Search<'tcx> {
    tcx: TyCtxt<'tcx>,
    typing_env: ty::TypingEnv<'tcx>,
    /// The types that lead to the current one, each awaited by the one before.
    on_path: Vec<Ty<'tcx>>,
    known: FxHashMap<Ty<'tcx>, bool>,
}

impl<'tcx> Search<'tcx> {
    fn never_pending(&mut self, ty: Ty<'tcx>) -> bool {
        let Ok(ty) = self.tcx.try_normalize_erasing_regions(self.typing_env, ty) else {
            return false;
        };
        // Without this a type that is awaited in two ways at each level would be searched as often
        // as there are ways.
        if let Some(&known) = self.known.get(&ty) {
            return known;
        }
        // Nothing is known of what depends on itself, and an answer takes stack for each level.
        if self.on_path.contains(&ty)
            || self.on_path.len() > DEPTH_LIMIT
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
        // A "no" may be due to the path that led here. It is kept all the same, as the safe answer.
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
        // `coroutine_layout` needs the MIR of the body. Another crate has recorded it. In this
        // crate it is asked for only if the pass is off here; then no body is being made that waits
        // for the answer.
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
            // It may be anything then, also a poll that waits.
            Err(reason) => {
                debug!(?ty, reason, "has a poll that cannot be judged");
                false
            }
        }
    }
}
