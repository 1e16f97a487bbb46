//! Takes the body of an awaited coroutine into the body that awaits it.
//!
//! # Motivation
//!
//! An await polls a coroutine that is part of the state of another: a machine in a machine. Each
//! has a state of its own, its own switch on that, its own cases for *returned* and *poisoned*, and
//! its own glue that drops what it saved. What is handed to the inner one is stored twice, once
//! where it comes from and once as an upvar. Nothing of that is wanted. Code that is written as
//! many small async fns should come to the same as if it had been written as a large one.
//!
//! LLVM cannot do that. It may inline one poll function into the other, and then each of the states
//! is still in memory, and may have changed between two polls for all that it knows.
//!
//! # The transformation
//!
//! It comes before [`StateTransform`], so the awaiting and the awaited body still have *yield*
//! where they suspend. An await by value of a coroutine looks so:
//!
//! ```text
//!     awaitee = move made; goto -> poll
//!   poll:
//!     pinned = Pin::new_unchecked(&mut awaitee)
//!     answer = <F as Future>::poll(pinned, context) -> [return: switch, unwind: cleanup]
//!   switch:
//!     switchInt(discriminant(answer)) -> [0: ready, 1: pending]
//!   pending:
//!     yield -> [resume: poll, drop: cancelled]
//!   cancelled:
//!     drop(awaitee); ..
//! ```
//!
//! and becomes, with the blocks of the awaitee's body between the lines:
//!
//! ```text
//!     awaitee = move made; goto -> poll
//!   poll:
//!     upvar0 = move awaitee.0; upvar1 = move awaitee.1; ..; goto -> the body's start
//!     ..
//!   the body's yield -> [resume: as it was, drop: as it was, or cancelled]
//!   the body's end of its drop: goto -> cancelled
//!   the body's end of its unwinding: goto -> cleanup
//!   the body's return: answer = Poll::Ready(returned); goto -> switch
//!   switch:
//!     goto -> ready
//!   cancelled:
//!     goto -> ..
//! ```
//!
//! * The upvars become locals, each of its own: one that the body uses in place is then saved
//!   alone, not with the rest of the coroutine. So does what the body returns. Where the awaitee is
//!   what an async fn has just made of its arguments, they become these locals at once, and nothing
//!   is left of the call.
//! * What only copies another local is replaced by that ([`CopyProp`]), so that a number that is
//!   handed on through many is saved once. The local then has storage from where it is assigned to
//!   its last use, so that others may be saved in its place.
//! * The body's argument with the task context becomes that of the body around it. Each suspension
//!   point assigns to it what it was resumed with, so it is always that of the latest poll. The
//!   base's lowering makes no copy of it that outlives a poll.
//! * A local without storage statements is live while the body it came with runs, as is one that is
//!   made here.
//! * The drops of the awaitee are removed. There is nothing left in it.
//!
//! So a chain of twenty async fns that hand on a number is a future of 16 bytes; it is one of 344
//! with `-Zmir-enable-passes=-InlineAwait`. (`tests/ui/async-await/inline-await/sizes.rs`)
//!
//! What is taken in may await in turn, and what it awaits may be known only now that generic
//! parameters are. So it is gone on with until nothing is left to be taken in. The body of a
//! coroutine that is asked for is the one in which that has been done already
//! ([`coroutine_before_transform`]), so what several bodies await is looked through once.
//!
//! # When it is done
//!
//! The awaitee is a coroutine that is made by an async fn, block or closure, whose body is known:
//! it is of this crate, or of one that has recorded it ([`coroutine_for_other_crates`]). An async
//! closure has two, for calls by reference and for the call that consumes it, and records neither
//! (`tests/ui/async-await/inline-await/closures.rs`).
//! The code is then twice in the crate if it is also awaited somewhere else. So it has to be small
//! ([`COST_LIMIT`]), or awaited in only one place: an async block that is awaited in the body that
//! it is written in, or an async fn that is [named once][mentions] and no other crate can name. An
//! async fn with `#[inline(always)]` is taken as one that is. Nor does a body grow beyond
//! [`BODY_LIMIT`].
//!
//! The body of an async fn with `#[inline(never)]` is left alone, as is one with other code
//! generation attributes than that around it, or with counters for coverage.
//!
//! [`COST_LIMIT`] is from our firmware (`./x.py run async-size -- --package nrf --opt-level z`):
//! when it was 1000, three of ten binaries grew by 10 to 27 %; at 120 the sum is smaller than at
//! 60, but one binary grows by 2 %.
//!
//! # Bodies of other crates
//!
//! A crate records in its metadata the bodies of its async fns and blocks that may be taken in
//! wherever they are awaited, as they are before their state transform. The crate that takes one in
//! makes it part of a coroutine of its own, and records the layout of that as ever. So all crates
//! agree on a layout, whatever they are compiled with themselves.
//!
//! Such a body may name what is private in its crate. It can be linked to: what an async fn's body
//! names is reachable, and so is what is named by async fns that the body has taken in.
//! (`tests/ui/async-await/inline-await/across-crates.rs`)
//!
//! The metadata of all crates of our firmware is 1.9 % larger with the flag, that of its drivers,
//! which are async throughout, 2.5 %: the bytes of the `.rmeta` files for its two targets that
//! `./x.py run async-size` leaves in `build/async-size/off-z` and `on-z`.
//!
//! # Soundness
//!
//! * **The await is the first to poll its awaitee, and the only one.** See the page of
//!   [never_pending][crate::never_pending]. So the body runs from its start, and nothing else can
//!   see that it has no machine of its own.
//! * **A pinned local does not move.** What was saved in the awaitee is saved in the coroutine
//!   around it, which is pinned at its first poll as the awaitee was. Each local that was borrowed
//!   across a suspension point is borrowed across the same one, and is so saved.
//! * **Drops come in the same order.** Where the body would have returned, unwound, or been dropped
//!   at a suspension point, it has run the drops of its own on that way, to the last upvar, when it
//!   leads to what the body around it does next. That is what the poll, its unwinding, or the drop
//!   of the awaitee led to.
//! * **A panic in a drop of a cancelled awaitee** goes on where the drop of the awaitee does, and
//!   one in its poll where the poll does. What the body does when it is dropped while it is
//!   suspended is there twice for that, since it may share blocks with what it does otherwise.
//! * **After a panic** the coroutine around it is poisoned, and with it all that it has taken in:
//!   no poll gets there again. (`tests/ui/async-await/inline-await/behaviour.rs`, for these four)
//! * **After completion** there is nothing left of the awaitee that could be polled.
//! * **No body is needed to make itself.** A coroutine is only taken in if the body that takes it
//!   in is not among all that it awaits, and all that these await, at whatever depth ([`Search`]).
//!   That search is by types before any of this. A future that awaits itself is an error that is
//!   reported elsewhere. (`tests/ui/async-await/elide-no-await/recursion.rs`)
//! * **Nothing is asked for that could need the layout that is made.** What is awaited by value is
//!   part of that layout, which with the flag off needs the same bodies, and those that they await
//!   in turn. No others are asked for. As an instance, though, a body may have types that it did
//!   not have as it was written, and to normalize these may take anything. So an instance is only
//!   taken in if that is certain to be harmless. See [`instance`], and the page of
//!   [`certain_body`]. (`tests/ui/async-await/certain-body/layout-of-types.rs`)
//! * **The same errors are reported.** A constant may fail to be evaluated when a body is used, and
//!   it is said then which instance that was. So a body that has one is not taken in, unless the
//!   constant is an item, which is evaluated where it is defined.
//!   (`tests/ui/async-await/inline-await/required-const.rs`)
//! * **A copy is the copied.** [`CopyProp`] replaces locals that are assigned once and not borrowed
//!   by what they were assigned. It knows nothing of suspension points, and has no need to: a local
//!   has the same value behind one as before. What the state transform expects, but not MIR at
//!   large, is restored: no saved local is an index ([`index_by_temporaries`], see
//!   `tests/ui/async-await/inline-await/index.rs`), and locals are dead behind their last use
//!   ([`give_storage`]).
//! * **Types say what they said.** Whether a future is `Send` is decided by its witness, which is
//!   taken from the MIR before this.
//!
//! # Left for later
//!
//! * Delegation: to let an awaitee that is too large answer for its finished future, which then
//!   needs no state for that. Of 395 bodies in our firmware with one await of a coroutine, 2 could:
//!   the others also drop something else there, may end without that await, or await a generic one,
//!   which an instance may know to be ready at once, and which then answers again.
//! * Bodies by instance, in which all awaitees are known. There is a design for that, with figures:
//!   `src/doc/rustc-dev-guide/src/mir/coroutines-by-instance.md`.
//!
//! [`CopyProp`]: crate::copy_prop::CopyProp
//! [`StateTransform`]: crate::coroutine::StateTransform
//! [`certain_body`]: crate::certain_body
//! [`coroutine_before_transform`]: TyCtxt::coroutine_before_transform

