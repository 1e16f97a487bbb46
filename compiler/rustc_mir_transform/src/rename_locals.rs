//! Renames some locals of a body.

use rustc_data_structures::fx::FxHashMap;
use rustc_middle::mir::visit::{MutVisitor, PlaceContext};
use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;

/// Puts other locals in the place of those that are a key of the map.
pub(crate) struct RenameLocals<'a, 'tcx> {
    pub(crate) tcx: TyCtxt<'tcx>,
    pub(crate) renamed: &'a FxHashMap<Local, Local>,
}

impl<'tcx> MutVisitor<'tcx> for RenameLocals<'_, 'tcx> {
    fn tcx(&self) -> TyCtxt<'tcx> {
        self.tcx
    }

    fn visit_local(&mut self, local: &mut Local, _: PlaceContext, _: Location) {
        if let Some(&renamed) = self.renamed.get(local) {
            *local = renamed;
        }
    }
}
