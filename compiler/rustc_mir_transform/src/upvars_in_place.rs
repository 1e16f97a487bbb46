//! Replaces the arguments of an async fn by the upvars that they are moved from.
//!
//! # Motivation
//!
//! The body of an async fn starts by moving each of its upvars to a local: the argument that the
//! code sees. If that argument is needed behind a suspension point, it is saved twice, because the
//! layout of a coroutine gives each upvar a place of its own. An array that is passed through two
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
//! The pass replaces a local that gets its first value from an upvar at the start of the body,
//! where each statement runs once, if nothing else uses the upvar. It also replaces a local that
//! gets its value from such a local, if that does nothing but pass it on. It replaces only locals
//! that would be saved: all others are better off in a register.
//!
//! Where one upvar would be assigned to another, the pass inserts a temporary. Both are parts of
//! the same local then, and MIR cannot assign a local to itself.
//!
//! The pass runs just before [`StateTransform`], when the awaits that never wait are gone. It
//! leaves a body alone that does not suspend at all: such a body may be replayable, and would read
//! an upvar if it was changed.
//!
//! It takes one walk through the start of the body, and two dataflow analyses if that finds
//! anything.
//!
//! # Soundness
//!
//! * **The upvar has no other value.** The body uses it nowhere else. So once its value has moved
//!   to the local, nobody reads, writes or drops the upvar. There may be one drop of all upvars at
//!   once, if none of them was moved. That drops none that needs no drop.
//! * **The upvar is as good a place as the local.** Both are part of the coroutine, which is pinned
//!   by then, so references stay valid. An async block uses what it captured in the same way.
//! * **It is dropped where the local would be.** The drops of the local become drops of the upvar.
//!   Before the first poll the coroutine drops its upvars; after that, its state says what to drop,
//!   which is nothing once it has returned or panicked.
//!   (`tests/ui/async-await/upvars-in-place/behaviour.rs`)
//!
//! # Left for later
//!
//! * An upvar whose parts move to different locals, as in `async fn f((a, b): (A, B))`: the whole
//!   stays in its place, and the parts are saved beside it.
//! * The place of an upvar that is needed no more could be used for saved locals.
//!
//! [`InlineAwait`]: crate::inline_await::InlineAwait
//! [`StateTransform`]: crate::coroutine::StateTransform

use rustc_abi::FieldIdx;
use rustc_data_structures::fx::{FxHashSet, FxIndexMap, FxIndexSet};
use rustc_index::IndexVec;
use rustc_middle::mir::visit::{MutVisitor, PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, TyCtxt};
use rustc_span::Span;
use tracing::debug;

use crate::async_bodies::AsyncPass;
use crate::patch::MirPatch;
use crate::saved_locals::saved_locals;

pub(super) struct UpvarsInPlace;

impl AsyncPass for UpvarsInPlace {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        let mut locals = moved_upvars(tcx, body);
        if !locals.is_empty() {
            retain_saved(tcx, body, &mut locals);
        }
        if locals.is_empty() {
            return;
        }
        for (local, (upvar, moves)) in &locals {
            debug!(?local, ?upvar, "is left in its place");
            for &Location { block, statement_index } in moves {
                body.basic_blocks_mut()[block].statements[statement_index].make_nop(true);
            }
        }
        Replacer { tcx, locals }.visit_body_preserves_cfg(body);
        separate_upvars(tcx, body);
    }
}

/// Locals, with the upvar that each gets its first value from, and the statements that hand it on.
type Locals<'tcx> = FxIndexMap<Local, (Place<'tcx>, Vec<Location>)>;

