//! Tells who may know the address of a local that was borrowed.
//!
//! # Motivation
//!
//! A local that has been borrowed is saved until its storage ends, whatever its type and that of
//! the borrow: what it was lent to may have kept its address as a raw pointer, and may read it as
//! long as there is storage. Mostly that is not so. `request.uri()` returns an address, and the
//! code above it is done with that soon. `vec.push(1)` returns none, and keeps none.
//!
//! # What is known
//!
//! The *holders* of an address are the locals whose value may contain it as a pointer. They are
//! found from the statements that take the address, by what these are copied to. An address
//! *escapes* where it reaches anything other than a holder:
//!
//! * where it is stored behind a pointer, yielded, or passed to assembly;
//! * where it is compared, or becomes a number, whether that exposes it or not;
//! * where it is passed to a function whose effect on it is unknown;
//! * where the local itself is dropped, unless it has no drop glue.
//!
//! If a holder is borrowed anywhere, or returned by the coroutine, nothing is known of the address.
//!
//! So as long as it has not escaped, the address is in no memory but that of holders, which nobody
//! has the address of. What is read through a pointer is therefore no address of the local.
//!
//! A function of another crate is judged by its optimized MIR in the same way, starting from the
//! argument: it may keep nothing, it may keep the address in what it returns, or elsewhere. What it
//! calls is judged in turn, up to [`DEPTH_LIMIT`] calls deep. A function of this crate may keep
//! everything. To look at its MIR its types would have to be checked, which may need the layout of
//! the coroutine that asks; see the page of [`certain_body`].
//!
//! # Soundness
//!
//! *What is judged is what runs*: see the page of [`certain_body`]. A function is judged for the
//! generic arguments that it is called with. A method of a trait has those of its impl, which are
//! not known here, so it is judged for all of them.
//!
//! *Nothing is learned of an address but by its use.* A comparison would tell something that stays
//! true when all holders are gone: that the local is aligned to more than its type asks for, or
//! that it is not where another one is. So would a number, or a branch by one. Each of these is an
//! escape. A pointer's metadata, and the discriminant of an enum that holds a pointer, say nothing
//! of the address: what becomes a pointer by a transmute is one pointer, so its metadata is none.
//!
//! *To hold an address is a matter of values.* References are followed like raw pointers, and so is
//! all that contains either. It makes no difference what the lifetime of a reference says. A number
//! that is read from a holder is no address: that would have escaped where it became a number, as
//! part of a union or by a transmute.
//!
//! (`tests/ui/async-await/release-storage/kept-addresses.rs`, `known-addresses.rs`)
//!
//! # Complexity
//!
//! One walk through each body finds where locals are mentioned. Then each mention of a holder is
//! looked at once. All together look at [`WORK_LIMIT`] statements, at most. When that is reached
//! the remaining locals, in the order of their declaration, stay as they are.
//!
//! # Left for later
//!
//! * What holds an address and is borrowed itself, as an iterator over a local is by `next`.
//! * Functions of this crate.
//! * Intrinsics that keep nothing, and the checks of pointers in the standard library, which
//!   compare them.
//! * The arguments of an impl, so that what a method of a trait calls by a bound is known.
//!
//! [`certain_body`]: crate::certain_body

use either::Either;
use rustc_data_structures::fx::{FxHashMap, FxIndexSet};
use rustc_hir::def_id::DefId;
use rustc_index::IndexVec;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::visit::{PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::{self, EarlyBinder, GenericArgs, GenericArgsRef, Ty, TyCtxt};
use rustc_mir_dataflow::impls::borrowed_locals;
use rustc_span::Spanned;
use tracing::{debug, trace};

use crate::certain_body::{self, CertainBody, may_need_drop};

/// How many functions that call each other are looked at.
const DEPTH_LIMIT: usize = 16;

/// How many statements are looked at, at most, on behalf of one body.
const WORK_LIMIT: usize = 2_000_000;

/// Where the address of a local may be.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    /// The locals whose value may contain it.
    pub(crate) holders: DenseBitSet<Local>,
    /// Where it may get anywhere else.
    pub(crate) escapes: FxIndexSet<Location>,
}

