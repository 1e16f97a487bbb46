//! Says what the inliner may inline into the body of a coroutine.
//!
//! # Motivation
//!
//! With the flag off the inliner leaves coroutines alone. The layout of a coroutine is read off its
//! optimized body, so nothing may ask for that layout while the body is being optimized, and what
//! is inlined may do so. Yet an async body without suspension points is plain code, and `?`, for
//! example, is two calls in it.
//!
//! # What changes
//!
//! With `-Z async-returned-panic=no` the layout of a coroutine comes from its body before
//! optimizations, which the query `unoptimized_coroutine_layout` keeps. Nothing changes in it
//! after that. So the inliner may inline calls in coroutines, where [`ElideNoAwait`] is on.
//!
//! # Soundness
//!
//! * **No body is needed to compute itself.** What is inlined into a coroutine is an item of
//!   another crate, or has to be inlined (`ForceInline`), and no pass may prevent that. MIR of
//!   another crate exists, and makes no query about this crate. The layout of the coroutine needs
//!   its body before optimizations, which is finished by then. Nor does the resolution of a drop
//!   ask for the optimized body of a coroutine of this crate.
//!   (`tests/ui/async-await/inline-into-coroutine/layouts.rs`)
//! * **All who ask for the layout get the same one.** It is computed once where the coroutine is
//!   defined, and recorded with its body. No optimization changes it.
//! * **The same errors are reported.** A callee with a constant that may fail to be evaluated is
//!   not inlined: it would be an error of the coroutine.
//!   (`tests/ui/async-await/inline-await/required-const.rs`)
//! * **No proof exceeds the recursion limit.** To resolve the call of a method takes a proof, as
//!   does what passes ask about the types of a body. In an instance that was inlined that may
//!   exceed the recursion limit, although nobody uses the instance. So a call is resolved, and a
//!   body is inlined, only if a search that reports no error finds [short proofs][short_proofs]
//!   first. (`tests/ui/async-await/certain-body/deep-proofs.rs`)
//!
//! For each call in a coroutine these searches take as long as [`instance`] says.
//!
//! # Left for later
//!
//! Functions of the same crate are not inlined. That needs an order of bodies that also holds for
//! what drop shims ask for.
//!
//! [`ElideNoAwait`]: crate::elide_no_await::ElideNoAwait

use rustc_hir::def::DefKind;
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_middle::mir::Body;
use rustc_middle::query::Providers;
use rustc_middle::ty::{GenericArgsRef, Instance, InstanceKind, TraitRef, TyCtxt, TypingEnv};

use crate::inline::ForceInline;
use crate::inline_await::{instance, short_proofs};
use crate::{certain_body, elide_no_await};

pub(super) fn provide(providers: &mut Providers) {
    providers.unoptimized_coroutine_layout = |tcx, def_id| {
        let body = tcx.mir_drops_elaborated_and_const_checked(def_id).borrow();
        body.coroutine_layout_raw().cloned()
    };
}

/// Computes the layout of the coroutine of `def_id` while the body that it is taken from can still
/// be read, for queries made while that body is optimized.
pub(super) fn ensure_layout(tcx: TyCtxt<'_>, def_id: LocalDefId) {
    if tcx.sess.opts.unstable_opts.async_returned_panic.is_no()
        && tcx.is_coroutine(def_id.to_def_id())
    {
        tcx.ensure_done().unoptimized_coroutine_layout(def_id);
    }
}

/// Whether the inliner may go into the bodies of coroutines at all.
pub(super) fn is_enabled(tcx: TyCtxt<'_>) -> bool {
    elide_no_await::is_enabled(tcx)
}

/// Whether the inliner may resolve a call of `def_id` with `args` in `caller`, by way of `history`.
/// That is restricted in coroutines, and in what is inlined by way of one.
pub(super) fn may_resolve<'tcx>(
    tcx: TyCtxt<'tcx>,
    caller: &Body<'tcx>,
    history: &[DefId],
    typing_env: TypingEnv<'tcx>,
    (def_id, args): (DefId, GenericArgsRef<'tcx>),
) -> bool {
    if !elide_no_await::is_by_coroutine(tcx, history, caller) || !is_enabled(tcx) {
        return true;
    }
    // No impl is to be found for any other function.
    let Some(of_trait) = tcx.trait_of_assoc(def_id) else { return true };
    let args = args.truncate_to(tcx, tcx.generics_of(of_trait));
    short_proofs::exist(tcx, typing_env, [TraitRef::new_from_args(tcx, of_trait, args)], [])
}

/// Whether `callee`, whose body is `callee_body`, may be inlined into `caller` by way of `history`:
/// in coroutines, and in what is inlined by way of one, only if no pass may need a long proof for
/// that instance.
pub(super) fn check_proofs<'tcx>(
    tcx: TyCtxt<'tcx>,
    caller: &Body<'tcx>,
    history: &[DefId],
    typing_env: TypingEnv<'tcx>,
    (callee, callee_body): (Instance<'tcx>, &Body<'tcx>),
) -> Result<(), &'static str> {
    if !elide_no_await::is_by_coroutine(tcx, history, caller)
        || !is_enabled(tcx)
        // It is an error not to inline it.
        || ForceInline::should_run_pass_for_callee(tcx, callee.def_id())
        || callee.args.non_erasable_generics().next().is_none()
        || instance::has_short_proofs(tcx, callee_body, callee.args, typing_env)
    {
        return Ok(());
    }
    Err("may take a long proof")
}

/// Whether `callee` may be inlined into the body of a coroutine: it must not be an item or shim
/// whose MIR may have to be made first, from that of the coroutine perhaps. Nor one with an error,
/// which would be one of the coroutine.
pub(super) fn may_inline<'tcx>(tcx: TyCtxt<'tcx>, callee: Instance<'tcx>) -> bool {
    match callee.def {
        InstanceKind::Item(def_id) => {
            ForceInline::should_run_pass_for_callee(tcx, def_id)
                || !def_id.is_local()
                    // No attributes are recorded of the body of an async closure that is consumed,
                    // and the inliner reads them.
                    && tcx.def_kind(def_id) != DefKind::SyntheticCoroutineBody
                    && !certain_body::callee_has_errors(tcx, def_id)
        }
        _ => false,
    }
}
