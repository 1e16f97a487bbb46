//! Keeps the bodies of coroutines for others to inline.
//!
//! # Motivation
//!
//! To make one state machine of two, the body of one becomes part of the other's while both still
//! suspend by *yield*. After its state transform a body is a switch on a state that nothing takes
//! apart again. So the bodies of async fns, blocks and closures are kept as they are before.
//!
//! # What is kept
//!
//! [`coroutine_before_transform`] runs the passes of `run_passes_before_state_transform`, and keeps
//! the body. The MIR of the coroutine itself is made of that one, too, by passes that fit a body to
//! its own state transform. If no other body may inline it, they take it, so that no body is kept
//! for the whole compilation without need.
//!
//! A body may be inlined if it costs no more than [`cost_limit`], if it is `#[inline(always)]`, or
//! if it may turn out to be awaited at one place only: an async block in an async body, or an async
//! fn that is [named once][mentions]. None may cost more than [`BODY_LIMIT`].
//!
//! # Bodies of other crates
//!
//! A crate records in its metadata the bodies of its async fns and blocks that may be inlined
//! anywhere, if they cost no more than [`cost_limit`] at its opt-level, or are `#[inline(always)]`
//! ([`coroutine_for_other_crates`]). The crate that inlines one makes it part of a coroutine of its
//! own, and records the layout of that coroutine as usual. So all crates agree on each layout,
//! whatever flags they are compiled with. A crate that has switched `InlineAwait` off records
//! bodies all the same, with their awaits as they are: whoever inlines one decides about these.
//!
//! Such a body may name private items of its crate. These can be linked to: what the body of an
//! async fn names is reachable, and so is what is named by the async fns that are inlined in it.
//! (`tests/ui/async-await/inline-await/across-crates.rs`)
//!
//! # Complexity
//!
//! Each body is made once, as without the query. It is copied for its state transform if others may
//! inline it, and once more for the metadata.
//!
//! # Soundness
//!
//! Nothing is executed differently. The query asks for what the MIR of the same coroutine is made
//! of, and for where functions are named, which needs no types. So it makes no new cycle.
//!
//! [`coroutine_before_transform`]: TyCtxt::coroutine_before_transform
//! [`coroutine_for_other_crates`]: TyCtxt::coroutine_for_other_crates