/// What a function does with an address that is passed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    Nothing,
    InWhatItReturns,
    /// Or nothing is known, so it may be read at any time.
    Elsewhere,
}

/// Looks for addresses on behalf of one body.
pub(crate) struct Search<'tcx> {
    tcx: TyCtxt<'tcx>,
    /// What is known of functions, by the argument.
    known: FxHashMap<(DefId, GenericArgsRef<'tcx>, usize), Keeps>,
    /// Those that are being looked at.
    on_path: Vec<DefId>,
    statements_left: usize,
}

impl<'tcx> Search<'tcx> {
    pub(crate) fn new(tcx: TyCtxt<'tcx>) -> Self {
        Search { tcx, known: FxHashMap::default(), on_path: vec![], statements_left: WORK_LIMIT }
    }

    /// Takes so many off the statements that may be looked at. `false` if that is too much.
    fn may_look_at(&mut self, statements: usize) -> bool {
        let left = self.statements_left.checked_sub(statements);
        self.statements_left = left.unwrap_or(0);
        left.is_some()
    }

    /// Where the address of `local` may be in `body`, which has these `mentions`, and whose locals
    /// in `borrowed` are borrowed somewhere. `None` if it may be anywhere, at any time.
    pub(crate) fn of_local(
        &mut self,
        body: &Body<'tcx>,
        mentions: &Mentions,
        borrowed: &DenseBitSet<Local>,
        local: Local,
    ) -> Option<Whereabouts> {
        let args = GenericArgs::identity_for_item(self.tcx, body.source.def_id());
        let mut follower = Follower::new(self, body, args, Some(local));
        if !follower.follow(mentions, local) {
            debug!(?local, "takes too long to look at");
            return None;
        }
        let Follower { holders, escapes, .. } = follower;
        // What the coroutine returns is the caller's.
        let is_held =
            !holders.contains(RETURN_PLACE) && holders.iter().all(|it| !borrowed.contains(it));
        trace!(?local, ?holders, ?escapes, is_held);
        is_held.then_some(Whereabouts { holders, escapes })
    }

    /// What is done with an address that is in an argument, where `func` is called.
    fn of_argument(
        &mut self,
        func: &Operand<'tcx>,
        outer: GenericArgsRef<'tcx>,
        index: usize,
    ) -> Keeps {
        let tcx = self.tcx;
        // A function pointer may be any.
        let Some((def_id, args)) = func.const_fn_def() else { return Keeps::Elsewhere };
        let args = EarlyBinder::bind(args).instantiate(tcx, outer);
        let key = (def_id, args, index);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let keeps = self.of_argument_anew(def_id, args, index);
        debug!(?def_id, ?args, index, ?keeps);
        self.known.insert(key, keeps);
        keeps
    }

    fn of_argument_anew(
        &mut self,
        def_id: DefId,
        args: GenericArgsRef<'tcx>,
        index: usize,
    ) -> Keeps {
        let tcx = self.tcx;
        let Ok(CertainBody::Foreign(body)) = certain_body::of_call(tcx, def_id, args) else {
            return Keeps::Elsewhere;
        };
        let callee = body.source.def_id();
        // A recursive function is not followed.
        if self.on_path.len() >= DEPTH_LIMIT
            || self.on_path.contains(&callee)
            || body.coroutine.is_some()
            || body.spread_arg.is_some()
            || index >= body.arg_count
        {
            return Keeps::Elsewhere;
        }
        let args =
            if callee == def_id { args } else { GenericArgs::identity_for_item(tcx, callee) };
        if !self.may_look_at(statements_in(body)) {
            return Keeps::Elsewhere;
        }
        let mentions = Mentions::in_body(body);
        let argument = Local::from_usize(index + 1);
        self.on_path.push(callee);
        let mut follower = Follower::new(self, body, args, None);
        follower.holders.insert(argument);
        let is_known = follower.follow(&mentions, argument);
        let Follower { holders, escapes, .. } = follower;
        self.on_path.pop();
        let borrowed = borrowed_locals(body);
        if !is_known
            || !escapes.is_empty()
            || holders.iter().any(|holder| borrowed.contains(holder))
        {
            Keeps::Elsewhere
        } else if holders.contains(RETURN_PLACE) {
            Keeps::InWhatItReturns
        } else {
            Keeps::Nothing
        }
    }
}

