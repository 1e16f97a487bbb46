//! Merges the suspension points of a body, as planned.
//!
//! This takes time in proportion to the body, and to the cleanup that is copied. Of each copy the
//! plan has counted the first [`REGION_LIMIT`] blocks as a cost.
//!
//! [`REGION_LIMIT`]: super::REGION_LIMIT

use rustc_data_structures::fx::{FxHashMap, FxIndexMap};
use rustc_middle::bug;
use rustc_middle::mir::visit::MutVisitor;
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;

use super::compare::{Candidate, Successor};
use crate::rename_locals::RenameLocals;
use crate::selectors_in_states::assign_selector;
use crate::{pass_manager as pm, simplify};

/// Merges what the plans say. Blocks that nothing leads to any more are left, with their numbers.
/// Where only the end of a block is merged, it becomes another block: returns these.
pub(super) fn apply<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &mut Body<'tcx>,
    mut plans: Vec<Candidate>,
) -> FxHashMap<BasicBlock, BasicBlock> {
    let mut ends = FxHashMap::default();
    // First of all: from here on every merged block is a whole one.
    for plan in &mut plans {
        split(body, plan, &mut ends);
    }
    // Cleanup is copied from here: in the body it may have been redirected already.
    let originals = body.basic_blocks.to_owned();
    let mut merger = Merger {
        tcx,
        site_of: FxHashMap::default(),
        selectors: vec![],
        parameters: vec![],
        entries: FxHashMap::default(),
        exits: FxHashMap::default(),
        plans: &plans,
        originals: &originals,
        body,
    };
    for (index, plan) in plans.iter().enumerate() {
        let site_of = plan.merged.iter().flat_map(|(&first, merged)| {
            let blocks = merged.blocks.iter().enumerate();
            blocks.map(move |(site, &block)| (block, (index, site, first)))
        });
        merger.site_of.extend(site_of);
        let span = merger.body.span;
        // Where all sites go on in the same way nothing has to be told apart.
        let selector = (!plan.exits().is_empty())
            .then(|| merger.body.local_decls.push(LocalDecl::new(tcx.types.u8, span)));
        merger.selectors.push(selector);
        merger.parameters.push(FxHashMap::default());
        if let Some((first, arguments)) = &plan.parameters {
            merger.take_parameters(index, *first, arguments);
        }
    }
    // Blocks that this adds lead to where they should, so they are not among these.
    for block in originals.indices() {
        merger.redirect(block);
    }

    // Once for the whole body: the locals are mentioned in other code, too.
    let renaming = plans.iter().flat_map(|plan| &plan.renaming.renamed);
    let renaming = renaming.map(|(&local, &name)| (local, name)).collect();
    RenameLocals { tcx, renamed: &renaming }.visit_body(body);
    ends
}

/// Removes what nothing needs any more when sites are merged.
pub(super) fn simplify<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
    simplify::remove_dead_blocks(body);
    pm::run_passes_no_validate(tcx, body, &[&simplify::SimplifyLocals::BeforeConstProp], None);
}

/// Makes whole blocks of the ends of blocks.
fn split<'tcx>(
    body: &mut Body<'tcx>,
    plan: &mut Candidate,
    ends: &mut FxHashMap<BasicBlock, BasicBlock>,
) {
    let partial = plan.merged.values().filter(|merged| !merged.is_whole);
    let partial: Vec<_> = partial.map(|merged| merged.blocks[0]).collect();
    for first in partial {
        let Some(mut merged) = plan.merged.swap_remove(&first) else { continue };
        for (block, from) in merged.blocks.iter_mut().zip(&mut merged.from) {
            let new = body.basic_blocks.next_index();
            let data = &mut body.basic_blocks_mut()[*block];
            let statements = data.statements.split_off(*from);
            let source_info = data.terminator().source_info;
            let goto = Terminator { source_info, kind: TerminatorKind::Goto { target: new } };
            let terminator = std::mem::replace(data.terminator_mut(), goto);
            let is_cleanup = data.is_cleanup;
            let end = BasicBlockData::new_stmts(statements, Some(terminator), is_cleanup);
            body.basic_blocks_mut().push(end);
            // The start of the block is left to its own site, which goes on to the end.
            plan.site_of.swap_remove(block);
            ends.insert(*block, new);
            *block = new;
            *from = 0;
        }
        // The block is a new one, so what is recorded by its number is recorded anew.
        merged.is_whole = true;
        if let Some((with_parameters, _)) = &mut plan.parameters
            && *with_parameters == first
        {
            *with_parameters = merged.blocks[0];
        }
        plan.merged.insert(merged.blocks[0], merged);
    }
}

