//! Says which bodies the passes for `async` may change, and what the code in them costs.

use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_middle::mir::*;
use rustc_middle::ty::{InstanceKind, Ty, TyCtxt};
use rustc_session::{AsyncReturnedPanic, Session};
use rustc_span::Span;
use tracing::instrument;

use crate::awaits::awaits_by_lowering;
use crate::certain_body::is_async;

/// Whether the session asks for the passes for `async`: with `-Zasync-returned-panic=no` where MIR
/// is optimized, and with `no-at-all-levels` everywhere.
pub(crate) fn is_enabled_in(sess: &Session) -> bool {
    match sess.opts.unstable_opts.async_returned_panic {
        AsyncReturnedPanic::Yes => false,
        AsyncReturnedPanic::No => sess.mir_opt_level() >= 2,
        AsyncReturnedPanic::NoAtAllLevels => true,
    }
}

/// Whether the passes change the coroutines of this crate. They do not where a drop may suspend.
pub(crate) fn is_enabled(tcx: TyCtxt<'_>) -> bool {
    is_enabled_in(tcx.sess) && !tcx.may_drop_async()
}

/// The item of `body`, which may be any, if it is a coroutine of this crate that passes may change.
pub(crate) fn coroutine_to_transform<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
) -> Option<LocalDefId> {
    // The glue of `async_drop_in_place` is a coroutine by instance.
    let InstanceKind::Item(def_id) = body.source.instance else { return None };
    // It may be glue of another crate, made for an instance.
    let local = def_id.as_local()?;
    let is_to_change = body.coroutine.is_some()
        // Not all suspension points are known yet where a drop may suspend.
        && !tcx.may_drop_async()
        // It is never run.
        && body.tainted_by_errors.is_none()
        // A counter that is not there any more would not count, and one of merged code would count
        // for one of them only.
        && body.function_coverage_info.is_none()
        // Its author wants the code as it is written.
        && !is_optimize_none(tcx, def_id);
    is_to_change.then_some(local)
}

/// Whether some pass may change what `body` mentions or saves. That is so for all bodies that
/// [`coroutine_to_transform`] lets passes for `async` change, and for some more.
pub(crate) fn may_be_changed<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> bool {
    // Where a drop may suspend the passes are off.
    awaits_by_lowering(body) && !tcx.may_drop_async() && body.tainted_by_errors.is_none()
}

/// Calls `f`, which runs optimizations on `body`, in the phase that these expect. That is entered
/// only after the state transform. But drops are elaborated by now, and opaque types revealed: `f`
/// may run whatever needs no more of the phase than that.
pub(crate) fn with_runtime_phase<'tcx, T>(
    body: &mut Body<'tcx>,
    f: impl FnOnce(&mut Body<'tcx>) -> T,
) -> T {
    let phase = std::mem::replace(&mut body.phase, MirPhase::Runtime(RuntimePhase::Initial));
    let result = f(body);
    body.phase = phase;
    result
}

/// Whether the coroutine of `def_id` is to be left as written, or a closure or function that it is
/// written in.
pub(crate) fn is_optimize_none(tcx: TyCtxt<'_>, def_id: DefId) -> bool {
    let mut outward = std::iter::successors(Some(def_id), |&def_id| {
        tcx.is_typeck_child(def_id).then(|| tcx.parent(def_id))
    });
    outward.any(|def_id| {
        tcx.def_kind(def_id).has_codegen_attrs()
            && tcx.codegen_fn_attrs(def_id).optimize.do_not_optimize()
    })
}

/// Notes what became of an await, if `-Zdump-coroutines` asks for it. The rest of the compiler does
/// not look at that.
pub(crate) fn note<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &mut Body<'tcx>,
    span: Span,
    awaitee: Ty<'tcx>,
    fate: impl FnOnce() -> AwaitFate,
) {
    if tcx.sess.opts.unstable_opts.dump_coroutines.is_some()
        && let Some(coroutine) = &mut body.coroutine
    {
        coroutine.noted_awaits.push(NotedAwait { span, awaitee, fate: fate() });
    }
}

/// A pass that runs on the bodies of async fns, blocks and closures only.
pub(crate) trait AsyncPass {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>);
}

impl<'tcx, P: AsyncPass> crate::MirPass<'tcx> for P {
    fn is_enabled(&self, sess: &Session) -> bool {
        is_enabled_in(sess)
    }

    #[instrument(
        level = "debug",
        skip_all,
        fields(pass = self.name(), def_id = ?body.source.def_id())
    )]
    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        if coroutine_to_transform(tcx, body).is_some_and(|def_id| is_async(tcx, def_id.into())) {
            self.transform(tcx, body);
        }
    }

    fn is_required(&self) -> bool {
        false
    }
}

/// How much code a body is, about: the statements that do something, and the ways it may go.
///
/// [`CostChecker`] estimates what a function costs its caller: it counts cleanup, which an inlined
/// awaitee mostly shares, and folds what is constant in the caller. It knows no suspension point.
///
/// [`CostChecker`]: crate::cost_checker::CostChecker
pub(crate) fn cost(body: &Body<'_>) -> usize {
    let blocks = body.basic_blocks.iter().filter(|data| !data.is_cleanup);
    blocks.map(|data| cost_of(&data.statements, data.terminator())).sum()
}

/// The same, of a block or the end of one.
pub(crate) fn cost_of(statements: &[Statement<'_>], terminator: &Terminator<'_>) -> usize {
    let is_code = |statement: &&Statement<'_>| matches!(statement.kind, StatementKind::Assign(_));
    let of_terminator = match terminator.kind {
        TerminatorKind::Call { .. } | TerminatorKind::Yield { .. } => 3,
        TerminatorKind::Goto { .. } => 0,
        _ => 1,
    };
    statements.iter().filter(is_code).count() + of_terminator
}