/// Where a body mentions each local, in the blocks that can be reached.
pub(crate) struct Mentions(IndexVec<Local, Vec<Location>>);

impl Mentions {
    pub(crate) fn in_body(body: &Body<'_>) -> Self {
        let mut mentions = Mentions(IndexVec::from_elem(vec![], &body.local_decls));
        for (block, data) in traversal::reachable(body) {
            mentions.visit_basic_block_data(block, data);
        }
        mentions
    }
}

impl<'tcx> Visitor<'tcx> for Mentions {
    fn visit_local(&mut self, local: Local, _: PlaceContext, location: Location) {
        let of_local = &mut self.0[local];
        // A statement may mention it several times.
        if of_local.last() != Some(&location) {
            of_local.push(location);
        }
    }
}

/// How many statements and terminators `body` has.
pub(crate) fn statements_in(body: &Body<'_>) -> usize {
    body.basic_blocks.iter().map(|data| data.statements.len() + 1).sum()
}

/// Follows an address through a body.
struct Follower<'a, 'mir, 'tcx> {
    search: &'a mut Search<'tcx>,
    body: &'mir Body<'tcx>,
    /// What the body's parameters stand for.
    args: GenericArgsRef<'tcx>,
    /// The local whose address it is, if that is one of this body.
    of: Option<Local>,
    holders: DenseBitSet<Local>,
    /// The holders whose mentions have not been looked at.
    waiting: Vec<Local>,
    escapes: FxIndexSet<Location>,
}

impl<'a, 'mir, 'tcx> Follower<'a, 'mir, 'tcx> {
    fn new(
        search: &'a mut Search<'tcx>,
        body: &'mir Body<'tcx>,
        args: GenericArgsRef<'tcx>,
        of: Option<Local>,
    ) -> Self {
        let holders = DenseBitSet::new_empty(body.local_decls.len());
        Follower {
            search,
            body,
            args,
            of,
            holders,
            waiting: vec![],
            escapes: FxIndexSet::default(),
        }
    }

    /// Finds all holders and escapes, from the local that has the address, or is the first to hold
    /// it. `false` if that takes too long.
    fn follow(&mut self, mentions: &Mentions, start: Local) -> bool {
        self.waiting.push(start);
        while let Some(local) = self.waiting.pop() {
            // What mentions no holder does nothing with the address.
            let mentions = &mentions.0[local];
            if !self.search.may_look_at(mentions.len()) {
                return false;
            }
            for &location in mentions {
                match self.body.stmt_at(location) {
                    Either::Left(statement) => self.statement(statement, location),
                    Either::Right(terminator) => self.terminator(terminator, location),
                }
            }
        }
        true
    }

