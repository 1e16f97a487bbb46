//! Inlines awaited coroutines into the coroutine that awaits them.
//!
//! # Motivation
//!
//! An await polls a coroutine that is part of the state of another: a state machine inside a state
//! machine. Each has its own state and its own switch on it, its own cases for *returned* and
//! *poisoned*, and its own drop glue. What is passed to the inner coroutine is stored twice, once
//! where it comes from and once as an upvar. Code that is written as many small async fns should
//! compile to the same as one large async fn.
//!
//! LLVM cannot do that. It may inline one `poll` into the other, but both states stay in memory,
//! and for all that LLVM knows they may have changed between two polls.
//!
//! # The transformation
//!
//! The pass runs before [`StateTransform`], while the caller (the body that awaits) and the callee
//! (the body of the awaitee) still suspend by *yield*. An await by value of a coroutine looks like
//! this:
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
//! It becomes the following, with the callee's blocks between the lines ([`integrate`]):
//!
//! ```text
//!     awaitee = move made; goto -> poll
//!   poll:
//!     upvar0 = move awaitee.0; upvar1 = move awaitee.1; ..; goto -> the callee's start
//!     ..
//!   the callee's yield -> [resume: as it was, drop: as it was, or cancelled]
//!   the callee's coroutine_drop: goto -> cancelled
//!   the callee's resume of unwinding: goto -> cleanup
//!   the callee's return: answer = Poll::Ready(returned); goto -> switch
//!   switch:
//!     goto -> ready
//!   cancelled:
//!     goto -> ..
//! ```
//!
//! * Each upvar becomes a local, and so does the return value. An upvar that is used in place is
//!   then saved alone, not with the rest of the coroutine. If the awaitee is what an async fn has
//!   just made of its arguments, the arguments are moved to these locals at once, and the call
//!   disappears.
//! * A local that only copies another is replaced by it ([`CopyProp`]), so that a number that is
//!   passed through many async fns is saved once. The local that remains gets storage from its
//!   assignment to its last use, so that others may share its memory ([`storage`]). So does any
//!   other that is saved: a copy may be its last use as well as a move. If it is borrowed, it gets
//!   storage for as long as it or a copy would have had it ([`unified`]).
//! * The callee's task context becomes the caller's. Each suspension point assigns to it what it
//!   was resumed with, so it is always that of the latest poll. The lowering makes no copy of it
//!   that outlives a poll.
//! * A local of the callee without storage statements has storage while the callee runs.
//! * The drops of the awaitee are removed. Nothing is left in it.
//!
//! A chain of twenty async fns that pass on a number becomes a future of 16 bytes.
//! (`tests/ui/async-await/inline-await/sizes.rs`)
//!
//! The callee may contain awaits in turn, whose awaitees may be known only now that its generic
//! parameters are. The pass repeats until nothing is left to inline. A callee is requested with its
//! own awaits already inlined (by the queries of [`bodies_to_inline`]), so that this work is done
//! once per body.
//!
//! # When an awaitee is inlined
//!
//! If it is the coroutine of an async fn, block or closure whose body is known: it is of this
//! crate, or of one that recorded it ([`coroutine_for_other_crates`]). An async closure has two
//! bodies, one for calls by reference and one for the call that consumes it, and records neither.
//! (`tests/ui/async-await/inline-await/closures.rs`)
//!
//! If it is also awaited elsewhere, its code will be duplicated. So the callee has to be small
//! ([`small_cost`], for speed also [`cost_limit`]), or be awaited in one place only: an async block
//! that is awaited in the body in which it is written, or an async fn that is [named once], by the
//! function that awaits it, and that no other crate can name. A function that is named once may
//! still be awaited several times in a body, by a variable, or be shared by all instances of a
//! generic caller: then it is not inlined for that reason. `#[inline(always)]` on an async fn
//! overrides this limit. Nothing is inlined in a body if the two together cost more than
//! [`BODY_LIMIT`].
//!
//! It is not inlined if it is an async fn with `#[inline(never)]`, if it is `#[track_caller]` or
//! `#[optimize(none)]`, if it has other sanitizers, target features or another instruction set than
//! the caller, if it is instrumented for coverage, or if it has inline assembly.
//!
//! # Complexity
//!
//! Each round looks for awaits in the whole body, and there are as many rounds as inlined awaitees
//! are nested. A body is copied only if its size permits it, although the copy may still be
//! refused. The cost of the caller is counted again for each body that is inlined. [`BODY_LIMIT`]
//! bounds both, so a body that is written large takes one round. [`SEARCH_LIMIT`] bounds the types
//! that are searched for recursion, for each await.
//!
//! # Soundness
//!
//! * **The await is the first and the only one to poll its awaitee.** See the page of
//!   [`awaits`](crate::awaits). So the callee runs from its start, and nobody can see that it has
//!   no state machine of its own.
//! * **Pinned locals do not move.** What the awaitee saved is saved in the caller, which is pinned
//!   at its first poll as the awaitee was. A local that was borrowed across a suspension point is
//!   borrowed across the same one, so it is saved.
//! * **Drops happen in the same order.** Where the callee would have returned, unwound, or been
//!   dropped at a suspension point, it has run its own drops, down to the last upvar, before it
//!   continues in the caller. It continues where the poll, its unwinding, or the drop of the
//!   awaitee did.
//! * **A panic in a drop of a cancelled awaitee** unwinds to where the drop of the awaitee does,
//!   and a panic in its poll to where the poll does. The blocks that run when the callee is dropped
//!   while it is suspended are copied for that, since it may also run them otherwise.
//! * **After a panic** the caller is poisoned with all that is inlined in it: no poll gets there
//!   again. (`tests/ui/async-await/inline-await/behaviour.rs`, for these four)
//! * **After completion** nothing is left of the awaitee that could be polled.
//! * **No body is needed to make itself.** A coroutine is inlined only if the caller is not among
//!   its awaitees, and theirs, at whatever depth ([`recursion`]). That search is by types, before
//!   any body is requested. A future that awaits itself is an error that is reported elsewhere.
//!   (`tests/ui/async-await/elide-no-await/recursion.rs`)
//! * **No query is made that may need the layout that is being computed.** An awaitee by value is
//!   part of that layout. With the flag off the layout needs the same bodies, and those that they
//!   await in turn; no others are requested. An instance of a body, though, may have types that the
//!   generic body has not, and normalizing these may need anything. So an instance is inlined only
//!   if that is certain to be harmless. See [`instance`], and the page of [`certain_body`].
//!   (`tests/ui/async-await/certain-body/layout-of-types.rs`)
//! * **The same errors are reported.** A constant may fail to be evaluated when a body is used, and
//!   the error then names the instance. So a body with such a constant is not inlined, unless the
//!   constant is an item, which is evaluated where it is defined.
//!   (`tests/ui/async-await/inline-await/required-const.rs`)
//! * **A copy equals its source.** [`CopyProp`] replaces a local by the one that it is a copy of.
//!   Both are assigned once, and the first is not borrowed. The other may be if it is `Freeze`, so
//!   that its value stays the same; in a coroutine that is taken for fewer types
//!   ([`certain_body`]). The pass knows nothing of suspension points, and has no need to: a local
//!   has the same value after one as before. What the state transform expects, but not MIR at
//!   large, is restored in [`storage`]: no saved local is an index
//!   (`tests/ui/async-await/inline-await/index.rs`), and locals are dead after their last use.
//! * **Auto traits do not change.** Whether a future is `Send` depends on its witness, which is
//!   computed from earlier MIR.
//!
//! # Left for later
//!
//! * Delegation: an awaitee that is too large could answer for the finished future around it, which
//!   would need no state for that. It applies almost nowhere: most bodies drop something else
//!   after their last await, may end without it, or await a generic future, which an instance may
//!   know to be ready at once, and which then answers again.
//! * Bodies by instance, in which all awaitees are known. That takes a layout for each instance,
//!   and none for what is generic.
//!
//! [`CopyProp`]: crate::copy_prop::CopyProp
//! [`StateTransform`]: crate::coroutine::StateTransform
//! [`bodies_to_inline`]: crate::bodies_to_inline
//! [`certain_body`]: crate::certain_body
//! [named once]: TyCtxt::named_once_in
//! [`coroutine_for_other_crates`]: TyCtxt::coroutine_for_other_crates

