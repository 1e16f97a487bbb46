//! Makes the body of an awaited coroutine part of the body that awaits it.
//!
//! [`Site`] is the await, with all that has to be known of the code around it. [`Integrator`]
//! renumbers the awaitee's body, so that its locals, blocks and scopes come after those that are
//! there. The way in is where the awaitee would be pinned ([`Site::enter`]); the ways out are
//! blocks after all others ([`Site::leave`]).
//!
//! This takes time in proportion to the callee. The search for what drops the awaitee, and for what
//! a debugger shows of it, walks through the caller as well.

use rustc_abi::FieldIdx;
use rustc_data_structures::fx::FxHashMap;
use rustc_index::IndexVec;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::bug;
use rustc_middle::mir::visit::{MutVisitor, PlaceContext};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, Instance, TyCtxt};
use rustc_mir_dataflow::impls::always_storage_live_locals;
use rustc_span::Span;

use super::in_place::locals_of_upvars;
use crate::awaits::{Await, call_in};
use crate::certain_body;
use crate::never_pending::makes_coroutine;
use crate::reachable::reachable_from;

/// The argument with the task context, in each body of a coroutine.
const CONTEXT: Local = Local::from_u32(2);

/// An await, and where it leads.
pub(super) struct Site<'tcx> {
    found: Await<'tcx>,
    /// Where the poll is, and what it assigns to.
    source_info: SourceInfo,
    answer: Place<'tcx>,
    /// Where it goes on when the poll unwinds.
    unwind: UnwindAction,
    /// Where it goes on when the coroutine is dropped while it waits.
    cancelled: BasicBlock,
    /// And where, when that panics.
    unwind_cancelled: UnwindAction,
    /// The locals that get storage on the way to the poll, and keep it after it.
    live: Vec<Local>,
    /// The locals that had storage before, and lose it on the way to the poll.
    dead: Vec<Local>,
    /// Those that lose it there, and get it again.
    renewed: Vec<Local>,
    /// Those that lose it when the coroutine is dropped, before the awaitee is.
    dead_cancelled: Vec<Local>,
}

impl<'tcx> Site<'tcx> {
    pub(super) fn find(body: &Body<'tcx>, found: &Await<'tcx>) -> Result<Self, &'static str> {
        let poll = body.basic_blocks[found.poll].terminator();
        let TerminatorKind::Call { destination, unwind, .. } = poll.kind else {
            bug!("no call of poll: {found:?}");
        };
        // It may never wait, or wait at two suspension points.
        let cancelled = found.drop_of_suspension(body);
        let cancelled = cancelled.ok_or("does not suspend as an await does")?;

        // What takes the blocks' place does not do what else they do, but for ends of storage: a
        // local that kept its storage would get it a second time, and be saved for longer.
        let mut live = vec![];
        let mut dead = vec![];
        let mut renewed = vec![];
        for block in [found.new_unchecked, found.get_context, found.poll] {
            for (index, statement) in body.basic_blocks[block].statements.iter().enumerate() {
                match statement.kind {
                    StatementKind::StorageLive(local) if dead.contains(&local) => {
                        dead.retain(|&other| other != local);
                        renewed.push(local);
                    }
                    StatementKind::StorageLive(local) => live.push(local),
                    StatementKind::StorageDead(local) if live.contains(&local) => {
                        live.retain(|&other| other != local);
                    }
                    StatementKind::StorageDead(local) => {
                        renewed.retain(|&other| other != local);
                        dead.push(local);
                    }
                    StatementKind::Nop => {}
                    _ if found.arguments.contains(&Location { block, statement_index: index }) => {}
                    _ => return Err("has other code between it and its poll"),
                }
            }
        }
        // The callee takes the place of the blocks from there on. A borrow before them would stay,
        // and with it the awaitee would be saved.
        if found.arguments[0].block != found.new_unchecked {
            return Err("is not borrowed where it is pinned");
        }

