//! Returns `Poll::Pending` from finished and poisoned futures, which would panic.
//!
//! # Motivation
//!
//! [`StateTransform`] gives every future two states that no well-behaved executor polls: *returned*
//! and, where unwinding is possible, *poisoned*. Both resume into a panic. That panic costs far
//! more than it is worth. Each poll function gains a call that does not return, a message and a
//! location. Worse, a poll function that has no other effect now has one. So LLVM can neither
//! remove nor reorder a poll, nor see through it into the future that awaits it.
//!
//! `Future::poll` promises nothing about a poll after completion except that it is no undefined
//! behaviour. To answer `Pending` keeps that promise: a caller that polls a finished future waits,
//! and nobody wakes it. That is a choice of semantics, made for each crate with
//! `-Zasync-returned-panic=no`, and not an optimization. It applies at every opt-level, and to
//! every body of the crate alike.
//!
//! # The transformation
//!
//! The pass runs at the end of [`StateTransform`], on the resume function, whose first terminator
//! is still the switch on the state:
//!
//! ```text
//!   bb0: switchInt(discr) -> [0: start, 1: bb8, 2: bb9, 3: resume0, otherwise: unreachable]
//!   bb7: (cleanup) discriminant(*self) = 2 (poisoned); resume unwinding
//!   bb8: assert(const false, "`async fn` resumed after completion")
//!   bb9: assert(const false, "`async fn` resumed after panicking")
//! ```
//! becomes
//! ```text
//!   bb0: switchInt(discr) -> [0: start, 1: bb8, 3: resume0, otherwise: unreachable]
//!   bb7: (cleanup) discriminant(*self) = 1 (returned); resume unwinding
//!   bb8: _0 = Poll::Pending; return
//! ```
//!
//! 1. Refuse bodies that have no `Pending` to return, or that promise more than a future does.
//! 2. Find the states whose target in the switch is one of the two panics above.
//! 3. Redirect them to one new block that returns `Pending`.
//! 4. If both *returned* and *poisoned* are among them, they have become the same: mark a future
//!    that unwinds as *returned*, and remove the case of *poisoned*.
//!
//! Three other forms were larger in most firmware: a block for each state, the same block for two
//! states, and the block as the switch's `otherwise`. The last is the smallest for some bodies with
//! few states, but costs a comparison in most others. Step 4 matters only where panics unwind.
//!
//! This is what a coroutine answers then:
//!
//! | coroutine                   | polled after completion | polled after a caught panic |
//! |-----------------------------|-------------------------|-----------------------------|
//! | async fn, block, closure    | `Pending`               | `Pending`                   |
//! | `async gen`                 | `Ready(None)`, as ever  | `Pending`                   |
//! | `gen`                       | `None`, as ever         | panics, as ever             |
//! | `#[coroutine]`              | panics, as ever         | panics, as ever             |
//! | glue of `async_drop_in_place` | `Ready(())`, as ever  | panics, as ever             |
//!
//! This takes a walk through the body, and another where panics unwind.
//!
//! # Soundness
//!
//! * **Nothing runs twice, nothing is dropped twice.** The new block reads no saved local and no
//!   upvar, and leaves the state as it is. So a final state stays final: the drop shim, which is
//!   built separately and not changed here, still finds *returned* or *poisoned*, in which there is
//!   nothing to drop. (`tests/ui/async-await/returned-panic/after-panic.rs`)
//! * **No state changes its meaning.** Only cases whose block ends in one of the two assertions are
//!   redirected, so a suspended coroutine resumes where it did.
//!   (`tests/mir-opt/coroutine/returned_pending.rs`)
//! * **Nothing that reads the state distinguishes *poisoned* from *returned*.** Besides the resume
//!   function only drop shims read it. The synchronous one returns in both states. The asynchronous
//!   one does not, so step 4 is left out for a body that has one.
//!   (`tests/mir-opt/coroutine/returned_pending_async_drop.rs`)
//! * **No state lacks a case.** *Poisoned* loses its case only together with its only writer. A
//!   future that never returns has no case for *returned*, and keeps *poisoned*.
//!   (`tests/ui/async-await/returned-panic/never-returns.rs`)
//! * **`Pending` is a value of the return type.** The pass takes `Poll` from the type of the return
//!   place itself. `Pending` needs no value of the output type, so a future whose output is
//!   uninhabited may answer it too. (`tests/ui/async-await/returned-panic/never-returns.rs`)
//! * **Crates may differ.** Whether a body answers or panics is settled where it is defined.
//!   The drop shim does not depend on it. The layout may ([`ElideNoAwait`] removes *poisoned*), but
//!   is recorded with the body.
//!   (`tests/ui/async-await/returned-panic/across-crates.rs`)
//! * **The pass may be left out.** No other pass requires it.
//!   (`tests/mir-opt/coroutine/returned_pending_off.rs`)
//!
//! # Where it does not pay
//!
//! * If a panic handler ignores its message, link-time optimization leaves one call for all panics
//!   of a function. `Pending` takes more than that: it has to be written, and control has to reach
//!   where it is looked at. Firmware that only halts when it panics grows a little. A future that
//!   was inlined into the one that awaits it pays too, although its *returned* state cannot be
//!   reached there; only a pass that knows the awaiting body can tell.
//! * Without the call, LLVM's inliner estimates a poll function as cheaper. At opt-level s that
//!   pushes some functions over its threshold that are awaited in many places.
//!
//! # Left for later
//!
//! * With `#![feature(async_drop)]`, a future that is polled while its own asynchronous drop is in
//!   progress still panics ("resumed after async drop"), and so does its async drop shim after a
//!   panic. Those belong to the dropping side, whose rules are not settled.
//! * With `Pending` in place of the panic, *returned* needs no case of its own where another state
//!   already answers the same. That is for the passes that shape the state machine.
//!
//! [`ElideNoAwait`]: crate::elide_no_await::ElideNoAwait
//! [`StateTransform`]: crate::coroutine::StateTransform

