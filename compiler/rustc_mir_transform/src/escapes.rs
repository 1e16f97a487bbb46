//! Tells who may know the address of a local, as far as it was only lent.
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
//! The *holders* of an address are the locals whose value may contain it. They are found from the
//! statements that take the address, by what these are copied to. An address *escapes* where it
//! gets to anything that is no holder:
//!
//! * where it is stored behind a pointer, or a holder is borrowed in turn;
//! * where it is exposed, yielded, returned by the coroutine, or passed to assembly;
//! * where it is passed to a function of which it is not known what it does with it;
//! * where the local itself is dropped, unless it has no drop glue.
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
//! *An address is followed by data flow only.* To compare it, or to branch by what it points to,
//! does not hand it on: neither gives anybody the right to use it. A number that is computed from
//! an address without exposing it is a holder all the same.
//!
//! *To hold an address is a matter of values, not of types.* References are followed like raw
//! pointers, and like all that contains either. It makes no difference what the lifetime of a
//! reference says.
//!
//! Each body is walked through until no holder is added, so as often as addresses are handed on
//! against the order of blocks. [`BODIES_LIMIT`] bounds the bodies of other functions, and
//! [`DEPTH_LIMIT`] how deep they are nested.
//!
//! # Left for later
//!
//! * What holds an address and is borrowed itself, as an iterator over a local is by `next`.
//! * Functions of this crate.
//! * The arguments of an impl, so that what a method of a trait calls by a bound is known.
//!
//! [`certain_body`]: crate::certain_body

use rustc_data_structures::fx::{FxHashMap, FxIndexSet};
use rustc_hir::def_id::DefId;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::*;
use rustc_middle::ty::{EarlyBinder, GenericArgs, GenericArgsRef, Ty, TyCtxt};
use rustc_mir_dataflow::impls::borrowed_locals;
use rustc_span::Spanned;
use tracing::{debug, trace};

use crate::certain_body::{self, CertainBody, may_need_drop};

/// How many functions that call each other are looked at.
const DEPTH_LIMIT: usize = 16;

/// How many bodies are looked at for the locals of one coroutine. With each, all of its argument's
/// uses are looked at.
const BODIES_LIMIT: usize = 1000;

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
    /// So it may be read at any time.
    Elsewhere,
}

/// Looks for addresses on behalf of one body.
pub(crate) struct Search<'tcx> {
    tcx: TyCtxt<'tcx>,
    /// What is known of functions, by the argument.
    known: FxHashMap<(DefId, GenericArgsRef<'tcx>, usize), Keeps>,
    /// Those that are being looked at.
    on_path: Vec<DefId>,
    bodies_left: usize,
}

impl<'tcx> Search<'tcx> {
    pub(crate) fn new(tcx: TyCtxt<'tcx>) -> Self {
        Search { tcx, known: FxHashMap::default(), on_path: vec![], bodies_left: BODIES_LIMIT }
    }