    fn statement(&mut self, statement: &Statement<'tcx>, location: Location) {
        match &statement.kind {
            StatementKind::Assign(box (target, rvalue)) => {
                if self.is_in_rvalue(rvalue, location) {
                    self.assign(*target, location);
                }
            }
            // What this copies is what memory contains: no address that has not escaped.
            StatementKind::Intrinsic(box NonDivergingIntrinsic::CopyNonOverlapping(_)) => {}
            StatementKind::Intrinsic(box NonDivergingIntrinsic::Assume(_)) => {}
            StatementKind::SetDiscriminant { .. }
            | StatementKind::StorageLive(_)
            | StatementKind::StorageDead(_)
            | StatementKind::Retag(..)
            | StatementKind::PlaceMention(_)
            | StatementKind::FakeRead(_)
            | StatementKind::AscribeUserType(..)
            | StatementKind::Coverage(_)
            | StatementKind::ConstEvalCounter
            | StatementKind::BackwardIncompatibleDropHint { .. }
            | StatementKind::Nop => {}
        }
    }

    /// Whether the address may be in what `rvalue` computes.
    fn is_in_rvalue(&mut self, rvalue: &Rvalue<'tcx>, location: Location) -> bool {
        match rvalue {
            // These say nothing of the address.
            Rvalue::UnaryOp(UnOp::PtrMetadata, _) | Rvalue::Discriminant(_) => false,
            Rvalue::Use(operand)
            | Rvalue::Repeat(operand, _)
            | Rvalue::WrapUnsafeBinder(operand, _)
            | Rvalue::Cast(CastKind::PtrToPtr | CastKind::PointerCoercion(..), operand, _) => {
                self.is_in(operand)
            }
            Rvalue::Cast(CastKind::Transmute, operand, ty)
                if is_pointer(self.search.tcx, *ty)
                    && is_pointer(self.search.tcx, operand.ty(self.body, self.search.tcx)) =>
            {
                self.is_in(operand)
            }
            Rvalue::Aggregate(box AggregateKind::Adt(.., Some(_)), operands) => {
                let is_in_union = operands.iter().any(|operand| self.is_in(operand));
                self.escape_if(is_in_union, location)
            }
            Rvalue::Aggregate(_, operands) => operands.iter().any(|operand| self.is_in(operand)),
            Rvalue::CopyForDeref(place) => self.is_in_place(*place),
            Rvalue::Ref(_, _, place) | Rvalue::RawPtr(_, place) => self.is_in_address_of(*place),
            Rvalue::BinaryOp(BinOp::Offset, box (left, _)) => self.is_in(left),
            // What is compared tells something of the address, and so does a number.
            Rvalue::BinaryOp(_, box (left, right)) => {
                self.escape_if(self.is_in(left) || self.is_in(right), location)
            }
            Rvalue::Cast(_, operand, _) | Rvalue::UnaryOp(_, operand) => {
                self.escape_if(self.is_in(operand), location)
            }
            Rvalue::ThreadLocalRef(_) => false,
        }
    }

    /// Notes that it escapes, if it does. What is computed holds nothing then that matters.
    fn escape_if(&mut self, escapes: bool, location: Location) -> bool {
        if escapes {
            self.escapes.insert(location);
        }
        false
    }

    /// Whether it is in a reference to `place`.
    fn is_in_address_of(&self, place: Place<'tcx>) -> bool {
        let derefs = place.projection.iter().filter(|element| *element == PlaceElem::Deref);
        match derefs.count() {
            0 => self.of == Some(place.local),
            1 => self.holders.contains(place.local),
            // Another pointer has been read from memory, so it points elsewhere.
            _ => false,
        }
    }

    fn is_in(&self, operand: &Operand<'tcx>) -> bool {
        operand.place().is_some_and(|place| self.is_in_place(place))
    }

    /// Whether it is in the value of `place`. It is not in memory that it points to, nor in a
    /// number.
    fn is_in_place(&self, place: Place<'tcx>) -> bool {
        !place.is_indirect()
            && self.holders.contains(place.local)
            && !place.ty(self.body, self.search.tcx).ty.is_primitive()
    }

