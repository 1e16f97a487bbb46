//! Gives locals what the state transform expects of them. [`CopyProp`] does not keep all of it.
//! Storage that ends at the last use also lets more locals share their memory.
//!
//! [`CopyProp`]: crate::copy_prop::CopyProp

use rustc_data_structures::fx::{FxIndexMap, FxIndexSet};
use rustc_index::IndexVec;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::visit::{
    MutVisitor, MutatingUseContext, NonMutatingUseContext, NonUseContext, PlaceContext, Visitor,
};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::impls::{always_storage_live_locals, borrowed_locals};
use rustc_span::Span;

use crate::patch::MirPatch;

/// How many blocks are looked at, at most, to find where the locals of a body are live.
const LIVE_LIMIT: usize = 10_000_000;

/// Makes each index projection use a fresh temporary, which is assigned just before. The state
/// transform cannot replace an index by a place in the coroutine, so no saved local may be one.
/// After [`CopyProp`] any local may be.
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
/// assigned as a whole and not borrowed. It does so for two kinds of locals:
///
/// * those without storage statements, which would share their place in the coroutine with no other
///   local. [`CopyProp`] leaves such locals behind, and so do merged suspension points;
/// * those that are saved. A copy does not end the life of a local, as a move does: only the end of
///   the scope does, and until then nothing else can be in its place.
///
/// This takes time in proportion to the body, to the blocks that each such local is live in, up to
/// [`LIVE_LIMIT`], and to its reads times its storage statements, of which there are a few. When
/// the limit is reached, the remaining locals keep the storage that they have.
///
/// [`CopyProp`]: crate::copy_prop::CopyProp
pub(super) fn give_storage(body: &mut Body<'_>) {
    let uses = Uses::find(body);
    let borrowed = borrowed_locals(body);
    let always_live = always_storage_live_locals(body);
    let mut resumed = DenseBitSet::new_empty(body.basic_blocks.len());
    for data in body.basic_blocks.iter() {
        if let TerminatorKind::Yield { resume, .. } = data.terminator().kind {
            resumed.insert(resume);
        }
    }
    // For all locals together: a body with many long lives is what takes time.
    let mut left = LIVE_LIMIT;
    let mut lives = FxIndexMap::default();
    for local in body.vars_and_temps_iter().filter(|&local| !borrowed.contains(local)) {
        if let LocalUses { definitions: Some(definitions), reads, storage } = &uses.0[local]
            && let Some(live_in) = live_in(body, definitions, reads, &mut left)
            && !storage.iter().any(|&at| is_live_after(body, at, definitions, reads, &live_in))
            // The storage of any other local is for LLVM to share.
            && (always_live.contains(local) || live_in.iter().any(|&block| resumed.contains(block)))
        {
            lives.insert(local, (definitions, live_in));
        }
    }

    // They get storage anew below, so all of that by scopes goes.
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
    // All storage ends before any begins: a definition may come right after a last use.
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
/// is read where none of them has assigned it, or where it has a value of an earlier iteration, or
/// if these are more than the `left` blocks that may be looked at.
///
/// If there is only one definition, and that is a call, it is taken to assign the local also when
/// it unwinds. Nothing reads a local on that way that has no value there.
fn live_in(
    body: &Body<'_>,
    definitions: &Definitions,
    reads: &[Location],
    left: &mut usize,
) -> Option<FxIndexSet<BasicBlock>> {
    let mut live_in = FxIndexSet::default();
    let mut waiting = vec![];
    for read in reads {
        match definitions.get(&read.block) {
            None => waiting.push(read.block),
            // In a loop it would be what the block before has assigned.
            Some(&definition) if read.statement_index <= definition => return None,
            Some(_) => {}
        }
    }
    while let Some(block) = waiting.pop() {
        // A path leads around the definitions, where merged suspension points branch by a selector.
        // No run that takes it reads the local, but MIR has to give it storage on that path, too.
        if block == START_BLOCK {
            return None;
        }
        if live_in.insert(block) {
            *left = left.checked_sub(1)?;
            // A definition is where its life begins, whatever comes before it.
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

/// Whether a local is live after the storage statement at `at`. Then its storage has a gap in
/// which it seems to be live: merged suspension points branch by a selector, and only a way that no
/// selector takes leads over the gap to a read. To close the gap would save the local there.
fn is_live_after(
    body: &Body<'_>,
    at: Location,
    definitions: &Definitions,
    reads: &[Location],
    live_in: &FxIndexSet<BasicBlock>,
) -> bool {
    let is_after = |index| index > at.statement_index;
    // It gets a new value first.
    if definitions.get(&at.block).is_some_and(|&definition| is_after(definition)) {
        return false;
    }
    reads.iter().any(|read| read.block == at.block && is_after(read.statement_index))
        || body.basic_blocks[at.block].terminator().successors().any(|to| live_in.contains(&to))
}

/// Where `local` is needed no more: after the last use on each path from its definitions.
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
        // Nothing comes after these, or the coroutine suspends in between.
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
            // In the block after, as a terminator may still read it. Where several ways join, one
            // end stands for all.
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
pub(super) struct Uses(IndexVec<Local, LocalUses>);

impl Uses {
    pub(super) fn find(body: &Body<'_>) -> Self {
        let mut uses = Uses(IndexVec::from_elem(LocalUses::new(), &body.local_decls));
        uses.visit_body(body);
        uses
    }

    /// Where the local is assigned, if that is done once in the body, and as a whole.
    pub(super) fn only_definition(&self, local: Local) -> Option<Location> {
        let mut definitions = self.0[local].definitions.as_ref()?.iter();
        let (&block, &statement_index) = definitions.next()?;
        definitions.next().is_none().then_some(Location { block, statement_index })
    }
}

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
                // A second assignment in a block: which one a read in it sees is not kept here.
                if let Some(of_blocks) = definitions
                    && of_blocks.insert(location.block, location.statement_index).is_some()
                {
                    *definitions = None;
                }
            }
            // It is written in part, dropped, or assigned by a suspension point.
            PlaceContext::MutatingUse(_) => *definitions = None,
            PlaceContext::NonMutatingUse(_) => reads.push(location),
            PlaceContext::NonUse(NonUseContext::StorageLive | NonUseContext::StorageDead) => {
                storage.push(location);
            }
            PlaceContext::NonUse(_) => {}
        }
    }
}
