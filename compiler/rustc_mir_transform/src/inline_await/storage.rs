//! Restores what the state transform expects of locals, but [`CopyProp`] does not keep.
//!
//! [`CopyProp`]: crate::copy_prop::CopyProp

use rustc_data_structures::fx::FxIndexSet;
use rustc_index::IndexVec;
use rustc_middle::mir::visit::{
    MutVisitor, MutatingUseContext, NonMutatingUseContext, PlaceContext, Visitor,
};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::impls::{always_storage_live_locals, borrowed_locals};
use rustc_span::Span;

use crate::patch::MirPatch;

/// Has places be indexed by temporaries that are assigned just before, as the state transform
/// expects: it looks for saved locals everywhere else. After [`CopyProp`] they may be indexed by
/// any local.
///
/// [`CopyProp`]: crate::copy_prop::CopyProp
pub(super) fn index_by_temporaries<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
    let span = body.span;
    let mut visitor = IndexByTemporaries { tcx, span, patch: MirPatch::new(body) };
    visitor.visit_body_preserves_cfg(body);
    visitor.patch.apply(body);
}

struct IndexByTemporaries<'tcx> {
    tcx: TyCtxt<'tcx>,
    span: Span,
    patch: MirPatch<'tcx>,
}

impl<'tcx> MutVisitor<'tcx> for IndexByTemporaries<'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn process_projection_elem(
        &mut self,
        element: PlaceElem<'tcx>,
        location: Location,
    ) -> Option<PlaceElem<'tcx>> {
        let PlaceElem::Index(local) = element else { return None };
        let temporary = self.patch.new_temp(self.tcx.types.usize, self.span);
        let copied = Rvalue::Use(Operand::Copy(local.into()));
        self.patch.add_assign(location, temporary.into(), copied);
        Some(PlaceElem::Index(temporary))
    }
}

/// Gives locals without storage statements storage from where they are assigned to where they are
/// last used, if they are assigned once and not borrowed. [`CopyProp`] leaves such ones behind, and
/// in the coroutine they would share their place with no other.
///
/// This takes time in proportion to the body, and to the blocks that each such local is live in.
///
/// [`CopyProp`]: crate::copy_prop::CopyProp
pub(super) fn give_storage(body: &mut Body<'_>) {
    let mut uses = Uses(IndexVec::from_elem(LocalUses::default(), &body.local_decls));
    uses.visit_body(body);
    let borrowed = borrowed_locals(body);
    let always_live = always_storage_live_locals(body);
    let lives: Vec<_> = always_live
        .iter()
        .filter(|&local| local.index() > body.arg_count && !borrowed.contains(local))
        .filter_map(|local| {
            let LocalUses { assigned: Assigned::Once(definition), reads } = &uses.0[local] else {
                return None;
            };
            Some((local, *definition, live_in(body, *definition, reads)?))
        })
        .collect();

    let mut patch = MirPatch::new(body);
    for (local, definition, live_in) in &lives {
        for location in last_uses(body, *local, definition.block, live_in) {
            patch.add_statement(location, StatementKind::StorageDead(*local));
        }
    }
    for (local, definition, _) in lives {
        patch.add_statement(definition, StatementKind::StorageLive(local));
    }
    patch.apply(body);
}

/// The blocks at whose start a local is live that is assigned at `definition` only. `None` if the
/// block of the definition reads it before: it has another value then, of a former time in a loop.
///
/// A call that assigns it is taken to do so also when it unwinds. Nothing reads a local on that way
/// that has no value there.
fn live_in(
    body: &Body<'_>,
    definition: Location,
    reads: &[Location],
) -> Option<FxIndexSet<BasicBlock>> {
    let mut live_in = FxIndexSet::default();
    let mut waiting = vec![];
    for read in reads {
        if read.block != definition.block {
            waiting.push(read.block);
        } else if read.statement_index <= definition.statement_index {
            return None;
        }
    }
    while let Some(block) = waiting.pop() {
        if live_in.insert(block) {
            let before = body.basic_blocks.predecessors()[block].iter().copied();
            waiting.extend(before.filter(|&before| before != definition.block));
        }
    }
    Some(live_in)
}

/// Where `local` is needed no more: behind the last use on each path from its definition.
fn last_uses(
    body: &Body<'_>,
    local: Local,
    definition: BasicBlock,
    live_in: &FxIndexSet<BasicBlock>,
) -> FxIndexSet<Location> {
    let is_over = |target: BasicBlock| !live_in.contains(&target);
    let mut last_uses = FxIndexSet::default();
    for &block in live_in.iter().chain([&definition]) {
        let terminator = body.basic_blocks[block].terminator();
        // Nothing comes behind these, or the coroutine suspends in between.
        let leaves = match &terminator.kind {
            TerminatorKind::Return | TerminatorKind::CoroutineDrop => true,
            TerminatorKind::Yield { value, .. } => {
                value.place().is_none_or(|place| place.local != local)
            }
            _ => false,
        };
        if leaves && terminator.successors().all(is_over) {
            last_uses.insert(body.terminator_loc(block));
        } else {
            let over = terminator.successors().filter(|&target| is_over(target));
            last_uses.extend(over.map(BasicBlock::start_location));
        }
    }
    last_uses
}

#[derive(Clone, Default)]
struct LocalUses {
    assigned: Assigned,
    reads: Vec<Location>,
}

#[derive(Clone, Copy, Default)]
enum Assigned {
    #[default]
    Never,
    /// As a whole, and this is all that is ever done to it but reading it.
    Once(Location),
    Otherwise,
}

/// How each local is used.
///
/// `DefUse` would take a drop for a read. A local that is dropped keeps its storage.
struct Uses(IndexVec<Local, LocalUses>);

impl<'tcx> Visitor<'tcx> for Uses {
    fn visit_place(&mut self, place: &Place<'tcx>, context: PlaceContext, location: Location) {
        // What is done behind a pointer does nothing but read the pointer.
        let context = if context.is_use() && place.is_indirect_first_projection() {
            PlaceContext::NonMutatingUse(NonMutatingUseContext::Copy)
        } else {
            context
        };
        self.super_place(place, context, location);
    }

    fn visit_local(&mut self, local: Local, context: PlaceContext, location: Location) {
        let LocalUses { assigned, reads } = &mut self.0[local];
        match context {
            PlaceContext::MutatingUse(MutatingUseContext::Store | MutatingUseContext::Call) => {
                *assigned = match assigned {
                    Assigned::Never => Assigned::Once(location),
                    _ => Assigned::Otherwise,
                };
            }
            PlaceContext::MutatingUse(_) => *assigned = Assigned::Otherwise,
            PlaceContext::NonMutatingUse(_) => reads.push(location),
            PlaceContext::NonUse(_) => {}
        }
    }
}