use std::ops::Range;

use rustc_data_structures::fx::{FxHashMap, FxHashSet};
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_middle::bug;
use rustc_middle::middle::codegen_fn_attrs::CodegenFnAttrs;
use rustc_middle::mir::*;
use rustc_middle::query::Providers;
use rustc_middle::ty::{self, EarlyBinder, GenericArgs, Instance, InstanceKind, Ty, TyCtxt};
use rustc_span::Symbol;
use tracing::debug;

use crate::async_bodies::{AsyncPass, cost, is_enabled, note, with_runtime_phase};
use crate::awaits::{Await, find_awaits};
use crate::bodies_to_inline::{
    BODY_LIMIT, body_to_inline, check_attributes, cost_limit, inline_attribute, is_always_inlined,
    small_cost,
};
use crate::certain_body::{self, is_async};
use crate::{copy_prop, pass_manager as pm, simplify, single_use_consts, validate};

mod in_place;
pub(crate) mod instance;
mod integrate;
mod recursion;
pub(crate) mod short_proofs;
mod storage;
mod unified;

use integrate::Site;
use recursion::Search;
use unified::Unified;

/// How many types are looked at, at most, to know what a future awaits.
const SEARCH_LIMIT: usize = 10_000;

/// Why an awaitee is not inlined whose body costs too much.
const IS_TOO_LARGE: &str = "is too large";

