//! Removes the suspension points of awaits that never wait, and the states of futures that never
//! do.
//!
//! # Motivation
//!
//! rustc makes as large a state machine of `async { 5 }` as of any other block: a switch on the
//! state, a place in memory that keeps the state, a case for *returned* and one for *poisoned*. An
//! async fn that awaits this block gets a suspension point: one more state, the locals that are
//! saved in it, and the code that drops them if the future is dropped there. Nothing ever uses
//! these. LLVM would have to look through memory and across two poll functions to see that, so it
//! rarely does.
//!
//! # The transformation
//!
//! The pass has two steps. [`Awaits`] runs before [`StateTransform`]. It finds each await by value
//! whose awaitee is [never pending][never_pending], and removes the edge to *pending*:
//!
//! ```text
//!   switchInt(discriminant(answer)) -> [0: ready, 1: pending]
//! ```
//! becomes
//! ```text
//!   goto -> ready
//! ```
//!
//! When no such edge leads to a suspension point any more, the suspension point is dead, and so is
//! all that only it leads to. The drops of the awaitee go as well: a future that was polled and was
//! not pending holds nothing. An awaitee that only answers a constant is not polled at all.
//!
//! For a generic awaitee, the answer is known only when code is generated for a concrete type.
//! There the step inserts a switch on a constant, `FutureFacts::<F>::NEVER_PENDING`, on each of the
//! three edges of the suspension point: before it suspends, where it is resumed, and where the
//! future is dropped in that state. The collector and codegen evaluate the first switch for each
//! instance, and skip the dead side. In the other two the dead side is `unreachable`, which LLVM
//! uses.
//!
//! [`Machine`] runs at the end of [`StateTransform`], on the resume function. That of a body
//! without suspension points looks like this:
//!
//! ```text
//!   bb0: switchInt(discr) -> [0: start, 1: returned, 2: poisoned, otherwise: unreachable]
//!   ..
//!   bb5: _0 = Poll::Ready(..); discriminant(*self) = 1 (returned); return
//! ```
//!
//! 1. If the body is [replayable], the switch becomes `goto -> start`, the assignments of the state
//!    go, and the layout keeps the variant *unresumed* alone. A layout of one variant has no tag,
//!    so the future consists of its upvars, as a closure does.
//! 2. Otherwise, if nothing leads to *poisoned* ([`ReturnedPending`] merges it with *returned*, or
//!    nothing can unwind), its variant goes.
//!
//! What remains is plain code. [`inline_into_coroutine`] lets the inliner inline calls in it, as in
//! any other function.
//!
//! Both steps take a few walks through the body, besides the search for what awaitees await, which
//! is [never_pending]'s. For awaitees that only answer a constant the first step also looks at all
//! calls and drops of their types, once. Case 1 copies a body, but only one without calls.
//!
//! # Soundness
//!
//! * **No edge is removed that is ever taken.** See the page of [never_pending], which also says
//!   why an await by value is the first to poll its awaitee. The switches for generic awaitees rely
//!   on the same fact. No other edge leads to the state after them, so the future can be neither
//!   resumed nor dropped there. An asynchronous drop also suspends, without an await. Where there
//!   may be one, the pass is off. (`tests/ui/async-await/elide-no-await/async-drop.rs`)
//! * **Nobody can observe that a body runs a second time.** See the page of [replayable].
//! * **To leave out the drop of an awaitee changes nothing.** Nothing between the assignment of its
//!   local and its poll can unwind. When the poll has returned `Ready`, or has unwound, the
//!   coroutine is in a state in which its drop does nothing.
//! * **To leave out the poll of a constant awaitee changes nothing.** It has no upvars, its body
//!   only returns a constant, and its drop does nothing. It is still constructed, since that may
//!   have an effect, unless the function that constructs it provably has none.
//! * **All who ask for the layout get the same one.** It is settled where the coroutine is defined,
//!   and recorded with its body. A crate that uses the coroutine decides nothing about it.
//! * **No state lacks a variant.** The pass removes only variants whose discriminant is never set
//!   any more. (`tests/mir-opt/coroutine/elide_no_await.rs`)
//! * **Types keep their properties.** The witness decides whether a future is `Send`, needs drop,
//!   or may contain itself, and it is computed from the MIR before this pass.
//!   (`tests/ui/async-await/elide-no-await/recursion.rs`)
//!
//! # Left for later
//!
//! * A generic future keeps the fields of a state that some of its instances never reach, because
//!   all instances share one layout.
//! * A finished future of case 2 answers `Pending`, as a poisoned one does. Its owner awaits it,
//!   and so polls it once: its state is of no use there. Only inlining removes it.
//!
//! [`inline_into_coroutine`]: crate::inline_into_coroutine
//! [`Awaits`]: ElideNoAwait::Awaits
//! [`Machine`]: ElideNoAwait::Machine
//! [`ReturnedPending`]: crate::returned_pending::ReturnedPending
//! [`StateTransform`]: crate::coroutine::StateTransform
//! [never_pending]: crate::never_pending
//! [replayable]: crate::replayable

