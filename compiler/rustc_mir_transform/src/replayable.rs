//! Decides whether nobody can observe that the body of a coroutine runs again on every poll.
//!
//! # Motivation
//!
//! A future whose body has no suspension point keeps a state for one reason: its body must run at
//! most once. If nobody can observe a second run, then [`ElideNoAwait`] removes the state. `async {
//! 5 }` becomes a function that returns `Ready(5)`, and takes no memory.
//!
//! # The rule
//!
//! A body is replayable if each run computes the same value from constants alone, and does nothing
//! else. So all that it may do is
//!
//! * assign to locals, and read them;
//! * use constants, arithmetic, aggregates, and casts between numbers;
//! * branch, loop, return.
//!
//! All its locals and constants have *plain* types: integers, floats, `bool`, `char`, and tuples,
//! arrays, structs and enums of such. The answer of the future must be one that anybody could
//! construct: an integer, float, `bool`, `char`, or a tuple, array, `Option`, `Result`, `Poll` or
//! `Ordering` of them, or of what has no value at all. No upvar may need drop.
//!
//! To decide that takes one walk through the body, and looks at each type in it once, and at each
//! part of its answer's type.
//!
//! # Soundness
//!
//! `Future::poll` is a safe function: whoever holds the future may poll it after it has finished.
//! With the flag off such a poll runs nothing of the body. The body may rely on that, even one that
//! contains `unsafe`, and so may whoever constructed the future. This is what each condition rules
//! out:
//!
//! | not allowed                    | because this is sound if it runs once                     |
//! |--------------------------------|-----------------------------------------------------------|
//! | an answer of any other type    | `Owner(5)`, a token of some module                        |
//! | to use an upvar                | `async move { p }`, which a wrapper turns into a `Box`    |
//! | an address, of whatever        | a private function, given out as `impl FnOnce`            |
//! | a call                         | `drop(unsafe { Box::from_raw(p) })`; a counter in a static |
//! | an upvar that needs drop       | it is dropped at the end of the body, or moved elsewhere  |
//! | a field of a union, a transmute | it may turn plain bits into a reference, or an owner     |
//! | a panic                        | a poisoned future is `Pending`, and does not panic again  |
//!
//! (Each line is a case of `not-replayable.rs` or `one-of-a-kind.rs` in
//! `tests/ui/async-await/elide-no-await`.)
//!
//! *The second run could have been the first.* It starts from constants, as the first did, and only
//! what it returns can be observed. That is what the first might have returned: the same value,
//! except for the bits of a NaN, which arithmetic may choose anew.
//!
//! *A value is given out once, unless it is a constant.* A captured number may be the only one of
//! its kind that somebody holds: an index, a descriptor, a pointer. So may an address that nobody
//! else can name, and the result of comparing one. None of these reaches the answer, or a branch on
//! the way to it, because no replayed body has a local or a constant of such a type.
//!
//! *What is still assumed* is exactly this: nobody relies on a future to give out at most once a
//! value of such a type that the future's own body computes from constants, and that a type hides;
//! nor on a future to have a byte, and so an address of its own. An example of the former is
//! `async { 5 }` as an `impl Ticket`, if `Ticket` is implemented for `u32` in a way that only its
//! module can use.
//!
//! # Left for later
//!
//! * Calls of functions that only compute. The body of a callee would have to pass the same rule.
//! * Upvars that are copied but not used, such as a `&self` that the body ignores.
//! * `Ok(())` as a `Result<(), E>` for any `E`, as no `E` is constructed.
//!
//! [`ElideNoAwait`]: crate::elide_no_await::ElideNoAwait

use rustc_data_structures::fx::FxHashSet;
use rustc_hir::LangItem;
use rustc_hir::def_id::DefId;
use rustc_middle::mir::visit::{PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, Ty, TyCtxt};
use rustc_span::sym;
use tracing::debug;

/// Whether `body`, a resume function that reads no state, may run on every poll.
pub(crate) fn is_replayable<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    coroutine: ty::CoroutineArgs<TyCtxt<'tcx>>,
) -> bool {
    // The two conditions on types come first: most bodies fail one of them, and the walk is spared.
    let typing_env = ty::TypingEnv::post_analysis(tcx, body.source.def_id());
    if coroutine.upvar_tys().iter().any(|upvar| upvar.needs_drop(tcx, typing_env)) {
        debug!("has an upvar that needs drop");
        return false;
    }
    if !may_be_given_twice(tcx, coroutine.return_ty()) {
        debug!("returns a value that may be the only one of its kind");
        return false;
    }

    let mut check = Check { tcx, body, plain: FxHashSet::default(), holds: true };
    // What is only there for the debugger is not looked at, nor what only a panic leads to: there
    // is none.
    for (block, data) in traversal::reachable(body) {
        if !data.is_cleanup {
            check.visit_basic_block_data(block, data);
        }
    }
    check.holds
}

/// Whether anybody could make another value of `ty`, given one. Each part of the type is looked at
/// once.
fn may_be_given_twice<'tcx>(tcx: TyCtxt<'tcx>, ty: Ty<'tcx>) -> bool {
    let mut seen = FxHashSet::default();
    let mut waiting = vec![ty];
    while let Some(ty) = waiting.pop() {
        if !seen.insert(ty) {
            continue;
        }
        match *ty.kind() {
            ty::Bool | ty::Char | ty::Int(_) | ty::Uint(_) | ty::Float(_) | ty::Never => {}
            // The length does not matter, and to evaluate it could need this very layout.
            ty::Array(element, _) | ty::Pat(element, _) => waiting.push(element),
            ty::Tuple(elements) => waiting.extend(elements),
            // An enum without variants has no value that could be given.
            ty::Adt(adt, _) if adt.is_enum() && adt.variants().is_empty() => {}
            // Their variants and fields are public, so whoever has the parts has the whole.
            ty::Adt(adt, args) if is_made_of_its_parts(tcx, adt.did()) => {
                waiting.extend(args.types());
            }
            // Another struct or enum may be one that only its module can construct. A parameter
            // may turn out to be anything.
            _ => return false,
        }
    }
    true
}