/// The locals that may be replaced by an upvar.
fn moved_upvars<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Locals<'tcx> {
    let ty::Coroutine(_, args) = body.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty.kind() else {
        return Locals::default();
    };
    let upvars = args.as_coroutine().upvar_tys();
    let mut mentions = Mentions {
        upvars: IndexVec::from_elem_n(0, upvars.len()),
        whole_is_dropped: false,
        whole_is_used: false,
        locals: IndexVec::from_elem(0, &body.local_decls),
        indices: FxHashSet::default(),
    };
    mentions.visit_body(body);
    if mentions.whole_is_used {
        return Locals::default();
    }

    let typing_env = body.typing_env(tcx);
    let may_give_away = |field: FieldIdx| {
        mentions.upvars[field] == 1
            && (!mentions.whole_is_dropped || !upvars[field.index()].needs_drop(tcx, typing_env))
    };
    let mut locals = Locals::default();
    let mut seen = Seen::default();
    let mut block = START_BLOCK;
    // The first block has no predecessor, so none of these is run again.
    loop {
        let data = &body.basic_blocks[block];
        for (statement_index, statement) in data.statements.iter().enumerate() {
            let location = Location { block, statement_index };
            if let Some((local, from)) = move_to_local(statement)
                && !seen.0.contains(&local)
                && !mentions.indices.contains(&local)
                && body.local_kind(local) == LocalKind::Temp
            {
                let moved = match upvar_field(from) {
                    Some(field) if may_give_away(field) => Some((from, vec![location])),
                    Some(_) => None,
                    // What has it from an upvar, and only hands it on.
                    None => from
                        .as_local()
                        .filter(|&former| mentions.locals[former] == 2)
                        .and_then(|former| locals.get(&former).cloned())
                        .map(|(upvar, moves)| (upvar, [&moves[..], &[location]].concat())),
                };
                if let Some((upvar, moves)) = moved
                    && upvar.ty(body, tcx).ty == body.local_decls[local].ty
                {
                    locals.insert(local, (upvar, moves));
                }
            }
            seen.visit_statement(statement, location);
        }
        match data.terminator().kind {
            TerminatorKind::Goto { target }
                if body.basic_blocks.predecessors()[target].len() == 1 =>
            {
                block = target;
            }
            _ => return locals,
        }
    }
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

/// The upvar that the place is.
fn upvar_field(place: Place<'_>) -> Option<FieldIdx> {
    match place.projection[..] {
        [PlaceElem::Field(field, _)] if place.local == ty::CAPTURE_STRUCT_LOCAL => Some(field),
        _ => None,
    }
}

/// How the coroutine's upvars are used.
struct Mentions {
    /// How often each is mentioned by itself.
    upvars: IndexVec<FieldIdx, usize>,
    /// All are dropped at once.
    whole_is_dropped: bool,
    /// They are used together otherwise.
    whole_is_used: bool,
    /// How often each local is.
    locals: IndexVec<Local, usize>,
    /// The locals that arrays are indexed by. No other place can be used for that.
    indices: FxHashSet<Local>,
}

impl<'tcx> Visitor<'tcx> for Mentions {
    fn visit_place(&mut self, place: &Place<'tcx>, context: PlaceContext, location: Location) {
        if place.local != ty::CAPTURE_STRUCT_LOCAL {
            self.super_place(place, context, location);
            return;
        }
        self.visit_projection(place.as_ref(), context, location);
        match place.projection.first() {
            Some(&PlaceElem::Field(field, _)) => self.upvars[field] += 1,
            _ if context.is_drop() => self.whole_is_dropped = true,
            _ => self.whole_is_used = true,
        }
    }

    fn visit_local(&mut self, local: Local, context: PlaceContext, _: Location) {
        self.whole_is_used |= local == ty::CAPTURE_STRUCT_LOCAL;
        self.locals[local] += usize::from(context.is_use());
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

/// The locals that have been used.
#[derive(Default)]
struct Seen(FxHashSet<Local>);

impl<'tcx> Visitor<'tcx> for Seen {
    fn visit_local(&mut self, local: Local, context: PlaceContext, _: Location) {
        if context.is_use() {
            self.0.insert(local);
        }
    }
}

/// Keeps those of `locals` that are saved, and those that hand on what these have.
fn retain_saved<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>, locals: &mut Locals<'tcx>) {
    let mut saved = FxIndexSet::default();
    for of_suspension in saved_locals(tcx, body).values() {
        saved.extend(locals.keys().copied().filter(|&local| of_suspension.contains(local)));
    }
    let handed_on: Vec<_> = saved
        .iter()
        .flat_map(|local| &locals[local].1)
        .filter_map(|&location| move_to_local(body.stmt_at(location).left()?))
        .map(|(local, _)| local)
        .collect();
    saved.extend(handed_on);
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
                && !matches!(rvalue, Rvalue::UnaryOp(..) | Rvalue::BinaryOp(..))
            {
                let location = Location { block, statement_index };
                Separator { tcx, decls, patch: &mut patch, span }.visit_rvalue(rvalue, location);
            }
        }
    }
    patch.apply(body);
}

/// Has what is assigned to an upvar be a temporary where it is an upvar, too.
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
