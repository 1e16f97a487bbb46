//! Decides whether the body of a coroutine may be run again, unobserved, on every poll.
//!
//! # Motivation
//!
//! A future whose body has no suspension point keeps a state for one reason: so that its body runs
//! at most once. If running it again can be told apart from not running it by nobody, then
//! [`ElideNoAwait`] gives it no state at all. `async { 5 }` becomes a function that returns
//! `Ready(5)`, and takes no memory.
//!
//! # The rule
//!
//! A body is replayable if each of its runs computes the same value from the same bits, and does
//! nothing else. So these are all that it may do:
//!
//! * assign to locals, and borrow locals;
//! * use constants, arithmetic, aggregates, and casts that are no more than arithmetic;
//! * copy upvars of *plain* types, or read their discriminants: integers, floats, `bool`, `char`,
//!   raw pointers, function pointers, and tuples, arrays and structures of such;
//! * branch, loop, return.
//!
//! And no upvar may need drop, and the value that the future gives must be one that anybody could
//! make another of: an integer, float, `bool`, `char`, a raw or function pointer, a shared
//! reference to such, or a tuple, array, `Option`, `Result`, `Poll` or `NonZero` of them.
//!
//! # Soundness
//!
//! `Future::poll` is a safe function: whoever holds the future may poll it when it has finished. Up
//! to now such a poll ran nothing of the body. The body may rely on that, even one with `unsafe` in
//! it, and so may whoever made the future. What each condition keeps out:
//!
//! | not allowed                    | because this is sound if it runs once                     |
//! |--------------------------------|-----------------------------------------------------------|
//! | to give any other value        | `Owner(p)`, whose drop frees `p`; a token of some module  |
//! | a call                         | `drop(unsafe { Box::from_raw(p) })`; a counter in a static |
//! | to move out of an upvar        | the value would exist twice                               |
//! | an upvar that needs drop       | it is dropped at the end of the body, or moved elsewhere  |
//! | to borrow an upvar, or through one | a captured `&'static mut` is handed out by a reborrow |
//! | to write to an upvar or pointee | the next run would start from something else             |
//! | to read through a pointer      | the memory may be gone once the future has finished       |
//! | to copy a reference            | the same: a reference that dangles is no value            |
//! | a field of a union, a transmute | it may make a reference, or an owner, of plain bits      |
//! | a panic that can be caught     | a poisoned future is `Pending`, and does not panic again  |
//!
//! (Each line is a case of `not-replayable.rs` or `one-of-a-kind.rs` in
//! `tests/ui/async-await/elide-no-await`.)
//!
//! *The second run is the first.* Nothing writes to the upvars: not the body, and nobody else, for
//! the future is pinned in memory that it alone may write to. So a run starts from the bits that
//! the one before it started from, or from the bits that the future was made with. All other input
//! is constant. What a run does is determined by its input, because every statement that is allowed
//! is. Hence if the first run returns, so do all others, with the same value; and if it does not
//! return, there is no second one. Where panics abort, one that panics does not return; where they
//! unwind it does not count as such, which is why there the body may not have any.
//!
//! *Every value in it stays valid.* Whether the bits of a plain type are a value of it depends on
//! nothing but these bits, unlike those of a reference, which must not dangle.
//!
//! *The value may be had twice.* What a caller gets by polling again it could have copied, or
//! written down itself. That takes one thing for granted: that no one hides an integer behind an
//! opaque type and relies on a future to give it out once. `async { 5 }` would be no different.
//!
//! *Why no reads through shared references*, though a reference must be valid while it lives? It is
//! sound to hand out `async { *r }` as a future for `'static`, by `transmute`, and to free what `r`
//! refers to once the future has given its value; whoever scopes tasks does so.
//!
//! # Left for later
//!
//! * Calls of functions that only compute. The body of a callee would have to pass the same rule.
//! * Reads through references that are constants.
//! * Upvars that are copied but not used, such as a `&self` that the body ignores.
//!
//! [`ElideNoAwait`]: crate::elide_no_await::ElideNoAwait

use rustc_hir::LangItem;
use rustc_middle::mir::visit::{MutatingUseContext, NonMutatingUseContext, PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, Ty, TyCtxt};
use rustc_span::sym;
use tracing::debug;

