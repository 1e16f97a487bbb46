//! Gives locals what the state transform expects of them: [`CopyProp`] does not keep all of it, and
//! storage that ends at the last use lets more of them share their memory.
//!
//! [`CopyProp`]: crate::copy_prop::CopyProp

use rustc_data_structures::fx::{FxIndexMap, FxIndexSet};
use rustc_index::IndexVec;
use rustc_middle::mir::visit::{
    MutVisitor, MutatingUseContext, NonMutatingUseContext, NonUseContext, PlaceContext, Visitor,
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

/// Gives locals storage from where they are assigned to where they are last used, if they are
/// assigned as a whole and not borrowed: those without storage statements, and those that are
/// saved. In the coroutine the first would share their place with no other. [`CopyProp`] leaves
/// such ones behind, and merged suspension points have selectors without. The second would share it
/// with less: a copy does not end a life, as a move does, only the end of the scope.
///
/// This takes time in proportion to the body, to the blocks that each such local is live in, and to
/// its reads times its storage statements, of which there are a few.
///
/// [`CopyProp`]: crate::copy_prop::CopyProp
pub(super) fn give_storage(body: &mut Body<'_>) {
    let mut uses = Uses(IndexVec::from_elem(LocalUses::new(), &body.local_decls));
    uses.visit_body(body);
    let borrowed = borrowed_locals(body);
    let always_live = always_storage_live_locals(body);
    let resumed: Vec<_> = body
        .basic_blocks
        .iter()
        .filter_map(|data| match data.terminator().kind {
            TerminatorKind::Yield { resume, .. } => Some(resume),
            _ => None,
        })
        .collect();
    let mut lives = FxIndexMap::default();
    for local in body.vars_and_temps_iter().filter(|&local| !borrowed.contains(local)) {
        if let LocalUses { definitions: Some(definitions), reads, storage } = &uses.0[local]
            && let Some(live_in) = live_in(body, definitions, reads)
            && !storage.iter().any(|&at| is_live_behind(body, at, definitions, reads, &live_in))
            && (always_live.contains(local) || resumed.iter().any(|block| live_in.contains(block)))
        {
            lives.insert(local, (definitions, live_in));
        }
    }

    for data in body.basic_blocks.as_mut_preserves_cfg() {
        for statement in &mut data.statements {
            if let StatementKind::StorageLive(local) | StatementKind::StorageDead(local) =
                statement.kind
                && lives.contains_key(&local)
            {
                statement.make_nop(true);
            }
        }
    }
    let mut patch = MirPatch::new(body);
    for (local, (definitions, live_in)) in &lives {
        for location in last_uses(body, *local, definitions, live_in) {
            patch.add_statement(location, StatementKind::StorageDead(*local));
        }
    }
    for (local, (definitions, _)) in lives {
        for (&block, &statement_index) in definitions {
            let definition = Location { block, statement_index };
            patch.add_statement(definition, StatementKind::StorageLive(local));
        }
    }
    patch.apply(body);
}

/// Where a local is assigned: the statements, by their block.
type Definitions = FxIndexMap<BasicBlock, usize>;

/// The blocks at whose start a local is live that is assigned at `definitions` only. `None` if it
/// is read where none of them has assigned it, or where it has a value of a former time in a loop.
///
/// If there is only one definition, and that is a call, it is taken to assign the local also when
/// it unwinds. Nothing reads a local on that way that has no value there.
fn live_in(
    body: &Body<'_>,
    definitions: &Definitions,
    reads: &[Location],
) -> Option<FxIndexSet<BasicBlock>> {
    let mut live_in = FxIndexSet::default();
    let mut waiting = vec![];
    for read in reads {
        match definitions.get(&read.block) {
            None => waiting.push(read.block),
            Some(&definition) if read.statement_index <= definition => return None,
            Some(_) => {}
        }
    }
    while let Some(block) = waiting.pop() {
        // A way leads around the definitions, where merged suspension points branch by a selector.
        // Nothing goes there that reads the local then, but it has to have storage.
        if block == START_BLOCK {
            return None;
        }
        if live_in.insert(block) {
            let before = body.basic_blocks.predecessors()[block].iter().copied();
            waiting.extend(before.filter(|before| !definitions.contains_key(before)));
        }
    }
    // A call that unwinds has assigned nothing. If cleanup reads the local then, it has the value
    // of another definition.
    let may_keep_its_value = |block: BasicBlock, index: usize| {
        let data = &body.basic_blocks[block];
        index == data.statements.len()
            && matches!(
                data.terminator().unwind(),
                Some(UnwindAction::Cleanup(target)) if live_in.contains(target)
            )
    };
    if definitions.len() > 1
        && definitions.iter().any(|(&block, &index)| may_keep_its_value(block, index))
    {
        return None;
    }
    Some(live_in)
}

/// Whether a local is live behind the storage statement at `at`. Then its storage has a gap in
/// which it seems to be live: merged suspension points branch by a selector, and only a way that no
/// selector takes leads over the gap to a read. To close the gap would save the local there.
fn is_live_behind(
    body: &Body<'_>,
    at: Location,
    definitions: &Definitions,
    reads: &[Location],
    live_in: &FxIndexSet<BasicBlock>,
) -> bool {
    let is_behind = |index| index > at.statement_index;
    if definitions.get(&at.block).is_some_and(|&definition| is_behind(definition)) {
        return false;
    }
    reads.iter().any(|read| read.block == at.block && is_behind(read.statement_index))
        || body.basic_blocks[at.block].terminator().successors().any(|to| live_in.contains(&to))
}

/// Where `local` is needed no more: behind the last use on each path from its definitions.
fn last_uses(
    body: &Body<'_>,
    local: Local,
    definitions: &Definitions,
    live_in: &FxIndexSet<BasicBlock>,
) -> FxIndexSet<Location> {
    let is_over = |target: BasicBlock| !live_in.contains(&target);
    let mut last_uses = FxIndexSet::default();
    for &block in live_in.iter().chain(definitions.keys()) {
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

#[derive(Clone)]
struct LocalUses {
    /// `None` if more is done to it than to assign it as a whole, once in a block, and to read it.
    definitions: Option<Definitions>,
    reads: Vec<Location>,
    /// The statements that start or end its storage.
    storage: Vec<Location>,
}

impl LocalUses {
    fn new() -> Self {
        LocalUses { definitions: Some(Definitions::default()), reads: vec![], storage: vec![] }
    }
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
        let LocalUses { definitions, reads, storage } = &mut self.0[local];
        match context {
            PlaceContext::MutatingUse(MutatingUseContext::Store | MutatingUseContext::Call) => {
                if let Some(of_blocks) = definitions
                    && of_blocks.insert(location.block, location.statement_index).is_some()
                {
                    *definitions = None;
                }
            }
            PlaceContext::MutatingUse(_) => *definitions = None,
            PlaceContext::NonMutatingUse(_) => reads.push(location),
            PlaceContext::NonUse(NonUseContext::StorageLive | NonUseContext::StorageDead) => {
                storage.push(location);
            }
            PlaceContext::NonUse(_) => {}
        }
    }
}