use rustc_data_structures::fx::FxHashMap;
use rustc_hir::LangItem;
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_index::IndexVec;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::bug;
use rustc_middle::mir::*;
use rustc_middle::ty::{self, CoroutineArgs, CoroutineArgsExt, Ty, TyCtxt, TypeVisitableExt};
use rustc_session::Session;
use rustc_span::Span;
use tracing::{debug, instrument};

use crate::async_bodies::{coroutine_to_transform, is_enabled_in, note, with_runtime_phase};
use crate::awaits::{Await, awaits_by_lowering, call_in, find_awaits};
use crate::certain_body;
use crate::never_pending::{answers_constant, makes_coroutine};
use crate::patch::MirPatch;
use crate::replayable::is_replayable;
use crate::{dead_store_elimination, pass_manager as pm, remove_place_mention, simplify};

pub(super) enum ElideNoAwait {
    /// Removes the suspension points of awaits that never wait.
    Awaits,
    /// Removes the states that a body without suspension points does not need.
    Machine,
}

/// Whether the pass is on for this crate. It is not where a drop may suspend: that is only expanded
/// to an await after the summaries have been taken.
pub(crate) fn is_enabled(tcx: TyCtxt<'_>) -> bool {
    pm::should_run_pass(tcx, &ElideNoAwait::Machine, pm::Optimizations::Allowed)
        && !tcx.may_drop_async()
}

impl<'tcx> crate::MirPass<'tcx> for ElideNoAwait {
    /// One name for both steps: each is of little use without the other.
    fn name(&self) -> &'static str {
        "ElideNoAwait"
    }

    fn is_enabled(&self, sess: &Session) -> bool {
        is_enabled_in(sess)
    }

    #[instrument(level = "debug", skip_all, fields(def_id = ?body.source.def_id()))]
    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        let Some(def_id) = coroutine_to_transform(tcx, body) else { return };
        match self {
            // A coroutine that is written by hand may poll in ways that an await does not: with
            // code in between, or with another case that suspends.
            ElideNoAwait::Awaits if !awaits_by_lowering(body) => {}
            ElideNoAwait::Awaits => elide_awaits(tcx, body),
            ElideNoAwait::Machine => elide_machine(tcx, body, def_id),
        }
    }

    fn is_required(&self) -> bool {
        false
    }
}

fn elide_awaits<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
    let awaits = find_awaits(tcx, body);
    if awaits.is_empty() {
        return;
    }
    let typing_env = ty::TypingEnv::post_analysis(tcx, body.source.def_id());
    let mut patch = MirPatch::new(body);
    let mut finished = DenseBitSet::new_empty(body.local_decls.len());
    let mut answered = finished.clone();
    // Collected once, and not for each await of a body that may have hundreds.
    let mut users = users_of_coroutines(tcx, body);
    for found in &awaits {
        let awaitee = tcx.erase_and_anonymize_regions(found.awaitee);
        if tcx.never_pending(typing_env.as_query_input(awaitee)) {
            debug!(?found, "never waits");
            note(tcx, body, found.span(body), found.awaitee, || AwaitFate::NeverWaits);
            patch.patch_terminator(found.switch, TerminatorKind::Goto { target: found.ready });
            if let ty::Coroutine(def_id, args) = *awaitee.kind() {
                // A future that is written by hand may hold anything when it has answered.
                finished.insert(found.local);
                if let Some(answer) = answers_constant(tcx, def_id, args) {
                    // All awaits of one type share their users: the first takes them.
                    let users = users.remove(&found.awaitee).unwrap_or_default();
                    answer_at_once(tcx, body, found, answer, &users, &mut patch);
                    answered.insert(found.local);
                }
            }
        } else if awaitee.has_non_region_param() && guard(tcx, body, found, &mut patch).is_some() {
            debug!(?found, "never waits, if its awaitee does not");
            note(tcx, body, found.span(body), found.awaitee, || AwaitFate::WaitsIfAwaiteeDoes);
        }
    }
    // Last: `answer_at_once` may have removed some of these drops.
    remove_drops(body, &finished, &mut patch);
    patch.apply(body);
    // The debugger would show a value that nothing is left of.
    body.var_debug_info.retain(|info| match info.value {
        VarDebugInfoContents::Place(place) => !answered.contains(place.local),
        VarDebugInfoContents::Const(_) => true,
    });
    // The state transform makes a state of each suspension point, reachable or not.
    simplify::remove_dead_blocks(body);
}