/// Whether what `body` does, a resume function that goes by no state, may be done on every poll.
/// `this` is the local that holds the `&mut` to the coroutine, if the body has a use for it.
pub(crate) fn is_replayable<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    coroutine: ty::CoroutineArgs<TyCtxt<'tcx>>,
    this: Option<Local>,
) -> bool {
    let typing_env = ty::TypingEnv::post_analysis(tcx, body.source.def_id());
    if coroutine.upvar_tys().iter().any(|upvar| upvar.needs_drop(tcx, typing_env)) {
        debug!("has an upvar that needs drop");
        return false;
    }
    if !may_be_given_twice(tcx, coroutine.return_ty()) {
        debug!("gives what there may be one of");
        return false;
    }

    let panics_abort = !tcx.sess.panic_strategy().unwinds();
    let mut check = Check { tcx, typing_env, body, this, panics_abort, holds: true };
    // Where panics abort nothing leads into a cleanup block; elsewhere no panic is allowed.
    for (block, data) in traversal::reachable(body) {
        if !data.is_cleanup {
            check.visit_basic_block_data(block, data);
        }
    }
    check.holds
}

/// Whether anybody could make another value of `ty`, given one.
fn may_be_given_twice<'tcx>(tcx: TyCtxt<'tcx>, ty: Ty<'tcx>) -> bool {
    match *ty.kind() {
        ty::Bool
        | ty::Char
        | ty::Int(_)
        | ty::Uint(_)
        | ty::Float(_)
        | ty::Str
        | ty::RawPtr(..)
        | ty::FnPtr(..) => true,
        ty::Ref(_, element, Mutability::Not)
        | ty::Array(element, _)
        | ty::Slice(element)
        | ty::Pat(element, _) => may_be_given_twice(tcx, element),
        ty::Tuple(elements) => elements.iter().all(|element| may_be_given_twice(tcx, element)),
        ty::Adt(adt, args) => {
            let lang_items = [LangItem::Option, LangItem::Poll, LangItem::OrderingEnum];
            let diagnostic_items = [sym::Result, sym::NonZero];
            (lang_items.into_iter().any(|item| tcx.is_lang_item(adt.did(), item))
                || diagnostic_items.into_iter().any(|item| tcx.is_diagnostic_item(item, adt.did())))
                && args.types().all(|arg| may_be_given_twice(tcx, arg))
        }
        _ => false,
    }
}

struct Check<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    typing_env: ty::TypingEnv<'tcx>,
    body: &'a Body<'tcx>,
    this: Option<Local>,
    panics_abort: bool,
    holds: bool,
}

impl<'tcx> Check<'_, 'tcx> {
    fn require(&mut self, holds: bool, location: Location) {
        if !holds && self.holds {
            debug!("not replayable: {:?}", self.body.stmt_at(location));
            self.holds = false;
        }
    }

    /// Whether the bits of `ty` say alone whether they are a value of it.
    fn is_plain(&self, ty: Ty<'tcx>) -> bool {
        let Ok(ty) = self.tcx.try_normalize_erasing_regions(self.typing_env, ty) else {
            return false;
        };
        match *ty.kind() {
            ty::Bool
            | ty::Char
            | ty::Int(_)
            | ty::Uint(_)
            | ty::Float(_)
            | ty::RawPtr(..)
            | ty::FnPtr(..)
            | ty::FnDef(..) => true,
            ty::Array(element, _) | ty::Pat(element, _) => self.is_plain(element),
            ty::Tuple(elements) => elements.iter().all(|element| self.is_plain(element)),
            ty::Closure(_, args) => {
                args.as_closure().upvar_tys().iter().all(|upvar| self.is_plain(upvar))
            }
            ty::Adt(adt, args) => {
                !adt.is_box()
                    && adt.all_fields().all(|field| self.is_plain(field.ty(self.tcx, args)))
            }
            _ => false,
        }
    }
}

impl<'tcx> Visitor<'tcx> for Check<'_, 'tcx> {
    fn visit_statement(&mut self, statement: &Statement<'tcx>, location: Location) {
        let allowed = match &statement.kind {
            StatementKind::Assign(_)
            | StatementKind::SetDiscriminant { .. }
            | StatementKind::StorageLive(_)
            | StatementKind::StorageDead(_)
            | StatementKind::PlaceMention(_)
            | StatementKind::ConstEvalCounter
            | StatementKind::Nop => true,
            // A counter of executions counts another one; the rest is not expected here.
            StatementKind::Coverage(_)
            | StatementKind::Intrinsic(_)
            | StatementKind::FakeRead(_)
            | StatementKind::Retag(..)
            | StatementKind::AscribeUserType(..)
            | StatementKind::BackwardIncompatibleDropHint { .. } => false,
        };
        self.require(allowed, location);
        self.super_statement(statement, location);
    }

