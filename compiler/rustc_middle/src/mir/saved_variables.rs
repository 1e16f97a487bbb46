//! Where the variables are declared that a coroutine saves.

use rustc_data_structures::fx::FxHashMap;

use super::{
    Body, CoroutineLayout, CoroutineSavedLocal, Place, PlaceElem, SourceInfo, VarDebugInfoContents,
};
use crate::ty::TyCtxt;

impl<'tcx> Body<'tcx> {
    /// Where each saved variable of this coroutine is declared. `layout` is that of the coroutine.
    /// The declaration of the saved local may be elsewhere: a variable may have been copied to it.
    pub fn saved_variables(
        &self,
        tcx: TyCtxt<'tcx>,
        layout: &CoroutineLayout<'tcx>,
    ) -> FxHashMap<CoroutineSavedLocal, SourceInfo> {
        let mut variables = FxHashMap::default();
        for info in &self.var_debug_info {
            let VarDebugInfoContents::Place(place) = info.value else { continue };
            // It is a field of a state of the coroutine, which is behind a pointer.
            let mut elements = place.projection.iter();
            let Some(state) = elements.position(|it| matches!(it, PlaceElem::Downcast(..))) else {
                continue;
            };
            let (coroutine, field) = place.projection.split_at(state);
            if let [PlaceElem::Downcast(_, variant), PlaceElem::Field(field, _), ..] = *field
                && Place::ty_from(place.local, coroutine, self, tcx).ty.is_coroutine()
                && let Some(fields) = layout.variant_fields.get(variant)
                && let Some(&saved) = fields.get(field)
            {
                variables.entry(saved).or_insert(info.source_info);
            }
        }
        variables
    }
}
