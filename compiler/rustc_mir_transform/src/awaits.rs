//! Finds the awaits in the body of an async fn, block or closure.
//!
//! An await is lowered to several blocks, see [`Await`]. The passes that change awaits need to know
//! which blocks these are, and that nothing else polls the awaitee.
//!
//! # The await is the first to poll its awaitee
//!
//! The awaitee has been moved into the await's own local, and no coroutine of an async body may be
//! moved once it has been polled: none is `Unpin`, so whoever pins one with `unsafe` has promised
//! not to. From then on the await polls it, in a loop that runs again only if the answer was
//! `Pending`:
//!
//! * the local is assigned in one place and borrowed in one place, and that borrow goes into the
//!   poll and nowhere else;
//! * no path leads from the answer `Ready` back to the poll except through the end of the local's
//!   storage, or its next assignment.
//!   (`tests/ui/async-await/elide-no-await/awaits-polled-before.rs`)
//!
//! This holds for what `.await` is lowered to. A `#[coroutine]` may contain calls that look the
//! same and do more in between, so its body is not searched: see [`awaits_by_lowering`].
//!
//! The search takes two walks through the body, and for each await one through the blocks up to
//! where the storage of its awaitee ends, and no further than [`BLOCKS_LIMIT`] blocks.

use rustc_abi::VariantIdx;
use rustc_data_structures::fx::{FxHashSet, FxIndexSet};
use rustc_hir::{CoroutineDesugaring, CoroutineKind, LangItem};
use rustc_index::IndexVec;
use rustc_middle::bug;
use rustc_middle::mir::visit::{MutatingUseContext, NonMutatingUseContext, PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, Ty, TyCtxt};
use rustc_span::{Span, Spanned};
use tracing::debug;

use crate::coroutine::make_aggregate_adt;
use crate::only_ready::poll_variants;
use crate::reachable::reachable_from;

/// How many of the blocks after an await are searched, at most. As a rule there are only a few:
/// the storage of the awaitee ends at the end of the statement.
pub(crate) const BLOCKS_LIMIT: usize = 1000;

/// An await by value, as it is lowered:
///
/// ```text
///   made = <I as IntoFuture>::into_future(..)
///   awaitee = move made
/// poll_loop:
///   borrow = &mut awaitee; reborrow = &mut *borrow
///   pin = Pin::new_unchecked(move reborrow)
///   resumed_with = copy ..
///   context = get_context(move resumed_with); context_reborrow = &mut *context
///   answer = <F as Future>::poll(move pin, move context_reborrow)
///   switchInt(discriminant(answer)) -> [0: ready, 1: pending]
/// pending:
///   yield -> poll_loop
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Await<'tcx> {
    /// The type that is polled.
    pub(crate) awaitee: Ty<'tcx>,
    /// The local that it is moved into.
    pub(crate) local: Local,
    /// What is made into it.
    pub(crate) made: Local,
    /// The blocks that end in the calls of `into_future`, `new_unchecked`, `get_context`, `poll`.
    pub(crate) into_future: BasicBlock,
    pub(crate) new_unchecked: BasicBlock,
    pub(crate) get_context: BasicBlock,
    pub(crate) poll: BasicBlock,
    /// What their arguments are made of: the three borrows, and a copy of the context.
    pub(crate) arguments: [Location; 4],
    /// The assignment of the awaitee to its local.
    pub(crate) assigned: Location,
    /// The block that ends in the switch, and where it leads.
    pub(crate) switch: BasicBlock,
    pub(crate) ready: BasicBlock,
    pub(crate) pending: BasicBlock,
}

impl<'tcx> Await<'tcx> {
    /// The expression with the await.
    pub(crate) fn span(&self, body: &Body<'tcx>) -> Span {
        body.basic_blocks[self.poll].terminator().source_info.span
    }

    /// The block that suspends, if all that leads from `pending` to it is one chain of blocks,
    /// which drop what the answer was. No other path leads to any of them.
    pub(crate) fn suspension_block(&self, body: &Body<'tcx>) -> Option<BasicBlock> {
        // A chain is over at the latest when it has led through all blocks.
        let mut block = self.pending;
        for _ in body.basic_blocks.indices() {
            // Another way would come here with something else to drop, or from another await.
            if body.basic_blocks.predecessors()[block].len() != 1 {
                return None;
            }
            block = match body.basic_blocks[block].terminator().kind {
                TerminatorKind::Yield { .. } => return Some(block),
                TerminatorKind::Goto { target } | TerminatorKind::Drop { target, .. } => target,
                _ => return None,
            };
        }
        None
    }