    fn visit_assign(&mut self, place: &Place<'tcx>, rvalue: &Rvalue<'tcx>, location: Location) {
        match rvalue {
            // The reference to the coroutine is taken out of its `Pin`.
            Rvalue::Use(Operand::Copy(from))
                if self.this.is_some()
                    && place.as_local() == self.this
                    && from.local == ty::CAPTURE_STRUCT_LOCAL
                    && from.projection.len() == 1 => {}
            _ => self.super_assign(place, rvalue, location),
        }
    }

    fn visit_rvalue(&mut self, rvalue: &Rvalue<'tcx>, location: Location) {
        let allowed = match rvalue {
            Rvalue::Use(_)
            | Rvalue::Repeat(..)
            | Rvalue::UnaryOp(..)
            | Rvalue::Discriminant(_)
            | Rvalue::Aggregate(..)
            // Of which places is for `visit_place` to say.
            | Rvalue::Ref(..)
            | Rvalue::RawPtr(..)
            | Rvalue::CopyForDeref(_) => true,
            // The result must be in bounds of what the pointer points to.
            Rvalue::BinaryOp(BinOp::Offset, _) => false,
            Rvalue::BinaryOp(..) => true,
            Rvalue::Cast(kind, _, ty) => match kind {
                CastKind::IntToInt
                | CastKind::FloatToInt
                | CastKind::FloatToFloat
                | CastKind::IntToFloat
                | CastKind::PtrToPtr
                | CastKind::FnPtrToPtr
                | CastKind::PointerCoercion(..)
                | CastKind::Subtype => true,
                CastKind::Transmute => self.is_plain(*ty),
                CastKind::PointerExposeProvenance | CastKind::PointerWithExposedProvenance => false,
            },
            Rvalue::ThreadLocalRef(_) | Rvalue::WrapUnsafeBinder(..) => false,
        };
        self.require(allowed, location);
        self.super_rvalue(rvalue, location);
    }

    fn visit_terminator(&mut self, terminator: &Terminator<'tcx>, location: Location) {
        let allowed = match terminator.kind {
            TerminatorKind::Goto { .. }
            | TerminatorKind::SwitchInt { .. }
            | TerminatorKind::Return
            | TerminatorKind::Unreachable => true,
            TerminatorKind::Assert { .. } => self.panics_abort,
            _ => false,
        };
        self.require(allowed, location);
        self.super_terminator(terminator, location);
    }

    fn visit_place(&mut self, place: &Place<'tcx>, context: PlaceContext, location: Location) {
        let own = match &place.projection[..] {
            // The coroutine is marked as finished. That goes with its state.
            [PlaceElem::Deref]
                if Some(place.local) == self.this
                    && context
                        == PlaceContext::MutatingUse(MutatingUseContext::SetDiscriminant) =>
            {
                return;
            }
            [PlaceElem::Deref, PlaceElem::Field(..), own @ ..]
                if Some(place.local) == self.this =>
            {
                let allowed = match context {
                    PlaceContext::NonMutatingUse(NonMutatingUseContext::Copy) => {
                        self.is_plain(place.ty(self.body, self.tcx).ty)
                    }
                    PlaceContext::NonMutatingUse(NonMutatingUseContext::Inspect) => true,
                    _ => false,
                };
                self.require(allowed, location);
                own
            }
            own => {
                self.require(
                    Some(place.local) != self.this && place.local != ty::CAPTURE_STRUCT_LOCAL,
                    location,
                );
                own
            }
        };
        self.require(!own.contains(&PlaceElem::Deref), location);
        let of_union = place.iter_projections().any(|(base, projection)| {
            matches!(projection, PlaceElem::Field(..)) && base.ty(self.body, self.tcx).ty.is_union()
        });
        self.require(!of_union, location);
        // Indices are locals, too.
        self.super_place(place, context, location);
    }
}