        let (unwind_cancelled, dead_cancelled) = drop_of(body, found.local, cancelled)
            .ok_or("is not dropped first when it is cancelled")?;
        Ok(Site {
            found: found.clone(),
            source_info: poll.source_info,
            answer: destination,
            unwind,
            cancelled,
            unwind_cancelled,
            live,
            dead,
            renewed,
            dead_cancelled,
        })
    }

    /// Puts `callee`, the body of `instance`, in the place of the poll.
    pub(super) fn inline(
        self,
        tcx: TyCtxt<'tcx>,
        body: &mut Body<'tcx>,
        mut callee: Body<'tcx>,
        instance: Instance<'tcx>,
    ) {
        let in_place = locals_of_upvars(tcx, body.typing_env(tcx), &mut callee);
        let integrator = Integrator::new(tcx, body, &self, &callee, instance, &in_place);
        let start = integrator.map_block(START_BLOCK);
        let returned = integrator.returned;
        let upvars = integrator.upvars.clone();
        let lasting = integrator.locals_without_storage(&callee);
        // The numbers in `callee` are those of `body` from here on.
        integrator.integrate(&mut callee);
        // An upvar may be one of the callee's locals, and what follows asks for the upvars' types.
        body.local_decls.extend(callee.drain_vars_and_temps());
        // The drop glue of the coroutine drops all upvars, also those without anything to drop.
        remove_drops(&mut callee, |place| {
            place.as_local().is_some_and(|local| {
                upvars.iter().any(|&upvar| upvar == local)
                    && !certain_body::may_need_drop(tcx, body.local_decls[local].ty)
            })
        });

        // From here on nothing but the callee may be added to the body: its numbers are given out.
        self.enter(tcx, body, start, &upvars, &lasting);
        debug_assert_eq!(start, body.basic_blocks.next_index());
        let exits = self.leave(tcx, body, returned, &lasting);
        splice(body, callee, exits);
        // A debugger would show what is left of the awaitee: nothing.
        body.var_debug_info.retain(|info| match info.value {
            VarDebugInfoContents::Place(place) => place.local != self.found.local,
            VarDebugInfoContents::Const(_) => true,
        });
    }

    /// Makes the await go on to `start` where it would pin its awaitee, with the upvars in their
    /// locals. `lasting` are the locals that have storage from here on.
    fn enter(
        &self,
        tcx: TyCtxt<'tcx>,
        body: &mut Body<'tcx>,
        start: BasicBlock,
        upvars: &IndexVec<FieldIdx, Local>,
        lasting: &[Local],
    ) {
        let Site { found, source_info, dead, renewed, .. } = self;
        let statement = |kind| Statement::new(*source_info, kind);
        let assign_upvar = |field, value| {
            let assigned = Box::new((Place::from(upvars[field]), Rvalue::Use(value)));
            statement(StatementKind::Assign(assigned))
        };
        let mut entry: Vec<_> =
            lasting.iter().map(|&local| statement(StatementKind::StorageLive(local))).collect();
        // Otherwise the awaitee is made as it was, and what it holds is moved out of it here.
        match maker(tcx, body, found) {
            // The arguments of the async fn become the upvars where it was called.
            Some(maker) => {
                let blocks = body.basic_blocks_mut();
                let args = match std::mem::replace(
                    &mut blocks[maker].terminator_mut().kind,
                    TerminatorKind::Goto { target: found.into_future },
                ) {
                    TerminatorKind::Call { args, target: Some(target), .. }
                        if target == found.into_future =>
                    {
                        IndexVec::<FieldIdx, _>::from_iter(args)
                    }
                    other => bug!("does not call what makes the awaitee: {other:?}"),
                };
                let assigned = args
                    .into_iter_enumerated()
                    .map(|(field, argument)| assign_upvar(field, argument.node));
                blocks[maker].statements.extend(entry.into_iter().chain(assigned));

                let into_future = blocks[found.into_future].terminator_mut();
                let TerminatorKind::Call { target: Some(target), .. } = into_future.kind else {
                    bug!("no call that returns: {found:?}");
                };
                into_future.kind = TerminatorKind::Goto { target };
                // Nothing has been made that could be moved to the awaitee's local.
                let Location { block, statement_index } = found.assigned;
                blocks[block].statements[statement_index].make_nop(true);
                entry = vec![];
            }
            None => entry.extend(upvars.iter_enumerated().map(|(field, &local)| {
                let ty = body.local_decls[local].ty;
                let upvar = tcx.mk_place_field(found.local.into(), field, ty);
                assign_upvar(field, Operand::Move(upvar))
            })),
        }
        let ends = dead.iter().chain(renewed);
        entry.extend(ends.map(|&local| statement(StatementKind::StorageDead(local))));
        entry.extend(renewed.iter().map(|&local| statement(StatementKind::StorageLive(local))));
        let pinning = &mut body.basic_blocks_mut()[found.new_unchecked];
        pinning.statements = entry;
        pinning.terminator_mut().kind = TerminatorKind::Goto { target: start };
    }

    /// The blocks to which the awaitee's body leads when it returns, when it has been dropped while
    /// it was suspended, and when either unwinds, in the order in which [`Integrator`] numbers
    /// them. Removes the switch on the answer, and the drops of the awaitee.
    ///
    /// None of the callee's locals has storage after these blocks. Otherwise they would be live in
    /// the cleanup that all of the caller shares, and could share memory with none of its locals.
    fn leave(
        &self,
        tcx: TyCtxt<'tcx>,
        body: &mut Body<'tcx>,
        returned: Local,
        lasting: &[Local],
    ) -> Vec<BasicBlockData<'tcx>> {
        let Site { found, source_info, answer, cancelled, live, dead_cancelled, .. } = self;
        let statement = |kind| Statement::new(*source_info, kind);
        // The type of the answer is read off the poll, which nothing leads to any more.
        let ready = found.new_ready(tcx, body, Operand::Move(returned.into()));
        let switch = body.basic_blocks_mut()[found.switch].terminator_mut();
        switch.kind = TerminatorKind::Goto { target: found.ready };
        remove_drops(body, |place| place.as_local() == Some(found.local));

        let dead = |locals: &[Local]| -> Vec<_> {
            locals.iter().map(|&local| statement(StatementKind::StorageDead(local))).collect()
        };
        let end = dead(lasting);
        let mut landing: Vec<_> =
            live.iter().map(|&local| statement(StatementKind::StorageLive(local))).collect();
        landing.push(statement(StatementKind::Assign(Box::new((*answer, ready)))));
        // What is returned is one of these, so it loses its storage only now.
        landing.extend(end.iter().cloned());
        let goto = |statements, target, is_cleanup| {
            let terminator =
                Terminator { source_info: *source_info, kind: TerminatorKind::Goto { target } };
            BasicBlockData::new_stmts(statements, Some(terminator), is_cleanup)
        };
        // The drop of the awaitee, before which these lose their storage, is not on this way.
        let end_cancelled = dead(&[lasting, &dead_cancelled[..]].concat());
        let cleanup = [(self.unwind, end.clone()), (self.unwind_cancelled, end_cancelled)]
            .into_iter()
            .filter_map(|(unwind, end)| Some(goto(end, cleanup_block(unwind)?, true)));
        [goto(landing, found.switch, false), goto(end.clone(), *cancelled, false)]
            .into_iter()
            .chain(cleanup)
            .collect()
    }
}

