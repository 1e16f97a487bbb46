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
//! Both are linear in the body, but for locals that only other unread ones read: each round removes
//! one more of such a chain.
//!
//! # Soundness
//!
//! Both run on any body with the flag off, too, though later. They hold for one that suspends as
//! for any other: a *yield* is a terminator, which they keep, and a read has no effect that anyone
//! could observe.
//! (`tests/ui/async-await/dead-reads/sizes.rs`)

use rustc_middle::mir::*;
use rustc_middle::ty::TyCtxt;

use crate::async_bodies::{AsyncPass, with_runtime_phase};
use crate::{pass_manager as pm, simplify};

pub(super) struct DeadReads;

impl AsyncPass for DeadReads {
    fn transform<'tcx>(&self, tcx: TyCtxt<'tcx>, body: &mut Body<'tcx>) {
        // In an earlier phase `SimplifyCfg` keeps the read of a switch, for the borrow checker.
        with_runtime_phase(body, |body| {
            let unread = &simplify::SimplifyLocals::BeforeConstProp;
            simplify::simplify_cfg(tcx, body);
            pm::run_passes_no_validate(tcx, body, &[unread], None);
        });
    }
}
