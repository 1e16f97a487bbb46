//! Compares the code around several suspension points.
//!
//! [`Comparer`] goes through the code of all sites at once, and writes down in a [`Candidate`]
//! which blocks are the same but for the names of locals. Blocks, joins and names are only ever
//! added to a candidate, so that [`Candidate::undo`] can go back by cutting its lists.
//!
//! At most [`REGION_LIMIT`] blocks of a site are merged. Those that they lead to are compared once
//! for each edge.

use rustc_data_structures::fx::{FxHashMap, FxHashSet, FxIndexMap, FxIndexSet};
use rustc_index::IndexVec;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::visit::{
    MutVisitor, MutatingUseContext, NonMutatingUseContext, NonUseContext, PlaceContext, Visitor,
};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;
use rustc_mir_dataflow::Analysis;
use rustc_mir_dataflow::impls::{MaybeStorageDead, MaybeStorageLive, always_storage_live_locals};
use rustc_span::{DUMMY_SP, Span};

use super::REGION_LIMIT;
use crate::certain_body;

/// What several sites have in common. The first site is the one that is kept.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// How many sites there are.
    pub(super) count: usize,
    /// By the block of the first site.
    pub(super) merged: FxIndexMap<BasicBlock, MergedBlock>,
    /// Which site each merged block belongs to, and the block of the first site it is merged with.
    pub(super) site_of: FxIndexMap<BasicBlock, (usize, BasicBlock)>,
    pub(super) renaming: Renaming,
    /// The blocks that all sites lead to.
    pub(super) joins: FxIndexSet<BasicBlock>,
    /// The merged call that differs in these arguments.
    pub(super) parameters: Option<(BasicBlock, Vec<usize>)>,
    /// By site, the locals that have storage at some of the others, but not at this one.
    pub(super) missing_storage: Vec<Vec<Local>>,
}

/// A block of each site that does the same.
#[derive(Clone, Debug)]
pub(super) struct MergedBlock {
    /// By site.
    pub(super) blocks: Vec<BasicBlock>,
    /// The first statement of each that is the same.
    pub(super) from: Vec<usize>,
    /// Whether it is all of its blocks, and leads in without more ado.
    pub(super) is_whole: bool,
    pub(super) successors: Vec<Successor>,
}

/// Where a successor of a merged block leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Successor {
    /// To another merged block; this is that of the first site.
    Merged(BasicBlock),
    /// To one and the same block for all sites.
    Join,
    /// To another block for each site.
    Different(Vec<BasicBlock>),
}

/// How much there was in a [`Candidate`].
#[derive(Clone, Copy)]
pub(super) struct Mark {
    merged: usize,
    site_of: usize,
    joins: usize,
    had_parameters: bool,
    renaming: RenamingMark,
}

impl Candidate {
    fn new(count: usize) -> Self {
        Candidate {
            count,
            merged: FxIndexMap::default(),
            site_of: FxIndexMap::default(),
            renaming: Renaming::new(count),
            joins: FxIndexSet::default(),
            parameters: None,
            missing_storage: vec![vec![]; count],
        }
    }

    pub(super) fn add(&mut self, blocks: Vec<BasicBlock>, from: Vec<usize>) {
        let first = blocks[0];
        // Nothing here is removed but from the end, see `undo`.
        self.site_of.extend(blocks.iter().enumerate().map(|(site, &block)| (block, (site, first))));
        let has_parameters =
            self.parameters.as_ref().is_some_and(|(with_parameters, _)| *with_parameters == first);
        let is_whole = !has_parameters && from.iter().all(|&index| index == 0);
        self.merged.insert(first, MergedBlock { blocks, from, is_whole, successors: vec![] });
    }

