//! Keeps track of the items that an async body mentioned before the passes removed some of them.
//!
//! # Motivation
//!
//! An item that a body mentions is instantiated, and its constants are evaluated, even if nothing
//! is left of it when the body has been optimized: whether a program compiles may not depend on the
//! opt-level. That is why [`MentionedItems`] runs before all optimizations. But the passes for
//! `async` run before that, and before the state transform. What they remove may be the only
//! mention of an item with a constant that fails to be evaluated:
//!
//! ```ignore (pseudo-Rust)
//! impl<const N: usize> Drop for Buffer<N> { fn drop(&mut self) { const { assert!(N > 3) } } }
//! async fn consume(buffer: Buffer<0>) { core::mem::forget(buffer) }
//! async fn outer() { consume(Buffer).await }   // drops a `Buffer<0>` if the future is cancelled
//! ```
//!
//! # The transformation
//!
//! Before the first of these passes the mentions are collected, of two kinds: those that the resume
//! function has, and those of the drop glue. The former are kept in the body. The latter move to
//! the body of the drop glue when the state transform has made it. [`MentionedItems`] then adds
//! them to what it finds itself.
//!
//! This takes a few walks through the body.
//!
//! # Soundness
//!
//! Nothing is executed differently: items that are only mentioned generate no code. And nothing
//! is mentioned that would not be with the flag off: the blocks that the two functions consist of
//! are those that can be reached without, and by, the drop of a suspended coroutine.
//! (`tests/ui/async-await/certain-body/mentions.rs`)

use rustc_data_structures::fx::FxHashSet;
use rustc_hir::LangItem;
use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::*;
use rustc_middle::ty::{self, TyCtxt};
use rustc_session::Session;
use rustc_span::Spanned;

use crate::async_bodies::{is_enabled_in, may_be_changed};
use crate::mentioned_items::mentioned_in;
use crate::reachable::reachable_from;

pub(super) enum KeepMentions {
    /// Collects what is mentioned.
    Remember,
    /// Gives the drop glue what it mentioned, when the state transform has made it.
    HandToGlue,
}

impl<'tcx> crate::MirPass<'tcx> for KeepMentions {
    fn is_enabled(&self, sess: &Session) -> bool {
        is_enabled_in(sess)
    }

    fn run_pass(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        match self {
            KeepMentions::Remember => remember(tcx, body),
            KeepMentions::HandToGlue => hand_to_glue(body),
        }
    }

    fn is_required(&self) -> bool {
        false
    }
}

fn remember<'tcx>(tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
    if !may_be_changed(tcx, body) {
        return;
    }
    // The drop glue starts where the coroutine may be suspended, so only at what can be reached.
    let is_yield = |block: BasicBlock| {
        matches!(body.basic_blocks[block].terminator().kind, TerminatorKind::Yield { .. })
    };
    let resumed = reachable(body, [START_BLOCK]);
    let suspends: Vec<_> = resumed.iter().filter(|&block| is_yield(block)).collect();
    let dropped = reachable(
        body,
        suspends.into_iter().filter_map(|block| match body.basic_blocks[block].terminator().kind {
            TerminatorKind::Yield { drop, .. } => drop,
            _ => None,
        }),
    );
    let coroutine = body.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty;
    let mentioned = |blocks: DenseBitSet<BasicBlock>| {
        let mut items = mentioned_in(tcx, body, blocks.iter());
        items.retain(|item| match item.node {
            // The state transform makes drops of the upvars of this.
            MentionedItem::Drop(ty) => ty != coroutine,
            // Each await has these, and they cannot fail.
            MentionedItem::Fn(ty) => {
                let ty::FnDef(def_id, _) = *ty.kind() else { return true };
                ![LangItem::PinNewUnchecked, LangItem::GetContext]
                    .into_iter()
                    .any(|item| tcx.is_lang_item(def_id, item))
            }
            _ => true,
        });
        items
    };
    let (by_resume, by_drop) = (mentioned(resumed), mentioned(dropped));
    body.mentioned_items = Some(by_resume);
    if let Some(coroutine) = &mut body.coroutine {
        coroutine.mentioned_by_drop = by_drop;
    }
}

/// The blocks that `starts` lead to, unless by the drop of a suspended coroutine.
fn reachable(
    body: &Body<'_>,
    starts: impl IntoIterator<Item = BasicBlock>,
) -> DenseBitSet<BasicBlock> {
    reachable_from(body, starts, |block| {
        let kind = &body.basic_blocks[block].terminator().kind;
        let drop = match *kind {
            TerminatorKind::Yield { drop, .. } => drop,
            _ => None,
        };
        kind.successors().filter(move |&target| Some(target) != drop)
    })
}

fn hand_to_glue(body: &mut Body<'_>) {
    let Some(coroutine) = &mut body.coroutine else { return };
    let mentioned = std::mem::take(&mut coroutine.mentioned_by_drop);
    if let Some(glue) = &mut coroutine.coroutine_drop {
        // It was made of a copy of the body.
        glue.mentioned_items = Some(mentioned).filter(|items| !items.is_empty());
        if let Some(coroutine) = &mut glue.coroutine {
            coroutine.mentioned_by_drop = vec![];
        }
    }
}

/// Adds to `mentioned`, which `body` mentions now, what it mentioned before.
pub(super) fn restore<'tcx>(
    body: &mut Body<'tcx>,
    mentioned: &mut Vec<Spanned<MentionedItem<'tcx>>>,
) {
    let Some(before) = body.mentioned_items.take() else { return };
    // Most of what was mentioned is mentioned still.
    let mut seen: FxHashSet<_> = mentioned.iter().map(|item| item.node).collect();
    mentioned.extend(before.into_iter().filter(|item| seen.insert(item.node)));
}