    /// Where the coroutine goes on when it is dropped while it waits for this await, if all paths
    /// from `pending` lead to one suspension point. Other awaits may share it.
    ///
    /// `reachable_from` could not stop at the first reason to say no.
    pub(crate) fn drop_of_suspension(&self, body: &Body<'tcx>) -> Option<BasicBlock> {
        let mut seen = FxHashSet::default();
        let mut waiting = vec![self.pending];
        let mut found = None;
        while let Some(block) = waiting.pop() {
            let data = &body.basic_blocks[block];
            // What unwinds does not suspend.
            if data.is_cleanup || !seen.insert(block) {
                continue;
            }
            match data.terminator().kind {
                // The walk ends here: what follows is not before the suspension point.
                TerminatorKind::Yield { drop, .. } if found.is_none() => found = Some(drop?),
                // A second suspension point, or a way out without any.
                TerminatorKind::Yield { .. } | TerminatorKind::Return => return None,
                _ => waiting.extend(data.terminator().successors()),
            }
        }
        found
    }

    /// `Poll::Ready(value)`, of the type that the poll returns.
    pub(crate) fn new_ready(
        &self,
        tcx: TyCtxt<'tcx>,
        body: &Body<'tcx>,
        value: Operand<'tcx>,
    ) -> Rvalue<'tcx> {
        let Some((_, _, destination, _)) = call_in(body, self.poll) else {
            bug!("no call of poll: {self:?}");
        };
        let ty::Adt(poll, args) = *destination.ty(body, tcx).ty.kind() else {
            bug!("a poll returns `Poll`: {self:?}");
        };
        let ready = tcx.require_lang_item(LangItem::PollReady, body.span);
        let variant = poll.variant_index_with_id(ready);
        make_aggregate_adt(poll.did(), variant, args, IndexVec::from_iter([value]))
    }
}

/// Whether the awaits in the body are what the lowering of `.await` has made.
pub(crate) fn awaits_by_lowering(body: &Body<'_>) -> bool {
    matches!(
        body.coroutine_kind(),
        Some(CoroutineKind::Desugared(
            CoroutineDesugaring::Async | CoroutineDesugaring::AsyncGen,
            _
        ))
    )
}

/// The awaits by value in `body`, before or after drop elaboration, in the order of their blocks.
/// The module's page says what is checked of each.
pub(crate) fn find_awaits<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Vec<Await<'tcx>> {
    let Some(variants) = poll_variants(tcx) else { return vec![] };
    let mut finder = AwaitFinder { tcx, body, variants, locals: None };
    body.basic_blocks.indices().filter_map(|block| finder.await_that_polls_in(block)).collect()
}

/// The types that `body` polls with its own task context, which is what only an await does. These
/// are all that [`find_awaits`] may find in it, at whatever time. What no way leads to is no part
/// of the layout of the coroutine.
pub(crate) fn awaited_types<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> FxIndexSet<Ty<'tcx>> {
    let Some(variants) = poll_variants(tcx) else { return FxIndexSet::default() };
    let mut finder = AwaitFinder { tcx, body, variants, locals: None };
    let mut awaited = FxIndexSet::default();
    reachable_from(body, [START_BLOCK], |block| {
        awaited.extend(finder.awaited_type(block));
        real_successors(body.basic_blocks[block].terminator())
    });
    awaited
}

struct AwaitFinder<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'a Body<'tcx>,
    variants: (VariantIdx, VariantIdx),
    /// Computed for the first poll in the body, since most bodies have none.
    locals: Option<IndexVec<Local, LocalUse>>,
}