    /// What [`Candidate::undo`] takes to go back to what this is now.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            merged: self.merged.len(),
            site_of: self.site_of.len(),
            joins: self.joins.len(),
            had_parameters: self.parameters.is_some(),
            renaming: self.renaming.mark(),
        }
    }

    pub(super) fn undo(&mut self, mark: Mark) {
        self.merged.truncate(mark.merged);
        self.site_of.truncate(mark.site_of);
        self.joins.truncate(mark.joins);
        self.renaming.undo(mark.renaming);
        if !mark.had_parameters {
            self.parameters = None;
        }
    }

    /// The blocks that sites part to, each once.
    pub(super) fn exits(&self) -> FxIndexSet<&[BasicBlock]> {
        let successors = self.merged.values().flat_map(|merged| &merged.successors);
        successors
            .filter_map(|successor| match successor {
                Successor::Different(blocks) => Some(&blocks[..]),
                _ => None,
            })
            .collect()
    }

    /// The locals that are renamed, or are the new names.
    pub(super) fn renamed(&self) -> impl Iterator<Item = Local> {
        self.renaming.renamed.iter().flat_map(|(&local, &name)| [local, name])
    }
}

/// Compares blocks of a body.
pub(super) struct Comparer<'a, 'tcx> {
    pub(super) tcx: TyCtxt<'tcx>,
    pub(super) body: &'a Body<'tcx>,
    always_live: DenseBitSet<Local>,
    /// The locals that may have storage at the start of each block.
    pub(super) storage: IndexVec<BasicBlock, DenseBitSet<Local>>,
    /// Those that may have none.
    no_storage: IndexVec<BasicBlock, DenseBitSet<Local>>,
    mentions: Mentions,
}

impl<'a, 'tcx> Comparer<'a, 'tcx> {
    pub(super) fn new(tcx: TyCtxt<'tcx>, body: &'a Body<'tcx>) -> Self {
        let none = DenseBitSet::new_empty(body.local_decls.len());
        let storage = MaybeStorageLive::new(std::borrow::Cow::Owned(none));
        let storage = storage.iterate_to_fixpoint(tcx, body, None).entry_states;
        let always_live = always_storage_live_locals(body);
        let no_storage = MaybeStorageDead::new(std::borrow::Cow::Borrowed(&always_live));
        let no_storage = no_storage.iterate_to_fixpoint(tcx, body, None).entry_states;
        let mentions = Mentions::in_body(body);
        Comparer { tcx, body, always_live, storage, no_storage, mentions }
    }