use rustc_abi::FieldIdx;
use rustc_data_structures::fx::{FxHashSet, FxIndexSet};
use rustc_hir::attrs::{InlineAttr, OptimizeAttr};
use rustc_hir::def::DefKind;
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_index::IndexVec;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::bug;
use rustc_middle::middle::codegen_fn_attrs::{CodegenFnAttrFlags, CodegenFnAttrs};
use rustc_middle::mir::visit::{MutVisitor, MutatingUseContext, PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::query::Providers;
use rustc_middle::ty::{
    self, EarlyBinder, Instance, InstanceKind, Ty, TyCtxt, TypeFlags, TypeVisitableExt,
};
use rustc_mir_dataflow::Analysis;
use rustc_mir_dataflow::impls::{MaybeLiveLocals, always_storage_live_locals, borrowed_locals};
use rustc_session::Session;
use rustc_span::{Span, Symbol};
use tracing::{debug, instrument};

use crate::certain_body::{self, is_async};
use crate::coroutine::elaborate_coroutine_drops;
use crate::elide_no_await::{is_optimize_none, new_ready};
use crate::never_pending::{Await, awaited_types, call_in, find_awaits, makes_coroutine};
use crate::patch::MirPatch;
use crate::{copy_prop, pass_manager as pm, simplify, single_use_consts, validate};

mod instance;
mod mentions;

use mentions::is_named_once;

/// The largest cost of a body that is taken in wherever it is awaited; see [`cost`].
const COST_LIMIT: usize = 60;

/// The cost that no body is to grow beyond.
const BODY_LIMIT: usize = 2000;

/// How many types are looked at, at most, to know what a future awaits.
const SEARCH_LIMIT: usize = 10_000;

/// Where the task context is, as long as it is an argument.
const CONTEXT: Local = Local::from_u32(2);

pub(super) fn provide(providers: &mut Providers) {
    providers.coroutine_before_transform = |tcx, def_id| {
        let mut body = crate::mir_checked(tcx, def_id);
        crate::run_passes_before_state_transform(tcx, &mut body);
        tcx.arena.alloc(body)
    };
    providers.coroutine_for_other_crates = coroutine_for_other_crates;
    providers.types_awaited = types_awaited;
    mentions::provide(providers);
}

/// The body of `def_id` as it is before its state transform, if others may ask for it, too.
pub(super) fn body_before_transform(tcx: TyCtxt<'_>, def_id: LocalDefId) -> Option<Body<'_>> {
    (is_enabled(tcx) && is_async(tcx, def_id.to_def_id()))
        .then(|| tcx.coroutine_before_transform(def_id).clone())
}

/// The body of a coroutine as other crates take it in, if they may and it is small. They can call
/// all that is named in it, and in what it has taken in: what async bodies name is reachable.
fn coroutine_for_other_crates(tcx: TyCtxt<'_>, local: LocalDefId) -> Option<Body<'_>> {
    let def_id = local.to_def_id();
    if !is_enabled(tcx)
        || !is_async(tcx, def_id)
        || tcx.needs_coroutine_by_move_body_def_id(def_id)
        || !tcx.reachable_set(()).contains(&local)
        || check_attributes(tcx, def_id).is_err()
    {
        return None;
    }
    let body = tcx.coroutine_before_transform(local);
    (cost(body) <= COST_LIMIT || is_always_inlined(tcx, def_id))
        .then(|| body_to_take_in(tcx, body).ok())?
}

/// Has what other bodies may ask of the body of `def_id` kept while its MIR can still be read.
pub(super) fn ensure_facts(tcx: TyCtxt<'_>, def_id: LocalDefId) {
    if !is_enabled(tcx) {
        return;
    }
    if is_async(tcx, def_id.to_def_id()) {
        tcx.ensure_done().types_awaited(def_id.to_def_id());
    }
}

/// Whether the pass is on for this crate. It is not where a drop may suspend.
pub(crate) fn is_enabled(tcx: TyCtxt<'_>) -> bool {
    pm::should_run_pass(tcx, &InlineAwait, pm::Optimizations::Allowed) && !tcx.may_drop_async()
}

/// Whether the pass may change the body, which may be any.
pub(crate) fn may_transform<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> bool {
    let InstanceKind::Item(def_id) = body.source.instance else { return false };
    let Some(def_id) = def_id.as_local() else { return false };
    body.coroutine.is_some()
        && is_enabled(tcx)
        && is_async(tcx, def_id.to_def_id())
        && !is_optimize_none(tcx, def_id)
        && body.tainted_by_errors.is_none()
        && body.function_coverage_info.is_none()
}

pub(super) struct InlineAwait;

impl<'tcx> crate::MirPass<'tcx> for InlineAwait {
    fn is_enabled(&self, sess: &Session) -> bool {
        !sess.opts.unstable_opts.async_returned_panic && sess.mir_opt_level() >= 2
    }

    #[instrument(level = "debug", skip_all, fields(def_id = ?body.source.def_id()))]
    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        if !may_transform(tcx, body) {
            return;
        }
        let def_id = body.source.def_id().expect_local();
        let typing_env = ty::TypingEnv::post_analysis(tcx, def_id);
        let &ty::Coroutine(coroutine, _) = body.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty.kind()
        else {
            bug!("the body of no coroutine: {def_id:?}");
        };
        let outer = Outer {
            tcx,
            def_id,
            typing_env,
            search: Search { tcx, typing_env, sought: coroutine, seen: FxHashSet::default() },
            taken: vec![],
        };
        outer.inline_awaits(body);
    }

    fn is_required(&self) -> bool {
        false
    }
}

/// The types that a coroutine awaits, of those that may be coroutines, or hold some.
fn types_awaited<'tcx>(tcx: TyCtxt<'tcx>, def_id: LocalDefId) -> Option<Vec<Ty<'tcx>>> {
    if !is_enabled(tcx) || !is_async(tcx, def_id.to_def_id()) || tcx.is_synthetic_mir(def_id) {
        return None;
    }
    let may_hold = TypeFlags::HAS_TY_CORO | TypeFlags::HAS_ALIAS | TypeFlags::HAS_TY_PARAM;
    certain_body::read_promoted(tcx, def_id, |body| {
        let awaited: FxIndexSet<_> = awaited_types(tcx, body)
            .into_iter()
            .filter(|ty| ty.has_type_flags(may_hold))
            .map(|ty| tcx.erase_and_anonymize_regions(ty))
            .collect();
        Some(awaited.into_iter().collect())
    })
}