impl<'a, 'tcx> AwaitFinder<'a, 'tcx> {
    fn awaited_type(&mut self, poll: BasicBlock) -> Option<Ty<'tcx>> {
        let (polled, _, context) = self.poll_in(poll)?;
        // The task context has no name in the source, so only an await can have passed it on.
        let (_, context) = self.only_reborrow(moved_local(context)?)?;
        self.only_call(context, LangItem::GetContext)?;
        Some(polled)
    }

    /// The type that is polled by the call at the end of `block`, with its two arguments.
    fn poll_in(
        &self,
        block: BasicBlock,
    ) -> Option<(Ty<'tcx>, &'a Operand<'tcx>, &'a Operand<'tcx>)> {
        let (func, [pin, context], ..) = call_in(self.body, block)? else { return None };
        let (callee, args) = func.const_fn_def()?;
        (Some(callee) == self.tcx.lang_items().future_poll_fn())
            .then(|| (args.type_at(0), &pin.node, &context.node))
    }

    fn await_that_polls_in(&mut self, poll: BasicBlock) -> Option<Await<'tcx>> {
        let (polled, pin, context) = self.poll_in(poll)?;
        // A poll without a target never returns.
        let (_, _, destination, Some(switch)) = call_in(self.body, poll)? else { return None };

        // Backward from the poll. Each local on the way has one assignment and one use, so nothing
        // else can have changed it, and nothing else can poll what it holds.
        let (new_unchecked, reborrowed) =
            self.only_call(moved_local(pin)?, LangItem::PinNewUnchecked)?;
        let (second, borrowed) = self.only_reborrow(reborrowed)?;
        let (first, awaitee) = self.only_borrow(borrowed)?;
        let (assigned, made) = self.only_move(awaitee)?;
        let (into_future, _) = self.only_call_any(made, LangItem::IntoFutureIntoFuture)?;
        let (third, context) = self.only_reborrow(moved_local(context)?)?;
        let (get_context, resumed_with) = self.only_call(context, LangItem::GetContext)?;
        let (fourth, _) = self.only_rvalue(resumed_with)?;

        let (ready, pending) = self.switch_on(switch, destination)?;
        // The one thing that the uses do not tell: whether this poll itself runs once more.
        if self.leads_back(ready, poll, awaitee, assigned.block) {
            debug!(?poll, "the awaitee may be polled again after it was ready");
            return None;
        }
        Some(Await {
            awaitee: polled,
            local: awaitee,
            made,
            into_future,
            new_unchecked,
            get_context,
            poll,
            arguments: [first, second, third, fourth],
            assigned,
            switch,
            ready,
            pending,
        })
    }

    /// Where `switch` leads if `answer` is ready or pending, given that only the poll leads to it.
    fn switch_on(
        &self,
        switch: BasicBlock,
        answer: Place<'tcx>,
    ) -> Option<(BasicBlock, BasicBlock)> {
        // Other code could have assigned the answer.
        if self.body.basic_blocks.predecessors()[switch].len() != 1 {
            return None;
        }
        let data = &self.body.basic_blocks[switch];
        let TerminatorKind::SwitchInt { discr, targets } = &data.terminator().kind else {
            return None;
        };
        let discr = discr.place()?;
        let reads_answer = |statement: &Statement<'tcx>| match statement.kind.as_assign() {
            Some((place, Rvalue::Discriminant(of))) => *place == discr && *of == answer,
            _ => false,
        };
        // The switch has to be on this answer, and not on what a `match` of the body looks at.
        data.statements.iter().find(|statement| reads_answer(statement))?;
        let target = |variant: VariantIdx| targets.target_for_value(variant.as_u32().into());
        Some((target(self.variants.0), target(self.variants.1)))
    }

    /// Whether a path leads from `from` to `poll` on which `awaitee` stays what it is. This is not
    /// `reachable_from` either: it ends where it finds the poll, and at [`BLOCKS_LIMIT`].
    fn leads_back(
        &self,
        from: BasicBlock,
        poll: BasicBlock,
        awaitee: Local,
        assigned_in: BasicBlock,
    ) -> bool {
        let mut seen = FxHashSet::default();
        let mut reachable = vec![from];
        while let Some(block) = reachable.pop() {
            if block == poll {
                return true;
            }
            // Who cannot tell has to expect the worst.
            if seen.len() > BLOCKS_LIMIT {
                debug!(?poll, "has too many blocks after it");
                return true;
            }
            let data = &self.body.basic_blocks[block];
            // A block that assigns the awaitee anew, or ends its storage, is where the way ends.
            if block != assigned_in && !ends_storage(data, awaitee) && seen.insert(block) {
                reachable.extend(real_successors(data.terminator()));
            }
        }
        false
    }

    /// The one assignment to `local`, if all that becomes of it is one use.
    fn only_definition(&mut self, local: Local) -> Option<Location> {
        let body = self.body;
        let locals = self.locals.get_or_insert_with(|| LocalUse::in_body(body));
        match locals[local] {
            LocalUse { definition: Definition::One(location), uses: 1 } => Some(location),
            _ => None,
        }
    }

    fn only_rvalue(&mut self, local: Local) -> Option<(Location, &'a Rvalue<'tcx>)> {
        let location = self.only_definition(local)?;
        let (place, rvalue) = self.body.stmt_at(location).left()?.kind.as_assign()?;
        (place.as_local() == Some(local)).then_some((location, rvalue))
    }

    /// `local = &mut *from`
    fn only_reborrow(&mut self, local: Local) -> Option<(Location, Local)> {
        match self.only_rvalue(local)? {
            (location, Rvalue::Ref(_, BorrowKind::Mut { .. }, place))
                if place.projection[..] == [PlaceElem::Deref] =>
            {
                Some((location, place.local))
            }
            _ => None,
        }
    }

    /// `local = &mut from`
    fn only_borrow(&mut self, local: Local) -> Option<(Location, Local)> {
        match self.only_rvalue(local)? {
            (location, Rvalue::Ref(_, BorrowKind::Mut { .. }, place)) => {
                Some((location, place.as_local()?))
            }
            _ => None,
        }
    }

    /// `local = move from`
    fn only_move(&mut self, local: Local) -> Option<(Location, Local)> {
        match self.only_rvalue(local)? {
            (location, Rvalue::Use(operand)) => Some((location, moved_local(operand)?)),
            _ => None,
        }
    }

    /// `local = item(..)`, and its first argument.
    fn only_call_any(
        &mut self,
        local: Local,
        item: LangItem,
    ) -> Option<(BasicBlock, &'a Operand<'tcx>)> {
        let location = self.only_definition(local)?;
        let (func, args, destination, _) = call_in(self.body, location.block)?;
        let (callee, _) = func.const_fn_def()?;
        // The definition may also be a statement of a block that ends in some other call.
        (location == self.body.terminator_loc(location.block)
            && destination.as_local() == Some(local)
            && self.tcx.is_lang_item(callee, item))
        .then_some((location.block, &args.first()?.node))
    }

    /// `local = item(move from)`
    fn only_call(&mut self, local: Local, item: LangItem) -> Option<(BasicBlock, Local)> {
        let (block, argument) = self.only_call_any(local, item)?;
        Some((block, moved_local(argument)?))
    }
}

