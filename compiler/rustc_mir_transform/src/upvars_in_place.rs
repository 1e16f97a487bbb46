//! Replaces the arguments of an async fn by the upvars that they are moved from.
//!
//! # Motivation
//!
//! The body of an async fn starts by moving each of its upvars to a local: the argument that the
//! code sees. If that argument is needed after a suspension point, it is saved twice, because the
//! local has its place before the upvar is needed no more. An array that is passed through two
//! async fns takes three times its size.
//!
//! [`InlineAwait`] makes one place of the two where it inlines a body. This pass is for the
//! coroutines that are not inlined.
//!
//! # The transformation
//!
//! ```text
//!   _3 = move (_1.0: T);           (nothing)
//!   _4 = &_3;               to     _4 = &(_1.0: T);
//!   drop(_3) -> bb5;               drop((_1.0: T)) -> bb5;
//! ```
//!
//! The pass replaces a local that gets its first value from an upvar by a move that runs once, if
//! nothing else uses the upvar. It also replaces a local that gets its value from such a local, if
//! that does nothing but pass it on. `f.await` passes on a future by `into_future`, which returns
//! its argument for all that are futures: so a future that was passed to an async fn is polled
//! where it was captured. The pass replaces only locals that would be saved: all others are better
//! off in a register.
//!
//! Where one upvar would be assigned to another, the pass inserts a temporary. Both are parts of
//! the same local then, and MIR cannot assign a local to itself.
//!
//! The pass runs shortly before [`StateTransform`], when the awaits that never wait are gone. It
//! leaves a body alone that does not suspend at all: such a body may be replayable, and would read
//! an upvar if it was changed.
//!
//! The pass walks through the body once, and once more for each local that it may replace: as often
//! as upvars are moved on. If there is such a local, it also runs the analyses that tell what is
//! saved.
//!
//! # Soundness
//!
//! * **The upvar has no other value.** The body uses it nowhere else. So once its value has moved
//!   to the local, nobody reads or writes the upvar, and the move does not run again. Wherever the
//!   local is assigned again, the move dominates that. There may be one drop of all upvars at once,
//!   if none of them was moved. That drops none that needs no drop.
//! * **`into_future` of a future is the identity.** `IntoFuture::IntoFuture` is a future. If it is
//!   `Self`, then `Self` is one, and the impl is that for all futures: there can be no second one.
//!   (`tests/ui/async-await/upvars-in-place/into-future.rs`)
//! * **The upvar is as good a place as the local.** Both are part of the coroutine, which is pinned
//!   by then, so references stay valid. An async block uses what it captured in the same way.
//! * **It is dropped where the local would be.** The drops of the local become drops of the upvar.
//!   Drops are elaborated by now: where the value is still in the upvar only that is dropped, and
//!   after the move only the local. Before the first poll the coroutine drops its upvars; after
//!   that, its state says what to drop, which is nothing once it has returned or panicked.
//!   (`tests/ui/async-await/upvars-in-place/behaviour.rs`)
//!
//! # Left for later
//!
//! * An upvar whose parts move to different locals, as in `async fn f((a, b): (A, B))`: the whole
//!   stays in its place, and the parts are saved beside it.
//!
//! [`InlineAwait`]: crate::inline_await::InlineAwait
//! [`StateTransform`]: crate::coroutine::StateTransform

use rustc_abi::FieldIdx;
use rustc_data_structures::fx::{FxHashMap, FxHashSet, FxIndexMap, FxIndexSet};
use rustc_hir::LangItem;
use rustc_index::IndexVec;
use rustc_middle::mir::visit::{
    MutVisitor, MutatingUseContext, NonMutatingUseContext, PlaceContext, Visitor,
};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, TyCtxt, TypingEnv};
use rustc_span::Span;
use tracing::debug;

use crate::async_bodies::AsyncPass;
use crate::awaits::call_in;
use crate::patch::MirPatch;
use crate::reachable::reachable_from;
use crate::saved_locals::saved_locals;
use crate::simplify;

pub(super) struct UpvarsInPlace;