    fn assign(&mut self, target: Place<'tcx>, location: Location) {
        let tcx = self.search.tcx;
        let is_in_union = |(base, _): (PlaceRef<'tcx>, _)| base.ty(self.body, tcx).ty.is_union();
        // From a union it could be read as a number.
        if target.is_indirect() || target.iter_projections().any(is_in_union) {
            self.escapes.insert(location);
        } else if self.holders.insert(target.local) {
            self.waiting.push(target.local);
        }
    }

    fn terminator(&mut self, terminator: &Terminator<'tcx>, location: Location) {
        let escapes = match &terminator.kind {
            TerminatorKind::Call { func, args, destination, .. } => {
                return self.call(func, args, *destination, location);
            }
            TerminatorKind::Drop { place, .. } => {
                let is_reached = self.of == Some(place.local) || self.holders.contains(place.local);
                is_reached && may_need_drop(self.search.tcx, self.type_of(*place))
            }
            TerminatorKind::SwitchInt { discr, .. } => self.is_in(discr),
            TerminatorKind::Yield { value, .. } => self.is_in(value),
            // Its message has numbers only.
            TerminatorKind::Assert { cond, .. } => self.is_in(cond),
            TerminatorKind::TailCall { func, args, .. } => {
                self.is_in(func) || args.iter().any(|argument| self.is_in(&argument.node))
            }
            // It may take the address of any of its operands, too.
            TerminatorKind::InlineAsm { operands, .. } => {
                operands.iter().any(|operand| match operand {
                    InlineAsmOperand::In { value, .. } => self.is_in(value),
                    InlineAsmOperand::InOut { in_value, .. } => self.is_in(in_value),
                    InlineAsmOperand::Out { .. }
                    | InlineAsmOperand::Const { .. }
                    | InlineAsmOperand::SymFn { .. }
                    | InlineAsmOperand::SymStatic { .. }
                    | InlineAsmOperand::Label { .. } => false,
                })
            }
            // What the body returns is asked for at last.
            TerminatorKind::Goto { .. }
            | TerminatorKind::FalseEdge { .. }
            | TerminatorKind::FalseUnwind { .. }
            | TerminatorKind::Return
            | TerminatorKind::UnwindResume
            | TerminatorKind::UnwindTerminate(_)
            | TerminatorKind::Unreachable
            | TerminatorKind::CoroutineDrop => false,
        };
        if escapes {
            self.escapes.insert(location);
        }
    }

    fn call(
        &mut self,
        func: &Operand<'tcx>,
        args: &[Spanned<Operand<'tcx>>],
        destination: Place<'tcx>,
        location: Location,
    ) {
        if self.is_in(func) {
            self.escapes.insert(location);
        }
        for (index, argument) in args.iter().enumerate() {
            if !self.is_in(&argument.node) {
                continue;
            }
            match self.search.of_argument(func, self.args, index) {
                Keeps::Nothing => {}
                Keeps::InWhatItReturns => self.assign(destination, location),
                Keeps::Elsewhere => {
                    self.escapes.insert(location);
                }
            }
        }
    }

    fn type_of(&self, place: Place<'tcx>) -> Ty<'tcx> {
        let tcx = self.search.tcx;
        EarlyBinder::bind(place.ty(self.body, tcx).ty).instantiate(tcx, self.args)
    }
}

/// Whether a value of type `ty` is one pointer, or a struct of one. Two pointers in the place of a
/// wide one would make a number of the second: the metadata.
fn is_pointer<'tcx>(tcx: TyCtxt<'tcx>, ty: Ty<'tcx>) -> bool {
    match *ty.kind() {
        ty::Ref(..) | ty::RawPtr(..) | ty::FnPtr(..) => true,
        ty::Pat(base, _) => is_pointer(tcx, base),
        ty::Adt(adt, args) if adt.is_struct() => {
            let fields = adt.all_fields().map(|field| field.ty(tcx, args));
            let mut fields = fields.filter(|ty| !ty.is_phantom_data());
            fields.next().is_some_and(|ty| is_pointer(tcx, ty)) && fields.next().is_none()
        }
        _ => false,
    }
}
