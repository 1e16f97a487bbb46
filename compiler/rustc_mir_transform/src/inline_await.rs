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
//!   [`awaits`](crate::awaits). So the body runs from its start, and nothing else can
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

use std::ops::Range;

use rustc_data_structures::fx::FxHashSet;
use rustc_hir::attrs::{InlineAttr, OptimizeAttr};
use rustc_hir::def::DefKind;
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_middle::bug;
use rustc_middle::middle::codegen_fn_attrs::{CodegenFnAttrFlags, CodegenFnAttrs};
use rustc_middle::mir::visit::{PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::query::Providers;
use rustc_middle::ty::{self, EarlyBinder, Instance, InstanceKind, Ty, TyCtxt};
use rustc_session::Session;
use rustc_span::Symbol;
use tracing::{debug, instrument};

use crate::awaits::{Await, find_awaits};
use crate::certain_body::{self, is_async};
use crate::coroutine::elaborate_coroutine_drops;
use crate::elide_no_await::is_optimize_none;
use crate::{copy_prop, pass_manager as pm, simplify, single_use_consts, validate};

mod instance;
mod integrate;
mod mentions;
mod recursion;
mod storage;

use integrate::Site;
use mentions::is_named_once;
use recursion::Search;

/// The largest cost of a body that is taken in wherever it is awaited; see [`cost`].
const COST_LIMIT: usize = 60;

/// The cost that no body is to grow beyond.
const BODY_LIMIT: usize = 2000;

/// How many types are looked at, at most, to know what a future awaits.
const SEARCH_LIMIT: usize = 10_000;

pub(super) fn provide(providers: &mut Providers) {
    providers.coroutine_before_transform = |tcx, def_id| {
        let mut body = crate::mir_checked(tcx, def_id);
        crate::run_passes_before_state_transform(tcx, &mut body);
        tcx.arena.alloc(body)
    };
    providers.coroutine_for_other_crates = coroutine_for_other_crates;
    providers.types_awaited = recursion::types_awaited;
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
        .then(|| body_to_inline(tcx, body).ok())?
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
        let inliner = Inliner {
            tcx,
            def_id,
            typing_env,
            search: Search::new(tcx, typing_env, coroutine),
            inlined: vec![],
        };
        inliner.inline_awaits(body);
    }

    fn is_required(&self) -> bool {
        false
    }
}

/// A pass that makes up for what a state machine costs where an awaitee was not inlined, or now that
/// it was. It comes between [`InlineAwait`] and the state transform, and is on where that is.
pub(crate) trait GoesWithInlineAwait {
    fn transform<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>);
}

impl<'tcx, P: GoesWithInlineAwait> crate::MirPass<'tcx> for P {
    fn is_enabled(&self, sess: &Session) -> bool {
        InlineAwait.is_enabled(sess)
    }

    #[instrument(level = "debug", skip_all, fields(pass = self.name(), def_id = ?body.source.def_id()))]
    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        if may_transform(tcx, body) {
            P::transform(tcx, body);
        }
    }

    fn is_required(&self) -> bool {
        false
    }
}

/// Inlines what a body awaits.
struct Inliner<'tcx> {
    tcx: TyCtxt<'tcx>,
    def_id: LocalDefId,
    typing_env: ty::TypingEnv<'tcx>,
    search: Search<'tcx>,
    /// What has been inlined: its blocks, its type, and the index of what it was inlined from, if
    /// that was inlined itself.
    inlined: Vec<(Range<BasicBlock>, Ty<'tcx>, Option<usize>)>,
}

impl<'tcx> Inliner<'tcx> {
    fn inline_awaits(mut self, body: &mut Body<'tcx>) {
        let mut left = FxHashSet::default();
        loop {
            let count = self.inlined.len();
            for found in find_awaits(self.tcx, body) {
                if left.contains(&found.poll) {
                    continue;
                }
                if let Err(reason) = self.inline(body, &found) {
                    debug!(awaitee = ?found.awaitee, reason, "is not taken in");
                    left.insert(found.poll);
                }
            }
            if self.inlined.len() == count {
                break;
            }
        }
        if self.inlined.is_empty() {
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
        storage::index_by_temporaries(self.tcx, body);
        storage::give_storage(body);
    }

    /// Takes in the body of what is awaited, or says why not.
    fn inline(&mut self, body: &mut Body<'tcx>, found: &Await<'tcx>) -> Result<(), &'static str> {
        let tcx = self.tcx;
        let &ty::Coroutine(coroutine, args) = found.awaitee.kind() else {
            return Err("is no coroutine that is known");
        };
        let body_of_callee = certain_body::of_coroutine(tcx, coroutine, args)?;
        let inlined_by = self.inlined.iter().rposition(|(blocks, ..)| blocks.contains(&found.poll));
        let mut ancestor = inlined_by;
        while let Some(index) = ancestor {
            if self.inlined[index].1 == found.awaitee {
                return Err("awaits itself");
            }
            ancestor = self.inlined[index].2;
        }
        check_attributes(tcx, coroutine)?;
        check_is_compiled_alike(tcx, self.def_id.to_def_id(), coroutine)?;
        let site = Site::find(body, found)?;
        if self.search.may_await(found.awaitee) {
            return Err("may await the body that it would be taken into");
        }

        let callee = match body_of_callee.as_local() {
            Some(local) => {
                let callee = tcx.coroutine_before_transform(local);
                let is_only_place = is_awaited_at_one_place(tcx, local, self.def_id);
                debug!(awaitee = ?found.awaitee, cost = cost(callee), is_only_place);
                if cost(callee) > COST_LIMIT && !is_only_place {
                    return Err("is too large");
                }
                body_to_inline(tcx, callee)?
            }
            None => {
                let callee = tcx.coroutine_for_other_crates(body_of_callee);
                callee.ok_or("is from another crate, which has not recorded its body")?.clone()
            }
        };
        if cost(&callee) + cost(body) > BODY_LIMIT {
            return Err("makes the body too large");
        }

        instance::check(tcx, &callee, args)?;
        let instance = Instance { def: InstanceKind::Item(body_of_callee), args };
        let Ok(mut callee) = instance.try_instantiate_mir_and_normalize_erasing_regions(
            tcx,
            self.typing_env,
            EarlyBinder::bind(callee),
        ) else {
            return Err("cannot be normalized");
        };
        // Its drops are elaborated, and its types revealed.
        callee.phase = MirPhase::Runtime(RuntimePhase::Initial);
        let faults = validate::validate_types(tcx, self.typing_env, &callee, body);
        if !faults.is_empty() {
            debug!(?faults);
            return Err("does not hold together when it is normalized");
        }
        let first = body.basic_blocks.next_index();
        site.inline(tcx, self.typing_env, body, callee, instance);
        self.inlined.push((first..body.basic_blocks.next_index(), found.awaitee, inlined_by));
        Ok(())
    }
}

/// A coroutine's body as it becomes part of others.
fn body_to_inline<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Result<Body<'tcx>, &'static str> {
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