impl AsyncPass for UpvarsInPlace {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        // Dominators are asked for below, and know nothing of blocks that nothing leads to.
        simplify::remove_dead_blocks(body);
        let mut moves = moves(body);
        let by_into_future =
            body.basic_blocks.indices().filter_map(|block| move_by_into_future(tcx, body, block));
        moves.extend(by_into_future.map(|found| (found.from, found)));
        let mut locals = moved_upvars(tcx, body.typing_env(tcx), body, &moves);
        // What is saved takes three analyses to know, so it is asked last.
        if !locals.is_empty() {
            retain_saved(tcx, body, &mut locals);
        }
        if locals.is_empty() {
            return;
        }
        for (local, (upvar, moves)) in &locals {
            debug!(?local, ?upvar, "is left in its place");
            for &Move { location, .. } in moves {
                remove(&mut body.basic_blocks_mut()[location.block], location.statement_index);
            }
        }
        // The moves are gone, so no upvar is assigned to itself now.
        Replacer { tcx, locals }.visit_body_preserves_cfg(body);
        separate_upvars(tcx, body);
    }
}

/// Locals, with the upvar that each gets its first value from, and the moves from one to the next.
/// A local comes after those that it gets its value from.
pub(crate) type Locals<'tcx> = FxIndexMap<Local, (Place<'tcx>, Vec<Move<'tcx>>)>;

/// A statement that moves or copies a place to a local, or a call that does no more than that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move<'tcx> {
    from: Place<'tcx>,
    pub(crate) to: Local,
    pub(crate) location: Location,
}

/// The locals that may be replaced by an upvar, if what is moved is as in `moves`.
///
/// All blocks of the body have to be reachable, since only these have dominators.
pub(crate) fn moved_upvars<'tcx>(
    tcx: TyCtxt<'tcx>,
    typing_env: TypingEnv<'tcx>,
    body: &Body<'tcx>,
    moves: &FxHashMap<Place<'tcx>, Move<'tcx>>,
) -> Locals<'tcx> {
    let ty::Coroutine(_, args) = body.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty.kind() else {
        return Locals::default();
    };
    let upvars = args.as_coroutine().upvar_tys();
    let mut mentions = Mentions {
        upvars: IndexVec::from_elem_n(0, upvars.len()),
        whole_is_dropped: false,
        whole_is_used: false,
        locals: IndexVec::from_elem(Mentioned::default(), &body.local_decls),
        indices: FxHashSet::default(),
    };
    mentions.visit_body(body);
    // A reference to the whole coroutine would reach every upvar.
    if mentions.whole_is_used {
        return Locals::default();
    }

    let mut locals = Locals::default();
    for (field, ty) in upvars.iter().enumerate() {
        let field = FieldIdx::from_usize(field);
        // Only the move may mention it. A drop of all upvars at once would drop it, too.
        if mentions.upvars[field] != 1
            || mentions.whole_is_dropped && ty.needs_drop(tcx, typing_env)
        {
            continue;
        }
        let upvar = tcx.mk_place_field(ty::CAPTURE_STRUCT_LOCAL.into(), field, ty);
        let mut from = upvar;
        let mut chain = vec![];
        // If a place is moved in several statements, `moves` has the last. But then it is mentioned
        // more than once, and the chain ends before it.
        while let Some(&found) = moves.get(&from)
            && may_replace(tcx, body, &mentions, found)
        {
            chain.push(found);
            locals.insert(found.to, (upvar, chain.clone()));
            // The next local replaces this one as well, if this one only passes the value on.
            // One that is borrowed on the way is not only passed on: that is a use, too.
            let Mentioned { assigned, uses } = &mentions.locals[found.to];
            if assigned.len() > 1 || *uses != 1 {
                break;
            }
            from = found.to.into();
        }
    }
    locals
}

/// The statements of the body that move a place to a local, by what they move.
pub(crate) fn moves<'tcx>(body: &Body<'tcx>) -> FxHashMap<Place<'tcx>, Move<'tcx>> {
    let mut moves = FxHashMap::default();
    for (block, data) in body.basic_blocks.iter_enumerated() {
        let of_statements =
            data.statements.iter().enumerate().filter_map(|(statement_index, statement)| {
                let (to, from) = move_to_local(statement)?;
                Some(Move { from, to, location: Location { block, statement_index } })
            });
        moves.extend(of_statements.map(|found| (found.from, found)));
    }
    moves
}

