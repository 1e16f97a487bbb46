//! Decides whether a coroutine awaits another, or holds it as an upvar, at whatever depth.
//!
//! A coroutine that awaits itself, directly or through others, may not be inlined into itself. The
//! body would depend on itself. Types alone tell that, before any body is requested.
//!
//! A search looks at [`SEARCH_LIMIT`] types at most, and no deeper than [`DEPTH_LIMIT`]. It ends
//! where it finds something. What was searched in vain is not searched again for the same body, and
//! of a type that was asked for the answer is kept.

use rustc_data_structures::fx::{FxHashSet, FxIndexSet};
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_middle::ty::{self, EarlyBinder, Ty, TyCtxt, TypeFlags, TypeVisitableExt};
use tracing::debug;

use super::SEARCH_LIMIT;
use crate::async_bodies::is_enabled;
use crate::awaits::awaited_types;
use crate::certain_body::{self, is_async};
use crate::never_pending::DEPTH_LIMIT;

/// The types that a coroutine awaits, of those that may be coroutines, or hold some.
pub(super) fn types_awaited<'tcx>(tcx: TyCtxt<'tcx>, def_id: LocalDefId) -> Option<Vec<Ty<'tcx>>> {
    if !is_enabled(tcx) || !is_async(tcx, def_id.to_def_id()) || tcx.is_synthetic_mir(def_id) {
        return None;
    }
    // Of anything else that is awaited no body is ever inlined.
    let may_hold = TypeFlags::HAS_TY_CORO | TypeFlags::HAS_ALIAS | TypeFlags::HAS_TY_PARAM;
    certain_body::read_promoted(tcx, def_id, |body| {
        let awaited: FxIndexSet<_> = awaited_types(tcx, body)
            .into_iter()
            .filter(|ty| ty.has_type_flags(may_hold))
            .map(|ty| tcx.erase_and_anonymize_regions(ty))
            .collect();
        Some(awaited.into_iter().collect())
    })
}

/// A search for a coroutine among what others await, and what they were passed.
pub(super) struct Search<'tcx> {
    tcx: TyCtxt<'tcx>,
    typing_env: ty::TypingEnv<'tcx>,
    sought: DefId,
    /// The types that have been searched, and neither await nor hold it.
    seen: FxHashSet<Ty<'tcx>>,
    /// The types that were asked for and may do so.
    may_await: FxHashSet<Ty<'tcx>>,
}

impl<'tcx> Search<'tcx> {
    pub(super) fn new(tcx: TyCtxt<'tcx>, typing_env: ty::TypingEnv<'tcx>, sought: DefId) -> Self {
        Search { tcx, typing_env, sought, seen: Default::default(), may_await: Default::default() }
    }

    /// Whether `ty` may be the coroutine that is sought, or await or hold it, however deep.
    pub(super) fn may_await(&mut self, ty: Ty<'tcx>) -> bool {
        let may_await = self.may_await.contains(&ty) || self.search(ty);
        if may_await {
            self.may_await.insert(ty);
        }
        may_await
    }

    fn search(&mut self, ty: Ty<'tcx>) -> bool {
        let mut waiting = vec![(ty, 0)];
        let mut found = FxIndexSet::default();
        while let Some((ty, depth)) = waiting.pop() {
            // A type that is not known cannot be ruled out.
            let normalized = self.tcx.try_normalize_erasing_regions(self.typing_env, ty);
            let Ok(ty) = normalized else { return true };
            // Whatever else holds a coroutine, as a struct or a `Pin<Box<_>>`, is never inlined:
            // the search need not go on behind it.
            let ty::Coroutine(def_id, args) = *ty.kind() else { continue };
            if self.seen.contains(&ty) || !found.insert(ty) {
                continue;
            }
            if def_id == self.sought {
                debug!(?ty, "is awaited");
                return true;
            }
            let limit = self.tcx.recursion_limit();
            if depth > DEPTH_LIMIT || !limit.value_within_limit(depth) || found.len() > SEARCH_LIMIT
            {
                debug!(?ty, "is too deep to be searched");
                return true;
            }
            // It may await what it was passed. If it only holds the coroutine, that is an error
            // too, reported elsewhere.
            waiting.extend(args.as_coroutine().upvar_tys().iter().map(|held| (held, depth + 1)));
            // No types are kept of what cannot be inlined: nobody asks what it awaits.
            let Some(awaited) = self.tcx.types_awaited(def_id) else { continue };
            waiting.extend(awaited.iter().map(|&awaited| {
                (EarlyBinder::bind(awaited).instantiate(self.tcx, args), depth + 1)
            }));
        }
        // Only now: while the search goes on, one of these may still lead to what is sought.
        self.seen.extend(found);
        false
    }
}