/// Why an awaitee is not inlined with which the body would be too large.
const EXCEEDS_BODY_LIMIT: &str = "makes the body too large";

pub(super) fn provide(providers: &mut Providers) {
    providers.types_awaited = recursion::types_awaited;
}

/// Computes what other bodies may ask of the body of `def_id` while its MIR can still be read.
pub(super) fn ensure_facts(tcx: TyCtxt<'_>, def_id: LocalDefId) {
    if is_enabled(tcx) && is_async(tcx, def_id.to_def_id()) {
        tcx.ensure_done().types_awaited(def_id.to_def_id());
    }
}

pub(super) struct InlineAwait;

impl AsyncPass for InlineAwait {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        // `-Zmir-enable-passes=+InlineAwait` runs this where the passes are off. No body is kept
        // there, and to ask for one would steal what has been stolen.
        if !is_enabled(tcx) {
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
            cost: cost(body),
            inlined: vec![],
            times: FxHashMap::default(),
        };
        inliner.inline_awaits(body);
    }
}

/// Inlines what a body awaits.
struct Inliner<'tcx> {
    tcx: TyCtxt<'tcx>,
    def_id: LocalDefId,
    typing_env: ty::TypingEnv<'tcx>,
    search: Search<'tcx>,
    /// The cost of the body as it is now.
    cost: usize,
    /// What has been inlined: its blocks, its type, and the index of what it was inlined from, if
    /// that was inlined itself.
    inlined: Vec<(Range<BasicBlock>, Ty<'tcx>, Option<usize>)>,
    /// How often each coroutine is awaited.
    times: FxHashMap<DefId, usize>,
}