/// A search for a coroutine among what others await.
struct Search<'tcx> {
    tcx: TyCtxt<'tcx>,
    typing_env: ty::TypingEnv<'tcx>,
    sought: DefId,
    /// The types that have been searched, and do not await it.
    seen: FxHashSet<Ty<'tcx>>,
}

impl<'tcx> Search<'tcx> {
    /// Whether `ty` may be the coroutine that is sought, or await it, however deep.
    fn may_await(&mut self, ty: Ty<'tcx>) -> bool {
        let mut waiting = vec![(ty, 0)];
        let mut found = FxIndexSet::default();
        while let Some((ty, depth)) = waiting.pop() {
            let normalized = self.tcx.try_normalize_erasing_regions(self.typing_env, ty);
            let Ok(ty) = normalized else { return true };
            let ty::Coroutine(def_id, args) = *ty.kind() else { continue };
            if self.seen.contains(&ty) || !found.insert(ty) {
                continue;
            }
            if def_id == self.sought {
                debug!(?ty, "is awaited");
                return true;
            }
            if !self.tcx.recursion_limit().value_within_limit(depth) || found.len() > SEARCH_LIMIT {
                debug!(?ty, "is too deep to be searched");
                return true;
            }
            // Of what cannot be taken in no types are kept: nothing is asked for that it awaits.
            let Some(awaited) = self.tcx.types_awaited(def_id) else { continue };
            waiting.extend(awaited.iter().map(|&awaited| {
                (EarlyBinder::bind(awaited).instantiate(self.tcx, args), depth + 1)
            }));
        }
        self.seen.extend(found);
        false
    }
}

/// The body that others are taken into.
struct Outer<'tcx> {
    tcx: TyCtxt<'tcx>,
    def_id: LocalDefId,
    typing_env: ty::TypingEnv<'tcx>,
    search: Search<'tcx>,
    /// What has been taken in: the blocks, whose they are, and the index of what took it in.
    taken: Vec<(std::ops::Range<BasicBlock>, Ty<'tcx>, Option<usize>)>,
}

impl<'tcx> Outer<'tcx> {
    fn inline_awaits(mut self, body: &mut Body<'tcx>) {
        let mut left = FxHashSet::default();
        loop {
            let count = self.taken.len();
            for found in find_awaits(self.tcx, body) {
                if left.contains(&found.poll) {
                    continue;
                }
                if let Err(reason) = self.inline(body, &found) {
                    debug!(awaitee = ?found.awaitee, reason, "is not taken in");
                    left.insert(found.poll);
                }
            }
            if self.taken.len() == count {
                break;
            }
        }
        if self.taken.is_empty() {
            return;
        }
        simplify::remove_dead_blocks(body);
        let phase = std::mem::replace(&mut body.phase, MirPhase::Runtime(RuntimePhase::Initial));
        pm::run_passes_no_validate(
            self.tcx,
            body,
            &[&copy_prop::CopyProp, &single_use_consts::SingleUseConsts],
            None,
        );
        body.phase = phase;
        index_by_temporaries(self.tcx, body);
        give_storage(self.tcx, body);
    }