/// Removes the drops of coroutines that have been polled whenever they are dropped, and were not
/// pending: they have returned or panicked, and nothing is left in them.
fn remove_drops<'tcx>(
    body: &Body<'tcx>,
    finished: &DenseBitSet<Local>,
    patch: &mut MirPatch<'tcx>,
) {
    for (block, data) in body.basic_blocks.iter_enumerated() {
        if let TerminatorKind::Drop { place, target, .. } = data.terminator().kind
            && place.as_local().is_some_and(|local| finished.contains(local))
            && !patch.is_term_patched(block)
        {
            patch.patch_terminator(block, TerminatorKind::Goto { target });
        }
    }
}

/// Leads the case of `Pending` in the switch of `found` to `target`.
fn redirect_pending<'tcx>(
    body: &Body<'tcx>,
    found: &Await<'tcx>,
    target: BasicBlock,
    patch: &mut MirPatch<'tcx>,
) {
    let TerminatorKind::SwitchInt { discr, targets } =
        &body.basic_blocks[found.switch].terminator().kind
    else {
        bug!("no switch on an answer: {found:?}");
    };
    let cases = targets
        .iter()
        .map(|(value, case)| (value, if case == found.pending { target } else { case }));
    let targets = SwitchTargets::new(cases, targets.otherwise());
    patch.patch_terminator(
        found.switch,
        TerminatorKind::SwitchInt { discr: discr.clone(), targets },
    );
}

/// The blocks that end in a call that returns a coroutine, or in the drop of one, by its type.
fn users_of_coroutines<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
) -> FxHashMap<Ty<'tcx>, Vec<BasicBlock>> {
    let mut users: FxHashMap<_, Vec<_>> = FxHashMap::default();
    for (block, data) in body.basic_blocks.iter_enumerated() {
        let place = match data.terminator().kind {
            TerminatorKind::Call { destination, .. } => destination,
            TerminatorKind::Drop { place, .. } => place,
            _ => continue,
        };
        // Of whatever place: a constant awaitee is the same wherever it is kept.
        let ty = place.ty(body, tcx).ty;
        if ty.is_coroutine() {
            users.entry(ty).or_default().push(block);
        }
    }
    users
}

/// Puts `answer` in place of the poll of an awaitee that does nothing but to answer it. The calls
/// and drops of all that is of the awaitee's type are in `users`.
fn answer_at_once<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    found: &Await<'tcx>,
    answer: Const<'tcx>,
    users: &[BasicBlock],
    patch: &mut MirPatch<'tcx>,
) {
    let span = body.basic_blocks[found.poll].terminator().source_info.span;
    let constant =
        Operand::Constant(Box::new(ConstOperand { span, user_ty: None, const_: answer }));
    let ready = found.new_ready(tcx, body, constant);
    replace_call(body, found.poll, Some(ready), patch);
    replace_call(body, found.new_unchecked, None, patch);
    replace_call(body, found.get_context, None, patch);
    for argument in found.arguments {
        patch.nop_statement(argument);
    }

    // `into_future` of a coroutine returns its argument. But what is awaited may be made into this
    // coroutine by an impl of `IntoFuture`, which may do anything.
    let Some((_, [argument], ..)) = call_in(body, found.into_future) else {
        bug!("no call of into_future: {found:?}");
    };
    if argument.node.ty(body, tcx) == found.awaitee {
        let made = Rvalue::Use(argument.node.clone());
        replace_call(body, found.into_future, Some(made), patch);
    }

    // Neither to make it nor to drop it does anything, if its maker provably does nothing else.
    for &block in users {
        // The call of `into_future` makes a coroutine, too, and is gone already.
        if patch.is_term_patched(block) {
            continue;
        }
        match &body.basic_blocks[block].terminator().kind {
            TerminatorKind::Call { func, .. } if makes_coroutine(tcx, func) => {
                let ty::Coroutine(def_id, args) = *found.awaitee.kind() else { continue };
                let kind = Box::new(AggregateKind::Coroutine(def_id, args));
                let made = Rvalue::Aggregate(kind, IndexVec::new());
                replace_call(body, block, Some(made), patch);
            }
            TerminatorKind::Drop { target, .. } => {
                patch.patch_terminator(block, TerminatorKind::Goto { target: *target });
            }
            _ => {}
        }
    }
}