impl<'tcx> Inliner<'tcx> {
    fn inline_awaits(mut self, body: &mut Body<'tcx>) {
        let mut left = FxHashSet::default();
        loop {
            let count = self.inlined.len();
            let awaits = find_awaits(self.tcx, body);
            self.count_awaits(&awaits);
            for found in awaits {
                // What was refused is not asked for again, even if the body has shrunk a little.
                if left.contains(&found.poll) {
                    continue;
                }
                let span = found.span(body);
                let inlined = self.inline(body, &found);
                if let Err(reason) = inlined {
                    debug!(awaitee = ?found.awaitee, reason, "is not inlined");
                    left.insert(found.poll);
                }
                note(self.tcx, body, span, found.awaitee, || self.fate(found.awaitee, inlined));
            }
            // A round that inlines nothing leaves no new await to look at.
            if self.inlined.len() == count {
                break;
            }
        }
        if !self.inlined.is_empty() {
            simplify::remove_dead_blocks(body);
            let tcx = self.tcx;
            let unified = with_runtime_phase(body, |body| {
                let unified = Unified::find(tcx, body);
                let passes: [&dyn crate::MirPass<'tcx>; 2] =
                    [&copy_prop::CopyProp, &single_use_consts::SingleUseConsts];
                pm::run_passes_no_validate(tcx, body, &passes, None);
                unified
            });
            // `CopyProp` takes the storage of what it unifies, and may make an index of any of it.
            unified.give_storage(tcx, body);
            storage::index_by_temporaries(tcx, body);
        }
        // Also where nothing was inlined: the selectors of merged suspension points have none yet.
        storage::give_storage(body);
    }

    /// Counts the awaits of each coroutine: those in the body, and those that have been inlined.
    fn count_awaits(&mut self, awaits: &[Await<'tcx>]) {
        let in_body = awaits.iter().map(|found| found.awaitee);
        let awaitees = in_body.chain(self.inlined.iter().map(|&(_, awaitee, _)| awaitee));
        // What was inlined counts as well: its code is there once more.
        self.times = FxHashMap::default();
        for awaitee in awaitees {
            if let ty::Coroutine(def_id, _) = *awaitee.kind() {
                *self.times.entry(def_id).or_default() += 1;
            }
        }
    }

    /// What is noted of an await of `awaitee`.
    fn fate(&self, awaitee: Ty<'tcx>, inlined: Result<(), &'static str>) -> AwaitFate {
        let Err(reason) = inlined else { return AwaitFate::Inlined };
        // For any other reason its body may not be available yet, and asking for it may lead back
        // to this query.
        let cost = match *awaitee.kind() {
            ty::Coroutine(coroutine, args) if reason == IS_TOO_LARGE => {
                let callee = certain_body::of_coroutine(self.tcx, coroutine, args);
                callee.ok().and_then(|callee| match callee.as_local() {
                    Some(local) => Some(self.tcx.coroutine_before_transform(local).cost),
                    None => self.tcx.coroutine_for_other_crates(callee).map(cost),
                })
            }
            _ => None,
        };
        // All copies share one limit, and there is another one for what is small.
        let times = match *awaitee.kind() {
            ty::Coroutine(coroutine, _) => self.times[&coroutine],
            _ => 1,
        };
        let limit = small_cost(self.tcx).max(cost_limit(self.tcx) / times);
        AwaitFate::NotInlined { reason: Symbol::intern(reason), cost, limit }
    }

    /// Inlines the awaitee of `found`, or says why not.
    fn inline(&mut self, body: &mut Body<'tcx>, found: &Await<'tcx>) -> Result<(), &'static str> {
        let tcx = self.tcx;
        let (coroutine, args) = match *found.awaitee.kind() {
            ty::Coroutine(coroutine, args) => (coroutine, args),
            // What a parameter stands for, or what a method of its trait returns.
            ty::Param(_) | ty::Alias(..) => return Err("is known to each instance only"),
            // It has a `poll` of its own, as a `Pin<Box<dyn Future>>` has.
            _ => return Err("is no coroutine"),
        };
        let body_of_callee = certain_body::of_coroutine(tcx, coroutine, args)?;

        // Each copy would await another one, without end. Such a future is an error, but that is
        // reported only when somebody asks for its layout.
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
        // From here on bodies are asked for, so this one must not be needed to make them.
        if self.search.may_await(found.awaitee) {
            return Err("may await the body that it would be inlined into");
        }

        let callee = self.callee(found.awaitee, coroutine, body_of_callee)?;
        instance::check(tcx, &callee, args, self.typing_env)?;
        let instance = Instance { def: InstanceKind::Item(body_of_callee), args };
        let Ok(mut callee) = instance.try_instantiate_mir_and_normalize_erasing_regions(
            tcx,
            self.typing_env,
            EarlyBinder::bind(callee),
        ) else {
            // A bound of the callee does not hold, or depends on a parameter of the caller.
            return Err(instance::CANNOT_BE_NORMALIZED);
        };
        // Its drops are elaborated, and its types revealed.
        callee.phase = MirPhase::Runtime(RuntimePhase::Initial);
        // As in `inline.rs`: a type that could not be normalized may not fit where it is used.
        let faults = validate::validate_types(tcx, self.typing_env, &callee, body);
        if !faults.is_empty() {
            debug!(?faults);
            return Err("does not hold together when it is normalized");
        }
        // What became of its own awaits is true of these copies, too.
        if let (Some(of_body), Some(of_callee)) = (&mut body.coroutine, &mut callee.coroutine) {
            of_body.noted_awaits.append(&mut of_callee.noted_awaits);
        }
        let first = body.basic_blocks.next_index();
        site.inline(tcx, body, callee, instance);
        // Not the sum: the poll, the call that made the awaitee and its drops are gone.
        self.cost = cost(body);
        self.inlined.push((first..body.basic_blocks.next_index(), found.awaitee, inlined_by));
        Ok(())
    }

    /// A copy of the body of `coroutine`, which is that of `body_of_callee`, if its size is no
    /// reason not to inline it.
    fn callee(
        &self,
        awaitee: Ty<'tcx>,
        coroutine: DefId,
        body_of_callee: DefId,
    ) -> Result<Body<'tcx>, &'static str> {
        let tcx = self.tcx;
        let times = self.times[&coroutine];
        let is_small = |cost: usize| cost <= small_cost(tcx) || times * cost <= cost_limit(tcx);
        let is_always_inlined = is_always_inlined(tcx, coroutine);
        let is_within_limit = |cost: usize| self.cost + cost <= BODY_LIMIT;

        // A body is copied only when nothing about its size is against it: one that is written
        // large would be copied for each of its awaits, and then refused.
        match body_of_callee.as_local() {
            Some(local) => {
                let &CoroutineBeforeTransform { may_be_inlined, cost, body: ref callee } =
                    tcx.coroutine_before_transform(local);
                if !may_be_inlined {
                    // The body has been stolen, or will be.
                    let reason = if cost <= BODY_LIMIT { IS_TOO_LARGE } else { EXCEEDS_BODY_LIMIT };
                    return Err(reason);
                }
                let is_only_place = times == 1
                    && is_awaited_at_one_place(tcx, local, self.def_id)
                    && is_made_for_each_instance(tcx, awaitee, self.def_id);
                debug!(?coroutine, cost, times, is_only_place);
                if !is_small(cost) && !is_only_place && !is_always_inlined {
                    return Err(IS_TOO_LARGE);
                }
                if !is_within_limit(cost) {
                    return Err(EXCEEDS_BODY_LIMIT);
                }
                body_to_inline(tcx, &callee.borrow())
            }
            None => {
                let callee = tcx.coroutine_for_other_crates(body_of_callee);
                let callee =
                    callee.ok_or("is from another crate, which has not recorded its body")?;
                // It was within the limit for the opt-level of that crate.
                let cost = cost(callee);
                if !is_small(cost) && !is_always_inlined {
                    return Err(IS_TOO_LARGE);
                }
                if !is_within_limit(cost) {
                    return Err(EXCEEDS_BODY_LIMIT);
                }
                Ok(callee.clone())
            }
        }
    }
}

/// Whether the code of `callee` is the same when it is part of `caller`.
fn check_is_compiled_alike(
    tcx: TyCtxt<'_>,
    caller: DefId,
    callee: DefId,
) -> Result<(), &'static str> {
    let (caller, attributes) = (tcx.codegen_fn_attrs(caller), tcx.codegen_fn_attrs(callee));
    // Each of these holds for all of the code of a function, as in `inline.rs`.
    if attributes.sanitizers != caller.sanitizers
        || attributes.instruction_set != caller.instruction_set
        || features(attributes).ne(features(caller))
    {
        return Err("is compiled in another way");
    }
    Ok(())
}

