//! Removes branches that lead to one place, and the reads that only they need.
//!
//! # Motivation
//!
//! Drop elaboration leaves a branch behind for each enum of which a part was moved out:
//!
//! ```text
//!   d = discriminant(e); switchInt(d) -> [1: A, otherwise: B]
//! ```
//!
//! In `A` the part was moved, and in `B` there is nothing to drop, so both lead to the same block.
//! LLVM removes that. But the read keeps the whole enum alive up to the end of its scope, and so
//! it is saved at each suspension point on the way. There is one for each `?`, `if let` and `for`
//! over a value with something to drop.
//!
//! # The transformation
//!
//! What [`SimplifyCfg`](simplify::SimplifyCfg) and [`SimplifyLocals`](simplify::SimplifyLocals) do,
//! on the bodies of coroutines that suspend by *yield* still. The first makes a `goto` of a switch
//! all of whose targets are the same; the second removes the statements that assign to a local that
//! nothing reads. The pass runs before all passes that change what is saved.
//!
//! In each round [`known_branches`] runs before these two, and there are rounds as long as branches
//! go. Where a part of a part was moved out, there is a branch for the whole enum and one for the
//! part, and drop flags beside them: what one round removes makes blocks the same for the next one.
//! So there is one more round for each level of an enum, up to [`ROUNDS_LIMIT`]. Each is linear in
//! the body, but for locals that only other unread ones read, and for the dataflow analysis of that
//! page.
//!
//! # Soundness
//!
//! [`SimplifyCfg`](simplify::SimplifyCfg) and [`SimplifyLocals`](simplify::SimplifyLocals) run on
//! any body with the flag off, too, though later. They hold for one that suspends as for any other:
//! a *yield* is a terminator, which they keep, and a read has no effect that anyone could observe.
//! The page of [`known_branches`] argues for the rest.
//! (`tests/ui/async-await/dead-reads/sizes.rs`)

use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;

use crate::async_bodies::{AsyncPass, with_runtime_phase};
use crate::{pass_manager as pm, simplify};

mod cleanup;
mod known_branches;

/// How many rounds are made, at most.
const ROUNDS_LIMIT: usize = 8;

pub(super) struct DeadReads;

impl AsyncPass for DeadReads {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        // In an earlier phase `SimplifyCfg` keeps the read of a switch, for the borrow checker.
        with_runtime_phase(body, |body| {
            let unread = &simplify::SimplifyLocals::BeforeConstProp;
            let mut branches = usize::MAX;
            for _ in 0..ROUNDS_LIMIT {
                let is_known = known_branches::remove_known_branches(tcx, body);
                simplify::simplify_cfg(tcx, body);
                let left = count_branches(body);
                if !is_known && left == branches {
                    break;
                }
                branches = left;
                pm::run_passes_no_validate(tcx, body, &[unread], None);
            }
        });
    }
}

/// How many blocks end in a branch.
fn count_branches(body: &Body<'_>) -> usize {
    let is_branch = |data: &&BasicBlockData<'_>| {
        matches!(data.terminator().kind, TerminatorKind::SwitchInt { .. })
    };
    body.basic_blocks.iter().filter(is_branch).count()
}
