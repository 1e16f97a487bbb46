//! Decides which ways into blocks in cleanup may lead around them.
//!
//! # Motivation
//!
//! Cleanup is nested, for the sake of targets that have a function for each piece of it: all ways
//! out of one piece lead to the same block, at which another one begins (the validator checks
//! that). A piece begins at a block that code outside of cleanup leads to, or several other pieces,
//! and is what that block dominates:
//!
//! ```text
//!   bb1: drop(part) -> bb3                            // unwinds in one arm
//!   bb2: drop(other) -> bb3                           // unwinds in another one
//!   bb3: f = discriminant(e); switchInt(move f) -> [0: bb5, otherwise: bb4]
//!   bb4: drop(e) -> bb5
//!   bb5: resume
//! ```
//!
//! Each of `bb1` and `bb2` is a piece, and the rest is one. If `bb1` leads to `bb5` instead, that
//! begins a piece, the only one that `bb1` leads to; `bb3` and `bb4` are another, which leads there
//! as well. But if `bb2` leads to `bb4`, that begins a piece, and `bb3` leads to two. So `bb2` may
//! lead to `bb4` only if `bb1` leads somewhere else, too, and nothing leads to `bb3` any more.
//!
//! # The rule
//!
//! * All ways of a piece to a block are changed alike, or none is.
//! * They are changed to where all ways from the block meet, given that what is before that is
//!   entered by the block only.
//! * If all ways to the block are changed, so that it goes, they may also be changed to blocks that
//!   lead to the meeting at once.
//! * Ways within a piece, and from outside of cleanup, need not agree. They are changed to the same
//!   blocks.
//! * What is between two such blocks and where their ways meet has no block in common. Otherwise
//!   one of them waits for the next round.
//!
//! # Soundness
//!
//! A piece whose ways are changed leads to the meeting, or to a block that leads to nothing else:
//! to one block still. What the block led to before leads to the meeting, too, so where that begins
//! a piece now, what is left leads to this one. Within a piece no way out is added. And what the
//! change of one block makes the beginning of a piece is no way out of a piece for another one: all
//! ways from that block, up to where they meet, are apart from those of the other.
//!
//! (`tests/ui/async-await/dead-reads/known-branches.rs`, and the mistake `cleanup-not-nested` of
//! async-fuzz)

use rustc_data_structures::fx::{FxHashMap, FxHashSet, FxIndexSet};
use rustc_index::IndexVec;
use rustc_middle::mir::*;

/// How many blocks may be between one and where all ways from it meet. To find each takes a look
/// at all that have been found. A variant that is dropped has two: a branch by a drop flag, and a
/// drop.
const BLOCKS_LIMIT: usize = 32;

/// An edge that could lead elsewhere.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) from: BasicBlock,
    pub(super) to: BasicBlock,
    /// Where it could lead: each is behind the one before.
    pub(super) behind: Vec<BasicBlock>,
}

/// Keeps those of `edges` that may be changed. One into cleanup has one target then, and any other
/// leads as far as it can.
pub(super) fn retain_nested(body: &Body<'_>, edges: &mut Vec<Edge>) {
    let is_in_cleanup = |edge: &Edge| body.basic_blocks[edge.to].is_cleanup;
    if !edges.iter().any(is_in_cleanup) {
        return;
    }
    let pieces = Pieces::find(body);
    let behind: FxHashMap<_, _> =
        edges.iter().map(|edge| ((edge.from, edge.to), &edge.behind[..])).collect();
    let mut by_block: FxHashMap<BasicBlock, Option<Ways>> = FxHashMap::default();
    let mut taken = FxHashSet::default();
    for edge in edges.iter().filter(|edge| is_in_cleanup(edge)) {
        by_block.entry(edge.to).or_insert_with(|| {
            let ways = Ways::find(body, &pieces, edge.to, &behind)?;
            let blocks = || ways.before.iter().copied().chain([ways.meeting]);
            if blocks().any(|block| taken.contains(&block)) {
                return None;
            }
            taken.extend(blocks());
            Some(ways)
        });
    }
    edges.retain_mut(|edge| match by_block.get(&edge.to) {
        None => true,
        Some(ways) => {
            let target = ways.as_ref().and_then(|ways| ways.target(&pieces, edge.from));
            edge.behind = target.into_iter().collect();
            target.is_some()
        }
    });
}