fn features(attributes: &CodegenFnAttrs) -> impl Iterator<Item = Symbol> {
    attributes.target_features.iter().map(|feature| feature.name)
}

/// Whether, as a rule, no other body than that of `caller` awaits `callee`. That decides only what
/// code costs.
fn is_awaited_at_one_place(tcx: TyCtxt<'_>, callee: LocalDefId, caller: LocalDefId) -> bool {
    match inline_attribute(tcx, callee.to_def_id()) {
        // As a rule it is awaited where it is called, so where it is named. What another function
        // calls and returns may be awaited in several bodies.
        Some(_) => {
            let named_in = tcx.named_once_in(tcx.local_parent(callee));
            named_in == Some(tcx.typeck_root_def_id_local(caller))
        }
        // As a rule an async block that is returned is not awaited here as well.
        None => tcx.local_parent(callee) == caller,
    }
}

/// Whether each instance of `caller` has an instance of `awaitee` of its own.
fn is_made_for_each_instance<'tcx>(
    tcx: TyCtxt<'tcx>,
    awaitee: Ty<'tcx>,
    caller: LocalDefId,
) -> bool {
    let params = GenericArgs::identity_for_item(tcx, tcx.typeck_root_def_id_local(caller));
    params.non_erasable_generics().all(|param| awaitee.walk().any(|part| part.kind() == param))
}
