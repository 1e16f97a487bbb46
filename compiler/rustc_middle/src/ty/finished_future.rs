//! What is left in a future that has been polled for the last time.

use crate::ty::{self, Ty, TyCtxt};

impl<'tcx> TyCtxt<'tcx> {
    /// Whether the drop of a value of type `ty` does nothing when its last poll returned `Ready` or
    /// unwound: `ty` is the coroutine of an async fn, block or closure. These are then *returned*
    /// or *poisoned*, or have no state and nothing that needs drop.
    pub fn finished_is_empty(self, ty: Ty<'tcx>) -> bool {
        let ty::Coroutine(def_id, _) = *ty.kind() else { return false };
        self.coroutine_is_async(def_id) && !self.is_async_drop_in_place_coroutine(def_id)
    }
}