    /// Goes on from the suspension points as long as what comes is the same, but not into the
    /// merged blocks in `cut`.
    pub(super) fn compare(
        &self,
        yields: &[BasicBlock],
        cut: &FxHashSet<BasicBlock>,
    ) -> Result<Candidate, &'static str> {
        let mut candidate = Candidate::new(yields.len());
        // What they yield differs: an `async gen` yields values.
        if !self.terminators_agree(&mut candidate, yields) {
            return Err("do not suspend in the same way");
        }
        // What comes before the suspension point in its block is merged as far as it is the same.
        let from = self.common_end(&mut candidate, yields);
        candidate.add(yields.to_vec(), from);
        self.expand(&mut candidate, yields[0], cut);
        Ok(candidate)
    }

    /// Fills in where the merged block `first`, and all that is found on the way, lead.
    pub(super) fn expand(
        &self,
        candidate: &mut Candidate,
        first: BasicBlock,
        cut: &FxHashSet<BasicBlock>,
    ) {
        let mut waiting = vec![first];
        while let Some(first) = waiting.pop() {
            let blocks = candidate.merged[&first].blocks.clone();
            let targets: Vec<Vec<_>> = blocks
                .iter()
                .map(|&block| self.body.basic_blocks[block].terminator().successors().collect())
                .collect();
            // The terminators agree, so there is one for each on every site.
            let successors = (0..targets[0].len())
                .map(|index| {
                    let of_sites = targets.iter().map(|of_site| of_site[index]).collect();
                    let (successor, is_new) = self.successor(candidate, of_sites, cut);
                    if is_new && let Successor::Merged(first) = successor {
                        waiting.push(first);
                    }
                    successor
                })
                .collect();
            candidate.merged[&first].successors = successors;
        }
    }

    /// Whether `targets` do the same, and whether that was not known before.
    fn successor(
        &self,
        candidate: &mut Candidate,
        targets: Vec<BasicBlock>,
        cut: &FxHashSet<BasicBlock>,
    ) -> (Successor, bool) {
        let first = targets[0];
        // A block that is merged itself is a join for nobody: from outside of its own site it is
        // entered with another selector.
        if targets.iter().all(|&target| target == first) && !candidate.site_of.contains_key(&first)
        {
            candidate.joins.insert(first);
            return (Successor::Join, false);
        }
        // The way back to what is merged already, as the loop that polls has it. Where only the end
        // of a block is merged, its start is not there any more.
        if let Some(merged) = candidate.merged.get(&first)
            && merged.blocks == targets
            && merged.is_whole
        {
            return (Successor::Merged(first), false);
        }
        let distinct: FxHashSet<_> = targets.iter().collect();
        // A block is either of one site, at one place in it, or a join. Nothing may lead to the
        // start of the body, and cleanup has to stay apart from the rest.
        if distinct.len() < targets.len()
            || targets.iter().any(|&target| {
                target == START_BLOCK
                    || candidate.site_of.contains_key(&target)
                    || candidate.joins.contains(&target)
                    || self.body.basic_blocks[target].is_cleanup
                        != self.body.basic_blocks[first].is_cleanup
            })
            || cut.contains(&first)
            || candidate.merged.len() >= REGION_LIMIT
            || !self.blocks_agree(candidate, &targets)
        {
            return (Successor::Different(targets), false);
        }
        let from = vec![0; targets.len()];
        candidate.add(targets, from);
        (Successor::Merged(first), true)
    }

    /// The locals that may have storage in `block` just before the statement at `index`, and those
    /// that may have none.
    pub(super) fn storage_before(
        &self,
        block: BasicBlock,
        index: usize,
    ) -> [DenseBitSet<Local>; 2] {
        // Only these statements change storage, so there is no need for a cursor.
        let mut storage = self.storage[block].clone();
        let mut no_storage = self.no_storage[block].clone();
        for statement in &self.body.basic_blocks[block].statements[..index] {
            match statement.kind {
                StatementKind::StorageLive(local) => {
                    storage.insert(local);
                    no_storage.remove(local);
                }
                StatementKind::StorageDead(local) => {
                    storage.remove(local);
                    no_storage.insert(local);
                }
                _ => {}
            }
        }
        [storage, no_storage]
    }

    /// Whether `local` may have storage just before `location`.
    fn has_storage(&self, local: Local, location: Location) -> bool {
        let last = self.mentions.storage.get(&(local, location.block)).and_then(|statements| {
            let before = statements.partition_point(|&(index, _)| index < location.statement_index);
            statements[..before].last()
        });
        match last {
            Some(&(_, is_live)) => is_live,
            None => self.storage[location.block].contains(local),
        }
    }

    /// Whether the two may become one local, in all of the body, and nobody can tell.
    fn may_be_one(&self, one: Local, other: Local) -> bool {
        // The return place and the arguments are what the caller of the body knows them to be.
        if one.index() <= self.body.arg_count
            || other.index() <= self.body.arg_count
            || self.body.local_decls[one].ty != self.body.local_decls[other].ty
        {
            return false;
        }
        let Mentions { places, is_brief, .. } = &self.mentions;
        match (self.always_live.contains(one), self.always_live.contains(other)) {
            // Wherever one is mentioned the other has no storage, so no value and no address. What
            // may have storage on some way counts as if it had.
            (false, false) => {
                let apart = |one: Local, other: Local| {
                    places[one].iter().all(|&location| !self.has_storage(other, location))
                };
                apart(one, other) && apart(other, one)
            }
            // Without storage statements they have their storage all the time. But each has a value
            // for a few statements only, and these are in blocks apart.
            (true, true) => {
                let blocks: FxHashSet<_> = places[one].iter().map(|place| place.block).collect();
                is_brief.contains(one)
                    && is_brief.contains(other)
                    && !places[other].iter().any(|place| blocks.contains(&place.block))
            }
            // One of them would have storage where it had none, and a value that is there no more.
            _ => false,
        }
    }

    /// Whether all of `blocks` is the same but for the names of locals. Remembers these if it is.
    fn blocks_agree(&self, candidate: &mut Candidate, blocks: &[BasicBlock]) -> bool {
        let statements: Vec<_> = blocks.iter().map(|&block| statements(self.body, block)).collect();
        if statements.iter().any(|of_site| of_site.len() != statements[0].len()) {
            return false;
        }
        // Cheap to ask, and it rules out what tells where it is.
        let Some(terminators) = self.terminators(blocks) else { return false };
        let mark = candidate.renaming.mark();
        // In the order in which they run, so that locals get their names where they are assigned.
        let agree = (0..statements[0].len()).all(|index| {
            let of_sites: Vec<_> =
                statements.iter().map(|of_site| &of_site[index].1.kind).collect();
            self.agree(candidate, &of_sites)
        }) && self.agree(candidate, &terminators);
        if !agree {
            candidate.renaming.undo(mark);
        }
        agree
    }

    /// Where the last statements of `blocks` start that are the same.
    pub(super) fn common_end(
        &self,
        candidate: &mut Candidate,
        blocks: &[BasicBlock],
    ) -> Vec<usize> {
        let statements: Vec<_> = blocks.iter().map(|&block| statements(self.body, block)).collect();
        let least = statements.iter().map(Vec::len).min().unwrap_or(0);
        let mut length = 0;
        while length < least {
            let of_sites: Vec<_> = statements
                .iter()
                .map(|of_site| &of_site[of_site.len() - 1 - length].1.kind)
                .collect();
            // It has left no names behind.
            if !self.agree(candidate, &of_sites) {
                break;
            }
            length += 1;
        }
        // Statements that do nothing may come before the first that counts.
        let is_whole = statements.iter().all(|of_site| of_site.len() == length);
        statements
            .iter()
            .zip(blocks)
            .map(|(of_site, &block)| match of_site.len() - length {
                _ if is_whole => 0,
                index if index < of_site.len() => of_site[index].0,
                _ => self.body.basic_blocks[block].statements.len(),
            })
            .collect()
    }

    /// Whether the ends of `blocks` are the same but for the names of locals, and where they lead.
    pub(super) fn terminators_agree(
        &self,
        candidate: &mut Candidate,
        blocks: &[BasicBlock],
    ) -> bool {
        self.terminators(blocks).is_some_and(|terminators| self.agree(candidate, &terminators))
    }

    /// What `blocks` end in, unless that tells where it is.
    fn terminators(&self, blocks: &[BasicBlock]) -> Option<Vec<&'a TerminatorKind<'tcx>>> {
        let kinds = blocks.iter().map(|&block| &self.body.basic_blocks[block].terminator().kind);
        kinds.map(|kind| (!self.tells_where_it_is(kind)).then_some(kind)).collect()
    }

    /// Whether what is called may see, or say, which line of the source it is called in.
    pub(super) fn tells_where_it_is(&self, kind: &TerminatorKind<'tcx>) -> bool {
        let func = match kind {
            TerminatorKind::Call { func, .. } => func,
            TerminatorKind::Assert { .. }
            | TerminatorKind::TailCall { .. }
            | TerminatorKind::InlineAsm { .. } => return true,
            _ => return false,
        };
        // Behind a function pointer a shim passes the caller's location to such a function.
        let Some((def_id, args)) = func.const_fn_def() else { return false };
        certain_body::may_be_told_its_caller(self.tcx, def_id, args).unwrap_or(true)
    }

    /// Whether the parts of a body, each of another site, are the same but for the names of locals.
    /// Remembers these names if they are.
    pub(super) fn agree<P: Part<'tcx>>(&self, candidate: &mut Candidate, parts: &[&P]) -> bool {
        // Most that differs differs in this, and it is not worth a copy.
        let kind = std::mem::discriminant(parts[0]);
        if parts.iter().any(|part| std::mem::discriminant(*part) != kind) {
            return false;
        }
        let renaming = &mut candidate.renaming;
        let mark = renaming.mark();
        // With the locals of the first in the place of theirs, all others have to be equal to it.
        // Which local of theirs stood for which is what the renaming has to allow.
        let (first, locals_of_first) = normalized(self.tcx, parts[0], None);
        let agree = parts.iter().enumerate().skip(1).all(|(site, &part)| {
            let (renamed, locals) = normalized(self.tcx, part, Some(&locals_of_first));
            renamed == first
                && locals.len() == locals_of_first.len()
                && std::iter::zip(&locals_of_first, &locals).all(|(&name, &local)| {
                    renaming.add(site, name, local, |one, other| self.may_be_one(one, other))
                })
        });
        if !agree {
            renaming.undo(mark);
        }
        agree
    }
}