/// Puts an assignment of `value`, or nothing, in place of the call that ends `block`.
fn replace_call<'tcx>(
    body: &Body<'tcx>,
    block: BasicBlock,
    value: Option<Rvalue<'tcx>>,
    patch: &mut MirPatch<'tcx>,
) {
    let Some((_, _, destination, Some(target))) = call_in(body, block) else {
        bug!("no call that returns: {:?}", body.basic_blocks[block].terminator());
    };
    if let Some(value) = value {
        patch.add_assign(body.terminator_loc(block), destination, value);
    }
    patch.patch_terminator(block, TerminatorKind::Goto { target });
}

/// Guards each edge of a suspension point by a constant: whether its awaitee is ever pending.
/// Returns `None` if it did not.
fn guard<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    found: &Await<'tcx>,
    patch: &mut MirPatch<'tcx>,
) -> Option<()> {
    // Otherwise it shares its suspension point with another await, whose awaitee may be pending.
    let suspension = found.suspension_block(body)?;
    let Terminator { source_info, kind } = body.basic_blocks[suspension].terminator();
    let TerminatorKind::Yield { value, resume, resume_arg, drop } = kind else { return None };
    let source_info = *source_info;
    let answer = fact_of(tcx, LangItem::NeverPending, found.awaitee, source_info.span)?;
    let unreachable = patch.unreachable_no_cleanup_block();
    // If the fact is false, the edge leads where it did.
    let mut guarded = |target: BasicBlock, otherwise: BasicBlock| {
        let targets = SwitchTargets::static_if(0, target, otherwise);
        let kind = TerminatorKind::SwitchInt { discr: answer.clone(), targets };
        patch.new_block(BasicBlockData::new(Some(Terminator { source_info, kind }), false))
    };
    let pending = guarded(found.pending, found.ready);
    let resume = guarded(*resume, unreachable);
    let drop = drop.map(|drop| guarded(drop, unreachable));

    redirect_pending(body, found, pending, patch);
    patch.patch_terminator(
        suspension,
        TerminatorKind::Yield { value: value.clone(), resume, resume_arg: *resume_arg, drop },
    );
    Some(())
}

/// The constant `fact` of `FutureFacts` in `core`, for the type that `awaitee` turns out to be.
/// `None` if there is another `core`.
pub(crate) fn fact_of<'tcx>(
    tcx: TyCtxt<'tcx>,
    fact: LangItem,
    awaitee: Ty<'tcx>,
    span: Span,
) -> Option<Operand<'tcx>> {
    let constant = tcx.lang_items().get(fact)?;
    let args = tcx.mk_args(&[awaitee.into()]);
    let answer = UnevaluatedConst { def: constant, args, promoted: None };
    Some(Operand::Constant(Box::new(ConstOperand {
        span,
        user_ty: None,
        const_: Const::Unevaluated(answer, tcx.types.bool),
    })))
}

fn elide_machine<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>, def_id: LocalDefId) {
    let is_async = tcx.coroutine_is_async(def_id.to_def_id());
    let drops_async = body.coroutine_drop_async().is_some();
    let layout = layout_mut(body);
    // It suspends, or has states that its asynchronous drop tells apart.
    if layout.variant_fields.len() > CoroutineArgs::RESERVED_VARIANTS || drops_async {
        return;
    }

    let TerminatorKind::SwitchInt { targets, .. } =
        &body.basic_blocks[START_BLOCK].terminator().kind
    else {
        bug!("a resume function starts with a switch on the state");
    };
    let state = |state: usize| targets.target_for_value(state as u128);
    let start = state(CoroutineArgs::UNRESUMED);
    let poisoned = state(CoroutineArgs::POISONED);
    let default = targets.otherwise();
    // Of all others a second run is a second value of an iterator.
    if is_async && let Some(replayed) = replayed(tcx, body, start) {
        debug!("is replayable");
        *body = replayed;
    } else if poisoned == default {
        // It is the last of the reserved ones, so no other variant gets another number.
        debug!("cannot be poisoned");
        keep_variants(body, CoroutineArgs::POISONED);
    }
}

fn layout_mut<'a, 'tcx>(body: &'a mut Body<'tcx>) -> &'a mut CoroutineLayout<'tcx> {
    let layout = body.coroutine.as_mut().and_then(|info| info.coroutine_layout.as_mut());
    layout.unwrap_or_else(|| bug!("a resume function without a layout"))
}

/// Keeps the first `count` variants of the coroutine.
fn keep_variants(body: &mut Body<'_>, count: usize) {
    let layout = layout_mut(body);
    layout.variant_fields.truncate(count);
    layout.variant_source_info.truncate(count);
}

