//! Says what the inliner may inline into the body of a coroutine.
//!
//! # Motivation
//!
//! The base's inliner leaves coroutines alone. The layout of a coroutine is read off its optimized
//! body, so nothing may ask for that layout while the body is being optimized, and what is inlined
//! may do so. Yet an async body without suspension points is plain code, and `?`, for example, is
//! two calls in it. (The figures for this are in async-bench's README.)
//!
//! # What changes
//!
//! With `-Z async-returned-panic=no` the layout of a coroutine comes from its body before
//! optimizations, which the query `unoptimized_coroutine_layout` keeps. Nothing changes in it
//! after that. So the inliner may inline calls in coroutines.
//!
//! # Soundness
//!
//! * **No body is needed to compute itself.** What is inlined into a coroutine is an item of
//!   another crate. Its MIR exists, and makes no query about this crate. The layout of the
//!   coroutine needs its body before optimizations, which is finished by then. Nor does the
//!   resolution of a drop ask for the optimized body of a coroutine of this crate.
//!   (`tests/ui/async-await/inline-into-coroutine/layouts.rs`)
//! * **All who ask for the layout get the same one.** It is computed once where the coroutine is
//!   defined, and recorded with its body. No optimization changes it.
//! * **The same errors are reported.** A callee with a constant that may fail to be evaluated is
//!   not inlined: it would be an error of the coroutine. Nor is one whose types nest deep: to find
//!   out what is called takes a proof, which may exceed the recursion limit.
//!   (`tests/ui/async-await/inline-await/required-const.rs`, `certain-body/deep-types.rs`)
//!
//! # Left for later
//!
//! Functions of the same crate are not inlined. That needs an order of bodies that also holds for
//! what drop shims ask for.

use rustc_hir::def_id::LocalDefId;
use rustc_middle::mir::Body;
use rustc_middle::query::Providers;
use rustc_middle::ty::{GenericArgsRef, Instance, InstanceKind, TyCtxt};

use crate::inline::ForceInline;
use crate::{certain_body, elide_no_await};

pub(super) fn provide(providers: &mut Providers) {
    providers.unoptimized_coroutine_layout = |tcx, def_id| {
        let body = tcx.mir_drops_elaborated_and_const_checked(def_id).borrow();
        body.coroutine_layout_raw().cloned()
    };
}

/// Has the layout of the coroutine of `def_id` kept while the body that it is taken from can still
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

/// Whether it may be found out what a call with `args` in `caller` calls.
pub(super) fn may_resolve<'tcx>(
    tcx: TyCtxt<'tcx>,
    caller: &Body<'tcx>,
    args: GenericArgsRef<'tcx>,
) -> bool {
    caller.coroutine.is_none() || !is_enabled(tcx) || !certain_body::nest_deep(tcx, [args])
}

/// Whether `callee` may be inlined into the body of a coroutine: it must not be an item or shim
/// whose MIR may have to be made first, from that of the coroutine perhaps. Nor one with an error,
/// which would be one of the coroutine.
pub(super) fn may_inline<'tcx>(tcx: TyCtxt<'tcx>, callee: Instance<'tcx>) -> bool {
    match callee.def {
        InstanceKind::Item(def_id) => {
            ForceInline::should_run_pass_for_callee(tcx, def_id)
                || !def_id.is_local() && !certain_body::callee_has_errors(tcx, def_id)
        }
        _ => false,
    }
}