use rustc_abi::VariantIdx;
use rustc_hir::{CoroutineDesugaring, CoroutineKind, LangItem};
use rustc_index::IndexVec;
use rustc_middle::bug;
use rustc_middle::mir::*;
use rustc_middle::ty::{self, CoroutineArgs, CoroutineArgsExt, TyCtxt};
use rustc_session::Session;
use tracing::{debug, instrument, trace};

use crate::coroutine::make_aggregate_adt;
use crate::patch::MirPatch;
use crate::simplify;

const RETURNED: VariantIdx = VariantIdx::from_usize(CoroutineArgs::RETURNED);
const POISONED: VariantIdx = VariantIdx::from_usize(CoroutineArgs::POISONED);

pub(super) struct ReturnedPending;

impl<'tcx> crate::MirPass<'tcx> for ReturnedPending {
    fn is_enabled(&self, sess: &Session) -> bool {
        sess.opts.unstable_opts.async_returned_panic.is_no()
    }

    #[instrument(level = "debug", skip_all, fields(def_id = ?body.source.def_id()))]
    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        if !may_answer_pending(tcx, body) {
            return;
        }

        let (discr, targets) = entry_switch(body);
        let panicking = panicking_states(body, &targets);
        debug!(?panicking);
        // Neither panic is there if it never returns, and nothing in it unwinds.
        if panicking.is_empty() {
            return;
        }

        let mut patch = MirPatch::new(body);
        // One block for both states. The page says what is wrong with a block for each.
        let pending = new_pending_block(tcx, body, &mut patch);
        let is = |state: u128, variant: VariantIdx| state == u128::from(variant.as_u32());
        // The asynchronous drop shim tells the two states apart.
        let merge = panicking == [RETURNED, POISONED] && body.coroutine_drop_async().is_none();
        let cases = targets.iter().filter(|&(state, _)| !(merge && is(state, POISONED))).map(
            |(state, case)| {
                let panics = panicking.iter().any(|&variant| is(state, variant));
                (state, if panics { pending } else { case })
            },
        );
        // What the switch lacks was unreachable before, and is so now.
        let targets = SwitchTargets::new(cases, targets.otherwise());
        patch.patch_terminator(START_BLOCK, TerminatorKind::SwitchInt { discr, targets });
        if merge {
            mark_poisoned_as_returned(tcx, body, &mut patch);
        }
        patch.apply(body);
        // The panics are gone only when their blocks are.
        simplify::remove_dead_blocks(body);
    }

    /// The flag chooses semantics, so `#[optimize(none)]` does not bring the panics back.
    fn is_required(&self) -> bool {
        true
    }
}

