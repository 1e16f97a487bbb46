//! Walks through the blocks of a body.

use rustc_index::bit_set::DenseBitSet;
use rustc_middle::mir::*;

/// The blocks that can be reached from `starts`, with these. `follow` says where control may go on
/// from a block, and is asked once for each.
pub(crate) fn reachable_from<I: IntoIterator<Item = BasicBlock>>(
    body: &Body<'_>,
    starts: impl IntoIterator<Item = BasicBlock>,
    mut follow: impl FnMut(BasicBlock) -> I,
) -> DenseBitSet<BasicBlock> {
    let mut reachable = DenseBitSet::new_empty(body.basic_blocks.len());
    let mut waiting: Vec<_> = starts.into_iter().collect();
    while let Some(block) = waiting.pop() {
        if reachable.insert(block) {
            waiting.extend(follow(block));
        }
    }
    reachable
}