/// Whether `adt` is one of those enums of `core` that anybody may construct.
fn is_made_of_its_parts(tcx: TyCtxt<'_>, adt: DefId) -> bool {
    let lang_items = [LangItem::Option, LangItem::Poll, LangItem::OrderingEnum];
    lang_items.into_iter().any(|item| tcx.is_lang_item(adt, item))
        || tcx.is_diagnostic_item(sym::Result, adt)
}

/// Looks for what a replayed body may not do.
struct Check<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'a Body<'tcx>,
    /// The types that have been looked at, and have no address in them.
    plain: FxHashSet<Ty<'tcx>>,
    holds: bool,
}

impl<'tcx> Check<'_, 'tcx> {
    fn require(&mut self, holds: bool, location: Location) {
        // The first reason is reported; what follows may be a consequence.
        if !holds && self.holds {
            debug!("not replayable: {:?}", self.body.stmt_at(location));
            self.holds = false;
        }
    }

    /// Whether no value of `ty` has an address in it, so that its bits are all that it is. Types
    /// are taken as they are written: to normalize one could evaluate the length of an array. Each
    /// type is looked at once for the whole body.
    fn is_plain(&mut self, ty: Ty<'tcx>) -> bool {
        let mut waiting = vec![ty];
        while let Some(ty) = waiting.pop() {
            // A refused type is in the set, too: the whole body is refused then.
            if !self.plain.insert(ty) {
                continue;
            }
            match *ty.kind() {
                ty::Bool | ty::Char | ty::Int(_) | ty::Uint(_) | ty::Float(_) | ty::Never => {}
                ty::Array(element, _) | ty::Pat(element, _) => waiting.push(element),
                ty::Tuple(elements) => waiting.extend(elements),
                // The bytes of a union may be those of a pointer, whatever its fields are.
                ty::Adt(adt, args) if !adt.is_union() => {
                    waiting.extend(adt.all_fields().map(|field| field.ty(self.tcx, args)));
                }
                // References, pointers, functions; what is not known yet.
                _ => return false,
            }
        }
        true
    }
}

impl<'tcx> Visitor<'tcx> for Check<'_, 'tcx> {
    fn visit_statement(&mut self, statement: &Statement<'tcx>, location: Location) {
        let allowed = match &statement.kind {
            StatementKind::Assign(_) | StatementKind::SetDiscriminant { .. } => true,
            // These name a local that may have no value, and whose type does not matter.
            StatementKind::StorageLive(_)
            | StatementKind::StorageDead(_)
            | StatementKind::ConstEvalCounter
            | StatementKind::Nop => return,
            // A counter of executions counts another one; the rest is not expected here.
            StatementKind::PlaceMention(_)
            | StatementKind::Coverage(_)
            | StatementKind::Intrinsic(_)
            | StatementKind::FakeRead(_)
            | StatementKind::Retag(..)
            | StatementKind::AscribeUserType(..)
            | StatementKind::BackwardIncompatibleDropHint { .. } => false,
        };
        self.require(allowed, location);
        self.super_statement(statement, location);
    }

    fn visit_rvalue(&mut self, rvalue: &Rvalue<'tcx>, location: Location) {
        let allowed = match rvalue {
            Rvalue::Use(_)
            | Rvalue::Repeat(..)
            | Rvalue::UnaryOp(..)
            | Rvalue::Discriminant(_)
            | Rvalue::Aggregate(..) => true,
            // The result must be in bounds of what the pointer points to.
            Rvalue::BinaryOp(BinOp::Offset, _) => false,
            // Of numbers only, as all operands are plain. An overflow that panics is an `Assert`.
            Rvalue::BinaryOp(..) => true,
            Rvalue::Cast(kind, ..) => matches!(
                kind,
                CastKind::IntToInt
                    | CastKind::FloatToInt
                    | CastKind::FloatToFloat
                    | CastKind::IntToFloat
            ),
            Rvalue::Ref(..)
            | Rvalue::RawPtr(..)
            | Rvalue::CopyForDeref(_)
            | Rvalue::ThreadLocalRef(_)
            | Rvalue::WrapUnsafeBinder(..) => false,
        };
        self.require(allowed, location);
        self.super_rvalue(rvalue, location);
    }

    fn visit_terminator(&mut self, terminator: &Terminator<'tcx>, location: Location) {
        // No call, no drop, no panic, no inline assembly: nothing that anybody could observe. What
        // never ends did not end in the first run.
        let allowed = matches!(
            terminator.kind,
            TerminatorKind::Goto { .. }
                | TerminatorKind::SwitchInt { .. }
                | TerminatorKind::Return
                | TerminatorKind::Unreachable
        );
        self.require(allowed, location);
        self.super_terminator(terminator, location);
    }

    /// No upvar and no task context is used, and no address: a plain local holds none.
    fn visit_local(&mut self, local: Local, _: PlaceContext, location: Location) {
        let is_argument = (1..=self.body.arg_count).contains(&local.index());
        // Once it is known that the body cannot be replayed nothing more is to be known.
        let allowed = self.holds && !is_argument && self.is_plain(self.body.local_decls[local].ty);
        self.require(allowed, location);
    }

    fn visit_const_operand(&mut self, constant: &ConstOperand<'tcx>, location: Location) {
        // A constant of a plain type is the same whenever it is evaluated.
        let allowed = self.holds && self.is_plain(constant.const_.ty());
        self.require(allowed, location);
    }
}