/// The call at the end of `block`, if it is `into_future` of what is a future. For all that are it
/// returns its argument: there is one impl for them, and there can be no other.
fn move_by_into_future<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    block: BasicBlock,
) -> Option<Move<'tcx>> {
    let (func, [argument], to, Some(_)) = call_in(body, block)? else { return None };
    let (def_id, _) = func.const_fn_def()?;
    let (from, to) = (argument.node.place()?, to.as_local()?);
    // With types as they are here: an instance in which they become the same keeps its call.
    (tcx.is_lang_item(def_id, LangItem::IntoFutureIntoFuture)
        && from.ty(body, tcx).ty == body.local_decls[to].ty)
        .then_some(Move { from, to, location: body.terminator_loc(block) })
}

/// Removes the statement or the call at `index`.
fn remove(data: &mut BasicBlockData<'_>, index: usize) {
    if let Some(statement) = data.statements.get_mut(index) {
        statement.make_nop(true);
    } else if let TerminatorKind::Call { target: Some(target), .. } = data.terminator().kind {
        data.terminator_mut().kind = TerminatorKind::Goto { target };
    }
}

/// Whether the upvar whose value is moved may be used in the place of the local that gets it.
fn may_replace<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    mentions: &Mentions,
    found: Move<'tcx>,
) -> bool {
    let Move { from, to, location } = found;
    let blocks = &body.basic_blocks;
    let dominators = blocks.dominators();
    let successors = |block: BasicBlock| blocks[block].terminator().successors();
    // The return place and the arguments are the caller's, and an index has to be a local.
    body.local_kind(to) == LocalKind::Temp
        && !mentions.indices.contains(&to)
        // A subtype has another lifetime, and would have to stay a move.
        && from.ty(body, tcx).ty == body.local_decls[to].ty
        // Wherever it gets another value, that of the upvar has been moved.
        && mentions.locals[to].assigned.iter().all(|&other| location.dominates(other, dominators))
        // Each runs once: the next time the upvar would have another value.
        && !reachable_from(body, successors(location.block), successors).contains(location.block)
}

/// The local and the place, if all that the statement does is to move or copy this to that.
pub(crate) fn move_to_local<'tcx>(statement: &Statement<'tcx>) -> Option<(Local, Place<'tcx>)> {
    match &statement.kind {
        StatementKind::Assign(box (target, Rvalue::Use(value))) => {
            Some((target.as_local()?, value.place()?))
        }
        _ => None,
    }
}

/// How the coroutine's upvars and locals are used, apart from what drops them. A place is dropped
/// only where it has a value, and this is settled by now: so if a value moves from one place to
/// another, it is dropped in one of them at most.
struct Mentions {
    /// How often each upvar is mentioned by itself.
    upvars: IndexVec<FieldIdx, usize>,
    /// All are dropped at once.
    whole_is_dropped: bool,
    /// They are used together otherwise.
    whole_is_used: bool,
    locals: IndexVec<Local, Mentioned>,
    /// The locals that arrays are indexed by. No other place can be used for that.
    indices: FxHashSet<Local>,
}

#[derive(Clone, Default)]
struct Mentioned {
    /// Where it is assigned as a whole.
    assigned: Vec<Location>,
    /// How often it is used otherwise.
    uses: usize,
}

impl<'tcx> Visitor<'tcx> for Mentions {
    fn visit_place(&mut self, place: &Place<'tcx>, context: PlaceContext, location: Location) {
        if place.local != ty::CAPTURE_STRUCT_LOCAL {
            self.super_place(place, context, location);
            return;
        }
        // Its base is not visited: `visit_local` would take it for a use of the whole.
        self.visit_projection(place.as_ref(), context, location);
        match place.projection[..] {
            [PlaceElem::Field(..)] if context.is_drop() || is_mention(context) => {}
            // A part of it, or what it points to: a use of it in any case.
            [PlaceElem::Field(field, _), ..] => self.upvars[field] += 1,
            _ if context.is_drop() => self.whole_is_dropped = true,
            _ => self.whole_is_used = true,
        }
    }

    fn visit_local(&mut self, local: Local, context: PlaceContext, location: Location) {
        self.whole_is_used |= local == ty::CAPTURE_STRUCT_LOCAL;
        let mentioned = &mut self.locals[local];
        match context {
            PlaceContext::MutatingUse(MutatingUseContext::Store | MutatingUseContext::Call) => {
                mentioned.assigned.push(location);
            }
            PlaceContext::MutatingUse(MutatingUseContext::Drop) | PlaceContext::NonUse(_) => {}
            _ if is_mention(context) => {}
            _ => mentioned.uses += 1,
        }
    }