/// Appends all parts of `callee` but its locals, and the blocks that it leads to. It has been
/// renumbered.
fn splice<'tcx>(body: &mut Body<'tcx>, mut callee: Body<'tcx>, exits: Vec<BasicBlockData<'tcx>>) {
    let blocks = body.basic_blocks_mut();
    blocks.append(callee.basic_blocks_mut());
    blocks.extend(exits);
    body.source_scopes.append(&mut callee.source_scopes);
    body.var_debug_info.append(&mut callee.var_debug_info);
    // As in `inline.rs`: a constant that is required has to be evaluated for the caller, too.
    let required = callee.required_consts.take().unwrap_or_default();
    let required = required.into_iter().filter(|constant| constant.const_.is_required_const());
    // They are collected only when the body is promoted, and kept from then on.
    if let Some(constants) = &mut body.required_consts {
        constants.extend(required);
    }
}

/// Where an unwinding goes on in this body, if it does.
fn cleanup_block(unwind: UnwindAction) -> Option<BasicBlock> {
    match unwind {
        UnwindAction::Cleanup(target) => Some(target),
        UnwindAction::Continue | UnwindAction::Unreachable | UnwindAction::Terminate(_) => None,
    }
}

/// The block that ends in the call that makes the awaitee, if that does nothing else, its arguments
/// are what become the upvars, and nothing but the await comes after it.
fn maker<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>, found: &Await<'tcx>) -> Option<BasicBlock> {
    // If another way led to one of these blocks, something else would be made on it.
    let before = |block: BasicBlock| match body.basic_blocks.predecessors()[block][..] {
        [before] => Some(before),
        _ => None,
    };
    let maker = before(found.into_future)?;
    let (func, args, made, _) = call_in(body, maker)?;
    let (_, [argument], into_made, Some(assigned)) = call_in(body, found.into_future)? else {
        return None;
    };
    // What is made goes through `into_future`, and nowhere else, into the awaitee's local.
    let is_straight = argument.node.place() == Some(made)
        && into_made.as_local() == Some(found.made)
        && found.assigned.block == assigned
        && before(assigned) == Some(found.into_future)
        && matches!(
            body.basic_blocks[assigned].terminator().kind,
            TerminatorKind::Goto { target } if target == found.new_unchecked
        );
    // The arguments move to the upvars before these blocks now, so no code may be in them.
    let is_mere = |block: BasicBlock| {
        let statements = body.basic_blocks[block].statements.iter().enumerate();
        statements.into_iter().all(|(statement_index, statement)| {
            Location { block, statement_index } == found.assigned
                || matches!(
                    statement.kind,
                    StatementKind::StorageLive(_)
                        | StatementKind::StorageDead(_)
                        | StatementKind::PlaceMention(_)
                        | StatementKind::Nop
                )
        })
    };
    if !is_straight || !is_mere(found.into_future) || !is_mere(assigned) {
        return None;
    }
    let ty::Coroutine(_, coroutine_args) = found.awaitee.kind() else { return None };
    let upvars = coroutine_args.as_coroutine().upvar_tys();
    let types = args.iter().map(|argument| argument.node.ty(body, tcx));
    (made.ty(body, tcx).ty == found.awaitee
        // A coercion, or a subtype, would make it another coroutine.
        && types.eq(upvars.iter())
        && makes_coroutine(tcx, func))
    .then_some(maker)
}