    /// Takes in the body of what is awaited, or says why not.
    fn inline(&mut self, body: &mut Body<'tcx>, found: &Await<'tcx>) -> Result<(), &'static str> {
        let tcx = self.tcx;
        let &ty::Coroutine(coroutine, args) = found.awaitee.kind() else {
            return Err("is no coroutine that is known");
        };
        let body_of_inner = certain_body::of_coroutine(tcx, coroutine, args)?;
        let taken_by = self.taken.iter().rposition(|(blocks, ..)| blocks.contains(&found.poll));
        let mut ancestor = taken_by;
        while let Some(index) = ancestor {
            if self.taken[index].1 == found.awaitee {
                return Err("awaits itself");
            }
            ancestor = self.taken[index].2;
        }
        check_attributes(tcx, coroutine)?;
        check_is_compiled_alike(tcx, self.def_id.to_def_id(), coroutine)?;
        let site = Site::find(body, found)?;
        if self.search.may_await(found.awaitee) {
            return Err("may await the body that it would be taken into");
        }

        let inner = match body_of_inner.as_local() {
            Some(local) => {
                let inner = tcx.coroutine_before_transform(local);
                let is_only_place = is_awaited_at_one_place(tcx, local, self.def_id);
                debug!(awaitee = ?found.awaitee, cost = cost(inner), is_only_place);
                if cost(inner) > COST_LIMIT && !is_only_place {
                    return Err("is too large");
                }
                body_to_take_in(tcx, inner)?
            }
            None => {
                let inner = tcx.coroutine_for_other_crates(body_of_inner);
                inner.ok_or("is from another crate, which has not recorded its body")?.clone()
            }
        };
        if cost(&inner) + cost(body) > BODY_LIMIT {
            return Err("makes the body too large");
        }

        instance::check(tcx, &inner, args)?;
        let instance = Instance { def: InstanceKind::Item(body_of_inner), args };
        let Ok(mut inner) = instance.try_instantiate_mir_and_normalize_erasing_regions(
            tcx,
            self.typing_env,
            EarlyBinder::bind(inner),
        ) else {
            return Err("cannot be normalized");
        };
        // Its drops are elaborated, and its types revealed.
        inner.phase = MirPhase::Runtime(RuntimePhase::Initial);
        let faults = validate::validate_types(tcx, self.typing_env, &inner, body);
        if !faults.is_empty() {
            debug!(?faults);
            return Err("does not hold together when it is normalized");
        }
        let first = body.basic_blocks.next_index();
        site.take_in(tcx, self.typing_env, body, inner, instance);
        self.taken.push((first..body.basic_blocks.next_index(), found.awaitee, taken_by));
        Ok(())
    }
}

/// A coroutine's body as it becomes part of others.
fn body_to_take_in<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Result<Body<'tcx>, &'static str> {
    if body.tainted_by_errors.is_some() || body.function_coverage_info.is_some() {
        return Err("has errors, or counts what is run of it");
    }
    let mut body = body.clone();
    // What is dropped at its end is then upvars, and nothing else refers to all of it.
    elaborate_coroutine_drops(tcx, &mut body);
    if refers_to_itself(&body) {
        return Err("refers to itself as a whole");
    }
    Ok(body)
}

/// Whether the coroutine's body may become part of another.
fn check_attributes(tcx: TyCtxt<'_>, coroutine: DefId) -> Result<(), &'static str> {
    let attributes = tcx.codegen_fn_attrs(coroutine);
    if inline_attribute(tcx, coroutine) == Some(InlineAttr::Never) {
        return Err("is never to be inlined");
    }
    if attributes.optimize == OptimizeAttr::DoNotOptimize {
        return Err("is not to be optimized");
    }
    if attributes.flags.contains(CodegenFnAttrFlags::TRACK_CALLER) {
        return Err("is told where it is polled");
    }
    Ok(())
}

/// Whether the code of `inner` is the same when it is part of `outer`.
fn check_is_compiled_alike(
    tcx: TyCtxt<'_>,
    outer: DefId,
    inner: DefId,
) -> Result<(), &'static str> {
    let (outer, attributes) = (tcx.codegen_fn_attrs(outer), tcx.codegen_fn_attrs(inner));
    if attributes.sanitizers != outer.sanitizers
        || attributes.instruction_set != outer.instruction_set
        || features(attributes).ne(features(outer))
    {
        return Err("is compiled in another way");
    }
    Ok(())
}

fn features(attributes: &CodegenFnAttrs) -> impl Iterator<Item = Symbol> {
    attributes.target_features.iter().map(|feature| feature.name)
}

/// The inline attribute of the async fn with this coroutine, if it is of one.
fn inline_attribute(tcx: TyCtxt<'_>, coroutine: DefId) -> Option<InlineAttr> {
    let parent = tcx.parent(coroutine);
    let is_function = matches!(tcx.def_kind(parent), DefKind::Fn | DefKind::AssocFn);
    (is_function && tcx.asyncness(parent).is_async()).then(|| tcx.codegen_fn_attrs(parent).inline)
}

/// Whether the coroutine's body is to be wherever it is awaited.
fn is_always_inlined(tcx: TyCtxt<'_>, coroutine: DefId) -> bool {
    matches!(inline_attribute(tcx, coroutine), Some(InlineAttr::Always | InlineAttr::Force { .. }))
}