    /// Where the address of `local` may be in `body`, whose locals in `borrowed` are borrowed
    /// somewhere. `None` if it may be anywhere, at any time.
    pub(crate) fn of_local(
        &mut self,
        body: &Body<'tcx>,
        borrowed: &DenseBitSet<Local>,
        local: Local,
    ) -> Option<Whereabouts> {
        let args = GenericArgs::identity_for_item(self.tcx, body.source.def_id());
        let mut follower = Follower::new(self, body, args, Some(local));
        follower.follow();
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
        // What calls itself is known only when it is known.
        if self.on_path.len() >= DEPTH_LIMIT
            || self.on_path.contains(&callee)
            || body.coroutine.is_some()
            || body.spread_arg.is_some()
            || index >= body.arg_count
        {
            return Keeps::Elsewhere;
        }
        let Some(left) = self.bodies_left.checked_sub(1) else { return Keeps::Elsewhere };
        self.bodies_left = left;
        let args =
            if callee == def_id { args } else { GenericArgs::identity_for_item(tcx, callee) };
        self.on_path.push(callee);
        let mut follower = Follower::new(self, body, args, None);
        follower.holders.insert(Local::from_usize(index + 1));
        follower.follow();
        let Follower { holders, escapes, .. } = follower;
        self.on_path.pop();
        let borrowed = borrowed_locals(body);
        if !escapes.is_empty() || holders.iter().any(|holder| borrowed.contains(holder)) {
            Keeps::Elsewhere
        } else if holders.contains(RETURN_PLACE) {
            Keeps::InWhatItReturns
        } else {
            Keeps::Nothing
        }
    }
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
        Follower { search, body, args, of, holders, escapes: FxIndexSet::default() }
    }

    fn follow(&mut self) {
        loop {
            let before = self.holders.count();
            for (block, data) in traversal::reverse_postorder(self.body) {
                for (statement_index, statement) in data.statements.iter().enumerate() {
                    self.statement(statement, Location { block, statement_index });
                }
                self.terminator(data.terminator(), self.body.terminator_loc(block));
            }
            if self.holders.count() == before {
                return;
            }
        }
    }

    fn statement(&mut self, statement: &Statement<'tcx>, location: Location) {
        match &statement.kind {
            StatementKind::Assign(box (target, rvalue)) => {
                if self.is_in_rvalue(rvalue, location) {
                    self.assign(*target, location);
                }
            }
            // What these copy is what memory contains, and that is no address that has not escaped.
            StatementKind::Intrinsic(_) => {}
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
            Rvalue::Cast(CastKind::PointerExposeProvenance, operand, _) => {
                // From now on any number may be made a pointer to it.
                if self.is_in(operand) {
                    self.escapes.insert(location);
                }
                false
            }
            Rvalue::Use(operand)
            | Rvalue::Repeat(operand, _)
            | Rvalue::Cast(_, operand, _)
            | Rvalue::WrapUnsafeBinder(operand, _) => self.is_in(operand),
            Rvalue::Aggregate(_, operands) => operands.iter().any(|operand| self.is_in(operand)),
            Rvalue::CopyForDeref(place) => self.is_in_place(*place),
            Rvalue::Ref(_, _, place) | Rvalue::RawPtr(_, place) => {
                self.is_in_address_of(*place, location)
            }
            // What is compared is not handed on, and the metadata of a pointer is no address.
            Rvalue::BinaryOp(
                BinOp::Eq | BinOp::Lt | BinOp::Le | BinOp::Ne | BinOp::Ge | BinOp::Gt | BinOp::Cmp,
                _,
            ) => false,
            Rvalue::UnaryOp(UnOp::PtrMetadata, _) | Rvalue::Discriminant(_) => false,
            Rvalue::BinaryOp(_, box (left, right)) => self.is_in(left) || self.is_in(right),
            Rvalue::UnaryOp(_, operand) => self.is_in(operand),
            Rvalue::ThreadLocalRef(_) => false,
        }
    }

    /// Whether it is in a reference to `place`.
    fn is_in_address_of(&mut self, place: Place<'tcx>, location: Location) -> bool {
        let derefs = place.projection.iter().filter(|element| *element == PlaceElem::Deref);
        match derefs.count() {
            0 => {
                if self.holders.contains(place.local) {
                    self.escapes.insert(location);
                }
                self.of == Some(place.local)
            }
            1 => self.holders.contains(place.local),
            // Another pointer has been read from memory, so it points elsewhere.
            _ => false,
        }
    }

    fn is_in(&self, operand: &Operand<'tcx>) -> bool {
        operand.place().is_some_and(|place| self.is_in_place(place))
    }

    /// Whether it is in the value of `place`. It is not in memory that it points to.
    fn is_in_place(&self, place: Place<'tcx>) -> bool {
        !place.is_indirect() && self.holders.contains(place.local)
    }

    fn assign(&mut self, target: Place<'tcx>, location: Location) {
        if target.is_indirect() {
            self.escapes.insert(location);
        } else {
            self.holders.insert(target.local);
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
            TerminatorKind::Yield { value, .. } => self.is_in(value),
            TerminatorKind::Assert { cond, .. } => self.is_in(cond),
            TerminatorKind::TailCall { func, args, .. } => {
                self.is_in(func) || args.iter().any(|argument| self.is_in(&argument.node))
            }
            // It may take the address of any of its operands, too.
            TerminatorKind::InlineAsm { operands, .. } => {
                operands.iter().any(|operand| match operand {
                    InlineAsmOperand::In { value, .. } => self.is_in(value),
                    InlineAsmOperand::InOut { in_value, .. } => self.is_in(in_value),
                    _ => false,
                })
            }
            // To branch by a value does not hand it on. What the body returns is asked for at last.
            TerminatorKind::SwitchInt { .. }
            | TerminatorKind::Goto { .. }
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