/// The blocks of a coroutine's body that are run when it is dropped while it is suspended.
///
/// The state transform's `gather_dropline_blocks` also follows drops that suspend. There are none
/// here, and it is private to the part that expands these.
fn dropping_blocks(body: &Body<'_>) -> DenseBitSet<BasicBlock> {
    let drops = body.basic_blocks.iter().filter_map(|data| match data.terminator().kind {
        TerminatorKind::Yield { drop, .. } => drop,
        _ => None,
    });
    reachable_from(body, drops, |block| body.basic_blocks[block].terminator().successors())
}

/// The unwinding of the first drop of `local` on the way from `block`, if all that is done before
/// is that locals lose their storage; and these locals.
fn drop_of(
    body: &Body<'_>,
    local: Local,
    mut block: BasicBlock,
) -> Option<(UnwindAction, Vec<Local>)> {
    let mut dead = vec![];
    for _ in body.basic_blocks.indices() {
        let data = &body.basic_blocks[block];
        for statement in &data.statements {
            match statement.kind {
                StatementKind::StorageDead(other) => dead.push(other),
                StatementKind::StorageLive(other) => dead.retain(|&dead| dead != other),
                StatementKind::Nop => {}
                // It would be skipped where the drop unwinds.
                _ => return None,
            }
        }
        // Another drop before it could unwind elsewhere.
        block = match data.terminator().kind {
            TerminatorKind::Goto { target } => target,
            TerminatorKind::Drop { place, unwind, .. } if place.as_local() == Some(local) => {
                return Some((unwind, dead));
            }
            _ => return None,
        };
    }
    None
}

