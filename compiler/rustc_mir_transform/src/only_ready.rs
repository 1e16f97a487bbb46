//! Finds the functions that return `Poll::Ready` whenever they return.
//!
//! # The rule
//!
//! A function of this crate is judged by its HIR, see the page of [`certain_body`]. The value of
//! its body must be a call of `Poll::Ready` by its path, in each arm of each branch, and so must
//! the value of each `return`. Anything else is refused: a `?`, a `break` of a block with a value,
//! the name of a local. An expression that diverges has no value.
//!
//! A function of another crate is judged by its MIR: on every path from the start to every `Return`
//! a `Ready` is assigned, and nothing else ever is.
//!
//! Either takes a walk or two through the body, and no other body is looked at.
//!
//! # Soundness
//!
//! * **All ways to answer are judged.** A function answers by returning, or by a tail call. So one
//!   with a tail call is refused, and so is one with inline assembly, which may jump. The MIR may
//!   have no terminator whose successors are not known.
//!   (`tests/ui/async-await/certain-body/answers.rs`)
//! * **Nothing else writes to the return place.** No reference to it is made.
//! * **The return place is always assigned.** Each path to a `Return` has an assignment, and no
//!   drop of the return place after it.
//!
//! [`certain_body`]: crate::certain_body

use rustc_abi::VariantIdx;
use rustc_hir as hir;
use rustc_hir::LangItem;
use rustc_hir::def::{CtorOf, DefKind, Res};
use rustc_hir::def_id::DefId;
use rustc_hir::intravisit;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::visit::{MutatingUseContext, NonMutatingUseContext, PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;

use crate::certain_body::CertainBody;
use crate::reachable::reachable_from;

/// Whether a function with this `body`, which returns a `Poll`, returns nothing but `Ready`.
pub(crate) fn makes_only_ready<'tcx>(tcx: TyCtxt<'tcx>, body: CertainBody<'tcx>) -> bool {
    match body {
        CertainBody::Local(body) => is_written_so(tcx, body),
        CertainBody::Foreign(body) => is_compiled_so(tcx, body),
    }
}

fn is_written_so<'tcx>(tcx: TyCtxt<'tcx>, body: &hir::Body<'tcx>) -> bool {
    let Some(ready) = tcx.lang_items().get(LangItem::PollReady) else { return false };
    let mut check = Returns { tcx, ready, holds: true };
    intravisit::Visitor::visit_expr(&mut check, body.value);
    // The value of the body is not the operand of any `return`.
    check.holds && is_ready(tcx, ready, body.value)
}

/// Whether `value`, if it has one at all, has the value of a call of the constructor of `ready`.
fn is_ready<'tcx>(tcx: TyCtxt<'tcx>, ready: DefId, value: &hir::Expr<'tcx>) -> bool {
    match value.kind {
        // By another name the constructor may be a function that is written by hand.
        hir::ExprKind::Call(function, _) => {
            let hir::ExprKind::Path(hir::QPath::Resolved(_, path)) = function.kind else {
                return false;
            };
            matches!(path.res, Res::Def(DefKind::Ctor(CtorOf::Variant, _), constructor)
                if tcx.parent(constructor) == ready)
        }
        hir::ExprKind::DropTemps(value) => is_ready(tcx, ready, value),
        hir::ExprKind::Block(block, _) => {
            // A `break` gives the block another value than the one at its end.
            !block.targeted_by_break
                && match block.expr {
                    Some(value) => is_ready(tcx, ready, value),
                    // It ends in a statement, which has to diverge: that of `return ..;`, if it is
                    // to be seen without its type.
                    None => block.stmts.last().is_some_and(is_return),
                }
        }
        // Without `else` its value is `()`.
        hir::ExprKind::If(_, then, Some(otherwise)) => {
            [then, otherwise].into_iter().all(|value| is_ready(tcx, ready, value))
        }
        // A `match` without arms has no value.
        hir::ExprKind::Match(_, arms, _) => arms.iter().all(|arm| is_ready(tcx, ready, arm.body)),
        // What this returns is for `Returns` to say.
        hir::ExprKind::Ret(_) => true,
        // The name of a local, the answer of another function, a `loop`: no type is looked at here,
        // so nobody knows what they are.
        _ => false,
    }
}

fn is_return(statement: &hir::Stmt<'_>) -> bool {
    match statement.kind {
        hir::StmtKind::Expr(value) | hir::StmtKind::Semi(value) => {
            matches!(value.kind, hir::ExprKind::Ret(_))
        }
        hir::StmtKind::Let(_) | hir::StmtKind::Item(_) => false,
    }
}

/// Checks every other way in which the function may return.
struct Returns<'tcx> {
    tcx: TyCtxt<'tcx>,
    ready: DefId,
    holds: bool,
}