    fn visit_projection_elem(
        &mut self,
        place: PlaceRef<'tcx>,
        element: PlaceElem<'tcx>,
        context: PlaceContext,
        location: Location,
    ) {
        if let PlaceElem::Index(local) = element {
            self.indices.insert(local);
        }
        self.super_projection_elem(place, element, context, location);
    }

    // The name of an upvar is no use of it.
    fn visit_var_debug_info(&mut self, _: &VarDebugInfo<'tcx>) {}
}

/// Whether the place is only named, which does nothing at run time.
fn is_mention(context: PlaceContext) -> bool {
    matches!(context, PlaceContext::NonMutatingUse(NonMutatingUseContext::PlaceMention))
}

/// Keeps those of `locals` that are saved, and those that these get their value from.
fn retain_saved<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>, locals: &mut Locals<'tcx>) {
    let mut saved = FxIndexSet::default();
    for of_suspension in saved_locals(tcx, body).values() {
        saved.extend(locals.keys().copied().filter(|&local| of_suspension.contains(local)));
    }
    // A local on the way to one that is saved goes as well, whether it is saved itself or not.
    let passed_on: Vec<_> =
        saved.iter().flat_map(|local| &locals[local].1).map(|found| found.to).collect();
    saved.extend(passed_on);
    locals.retain(|local, _| saved.contains(local));
}

/// Puts upvars in the place of locals.
struct Replacer<'tcx> {
    tcx: TyCtxt<'tcx>,
    locals: Locals<'tcx>,
}

impl<'tcx> MutVisitor<'tcx> for Replacer<'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_statement(&mut self, statement: &mut Statement<'tcx>, location: Location) {
        if let StatementKind::StorageLive(local) | StatementKind::StorageDead(local) =
            statement.kind
            && self.locals.contains_key(&local)
        {
            // An upvar has storage as long as the coroutine.
            statement.make_nop(true);
        }
        self.super_statement(statement, location);
    }

    fn visit_place(&mut self, place: &mut Place<'tcx>, _: PlaceContext, _: Location) {
        if let Some((upvar, _)) = self.locals.get(&place.local) {
            *place = upvar.project_deeper(place.projection, self.tcx);
        }
    }

    fn visit_local(&mut self, local: &mut Local, _: PlaceContext, _: Location) {
        debug_assert!(!self.locals.contains_key(local), "{local:?} is no place");
    }
}

/// Puts a temporary between an upvar and another that it is assigned to.
fn separate_upvars<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
    let mut patch = MirPatch::new(body);
    let decls = &body.local_decls;
    for (block, data) in body.basic_blocks.as_mut_preserves_cfg().iter_enumerated_mut() {
        for (statement_index, statement) in data.statements.iter_mut().enumerate() {
            let span = statement.source_info.span;
            if let StatementKind::Assign(box (target, rvalue)) = &mut statement.kind
                && is_in_upvar(*target)
                // These compute first what they assign. Their operands may overlap the target.
                && !matches!(rvalue, Rvalue::UnaryOp(..) | Rvalue::BinaryOp(..))
            {
                let location = Location { block, statement_index };
                Separator { tcx, decls, patch: &mut patch, span }.visit_rvalue(rvalue, location);
            }
        }
    }
    patch.apply(body);
}

/// Replaces an operand that is an upvar by a temporary, where it is assigned to another upvar.
struct Separator<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    decls: &'a LocalDecls<'tcx>,
    patch: &'a mut MirPatch<'tcx>,
    span: Span,
}

impl<'tcx> MutVisitor<'tcx> for Separator<'_, 'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_operand(&mut self, operand: &mut Operand<'tcx>, location: Location) {
        if let Some(from) = operand.place().filter(|&from| is_in_upvar(from)) {
            // Also if they are two different upvars, which do not overlap: MIR does not look at the
            // projections.
            let temporary = self.patch.new_temp(from.ty(self.decls, self.tcx).ty, self.span);
            self.patch.add_assign(location, temporary.into(), Rvalue::Use(operand.clone()));
            *operand = Operand::Move(temporary.into());
        }
    }
}

/// Whether the place is a part of the coroutine itself.
fn is_in_upvar(place: Place<'_>) -> bool {
    place.local == ty::CAPTURE_STRUCT_LOCAL && !place.is_indirect()
}