/// Whether `body` is the resume function of a coroutine that has a `Pending` to answer and promises
/// its caller nothing else: of an async fn, block, closure or gen.
fn may_answer_pending<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> bool {
    match body.coroutine_kind() {
        Some(CoroutineKind::Desugared(
            CoroutineDesugaring::Async | CoroutineDesugaring::AsyncGen,
            _,
        )) => {}
        // `Iterator::next` and `Coroutine::resume` return no `Poll`.
        kind => {
            trace!(?kind, "has no `Pending`");
            return false;
        }
    }

    // A program that does without `core` may have marked no variant.
    if tcx.lang_items().get(LangItem::PollPending).is_none() {
        debug!("there is no `Pending`");
        return false;
    }

    // The drop of a coroutine polls the glue of `async_drop_in_place` until it is ready: one that
    // waits forever would keep what surrounds it from being dropped.
    if tcx.is_async_drop_in_place_coroutine(body.source.def_id()) {
        debug!("async drop glue answers as ever");
        return false;
    }

    true
}

/// The switch on the state that every resume function starts with.
fn entry_switch<'tcx>(body: &Body<'tcx>) -> (Operand<'tcx>, SwitchTargets) {
    match &body.basic_blocks[START_BLOCK].terminator().kind {
        TerminatorKind::SwitchInt { discr, targets } => (discr.clone(), targets.clone()),
        kind => bug!("a resume function starts with {kind:?} and not with a switch on the state"),
    }
}

/// The states in which all that the future does is to say that it is finished or poisoned.
fn panicking_states(body: &Body<'_>, targets: &SwitchTargets) -> Vec<VariantIdx> {
    [RETURNED, POISONED]
        .into_iter()
        .filter(|state| {
            let case = targets.target_for_value(state.as_u32().into());
            // A state that the switch lacks leads to `unreachable`.
            match &body.basic_blocks[case].terminator().kind {
                TerminatorKind::Assert { msg, .. } => matches!(
                    **msg,
                    AssertKind::ResumedAfterReturn(_) | AssertKind::ResumedAfterPanic(_)
                ),
                _ => false,
            }
        })
        .collect()
}

/// A new block that returns `Poll::Pending`.
fn new_pending_block<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    patch: &mut MirPatch<'tcx>,
) -> BasicBlock {
    // No line of the source answers that. A debugger shows the head of the body.
    let source_info = SourceInfo::outermost(body.span);
    let answer = StatementKind::Assign(Box::new((Place::return_place(), poll_pending(tcx, body))));
    patch.new_block(BasicBlockData::new_stmts(
        vec![Statement::new(source_info, answer)],
        Some(Terminator { source_info, kind: TerminatorKind::Return }),
        false,
    ))
}

/// `Poll::Pending` of the type that `body` returns.
fn poll_pending<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Rvalue<'tcx> {
    let ty::Adt(poll, args) = *body.return_ty().kind() else {
        bug!("a future returns {:?} and not `Poll`", body.return_ty());
    };
    let pending = tcx.require_lang_item(LangItem::PollPending, body.span);
    make_aggregate_adt(poll.did(), poll.variant_index_with_id(pending), args, IndexVec::new())
}

/// Turns every mark of a poisoned future into that of a finished one.
fn mark_poisoned_as_returned<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    patch: &mut MirPatch<'tcx>,
) {
    for (block, data) in body.basic_blocks.iter_enumerated() {
        for (statement_index, statement) in data.statements.iter().enumerate() {
            if let StatementKind::SetDiscriminant { place, variant_index: POISONED } =
                &statement.kind
                // An enum that the body uses may have a variant of that number, too.
                && place.ty(body, tcx).ty.is_coroutine()
            {
                let location = Location { block, statement_index };
                debug!(?location, "marks a poisoned future as returned");
                // `MirPatch` cannot replace a statement.
                patch.nop_statement(location);
                patch.add_statement(
                    location,
                    StatementKind::SetDiscriminant {
                        place: place.clone(),
                        variant_index: RETURNED,
                    },
                );
            }
        }
    }
}