use rustc_data_structures::steal::Steal;
use rustc_hir::attrs::InlineAttr;
use rustc_hir::def::DefKind;
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_middle::middle::codegen_fn_attrs::CodegenFnAttrFlags;
use rustc_middle::mir::visit::{PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::query::Providers;
use rustc_middle::ty::{self, TyCtxt};
use rustc_session::config::OptLevel;

use crate::async_bodies::{cost, is_enabled, is_optimize_none};
use crate::certain_body::is_async;
use crate::coroutine::elaborate_coroutine_drops;

mod mentions;

/// The largest cost of a body that is inlined wherever it is awaited; see [`cost`]. It is larger
/// where code is to be small: an awaitee that is not inlined takes code at each await, too. These
/// limits are from a curve over firmware (`src/tools/figures.md`).
pub(crate) fn small_cost(tcx: TyCtxt<'_>) -> usize {
    match tcx.sess.opts.optimize {
        OptLevel::Size | OptLevel::SizeMin => 100,
        _ => 60,
    }
}

/// The largest cost of all copies in one body of what is inlined there, if it is not small. For
/// speed there may be some: a chain of calls to `poll` takes time at each poll.
pub(crate) fn cost_limit(tcx: TyCtxt<'_>) -> usize {
    match tcx.sess.opts.optimize {
        OptLevel::More | OptLevel::Aggressive => 250,
        _ => small_cost(tcx),
    }
}

/// The largest cost that a body may grow to.
pub(crate) const BODY_LIMIT: usize = 2000;

pub(super) fn provide(providers: &mut Providers) {
    providers.coroutine_before_transform = |tcx, def_id| {
        let mut body = crate::mir_checked(tcx, def_id);
        crate::run_passes_before_state_transform(tcx, &mut body);
        let cost = cost(&body);
        let may_be_inlined = may_be_inlined(tcx, def_id, cost);
        CoroutineBeforeTransform { may_be_inlined, cost, body: Steal::new(body) }
    };
    providers.coroutine_for_other_crates = coroutine_for_other_crates;
    mentions::provide(providers);
}

/// The body of `def_id` as it is before its state transform, if others may ask for it, too.
pub(super) fn body_before_transform(tcx: TyCtxt<'_>, def_id: LocalDefId) -> Option<Body<'_>> {
    if !is_enabled(tcx) || !is_async(tcx, def_id.to_def_id()) {
        return None;
    }
    let CoroutineBeforeTransform { may_be_inlined, body, .. } =
        tcx.coroutine_before_transform(def_id);
    Some(if *may_be_inlined { body.borrow().clone() } else { body.steal() })
}

/// The body of a coroutine as other crates inline it, if they may and it costs no more than they
/// would inline. They can link to all that is named in it, and in what is inlined in it: what async
/// bodies name is reachable.
fn coroutine_for_other_crates(tcx: TyCtxt<'_>, local: LocalDefId) -> Option<Body<'_>> {
    let def_id = local.to_def_id();
    if !is_enabled(tcx)
        || !is_async(tcx, def_id)
        // Which of the two bodies of an async closure runs, only its instance says.
        || tcx.needs_coroutine_by_move_body_def_id(def_id)
        // No other crate can await it.
        || !tcx.reachable_set(()).contains(&local)
        || check_attributes(tcx, def_id).is_err()
    {
        return None;
    }
    let &CoroutineBeforeTransform { may_be_inlined: true, cost, ref body } =
        tcx.coroutine_before_transform(local)
    else {
        return None;
    };
    (cost <= cost_limit(tcx) || is_always_inlined(tcx, def_id))
        .then(|| body_to_inline(tcx, &body.borrow()).ok())?
}

/// Whether the body of any coroutine of this crate, or of another, may inline that of `def_id`.
fn may_be_inlined(tcx: TyCtxt<'_>, def_id: LocalDefId, cost: usize) -> bool {
    let parent = tcx.local_parent(def_id);
    // None that is larger fits into another body.
    cost <= BODY_LIMIT
        && (cost <= cost_limit(tcx)
            || is_always_inlined(tcx, def_id.to_def_id())
            || match inline_attribute(tcx, def_id.to_def_id()) {
                Some(_) => tcx.named_once_in(parent).is_some(),
                None => is_async(tcx, parent.to_def_id()),
            })
}

/// A coroutine's body as it becomes part of others.
pub(crate) fn body_to_inline<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
) -> Result<Body<'tcx>, &'static str> {
    // The counters of a function are numbered in its own body.
    if body.tainted_by_errors.is_some() || body.function_coverage_info.is_some() {
        return Err("has errors, or counts what is run of it");
    }
    // It may define symbols, which a second copy would define again.
    let is_assembly = |data: &BasicBlockData<'_>| {
        matches!(data.terminator().kind, TerminatorKind::InlineAsm { .. })
    };
    if body.basic_blocks.iter().any(is_assembly) {
        return Err("has inline assembly");
    }
    let mut body = body.clone();
    // The caller mentions the poll of this coroutine, which mentions what this body does.
    body.mentioned_items = None;
    if let Some(coroutine) = &mut body.coroutine {
        coroutine.mentioned_by_drop = vec![];
    }
    // What is dropped at its end is then upvars, and nothing else refers to all of it.
    elaborate_coroutine_drops(tcx, &mut body);
    // In the caller there are only locals for its upvars.
    if refers_to_itself(&body) {
        return Err("refers to itself as a whole");
    }
    Ok(body)
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

/// Whether the coroutine's body may become part of another.
pub(crate) fn check_attributes(tcx: TyCtxt<'_>, coroutine: DefId) -> Result<(), &'static str> {
    let attributes = tcx.codegen_fn_attrs(coroutine);
    if inline_attribute(tcx, coroutine) == Some(InlineAttr::Never) {
        return Err("is never to be inlined");
    }
    if is_optimize_none(tcx, coroutine) {
        return Err("is not to be optimized");
    }
    // It may ask where it is polled, and would be told where its caller is.
    if attributes.flags.contains(CodegenFnAttrFlags::TRACK_CALLER) {
        return Err("is told where it is polled");
    }
    Ok(())
}

/// The inline attribute of the async fn with this coroutine, if it is of one.
pub(crate) fn inline_attribute(tcx: TyCtxt<'_>, coroutine: DefId) -> Option<InlineAttr> {
    let parent = tcx.parent(coroutine);
    let is_function = matches!(tcx.def_kind(parent), DefKind::Fn | DefKind::AssocFn);
    (is_function && tcx.asyncness(parent).is_async()).then(|| tcx.codegen_fn_attrs(parent).inline)
}

/// Whether the coroutine's body is to be wherever it is awaited.
pub(crate) fn is_always_inlined(tcx: TyCtxt<'_>, coroutine: DefId) -> bool {
    matches!(inline_attribute(tcx, coroutine), Some(InlineAttr::Always | InlineAttr::Force { .. }))
}
