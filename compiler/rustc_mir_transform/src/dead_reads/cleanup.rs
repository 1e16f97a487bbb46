//! Decides which ways into blocks in cleanup may lead around them.
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
//! Each of `bb1` and `bb2` is a piece, and the rest is one. `bb1` may lead to `bb5` instead: that
//! is a piece then, the only one that `bb1` leads to, and `bb3` with `bb4`. If `bb2` led to `bb4`,
//! which would be a piece of its own, `bb3` would lead to two. So it may do that only if `bb1` leads
//! somewhere else, too, and `bb3` goes. In general:
//!
//! * All ways of a piece to a block are changed alike, or none is.
//! * They are changed to where all ways from the block meet, given that what is before that is
//!   entered by the block only. Then the piece leads there, and so does what it led to before.
//! * If all ways to the block are changed, so that it goes, they may also be changed to blocks that
//!   lead there at once.
//!
//! Within a piece, and from outside of cleanup, ways are changed to the same blocks.

use rustc_data_structures::fx::{FxHashMap, FxIndexSet};
use rustc_index::IndexVec;
use rustc_middle::mir::*;

/// How many blocks are looked at, at most, to find where all ways from one meet. There are two for
/// each variant that is dropped, and each takes a look at all of them.
const BLOCKS_LIMIT: usize = 32;

/// An edge of a block to another one, and where it could lead instead: each is behind the one
/// before.
pub(super) type Around = (BasicBlock, BasicBlock, Vec<BasicBlock>);

/// Where the edges of `around` are to lead, that is as far as they can, unless it is in cleanup and
/// they have to stay.
pub(super) fn targets(
    body: &Body<'_>,
    around: &[Around],
) -> Vec<(BasicBlock, BasicBlock, BasicBlock)> {
    let is_cleanup = |block: BasicBlock| body.basic_blocks[block].is_cleanup;
    let in_cleanup = around.iter().filter(|(_, from, _)| is_cleanup(*from));
    let by_edge: FxHashMap<_, _> =
        in_cleanup.map(|(block, from, behind)| ((*block, *from), &behind[..])).collect();
    let pieces = (!by_edge.is_empty()).then(|| Pieces::find(body));
    let mut by_block: FxHashMap<BasicBlock, Option<Ways>> = FxHashMap::default();
    let mut target = |&(block, from, ref behind): &Around| match &pieces {
        Some(pieces) if is_cleanup(from) => {
            let ways =
                by_block.entry(from).or_insert_with(|| Ways::find(body, pieces, from, &by_edge));
            Some((block, from, ways.as_ref()?.target(pieces, block)?))
        }
        _ => Some((block, from, *behind.last()?)),
    };
    around.iter().filter_map(|edge| target(edge)).collect()
}

/// The ways to a block in cleanup.
struct Ways {
    to: BasicBlock,
    /// Where all ways from the block meet.
    meeting: BasicBlock,
    /// Where all ways of a piece could lead. `None` if they differ, or if one has to stay.
    targets: FxHashMap<BasicBlock, Option<BasicBlock>>,
    /// Whether none has to stay.
    all_change: bool,
}

impl Ways {
    /// `None` if none may be changed.
    fn find(
        body: &Body<'_>,
        pieces: &Pieces,
        to: BasicBlock,
        by_edge: &FxHashMap<(BasicBlock, BasicBlock), &[BasicBlock]>,
    ) -> Option<Ways> {
        let meeting = meeting(body, to)?;
        let mut targets = FxHashMap::default();
        for &block in &body.basic_blocks.predecessors()[to] {
            let mut behind = by_edge.get(&(block, to)).into_iter().flat_map(|it| it.iter());
            let target =
                behind.find(|&&it| it == meeting || leads_only_to(body, it, meeting)).copied();
            let of_piece = targets.entry(pieces.of_way(block, to)).or_insert(target);
            if *of_piece != target {
                *of_piece = None;
            }
        }
        let all_change = targets.values().all(|target| target.is_some());
        Some(Ways { to, meeting, targets, all_change })
    }

    /// Where the way from `block` is to lead.
    fn target(&self, pieces: &Pieces, block: BasicBlock) -> Option<BasicBlock> {
        let target = self.targets[&pieces.of_way(block, self.to)]?;
        (self.all_change || target == self.meeting).then_some(target)
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

/// Where all ways from `block` meet, if nothing else leads to what is before that.
fn meeting(body: &Body<'_>, block: BasicBlock) -> Option<BasicBlock> {
    let mut before = FxIndexSet::from_iter([block]);
    while before.len() < BLOCKS_LIMIT {
        let next: FxIndexSet<_> = before
            .iter()
            .flat_map(|&block| body.basic_blocks[block].terminator().successors())
            .filter(|next| !before.contains(next))
            .collect();
        if next.len() == 1 {
            return next.first().copied();
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