struct Merger<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'a mut Body<'tcx>,
    plans: &'a [Candidate],
    /// The blocks before all of this.
    originals: &'a BasicBlocks<'tcx>,
    /// Of each merged block the plan, the site, and the block of the first site.
    site_of: FxHashMap<BasicBlock, (usize, usize, BasicBlock)>,
    /// Of each plan, what says at which site it is.
    selectors: Vec<Option<Local>>,
    /// Of each plan, by site, what is assigned where it is entered with parameters.
    parameters: Vec<FxHashMap<usize, Vec<(Local, Operand<'tcx>)>>>,
    /// The blocks that are made where code that is not merged leads in, and where sites part. Each
    /// is used by all that lead there.
    entries: FxHashMap<(usize, usize, BasicBlock), BasicBlock>,
    exits: FxHashMap<(usize, Vec<BasicBlock>), BasicBlock>,
}

impl<'tcx> Merger<'_, 'tcx> {
    /// Makes the call at the end of `first` take its arguments from new locals.
    fn take_parameters(&mut self, index: usize, first: BasicBlock, arguments: &[usize]) {
        let merged = &self.plans[index].merged[&first];
        let operand = |body: &Body<'tcx>, block: BasicBlock, argument: usize| match &body
            .basic_blocks[block]
            .terminator()
            .kind
        {
            TerminatorKind::Call { args, .. } => args[argument].node.clone(),
            _ => bug!("parameters of what is no call: {block:?}"),
        };
        for &argument in arguments {
            let ty = operand(self.body, first, argument).ty(&*self.body, self.tcx);
            let span = self.body.span;
            let local = self.body.local_decls.push(LocalDecl::new(ty, span));
            // It is assigned just before the call, so at the same time.
            for (site, &block) in merged.blocks.iter().enumerate() {
                let operand = operand(self.body, block, argument);
                self.parameters[index].entry(site).or_default().push((local, operand));
            }
            let terminator = self.body.basic_blocks_mut()[first].terminator_mut();
            if let TerminatorKind::Call { args, .. } = &mut terminator.kind {
                args[argument].node = Operand::Move(local.into());
            }
        }
    }

    /// Leads the successors of `block` to where they are now.
    fn redirect(&mut self, block: BasicBlock) {
        let targets: Vec<_> = self.body.basic_blocks[block].terminator().successors().collect();
        let new: Vec<_> = match self.site_of.get(&block) {
            // The first site is the one that stays.
            Some(&(index, 0, first)) => {
                let successors = self.plans[index].merged[&first].successors.clone();
                targets
                    .into_iter()
                    .zip(successors)
                    .map(|(target, successor)| match successor {
                        Successor::Merged(first) => first,
                        Successor::Join => self.enter(target),
                        Successor::Different(targets) => self.leave(index, targets),
                    })
                    .collect()
            }
            // Nothing leads to the blocks of the other sites any more.
            Some(_) => return,
            None => targets.into_iter().map(|target| self.enter(target)).collect(),
        };
        let mut new = new.into_iter();
        self.body.basic_blocks_mut()[block].terminator_mut().successors_mut(|target| {
            if let Some(new) = new.next() {
                *target = new;
            }
        });
    }

    /// Where code that is not merged gets to what was `target`.
    fn enter(&mut self, target: BasicBlock) -> BasicBlock {
        let Some(&(index, site, first)) = self.site_of.get(&target) else { return target };
        let plan = &self.plans[index];
        // Of this site: the storage that only others have, its number, its arguments.
        let source_info = self.body.basic_blocks[first].terminator().source_info;
        let mut statements: Vec<_> = plan.missing_storage[site]
            .iter()
            .map(|&local| Statement::new(source_info, StatementKind::StorageLive(local)))
            .collect();
        if let Some(selector) = self.selectors[index] {
            statements.push(assign_selector(self.tcx, source_info, selector, site as u8));
        }
        if plan.parameters.as_ref().is_some_and(|(with_parameters, _)| *with_parameters == first) {
            let of_site = self.parameters[index].get(&site).cloned().unwrap_or_default();
            statements.extend(of_site.into_iter().map(|(local, operand)| {
                let assigned = Box::new((local.into(), Rvalue::Use(operand)));
                Statement::new(source_info, StatementKind::Assign(assigned))
            }));
        }
        // There is nothing to assign where all sites go on in the same way.
        if statements.is_empty() {
            return first;
        }
        if let Some(&entry) = self.entries.get(&(index, site, first)) {
            return entry;
        }
        let goto = Terminator { source_info, kind: TerminatorKind::Goto { target: first } };
        let is_cleanup = self.body.basic_blocks[first].is_cleanup;
        let entry = BasicBlockData::new_stmts(statements, Some(goto), is_cleanup);
        let entry = self.body.basic_blocks_mut().push(entry);
        self.entries.insert((index, site, first), entry);
        entry
    }

    /// Copies the blocks that `target` leads to, all of them in cleanup. Some targets need control
    /// flow there to be a tree, and a branch by the selector makes it none. The copies lead to each
    /// other, so it takes more than to collect blocks, as `reachable_from` does.
    fn copy(&mut self, target: BasicBlock) -> BasicBlock {
        let mut copies = FxIndexMap::default();
        let mut waiting = vec![target];
        while let Some(block) = waiting.pop() {
            if copies.contains_key(&block) {
                continue;
            }
            let data = self.originals[block].clone();
            waiting.extend(data.terminator().successors());
            copies.insert(block, self.body.basic_blocks_mut().push(data));
        }
        // All are known now, also those that a loop leads back to.
        for &copy in copies.values() {
            let terminator = self.body.basic_blocks_mut()[copy].terminator_mut();
            terminator.successors_mut(|target| *target = copies[&*target]);
        }
        copies[&target]
    }

    /// Where code that is merged gets to what differs from site to site.
    fn leave(&mut self, index: usize, targets: Vec<BasicBlock>) -> BasicBlock {
        let key = (index, targets);
        if let Some(&exit) = self.exits.get(&key) {
            return exit;
        }
        let targets = &key.1;
        let source_info = self.body.basic_blocks[targets[0]].terminator().source_info;
        let is_cleanup = self.body.basic_blocks[targets[0]].is_cleanup;
        let mut of_sites = vec![];
        for (site, &target) in targets.iter().enumerate() {
            // Where a site goes on, another group of merged sites may begin.
            let target = if is_cleanup { self.copy(target) } else { self.enter(target) };
            let missing = &self.plans[index].missing_storage[site];
            // What this site was given on the way in it never had, so nothing after it ends that.
            of_sites.push(if missing.is_empty() {
                target
            } else {
                let dead = missing
                    .iter()
                    .map(|&local| Statement::new(source_info, StatementKind::StorageDead(local)))
                    .collect();
                let goto = Terminator { source_info, kind: TerminatorKind::Goto { target } };
                let data = BasicBlockData::new_stmts(dead, Some(goto), is_cleanup);
                self.body.basic_blocks_mut().push(data)
            });
        }
        let Some(selector) = self.selectors[index] else {
            bug!("sites go on differently: {targets:?}");
        };
        let values = of_sites.iter().enumerate().map(|(site, &target)| (site as u128, target));
        let values: Vec<_> = values.collect();
        let Some((&(_, otherwise), others)) = values.split_last() else {
            bug!("no sites");
        };
        // The selector has no other value, so the last one needs no case.
        let targets = SwitchTargets::new(others.iter().copied(), otherwise);
        // Where sites have parted nothing reads it again before it is assigned, but for
        // `SelectorsInStates`, which may do so in a loop.
        let kind = TerminatorKind::SwitchInt { discr: Operand::Copy(selector.into()), targets };
        let switch = Terminator { source_info, kind };
        let exit = BasicBlockData::new_stmts(vec![], Some(switch), is_cleanup);
        let exit = self.body.basic_blocks_mut().push(exit);
        self.exits.insert(key, exit);
        exit
    }
}