/// Whether the body of `inner` is in one place only when it is taken into that of `outer`, or is to
/// be wherever it is awaited.
fn is_awaited_at_one_place(tcx: TyCtxt<'_>, inner: LocalDefId, outer: LocalDefId) -> bool {
    is_always_inlined(tcx, inner.to_def_id())
        || match inline_attribute(tcx, inner.to_def_id()) {
            Some(_) => is_named_once(tcx, tcx.local_parent(inner)),
            None => tcx.local_parent(inner) == outer,
        }
}

/// How much code a body is, about: the statements that do something, and the ways it may go.
fn cost(body: &Body<'_>) -> usize {
    let is_code = |statement: &&Statement<'_>| matches!(statement.kind, StatementKind::Assign(_));
    let of_block = |data: &BasicBlockData<'_>| {
        let of_terminator = match data.terminator().kind {
            TerminatorKind::Call { .. } | TerminatorKind::Yield { .. } => 3,
            TerminatorKind::Goto { .. } => 0,
            _ => 1,
        };
        data.statements.iter().filter(is_code).count() + of_terminator
    };
    body.basic_blocks.iter().filter(|data| !data.is_cleanup).map(of_block).sum()
}

/// Whether the coroutine is used in its body by anything but its upvars.
fn refers_to_itself(body: &Body<'_>) -> bool {
    struct Uses(bool);

    impl<'tcx> Visitor<'tcx> for Uses {
        fn visit_place(&mut self, place: &Place<'tcx>, _: PlaceContext, _: Location) {
            self.0 |= place.local == ty::CAPTURE_STRUCT_LOCAL
                && !matches!(place.projection.first(), Some(PlaceElem::Field(..)));
        }

        fn visit_local(&mut self, local: Local, _: PlaceContext, _: Location) {
            self.0 |= local == ty::CAPTURE_STRUCT_LOCAL;
        }
    }

    let mut uses = Uses(false);
    uses.visit_body(body);
    uses.0
}

/// An await, and where it leads.
struct Site<'tcx> {
    found: Await<'tcx>,
    /// Where the poll is, and what it assigns to.
    source_info: SourceInfo,
    answer: Place<'tcx>,
    /// Where it goes on when the poll unwinds.
    unwind: UnwindAction,
    /// Where it goes on when the coroutine is dropped while it waits.
    cancelled: BasicBlock,
    /// And where, when that panics.
    unwind_cancelled: UnwindAction,
    /// The locals that get storage on the way to the poll, and keep it behind it.
    live: Vec<Local>,
}

impl<'tcx> Site<'tcx> {
    fn find(body: &Body<'tcx>, found: &Await<'tcx>) -> Result<Self, &'static str> {
        let poll = body.basic_blocks[found.poll].terminator();
        let TerminatorKind::Call { destination, unwind, .. } = poll.kind else {
            bug!("no call of poll: {found:?}");
        };
        let cancelled = drop_of_suspension(body, found.pending);
        let cancelled = cancelled.ok_or("does not suspend as an await does")?;

        // What takes the blocks' place does not do what else they do.
        let mut live = vec![];
        for block in [found.new_unchecked, found.get_context, found.poll] {
            for (index, statement) in body.basic_blocks[block].statements.iter().enumerate() {
                match statement.kind {
                    StatementKind::StorageLive(local) => live.push(local),
                    StatementKind::StorageDead(local) => live.retain(|&other| other != local),
                    StatementKind::Nop => {}
                    _ if found.arguments.contains(&Location { block, statement_index: index }) => {}
                    _ => return Err("has other code between it and its poll"),
                }
            }
        }
        if found.arguments[0].block != found.new_unchecked {
            return Err("is not borrowed where it is pinned");
        }