/// The locals of the first site that those of the others become.
///
/// It is one renaming for all of the body, since a local may be mentioned outside of what is
/// merged, too. So it has to be the same at each site, and none may be the name of one and renamed
/// itself.
#[derive(Clone, Debug)]
pub(super) struct Renaming {
    count: usize,
    /// The name of each local, by site. A local may be its own name.
    names: FxIndexMap<(usize, Local), Local>,
    /// And the other way around.
    locals: FxIndexMap<(usize, Local), Local>,
    /// All names.
    is_name: FxIndexSet<Local>,
    /// The locals that get another name, whatever the site.
    pub(super) renamed: FxIndexMap<Local, Local>,
}

/// How much there was in a [`Renaming`].
#[derive(Clone, Copy)]
struct RenamingMark {
    names: usize,
    is_name: usize,
    renamed: usize,
}

impl Renaming {
    fn new(count: usize) -> Self {
        Renaming {
            count,
            names: FxIndexMap::default(),
            locals: FxIndexMap::default(),
            is_name: FxIndexSet::default(),
            renamed: FxIndexMap::default(),
        }
    }

    /// Renames `local` to `name`, at the site, unless either means something else somewhere.
    fn add(
        &mut self,
        site: usize,
        name: Local,
        local: Local,
        may_be_one: impl Fn(Local, Local) -> bool,
    ) -> bool {
        match (self.names.get(&(site, local)), self.locals.get(&(site, name))) {
            // Both are known at this site, so they have to be known for each other.
            (Some(&known), Some(_)) => return known == name,
            (None, None) => {}
            // At this site it is the name of another local, or has another name.
            _ => return false,
        }
        // It would not be there any more.
        if self.renamed.contains_key(&name) {
            return false;
        }
        if name != local {
            // Merged blocks mention it in its own right.
            if self.is_name.contains(&local) {
                return false;
            }
            match self.renamed.get(&local) {
                Some(&known) if known != name => return false,
                // Another site has the same local for it.
                Some(_) => {}
                None => {
                    // All that become one have to be apart, not just each from the first.
                    let mut others =
                        (0..self.count).filter_map(|site| self.locals.get(&(site, name)).copied());
                    if !may_be_one(name, local) || !others.all(|other| may_be_one(other, local)) {
                        return false;
                    }
                    self.renamed.insert(local, name);
                }
            }
        }
        self.names.insert((site, local), name);
        self.locals.insert((site, name), local);
        self.is_name.insert(name);
        true
    }