fn moved_local(operand: &Operand<'_>) -> Option<Local> {
    match operand {
        Operand::Move(place) => place.as_local(),
        _ => None,
    }
}

/// The function, arguments, destination and target of the call that ends `block`, if one does.
pub(crate) fn call_in<'a, 'tcx>(
    body: &'a Body<'tcx>,
    block: BasicBlock,
) -> Option<(&'a Operand<'tcx>, &'a [Spanned<Operand<'tcx>>], Place<'tcx>, Option<BasicBlock>)> {
    match &body.basic_blocks[block].terminator().kind {
        TerminatorKind::Call { func, args, destination, target, .. } => {
            Some((func, args, *destination, *target))
        }
        _ => None,
    }
}

/// How a body uses one of its locals, apart from its storage, its drop, and what the debugger sees.
///
/// `SsaLocals` says which locals are assigned once, but takes what is borrowed for something else,
/// and an awaitee and what pins it are borrowed.
#[derive(Clone, Copy, Default)]
struct LocalUse {
    definition: Definition,
    uses: usize,
}

#[derive(Clone, Copy, Default)]
enum Definition {
    #[default]
    None,
    One(Location),
    Many,
}

impl LocalUse {
    fn in_body(body: &Body<'_>) -> IndexVec<Local, LocalUse> {
        let mut counter =
            LocalUseCounter(IndexVec::from_elem(LocalUse::default(), &body.local_decls));
        counter.visit_body(body);
        counter.0
    }
}

struct LocalUseCounter(IndexVec<Local, LocalUse>);

impl<'tcx> Visitor<'tcx> for LocalUseCounter {
    fn visit_local(&mut self, local: Local, context: PlaceContext, location: Location) {
        let local = &mut self.0[local];
        match context {
            // None of these polls, and none gives the local another value. A drop ends it: that is
            // for the passes to look at that care.
            PlaceContext::NonUse(_)
            | PlaceContext::NonMutatingUse(
                NonMutatingUseContext::PlaceMention | NonMutatingUseContext::Inspect,
            )
            | PlaceContext::MutatingUse(MutatingUseContext::Drop | MutatingUseContext::Retag) => {}
            PlaceContext::MutatingUse(
                MutatingUseContext::Store
                | MutatingUseContext::Call
                | MutatingUseContext::Yield
                | MutatingUseContext::AsmOutput,
            ) => {
                local.definition = match local.definition {
                    Definition::None => Definition::One(location),
                    _ => Definition::Many,
                };
            }
            // A borrow counts, as does what is written to a part of it.
            _ => local.uses += 1,
        }
    }
}

/// The successors of `terminator` that execution can take. The others are there for the borrow
/// checker.
pub(crate) fn real_successors<'a>(
    terminator: &'a Terminator<'_>,
) -> impl Iterator<Item = BasicBlock> + 'a {
    let imaginary = match terminator.kind {
        TerminatorKind::FalseEdge { imaginary_target, .. } => Some(imaginary_target),
        TerminatorKind::FalseUnwind { unwind: UnwindAction::Cleanup(target), .. } => Some(target),
        _ => None,
    };
    terminator.successors().filter(move |&target| Some(target) != imaginary)
}

/// Whether the storage of `local` ends among the statements of a block.
pub(crate) fn ends_storage(data: &BasicBlockData<'_>, local: Local) -> bool {
    data.statements.iter().any(|statement| match statement.kind {
        StatementKind::StorageDead(other) => other == local,
        _ => false,
    })
}