// It does not go into closures, whose `return`s are their own.
impl<'tcx> intravisit::Visitor<'tcx> for Returns<'tcx> {
    fn visit_expr(&mut self, value: &'tcx hir::Expr<'tcx>) {
        match value.kind {
            hir::ExprKind::Ret(returned) => {
                self.holds &=
                    returned.is_some_and(|returned| is_ready(self.tcx, self.ready, returned));
            }
            // Another function returns in place of this one, or the code may jump.
            hir::ExprKind::Become(_) | hir::ExprKind::InlineAsm(_) => self.holds = false,
            _ => {}
        }
        intravisit::walk_expr(self, value);
    }
}

fn is_compiled_so<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> bool {
    let Some((ready, _)) = poll_variants(tcx) else { return false };
    let blocks = body.basic_blocks.len();
    let mut check = Assignments { ready, assigned: DenseBitSet::new_empty(blocks), holds: true };
    check.visit_body(body);
    check.holds && is_assigned_at_returns(body, &check.assigned)
}

/// Whether each path to a `Return` leads through one of the blocks of `assigned`.
fn is_assigned_at_returns(body: &Body<'_>, assigned: &DenseBitSet<BasicBlock>) -> bool {
    let terminator = |block: BasicBlock| body.basic_blocks[block].terminator();
    // A drop of the return place leaves it without a value.
    let drops = body.basic_blocks.indices().filter(|&block| {
        matches!(terminator(block).kind, TerminatorKind::Drop { place, .. }
            if place.local == RETURN_PLACE)
    });
    let starts = drops.flat_map(|block| terminator(block).successors()).chain([START_BLOCK]);
    // Forward from where it has no value, up to where it has one.
    let unassigned = reachable_from(body, starts, |block| {
        let is_assigned = assigned.contains(block);
        terminator(block).successors().filter(move |_| !is_assigned)
    });
    unassigned.iter().all(|block| {
        assigned.contains(block) || !matches!(terminator(block).kind, TerminatorKind::Return)
    })
}

/// Looks for the blocks that assign a `Ready` to the return place, and for anything else that may
/// give it a value, or answer in its place.
struct Assignments {
    ready: VariantIdx,
    assigned: DenseBitSet<BasicBlock>,
    holds: bool,
}

impl<'tcx> Visitor<'tcx> for Assignments {
    fn visit_assign(&mut self, place: &Place<'tcx>, rvalue: &Rvalue<'tcx>, location: Location) {
        if place.as_local() == Some(RETURN_PLACE)
            && let Rvalue::Aggregate(kind, _) = rvalue
            && matches!(**kind, AggregateKind::Adt(_, made, ..) if made == self.ready)
        {
            // The return place is a `Poll`, so this is the variant of no other enum.
            self.assigned.insert(location.block);
            // Its operands may mention the return place, as a move of it.
            self.visit_rvalue(rvalue, location);
        } else {
            self.super_assign(place, rvalue, location);
        }
    }

    fn visit_local(&mut self, local: Local, context: PlaceContext, _: Location) {
        if local == RETURN_PLACE {
            // It may be looked at. Whatever else could write to it, now or by an address, is
            // refused.
            self.holds &= matches!(
                context,
                PlaceContext::NonUse(_)
                    | PlaceContext::MutatingUse(MutatingUseContext::Drop)
                    | PlaceContext::NonMutatingUse(
                        NonMutatingUseContext::Copy
                            | NonMutatingUseContext::Inspect
                            | NonMutatingUseContext::PlaceMention
                    )
            );
        }
    }

    fn visit_terminator(&mut self, terminator: &Terminator<'tcx>, location: Location) {
        self.holds &= match terminator.kind {
            TerminatorKind::Goto { .. }
            | TerminatorKind::SwitchInt { .. }
            | TerminatorKind::UnwindResume
            | TerminatorKind::UnwindTerminate(_)
            | TerminatorKind::Unreachable
            | TerminatorKind::Call { .. }
            | TerminatorKind::Assert { .. }
            | TerminatorKind::FalseEdge { .. }
            | TerminatorKind::FalseUnwind { .. } => true,
            TerminatorKind::Drop { async_fut, .. } => async_fut.is_none(),
            // It reads the return place, which is not an operand of it.
            TerminatorKind::Return => return,
            TerminatorKind::TailCall { .. }
            | TerminatorKind::InlineAsm { .. }
            | TerminatorKind::Yield { .. }
            | TerminatorKind::CoroutineDrop => false,
        };
        self.super_terminator(terminator, location);
    }
}

/// The variants of `Poll`, `Ready` and `Pending`. Their discriminants are their indices.
pub(crate) fn poll_variants(tcx: TyCtxt<'_>) -> Option<(VariantIdx, VariantIdx)> {
    let items = tcx.lang_items();
    let poll = tcx.adt_def(items.get(LangItem::Poll)?);
    let variant = |item| Some(poll.variant_index_with_id(items.get(item)?));
    Some((variant(LangItem::PollReady)?, variant(LangItem::PollPending)?))
}