        let unwind_cancelled = drop_of(body, found.local, cancelled)
            .ok_or("is not dropped first when it is cancelled")?;
        Ok(Site {
            found: found.clone(),
            source_info: poll.source_info,
            answer: destination,
            unwind,
            cancelled,
            unwind_cancelled,
            live,
        })
    }

    /// Puts `inner`, the body of `instance`, in the place of the poll.
    fn take_in(
        self,
        tcx: TyCtxt<'tcx>,
        typing_env: ty::TypingEnv<'tcx>,
        body: &mut Body<'tcx>,
        mut inner: Body<'tcx>,
        instance: Instance<'tcx>,
    ) {
        let Site { found, source_info, answer, unwind, cancelled, unwind_cancelled, live } = self;
        let span = source_info.span;
        let statement = |kind| Statement::new(source_info, kind);

        // The locals.
        let ty::Coroutine(_, args) = inner.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty.kind() else {
            bug!("the body of no coroutine: {instance}");
        };
        let returned = body.local_decls.push(LocalDecl::new(inner.return_ty(), span));
        let upvars: IndexVec<FieldIdx, Local> = args
            .as_coroutine()
            .upvar_tys()
            .iter()
            .map(|ty| body.local_decls.push(LocalDecl::new(ty, span)))
            .collect();
        let dropping = dropping_blocks(&inner);
        let after_inner =
            body.basic_blocks.next_index() + inner.basic_blocks.len() + dropping.count();
        let mut integrator = Integrator {
            tcx,
            returned,
            upvars: upvars.clone(),
            first_local: body.local_decls.next_index(),
            first_block: body.basic_blocks.next_index(),
            first_scope: body.source_scopes.next_index(),
            around: body.source_scopes[source_info.scope].clone(),
            source_info,
            instance,
            first_dropping: body.basic_blocks.next_index() + inner.basic_blocks.len(),
            dropping: dropping.iter().collect(),
            // Two more blocks come behind those of the body.
            landing: after_inner,
            cancelled: after_inner + 1,
            unwind,
            in_cleanup: false,
            is_dropping: false,
        };
        let lasting: Vec<_> = always_storage_live_locals(&inner)
            .iter()
            .filter(|local| local.index() > inner.arg_count)
            .map(|local| integrator.map_local(local))
            .chain(upvars.iter().copied())
            .chain([returned])
            .collect();
        let start = integrator.map_block(START_BLOCK);
        let mut copies: Vec<_> =
            dropping.iter().map(|block| inner.basic_blocks[block].clone()).collect();
        integrator.visit_body(&mut inner);
        integrator.is_dropping = true;
        integrator.unwind = unwind_cancelled;
        for (block, data) in dropping.iter().zip(&mut copies) {
            integrator.visit_basic_block_data(block, data);
        }
        inner.var_debug_info.retain(|info| match info.value {
            VarDebugInfoContents::Place(place) => place.local != CONTEXT,
            VarDebugInfoContents::Const(_) => true,
        });
        inner.basic_blocks_mut().extend(copies);
        remove_drops(&mut inner, |place| {
            place.as_local().is_some_and(|local| {
                upvars.iter().any(|&upvar| upvar == local)
                    && !body.local_decls[local].ty.needs_drop(tcx, typing_env)
            })
        });

        // The way in.
        let entry: Vec<_> =
            lasting.iter().map(|&local| statement(StatementKind::StorageLive(local))).collect();
        let takes_upvar = |field, value| {
            let assigned = Box::new((Place::from(upvars[field]), Rvalue::Use(value)));
            statement(StatementKind::Assign(assigned))
        };
        let entry = match maker(tcx, body, &found) {
            Some(maker) => {
                let blocks = body.basic_blocks_mut();
                let TerminatorKind::Call { args, target: Some(target), .. } = std::mem::replace(
                    &mut blocks[maker].terminator_mut().kind,
                    TerminatorKind::Goto { target: found.into_future },
                ) else {
                    bug!("no call that returns: {found:?}");
                };
                debug_assert_eq!(target, found.into_future);
                let arguments = IndexVec::<FieldIdx, _>::from_iter(args);
                let taken = arguments
                    .into_iter_enumerated()
                    .map(|(field, argument)| takes_upvar(field, argument.node));
                blocks[maker].statements.extend(entry.into_iter().chain(taken));
                let TerminatorKind::Call { target: Some(target), .. } =
                    blocks[found.into_future].terminator().kind
                else {
                    bug!("no call that returns: {found:?}");
                };
                blocks[found.into_future].terminator_mut().kind = TerminatorKind::Goto { target };
                let Location { block, statement_index } = found.assigned;
                blocks[block].statements[statement_index].make_nop(true);
                vec![]
            }
            None => {
                let taken = upvars.iter_enumerated().map(|(field, &local)| {
                    let ty = body.local_decls[local].ty;
                    let upvar = tcx.mk_place_field(found.local.into(), field, ty);
                    takes_upvar(field, Operand::Move(upvar))
                });
                entry.into_iter().chain(taken).collect()
            }
        };

        // The ways out.
        let goto = |statements, target| {
            let kind = TerminatorKind::Goto { target };
            BasicBlockData::new_stmts(statements, Some(Terminator { source_info, kind }), false)
        };
        let end: Vec<_> =
            lasting.iter().map(|&local| statement(StatementKind::StorageDead(local))).collect();
        let ready = new_ready(tcx, body, &found, Operand::Move(returned.into()));
        let mut landing: Vec<_> =
            live.iter().map(|&local| statement(StatementKind::StorageLive(local))).collect();
        landing.push(statement(StatementKind::Assign(Box::new((answer, ready)))));
        landing.extend(end.iter().cloned());

        let blocks = body.basic_blocks_mut();
        blocks[found.new_unchecked].statements = entry;
        blocks[found.new_unchecked].terminator_mut().kind = TerminatorKind::Goto { target: start };
        blocks[found.switch].terminator_mut().kind = TerminatorKind::Goto { target: found.ready };
        blocks.append(inner.basic_blocks_mut());
        blocks.push(goto(landing, found.switch));
        blocks.push(goto(end, cancelled));
        remove_drops(body, |place| place.as_local() == Some(found.local));

        body.local_decls.extend(inner.drain_vars_and_temps());
        body.source_scopes.append(&mut inner.source_scopes);
        body.var_debug_info.append(&mut inner.var_debug_info);
        let required = inner.required_consts.take().unwrap_or_default();
        let required = required.into_iter().filter(|constant| constant.const_.is_required_const());
        if let Some(constants) = &mut body.required_consts {
            constants.extend(required);
        }
    }
}

/// Has places be indexed by temporaries that are assigned just before, as the state transform
/// expects: it looks for saved locals everywhere else. After [`CopyProp`] they may be indexed by
/// any local.
///
/// [`CopyProp`]: copy_prop::CopyProp
fn index_by_temporaries<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
    let span = body.span;
    let mut visitor = IndexByTemporaries { tcx, span, patch: MirPatch::new(body) };
    visitor.visit_body_preserves_cfg(body);
    visitor.patch.apply(body);
}

struct IndexByTemporaries<'tcx> {
    tcx: TyCtxt<'tcx>,
    span: Span,
    patch: MirPatch<'tcx>,
}

impl<'tcx> MutVisitor<'tcx> for IndexByTemporaries<'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn process_projection_elem(
        &mut self,
        element: PlaceElem<'tcx>,
        location: Location,
    ) -> Option<PlaceElem<'tcx>> {
        let PlaceElem::Index(local) = element else { return None };
        let temporary = self.patch.new_temp(self.tcx.types.usize, self.span);
        let copied = Rvalue::Use(Operand::Copy(local.into()));
        self.patch.add_assign(location, temporary.into(), copied);
        Some(PlaceElem::Index(temporary))
    }
}