    /// Gives locals their new names.
    pub(super) fn rename(&self, locals: &mut DenseBitSet<Local>) {
        for (&local, &name) in &self.renamed {
            if locals.remove(local) {
                locals.insert(name);
            }
        }
    }

    fn mark(&self) -> RenamingMark {
        RenamingMark {
            names: self.names.len(),
            is_name: self.is_name.len(),
            renamed: self.renamed.len(),
        }
    }

    fn undo(&mut self, mark: RenamingMark) {
        self.names.truncate(mark.names);
        self.locals.truncate(mark.names);
        self.is_name.truncate(mark.is_name);
        self.renamed.truncate(mark.renamed);
    }
}

/// The statements of `block`, with their indices, that are there for anything.
fn statements<'a, 'tcx>(
    body: &'a Body<'tcx>,
    block: BasicBlock,
) -> Vec<(usize, &'a Statement<'tcx>)> {
    let statements = body.basic_blocks[block].statements.iter().enumerate();
    statements.filter(|(_, statement)| !matches!(statement.kind, StatementKind::Nop)).collect()
}

/// What is done to each local.
struct Mentions {
    /// Where it is mentioned.
    places: IndexVec<Local, Vec<Location>>,
    /// The storage statements for it in a block, in their order: the index, and whether it gets
    /// storage.
    storage: FxHashMap<(Local, BasicBlock), Vec<(usize, bool)>>,
    /// The locals whose values are assigned in the blocks that use them, and not borrowed.
    is_brief: DenseBitSet<Local>,
}