/// Removes the drops of places that `is_nothing` says so of.
fn remove_drops<'tcx>(body: &mut Body<'tcx>, is_nothing: impl Fn(Place<'tcx>) -> bool) {
    for data in body.basic_blocks_mut() {
        let terminator = data.terminator_mut();
        if let TerminatorKind::Drop { place, target, .. } = terminator.kind
            && is_nothing(place)
        {
            terminator.kind = TerminatorKind::Goto { target };
        }
    }
}

/// Where the variables are that a coroutine has captured.
fn spans_of_upvars(body: &Body<'_>) -> FxHashMap<FieldIdx, Span> {
    let upvar = |info: &VarDebugInfo<'_>| {
        let VarDebugInfoContents::Place(place) = info.value else { return None };
        match place.projection.first() {
            Some(&PlaceElem::Field(field, _)) if place.local == ty::CAPTURE_STRUCT_LOCAL => {
                Some((field, info.source_info.span))
            }
            _ => None,
        }
    };
    body.var_debug_info.iter().filter_map(upvar).collect()
}

/// The number that a variable of the callee gets, whose first one gets `first_local`. Variables
/// come after the return place, the coroutine and the context.
fn renumbered(first_local: Local, variable: Local) -> Local {
    first_local + (variable.index() - CONTEXT.index() - 1)
}

/// Makes a coroutine's body part of another.
struct Integrator<'tcx> {
    tcx: TyCtxt<'tcx>,
    returned: Local,
    upvars: IndexVec<FieldIdx, Local>,
    first_local: Local,
    first_block: BasicBlock,
    /// The copies of the blocks that are run when the coroutine is dropped while it is suspended.
    first_dropping: BasicBlock,
    dropping: Vec<BasicBlock>,
    first_scope: SourceScope,
    /// The scope that the await is in.
    around: SourceScopeData<'tcx>,
    source_info: SourceInfo,
    instance: Instance<'tcx>,
    /// Where it goes on when the body returns, has been dropped, and when either unwinds.
    landing: BasicBlock,
    cancelled: BasicBlock,
    unwind: UnwindAction,
    unwind_cancelled: UnwindAction,
    in_cleanup: bool,
    /// The copies are mapped.
    is_dropping: bool,
}