/// Gives locals without storage statements storage from where they are assigned to where they are
/// last used, if they are assigned once and not borrowed. [`CopyProp`] leaves such ones behind, and
/// in the coroutine they would share their place with no other.
///
/// [`CopyProp`]: copy_prop::CopyProp
fn give_storage<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
    let mut assigned = AssignedOnce(IndexVec::from_elem(Assigned::Never, &body.local_decls));
    assigned.visit_body(body);
    let mut live = MaybeLiveLocals.iterate_to_fixpoint(tcx, body, None).into_results_cursor(body);
    let live_in: IndexVec<BasicBlock, _> = body
        .basic_blocks
        .indices()
        .map(|block| {
            live.seek_to_block_start(block);
            live.get().clone()
        })
        .collect();

    let borrowed = borrowed_locals(body);
    let always_live = always_storage_live_locals(body);
    let definitions: Vec<_> = always_live
        .iter()
        .filter(|&local| local.index() > body.arg_count && !borrowed.contains(local))
        .filter_map(|local| match assigned.0[local] {
            Assigned::Once(location) if !live_in[location.block].contains(local) => {
                Some((local, location))
            }
            _ => None,
        })
        .collect();

    let mut patch = MirPatch::new(body);
    for &(local, definition) in &definitions {
        let mut ends = FxIndexSet::default();
        for (block, data) in body.basic_blocks.iter_enumerated() {
            if block != definition.block && !live_in[block].contains(local) {
                continue;
            }
            let terminator = data.terminator();
            let is_over = |target: BasicBlock| !live_in[target].contains(local);
            let leaves = match &terminator.kind {
                TerminatorKind::Return | TerminatorKind::CoroutineDrop => true,
                TerminatorKind::Yield { value, .. } => {
                    value.place().is_none_or(|place| place.local != local)
                }
                _ => false,
            };
            if leaves && terminator.successors().all(is_over) {
                ends.insert(body.terminator_loc(block));
            } else {
                let over = terminator.successors().filter(|&target| is_over(target));
                ends.extend(over.map(BasicBlock::start_location));
            }
        }
        for location in ends {
            patch.add_statement(location, StatementKind::StorageDead(local));
        }
    }
    for (local, definition) in definitions {
        patch.add_statement(definition, StatementKind::StorageLive(local));
    }
    patch.apply(body);
}

#[derive(Clone, Copy)]
enum Assigned {
    Never,
    Once(Location),
    Otherwise,
}

/// Where each local is assigned as a whole, if that is all that is ever done to it but reading it.
struct AssignedOnce(IndexVec<Local, Assigned>);

impl<'tcx> Visitor<'tcx> for AssignedOnce {
    fn visit_local(&mut self, local: Local, context: PlaceContext, location: Location) {
        let assigned = &mut self.0[local];
        match context {
            PlaceContext::MutatingUse(MutatingUseContext::Store | MutatingUseContext::Call) => {
                *assigned = match assigned {
                    Assigned::Never => Assigned::Once(location),
                    _ => Assigned::Otherwise,
                };
            }
            PlaceContext::MutatingUse(_) => *assigned = Assigned::Otherwise,
            _ => {}
        }
    }
}

/// The block that ends in the call that makes the awaitee, if that does nothing else, its arguments
/// are what become the upvars, and nothing but the await comes after it.
fn maker<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>, found: &Await<'tcx>) -> Option<BasicBlock> {
    let before = |block: BasicBlock| match body.basic_blocks.predecessors()[block][..] {
        [before] => Some(before),
        _ => None,
    };
    let maker = before(found.into_future)?;
    let (func, args, made, _) = call_in(body, maker)?;
    let (_, [argument], into_made, Some(assigned)) = call_in(body, found.into_future)? else {
        return None;
    };
    let is_straight = argument.node.place() == Some(made)
        && into_made.as_local() == Some(found.made)
        && found.assigned.block == assigned
        && before(assigned) == Some(found.into_future)
        && matches!(
            body.basic_blocks[assigned].terminator().kind,
            TerminatorKind::Goto { target } if target == found.new_unchecked
        );
    let is_mere = |block: BasicBlock| {
        let statements = body.basic_blocks[block].statements.iter().enumerate();
        statements.into_iter().all(|(statement_index, statement)| {
            Location { block, statement_index } == found.assigned
                || matches!(
                    statement.kind,
                    StatementKind::StorageLive(_)
                        | StatementKind::StorageDead(_)
                        | StatementKind::PlaceMention(_)
                        | StatementKind::Nop
                )
        })
    };
    if !is_straight || !is_mere(found.into_future) || !is_mere(assigned) {
        return None;
    }
    let ty::Coroutine(_, coroutine_args) = found.awaitee.kind() else { return None };
    let upvars = coroutine_args.as_coroutine().upvar_tys();
    let types = args.iter().map(|argument| argument.node.ty(body, tcx));
    (made.ty(body, tcx).ty == found.awaitee
        && types.eq(upvars.iter())
        && makes_coroutine(tcx, func))
    .then_some(maker)
}

/// The blocks of a coroutine's body that are run when it is dropped while it is suspended.
fn dropping_blocks(body: &Body<'_>) -> DenseBitSet<BasicBlock> {
    let mut found = DenseBitSet::new_empty(body.basic_blocks.len());
    let mut waiting: Vec<_> = body
        .basic_blocks
        .iter()
        .filter_map(|data| match data.terminator().kind {
            TerminatorKind::Yield { drop, .. } => drop,
            _ => None,
        })
        .collect();
    while let Some(block) = waiting.pop() {
        if found.insert(block) {
            waiting.extend(body.basic_blocks[block].terminator().successors());
        }
    }
    found
}

/// Where the drop of the coroutine starts in the state that all ways from `pending` lead to.
fn drop_of_suspension(body: &Body<'_>, pending: BasicBlock) -> Option<BasicBlock> {
    let mut seen = FxHashSet::default();
    let mut waiting = vec![pending];
    let mut found = None;
    while let Some(block) = waiting.pop() {
        let data = &body.basic_blocks[block];
        if data.is_cleanup || !seen.insert(block) {
            continue;
        }
        match data.terminator().kind {
            TerminatorKind::Yield { drop, .. } if found.is_none() => found = Some(drop?),
            TerminatorKind::Yield { .. } | TerminatorKind::Return => return None,
            _ => waiting.extend(data.terminator().successors()),
        }
    }
    found
}

/// The unwinding of the first drop of `local` on the way from `block`, if nothing is done before.
fn drop_of(body: &Body<'_>, local: Local, mut block: BasicBlock) -> Option<UnwindAction> {
    for _ in body.basic_blocks.indices() {
        let data = &body.basic_blocks[block];
        if !is_storage_only(data) {
            return None;
        }
        block = match data.terminator().kind {
            TerminatorKind::Goto { target } => target,
            TerminatorKind::Drop { place, unwind, .. } if place.as_local() == Some(local) => {
                return Some(unwind);
            }
            _ => return None,
        };
    }
    None
}