/// The ways to a block in cleanup.
struct Ways {
    to: BasicBlock,
    /// The block and all that comes before its ways meet.
    before: FxIndexSet<BasicBlock>,
    meeting: BasicBlock,
    /// Where all ways of a piece are to lead. `None` if they have to stay.
    targets: FxHashMap<BasicBlock, Option<BasicBlock>>,
}

impl Ways {
    /// `None` if none may be changed.
    fn find(
        body: &Body<'_>,
        pieces: &Pieces,
        to: BasicBlock,
        behind: &FxHashMap<(BasicBlock, BasicBlock), &[BasicBlock]>,
    ) -> Option<Ways> {
        let (before, meeting) = meeting(body, to)?;
        let mut targets = FxHashMap::default();
        for &block in &body.basic_blocks.predecessors()[to] {
            let mut behind = behind.get(&(block, to)).into_iter().flat_map(|behind| behind.iter());
            let target =
                behind.find(|&&it| it == meeting || leads_only_to(body, it, meeting)).copied();
            let of_piece = targets.entry(pieces.of_way(block, to)).or_insert(target);
            if *of_piece != target {
                *of_piece = None;
            }
        }
        if !targets.values().all(|target| target.is_some()) {
            // One has to stay, and so does the block.
            for target in targets.values_mut() {
                *target = target.filter(|&it| it == meeting);
            }
        }
        // What changes nothing is in the way of nothing.
        targets.values().any(|target| target.is_some()).then_some(Ways {
            to,
            before,
            meeting,
            targets,
        })
    }

    /// Where the way from `block` is to lead.
    fn target(&self, pieces: &Pieces, block: BasicBlock) -> Option<BasicBlock> {
        self.targets[&pieces.of_way(block, self.to)]
    }
}

/// For each block the first one of the piece of cleanup that it is in, or itself if it is in none.
struct Pieces(IndexVec<BasicBlock, BasicBlock>);

impl Pieces {
    fn find(body: &Body<'_>) -> Self {
        let mut pieces = IndexVec::from_fn_n(|block| block, body.basic_blocks.len());
        let dominators = body.basic_blocks.dominators();
        // What dominates a block comes before it.
        for &block in body.basic_blocks.reverse_postorder() {
            if let Some(dominator) = dominators.immediate_dominator(block)
                && body.basic_blocks[dominator].is_cleanup
            {
                pieces[block] = pieces[dominator];
            }
        }
        Pieces(pieces)
    }

    /// What has to agree with the way from `block` to another: the piece that it leads out of, or
    /// nothing else.
    fn of_way(&self, block: BasicBlock, to: BasicBlock) -> BasicBlock {
        if self.0[block] == self.0[to] { block } else { self.0[block] }
    }
}

/// Where all ways from `block` meet, and what comes before that, if nothing else leads there.
fn meeting(body: &Body<'_>, block: BasicBlock) -> Option<(FxIndexSet<BasicBlock>, BasicBlock)> {
    let mut before = FxIndexSet::from_iter([block]);
    while before.len() < BLOCKS_LIMIT {
        let next: FxIndexSet<_> = before
            .iter()
            .flat_map(|&block| body.basic_blocks[block].terminator().successors())
            .filter(|next| !before.contains(next))
            .collect();
        if let [meeting] = next.iter().copied().collect::<Vec<_>>()[..] {
            return Some((before, meeting));
        }
        let is_entered_only_so = |next: &BasicBlock| {
            body.basic_blocks.predecessors()[*next].iter().all(|block| before.contains(block))
        };
        let more = next.into_iter().find(is_entered_only_so)?;
        before.insert(more);
    }
    None
}

fn leads_only_to(body: &Body<'_>, block: BasicBlock, target: BasicBlock) -> bool {
    body.basic_blocks[block].terminator().successors().eq([target])
}
