//! Computes where a local may have a value.
//!
//! [`MaybeStorageLive`] asks for storage only, and [`MaybeRequiresStorage`] takes what has been
//! borrowed for needed, whether or not it was moved since.
//!
//! [`MaybeRequiresStorage`]: rustc_mir_dataflow::impls::MaybeRequiresStorage
//! [`MaybeStorageLive`]: rustc_mir_dataflow::impls::MaybeStorageLive

use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::visit::{
    MutatingUseContext, NonMutatingUseContext, NonUseContext, PlaceContext, Visitor,
};
use rustc_middle::mir::*;
use rustc_mir_dataflow::Analysis;

/// Which locals may have a value: those that have been written or borrowed, and not been moved or
/// dropped as a whole since.
pub(crate) struct MaybeWithValue;

impl<'tcx> Analysis<'tcx> for MaybeWithValue {
    type Domain = DenseBitSet<Local>;

    const NAME: &'static str = "maybe_with_value";

    fn bottom_value(&self, body: &Body<'tcx>) -> Self::Domain {
        DenseBitSet::new_empty(body.local_decls.len())
    }

    fn initialize_start_block(&self, body: &Body<'tcx>, state: &mut Self::Domain) {
        for argument in body.args_iter() {
            state.insert(argument);
        }
    }

    fn apply_primary_statement_effect(
        &self,
        state: &mut Self::Domain,
        statement: &Statement<'tcx>,
        location: Location,
    ) {
        // A statement reads before it writes.
        LosesValue(state).visit_statement(statement, location);
        GetsValue(state).visit_statement(statement, location);
    }

    fn apply_primary_terminator_effect<'mir>(
        &self,
        state: &mut Self::Domain,
        terminator: &'mir Terminator<'tcx>,
        location: Location,
    ) -> TerminatorEdges<'mir, 'tcx> {
        LosesValue(state).visit_terminator(terminator, location);
        // What is assigned by a call that unwinds may be taken for assigned.
        GetsValue(state).visit_terminator(terminator, location);
        terminator.edges()
    }
}

struct LosesValue<'a>(&'a mut DenseBitSet<Local>);

impl<'tcx> Visitor<'tcx> for LosesValue<'_> {
    fn visit_local(&mut self, local: Local, context: PlaceContext, _: Location) {
        // A part of a local is a projection, in another context.
        if let PlaceContext::NonMutatingUse(NonMutatingUseContext::Move)
        | PlaceContext::MutatingUse(MutatingUseContext::Drop)
        | PlaceContext::NonUse(NonUseContext::StorageLive | NonUseContext::StorageDead) = context
        {
            self.0.remove(local);
        }
    }
}

struct GetsValue<'a>(&'a mut DenseBitSet<Local>);

impl<'tcx> Visitor<'tcx> for GetsValue<'_> {
    fn visit_local(&mut self, local: Local, context: PlaceContext, _: Location) {
        if context.is_borrow()
            || context.is_address_of()
            || context.is_mutating_use() && !context.is_drop()
        {
            self.0.insert(local);
        }
    }
}