/// The local that a resume function takes the reference to the coroutine out of its `Pin` into.
fn unpinned(body: &Body<'_>) -> Option<Local> {
    body.basic_blocks[START_BLOCK].statements.iter().find_map(|statement| {
        let (place, rvalue) = statement.kind.as_assign()?;
        let Rvalue::Use(Operand::Copy(from)) = rvalue else { return None };
        (from.local == ty::CAPTURE_STRUCT_LOCAL).then(|| place.as_local()).flatten()
    })
}

/// The body that starts at `start` on every poll, and has the coroutine keep no state, if `body`
/// may be replaced by it.
fn replayed<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>, start: BasicBlock) -> Option<Body<'tcx>> {
    let coroutine = body.local_decls[unpinned(body)?].ty.builtin_deref(true)?;
    let ty::Coroutine(_, args) = coroutine.kind() else { return None };
    let is_effect = |data: &BasicBlockData<'tcx>| {
        use TerminatorKind::*;
        !data.is_cleanup
            && matches!(data.terminator().kind, Call { .. } | Drop { .. } | InlineAsm { .. })
    };
    // Few bodies are without any, and only these are worth a copy.
    if body.basic_blocks.iter().any(is_effect) {
        return None;
    }

    let mut body = body.clone();
    keep_variants(&mut body, 1);
    remove_state(tcx, &mut body, start);
    // It is straight code now, and what nobody reads is removed from it: the reference to the
    // coroutine, for one. No pass that evaluates constants may do more, since one of them may be
    // the size of this very future.
    with_runtime_phase(&mut body, |body| {
        pm::run_passes_no_validate(
            tcx,
            body,
            &[
                &remove_place_mention::RemovePlaceMention,
                &simplify::SimplifyCfg::PreOptimizations,
                &dead_store_elimination::DeadStoreElimination::Initial,
                &simplify::SimplifyLocals::AfterGVN,
                &simplify::SimplifyCfg::Final,
            ],
            None,
        );
    });
    if !is_replayable(tcx, &body, args.as_coroutine()) {
        return None;
    }

    // The state is gone, and nothing was to be dropped in it. The shim still switches on it.
    if let Some(shim) = body.coroutine.as_mut().and_then(|info| info.coroutine_drop.as_mut()) {
        let start = &mut shim.basic_blocks_mut()[START_BLOCK];
        start.statements.clear();
        start.terminator_mut().kind = TerminatorKind::Return;
        simplify::remove_dead_blocks(shim);
    }
    Some(body)
}

/// Makes `body` start at `start`, and neither read nor set a state.
fn remove_state<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>, start: BasicBlock) {
    let mut patch = MirPatch::new(body);
    patch.patch_terminator(START_BLOCK, TerminatorKind::Goto { target: start });
    for (block, data) in body.basic_blocks.iter_enumerated() {
        for (statement_index, statement) in data.statements.iter().enumerate() {
            let place = match &statement.kind {
                StatementKind::SetDiscriminant { place, .. } => **place,
                kind => match kind.as_assign() {
                    // The switch that read it is a `goto` by now.
                    Some((_, Rvalue::Discriminant(place))) if block == START_BLOCK => *place,
                    _ => continue,
                },
            };
            // The body may set the discriminant of an enum, too.
            if place.ty(body, tcx).ty.is_coroutine() {
                patch.nop_statement(Location { block, statement_index });
            }
        }
    }
    patch.apply(body);
    simplify::remove_dead_blocks(body);
}

/// Refuses to inline `callee`, by way of `history`, if a constant in it may fail to be evaluated
/// and it is a coroutine, or is inlined by way of one. It would not be inlined with the flag off:
/// there the coroutine is a state machine, and too large. It is reported which instance a constant
/// failed in, which is known only of what is not inlined.
pub(super) fn check_keeps_errors<'tcx>(
    tcx: TyCtxt<'tcx>,
    history: &[DefId],
    callee: &Body<'tcx>,
) -> Result<(), &'static str> {
    if tcx.sess.opts.unstable_opts.async_returned_panic.is_no()
        && is_by_coroutine(tcx, history, callee)
        && certain_body::has_errors_of_its_own(tcx, callee)
    {
        return Err("would report its errors in another way");
    }
    Ok(())
}

/// Whether `body` is that of a coroutine, or what is inlined in it now is by way of one: `history`
/// has what is inlined around it.
pub(super) fn is_by_coroutine(tcx: TyCtxt<'_>, history: &[DefId], body: &Body<'_>) -> bool {
    body.coroutine.is_some() || history.iter().any(|&def_id| tcx.is_coroutine(def_id))
}