impl<'tcx> Integrator<'tcx> {
    /// Reserves numbers in `body` for all that `callee`, the body of `instance`, consists of. The
    /// upvars that are `in_place` are locals of it.
    fn new(
        tcx: TyCtxt<'tcx>,
        body: &mut Body<'tcx>,
        site: &Site<'tcx>,
        callee: &Body<'tcx>,
        instance: Instance<'tcx>,
        in_place: &FxHashMap<FieldIdx, Local>,
    ) -> Self {
        let source_info = site.source_info;
        let ty::Coroutine(_, args) = callee.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty.kind() else {
            bug!("the body of no coroutine: {instance}");
        };
        // Numbers are given out in the order in which `splice` appends what they are of.
        let first_scope = body.source_scopes.next_index();
        let returned = body.local_decls.push(LocalDecl::new(callee.return_ty(), source_info.span));
        // A debugger shows them among the variables of the callee.
        let spans = spans_of_upvars(callee);
        let upvar_tys = args.as_coroutine().upvar_tys();
        let first_local = body.local_decls.next_index() + (upvar_tys.len() - in_place.len());
        let upvars = upvar_tys.iter().enumerate().map(|(field, ty)| {
            let field = FieldIdx::from_usize(field);
            if let Some(&variable) = in_place.get(&field) {
                return renumbered(first_local, variable);
            }
            let span = spans.get(&field).copied().unwrap_or(source_info.span);
            let mut upvar = LocalDecl::new(ty, span);
            upvar.source_info.scope = first_scope;
            body.local_decls.push(upvar)
        });
        let upvars = upvars.collect();
        debug_assert_eq!(first_local, body.local_decls.next_index());
        let dropping: Vec<_> = dropping_blocks(callee).iter().collect();
        let first_block = body.basic_blocks.next_index();
        let first_dropping = first_block + callee.basic_blocks.len();
        let landing = first_dropping + dropping.len();
        let cancelled = landing + 1;
        // The blocks to unwind to come last, because they may not be needed.
        let mut last = cancelled;
        let [unwind, unwind_cancelled] = [site.unwind, site.unwind_cancelled].map(|unwind| {
            if cleanup_block(unwind).is_none() {
                return unwind;
            }
            last = last + 1;
            UnwindAction::Cleanup(last)
        });
        Integrator {
            tcx,
            returned,
            upvars,
            first_local,
            first_block,
            first_dropping,
            dropping,
            first_scope,
            around: body.source_scopes[source_info.scope].clone(),
            source_info,
            instance,
            landing,
            cancelled,
            unwind,
            unwind_cancelled,
            in_cleanup: false,
            is_dropping: false,
        }
    }

    /// The locals that have storage as long as `callee` runs, by their new numbers: it has no
    /// statements for that.
    fn locals_without_storage(&self, callee: &Body<'tcx>) -> Vec<Local> {
        always_storage_live_locals(callee)
            .iter()
            .filter(|local| local.index() > callee.arg_count)
            .map(|local| self.map_local(local))
            .filter(|local| !self.upvars.iter().any(|upvar| upvar == local))
            .chain(self.upvars.iter().copied())
            .chain([self.returned])
            .collect()
    }

    /// Renumbers `callee`, and appends the copies of the blocks that are run when it is dropped
    /// while it is suspended. These unwind to where the drop of the awaitee does.
    fn integrate(mut self, callee: &mut Body<'tcx>) {
        let dropping = self.dropping.clone();
        let mut copies: Vec<_> =
            dropping.iter().map(|&block| callee.basic_blocks[block].clone()).collect();
        self.visit_body(callee);
        // The copies still have the callee's own numbers. They lead to each other only, and differ
        // in where they unwind to.
        self.is_dropping = true;
        self.unwind = self.unwind_cancelled;
        for (&block, data) in dropping.iter().zip(&mut copies) {
            self.visit_basic_block_data(block, data);
        }
        callee.basic_blocks_mut().extend(copies);
        // The task context of the body around it has a name there.
        callee.var_debug_info.retain(|info| match info.value {
            VarDebugInfoContents::Place(place) => place.local != CONTEXT,
            VarDebugInfoContents::Const(_) => true,
        });
    }

    fn map_local(&self, local: Local) -> Local {
        match local {
            RETURN_PLACE => self.returned,
            CONTEXT => CONTEXT,
            ty::CAPTURE_STRUCT_LOCAL => bug!("only its upvars are used"),
            _ => renumbered(self.first_local, local),
        }
    }

    fn map_block(&self, block: BasicBlock) -> BasicBlock {
        if self.is_dropping { self.map_dropping(block) } else { self.first_block + block.index() }
    }