impl Mentions {
    fn in_body(body: &Body<'_>) -> Self {
        let mut mentions = Mentions {
            places: IndexVec::from_elem(vec![], &body.local_decls),
            storage: FxHashMap::default(),
            is_brief: DenseBitSet::new_filled(body.local_decls.len()),
        };
        mentions.visit_body(body);
        mentions
    }
}

impl<'tcx> Visitor<'tcx> for Mentions {
    fn visit_local(&mut self, local: Local, context: PlaceContext, location: Location) {
        // It is renamed with the rest, and shows what is there.
        if let PlaceContext::NonUse(NonUseContext::VarDebugInfo) = context {
            return;
        }
        if let PlaceContext::NonUse(
            context @ (NonUseContext::StorageLive | NonUseContext::StorageDead),
        ) = context
        {
            let is_live = context == NonUseContext::StorageLive;
            let statements = self.storage.entry((local, location.block)).or_default();
            statements.push((location.statement_index, is_live));
        }
        let places = &mut self.places[local];
        let is_first = places.last().is_none_or(|last| last.block != location.block);
        // A value does not outlive its block if every block assigns before it reads. A statement
        // that reads and assigns reads first.
        let is_brief = match context {
            PlaceContext::MutatingUse(MutatingUseContext::Store) => true,
            PlaceContext::NonMutatingUse(
                NonMutatingUseContext::Copy
                | NonMutatingUseContext::Move
                | NonMutatingUseContext::Inspect,
            ) => !is_first && places.last() != Some(&location),
            _ => false,
        };
        if !is_brief {
            self.is_brief.remove(local);
        }
        places.push(location);
    }
}

/// A part of a body that can be compared with another.
pub(super) trait Part<'tcx>: Clone + PartialEq {
    fn accept(&mut self, visitor: &mut impl MutVisitor<'tcx>);
}

impl<'tcx> Part<'tcx> for StatementKind<'tcx> {
    fn accept(&mut self, visitor: &mut impl MutVisitor<'tcx>) {
        let source_info = SourceInfo::outermost(DUMMY_SP);
        let mut statement =
            Statement::new(source_info, std::mem::replace(self, StatementKind::Nop));
        visitor.visit_statement(&mut statement, Location::START);
        *self = statement.kind;
    }
}

impl<'tcx> Part<'tcx> for TerminatorKind<'tcx> {
    fn accept(&mut self, visitor: &mut impl MutVisitor<'tcx>) {
        let source_info = SourceInfo::outermost(DUMMY_SP);
        let kind = std::mem::replace(self, TerminatorKind::Unreachable);
        let mut terminator = Terminator { source_info, kind };
        // Where it leads is compared by [`Comparer::successor`].
        terminator.successors_mut(|target| *target = START_BLOCK);
        visitor.visit_terminator(&mut terminator, Location::START);
        if let TerminatorKind::Call { args, .. } = &mut terminator.kind {
            // `visit_span` is not called for these.
            for argument in args {
                argument.span = DUMMY_SP;
            }
        }
        *self = terminator.kind;
    }
}

/// A copy of `part` without what has no effect, and with `names` in the place of its locals, one
/// after the other. Gives its locals, too.
fn normalized<'tcx, P: Part<'tcx>>(
    tcx: TyCtxt<'tcx>,
    part: &P,
    names: Option<&[Local]>,
) -> (P, Vec<Local>) {
    let mut part = part.clone();
    let mut normalizer = Normalizer { tcx, names, locals: vec![] };
    part.accept(&mut normalizer);
    (part, normalizer.locals)
}

struct Normalizer<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    names: Option<&'a [Local]>,
    locals: Vec<Local>,
}

impl<'tcx> MutVisitor<'tcx> for Normalizer<'_, 'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_local(&mut self, local: &mut Local, _: PlaceContext, _: Location) {
        self.locals.push(*local);
        // The return place is the caller's, and is never renamed.
        if *local != RETURN_PLACE
            && let Some(&name) = self.names.and_then(|names| names.get(self.locals.len() - 1))
        {
            *local = name;
        }
    }

    fn visit_span(&mut self, span: &mut Span) {
        *span = DUMMY_SP;
    }

    fn visit_const_operand(&mut self, constant: &mut ConstOperand<'tcx>, location: Location) {
        // What the source says of its type has been checked.
        constant.user_ty = None;
        self.super_const_operand(constant, location);
    }
}