fn is_storage_only(data: &BasicBlockData<'_>) -> bool {
    let is_storage = |statement: &Statement<'_>| {
        matches!(
            statement.kind,
            StatementKind::StorageLive(_) | StatementKind::StorageDead(_) | StatementKind::Nop
        )
    };
    data.statements.iter().all(is_storage)
}

/// Removes the drops of places that `is_nothing` says so of.
fn remove_drops<'tcx>(body: &mut Body<'tcx>, is_nothing: impl Fn(Place<'tcx>) -> bool) {
    for data in body.basic_blocks_mut() {
        let terminator = data.terminator_mut();
        if let TerminatorKind::Drop { place, target, .. } = terminator.kind
            && is_nothing(place)
        {
            terminator.kind = TerminatorKind::Goto { target };
        }
    }
}

/// Makes a coroutine's body part of another.
struct Integrator<'tcx> {
    tcx: TyCtxt<'tcx>,
    returned: Local,
    upvars: IndexVec<FieldIdx, Local>,
    first_local: Local,
    first_block: BasicBlock,
    /// The copies of the blocks that are run when the coroutine is dropped while it is suspended.
    first_dropping: BasicBlock,
    dropping: Vec<BasicBlock>,
    first_scope: SourceScope,
    /// The scope that the await is in.
    around: SourceScopeData<'tcx>,
    source_info: SourceInfo,
    instance: Instance<'tcx>,
    /// Where it goes on when the body returns, has been dropped, and unwinds.
    landing: BasicBlock,
    cancelled: BasicBlock,
    unwind: UnwindAction,
    in_cleanup: bool,
    /// The copies are mapped.
    is_dropping: bool,
}

impl Integrator<'_> {
    fn map_local(&self, local: Local) -> Local {
        match local {
            RETURN_PLACE => self.returned,
            CONTEXT => CONTEXT,
            ty::CAPTURE_STRUCT_LOCAL => bug!("only its upvars are used"),
            _ => self.first_local + (local.index() - 3),
        }
    }

    fn map_block(&self, block: BasicBlock) -> BasicBlock {
        if self.is_dropping { self.map_dropping(block) } else { self.first_block + block.index() }
    }

    fn map_dropping(&self, block: BasicBlock) -> BasicBlock {
        match self.dropping.binary_search(&block) {
            Ok(position) => self.first_dropping + position,
            Err(_) => bug!("no way leads there from a drop: {block:?}"),
        }
    }

    fn map_scope(&self, scope: SourceScope) -> SourceScope {
        self.first_scope + scope.index()
    }
}

impl<'tcx> MutVisitor<'tcx> for Integrator<'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_local(&mut self, local: &mut Local, _: PlaceContext, _: Location) {
        *local = self.map_local(*local);
    }

    fn visit_place(&mut self, place: &mut Place<'tcx>, context: PlaceContext, location: Location) {
        if place.local != ty::CAPTURE_STRUCT_LOCAL {
            self.super_place(place, context, location);
            return;
        }
        let [PlaceElem::Field(field, _), rest @ ..] = &place.projection[..] else {
            bug!("only its upvars are used");
        };
        let local = self.upvars[*field];
        let rest = self.process_projection(rest, location).unwrap_or_else(|| rest.to_vec());
        *place = Place { local, projection: self.tcx.mk_place_elems(&rest) };
    }

    fn visit_source_scope(&mut self, scope: &mut SourceScope) {
        *scope = self.map_scope(*scope);
    }

    fn visit_source_scope_data(&mut self, data: &mut SourceScopeData<'tcx>) {
        self.super_source_scope_data(data);
        let call = self.source_info;
        if data.parent_scope.is_none() {
            data.parent_scope = Some(call.scope);
            data.inlined_parent_scope = match self.around.inlined {
                Some(_) => Some(call.scope),
                None => self.around.inlined_parent_scope,
            };
            data.inlined = Some((self.instance, call.span));
        } else if data.inlined_parent_scope.is_none() {
            data.inlined_parent_scope = Some(self.map_scope(OUTERMOST_SOURCE_SCOPE));
        }
    }

    fn visit_basic_block_data(&mut self, block: BasicBlock, data: &mut BasicBlockData<'tcx>) {
        self.in_cleanup = data.is_cleanup;
        self.super_basic_block_data(block, data);
    }

    fn visit_terminator(&mut self, terminator: &mut Terminator<'tcx>, location: Location) {
        if let TerminatorKind::Return = terminator.kind {
            // It reads the return place, which is not an operand of it.
            self.visit_source_info(&mut terminator.source_info);
        } else {
            self.super_terminator(terminator, location);
        }
        if let TerminatorKind::Yield { resume, drop, .. } = &mut terminator.kind {
            *resume = self.map_block(*resume);
            *drop = Some(drop.map_or(self.cancelled, |drop| self.map_dropping(drop)));
        } else {
            terminator.successors_mut(|target| *target = self.map_block(*target));
        }
        if !self.in_cleanup
            && let Some(unwind @ UnwindAction::Continue) = terminator.unwind_mut()
        {
            *unwind = self.unwind;
        }
        match &mut terminator.kind {
            TerminatorKind::Return => {
                terminator.kind = TerminatorKind::Goto { target: self.landing };
            }
            TerminatorKind::CoroutineDrop => {
                terminator.kind = TerminatorKind::Goto { target: self.cancelled };
            }
            TerminatorKind::UnwindResume => {
                terminator.kind = match self.unwind {
                    UnwindAction::Cleanup(target) => TerminatorKind::Goto { target },
                    UnwindAction::Continue => TerminatorKind::UnwindResume,
                    UnwindAction::Unreachable => TerminatorKind::Unreachable,
                    UnwindAction::Terminate(reason) => TerminatorKind::UnwindTerminate(reason),
                };
            }
            _ => {}
        }
    }
}