    fn map_dropping(&self, block: BasicBlock) -> BasicBlock {
        match self.dropping.binary_search(&block) {
            Ok(position) => self.first_dropping + position,
            Err(_) => bug!("no way leads there from a drop: {block:?}"),
        }
    }

    fn map_scope(&self, scope: SourceScope) -> SourceScope {
        self.first_scope + scope.index()
    }
}

impl<'tcx> MutVisitor<'tcx> for Integrator<'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_local(&mut self, local: &mut Local, _: PlaceContext, _: Location) {
        *local = self.map_local(*local);
    }

    fn visit_place(&mut self, place: &mut Place<'tcx>, context: PlaceContext, location: Location) {
        if place.local != ty::CAPTURE_STRUCT_LOCAL {
            self.super_place(place, context, location);
            return;
        }
        let [PlaceElem::Field(field, _), rest @ ..] = &place.projection[..] else {
            bug!("only its upvars are used");
        };
        // The upvar is a local of its own now, so its field is no part of the place any more.
        let local = self.upvars[*field];
        let rest = self.process_projection(rest, location).unwrap_or_else(|| rest.to_vec());
        *place = Place { local, projection: self.tcx.mk_place_elems(&rest) };
    }

    fn visit_source_scope(&mut self, scope: &mut SourceScope) {
        *scope = self.map_scope(*scope);
    }

    // This is what `inline.rs` does. Its integrator knows a call where this one has an await.
    fn visit_source_scope_data(&mut self, data: &mut SourceScopeData<'tcx>) {
        self.super_source_scope_data(data);
        let call = self.source_info;
        if data.parent_scope.is_none() {
            data.parent_scope = Some(call.scope);
            data.inlined_parent_scope = match self.around.inlined {
                Some(_) => Some(call.scope),
                None => self.around.inlined_parent_scope,
            };
            data.inlined = Some((self.instance, call.span));
        } else if data.inlined_parent_scope.is_none() {
            data.inlined_parent_scope = Some(self.map_scope(OUTERMOST_SOURCE_SCOPE));
        }
    }

    fn visit_basic_block_data(&mut self, block: BasicBlock, data: &mut BasicBlockData<'tcx>) {
        self.in_cleanup = data.is_cleanup;
        self.super_basic_block_data(block, data);
    }

    fn visit_terminator(&mut self, terminator: &mut Terminator<'tcx>, location: Location) {
        if let TerminatorKind::Return = terminator.kind {
            // It reads the return place, which is not an operand of it.
            self.visit_source_info(&mut terminator.source_info);
        } else {
            self.super_terminator(terminator, location);
        }
        // A callee with nothing to drop there still ends the drop of its caller.
        if let TerminatorKind::Yield { resume, drop, .. } = &mut terminator.kind {
            *resume = self.map_block(*resume);
            *drop = Some(drop.map_or(self.cancelled, |drop| self.map_dropping(drop)));
        } else {
            terminator.successors_mut(|target| *target = self.map_block(*target));
        }
        // Cleanup itself does not unwind any further: what panics there aborts.
        if !self.in_cleanup
            && let Some(unwind @ UnwindAction::Continue) = terminator.unwind_mut()
        {
            *unwind = self.unwind;
        }
        match &mut terminator.kind {
            TerminatorKind::Return => {
                terminator.kind = TerminatorKind::Goto { target: self.landing };
            }
            TerminatorKind::CoroutineDrop => {
                terminator.kind = TerminatorKind::Goto { target: self.cancelled };
            }
            TerminatorKind::UnwindResume => {
                terminator.kind = match self.unwind {
                    UnwindAction::Cleanup(target) => TerminatorKind::Goto { target },
                    UnwindAction::Continue => TerminatorKind::UnwindResume,
                    UnwindAction::Unreachable => TerminatorKind::Unreachable,
                    UnwindAction::Terminate(reason) => TerminatorKind::UnwindTerminate(reason),
                };
            }
            _ => {}
        }
    }
}
