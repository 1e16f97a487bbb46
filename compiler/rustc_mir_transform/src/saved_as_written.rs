//! Keeps track of the types that an async body saves before passes change what it saves.
//!
//! # Motivation
//!
//! With the flag off whoever lays out a coroutine lays out all that its body saves. That is where
//! rustc finds that a future would hold itself:
//!
//! ```text
//!   async fn count(n: u32) { let rest = count(n - 1); log(n).await; drop(rest) }
//! ```
//!
//! If `log` never waits, its await goes, and then nothing holds `rest` across a suspension point.
//! This would compile, but only with the flag on, and until a pass judges otherwise. Where the
//! error is found in any case, it may be found by another way, and so blame another expression.
//!
//! # The rule
//!
//! Before the first of these passes, the saved types that might hold a coroutine are noted in the
//! body. They move to the layout of the coroutine, when that is made. Whoever lays that out lays
//! out these, too, and first (`rustc_ty_utils/src/layout/saved_as_written.rs`).
//!
//! This takes the analyses that tell what is saved once more.
//!
//! # Soundness
//!
//! Nothing is executed differently. And nothing is laid out that would not be with the flag off:
//! the body is that from which the state transform would make the coroutine. So this finds no
//! error, and no cycle, that the flag is to blame for.
//!
//! (`tests/ui/async-await/saved-as-written/recursion-held.rs`, `depth-limit.rs`)

use rustc_data_structures::fx::FxIndexMap;
use rustc_middle::mir::*;
use rustc_middle::ty::{Ty, TyCtxt};
use rustc_session::Session;
use rustc_span::Span;
use tracing::debug;

use crate::async_bodies::{is_enabled_in, may_be_changed};
use crate::saved_locals::all_saved_locals;

pub(super) struct SavedAsWritten;

impl<'tcx> crate::MirPass<'tcx> for SavedAsWritten {
    fn is_enabled(&self, sess: &Session) -> bool {
        is_enabled_in(sess)
    }

    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        if !may_be_changed(tcx, body) {
            return;
        }
        let saved_as_written = may_hold_coroutines(tcx, body);
        debug!(?saved_as_written);
        if let Some(coroutine) = &mut body.coroutine {
            coroutine.saved_as_written = saved_as_written;
        }
    }

    fn is_required(&self) -> bool {
        false
    }
}

/// The types of the locals that `body` saves, each once, with a span. Those that cannot hold a
/// coroutine have a layout whatever this coroutine is. But of other types that is not easily told:
/// a field may be an alias that stands for a coroutine.
fn may_hold_coroutines<'tcx>(tcx: TyCtxt<'tcx>, body: &Body<'tcx>) -> Vec<(Ty<'tcx>, Span)> {
    let mut spans = FxIndexMap::default();
    for local in all_saved_locals(tcx, body).iter() {
        let LocalDecl { ty, source_info, .. } = body.local_decls[local];
        if !ty.is_primitive() {
            spans.entry(ty).or_insert(source_info.span);
        }
    }
    spans.into_iter().collect()
}
