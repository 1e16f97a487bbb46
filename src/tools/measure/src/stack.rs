//! What a poll takes of the stack together with all that it calls.
//!
//! The frames are those of [`frames`]. The calls are read from relocations: each is a place in the
//! code where an address was put in, and its type says whether as the target of a call, of a jump,
//! or as a mere value. A linker forgets them, unless [`LINKER_FLAG`] has it keep them beside the
//! program, where they take no memory. (The debug info of rustc has no call sites, on any target.)
//!
//! The sum is what is known, and so it is no bound:
//!
//! * A call through a pointer is not followed: polls through vtables, wakers, and where the
//!   compiler loads the address of a function to call it several times, as it does for Thumb at
//!   opt-level z from the third call in a block on.
//! * A function whose frame is not told counts as nothing: assembly, and `memcpy` and the like from
//!   `compiler_builtins`.
//! * Functions that call each other in a cycle count once each, however often they may recur.
//!
//! A jump to another function is a tail call, which gives its frame up first. On RISC-V it cannot
//! be told from a call, and counts as one.

use anyhow::{Context, Result};
use object::elf::{
    R_AARCH64_CALL26, R_AARCH64_JUMP26, R_ARM_CALL, R_ARM_JUMP24, R_ARM_THM_JUMP19,
    R_ARM_THM_JUMP24, R_ARM_THM_PC22, R_RISCV_CALL, R_RISCV_CALL_PLT, R_RISCV_JAL,
};
use object::{
    Architecture, File, Object, ObjectSection, ObjectSymbol, Relocation, RelocationFlags,
    RelocationTarget, SectionKind,
};

use crate::frames::{frames, polls};
use crate::functions::{Functions, is_linked, place_of};

/// The flag for LLD and GNU linkers that has them keep relocations. It changes nothing else.
pub const LINKER_FLAG: &str = "--emit-relocs";

/// How LLVM names what it moved out of several functions at opt-level z. Jumping there gives no
/// frame up.
const OUTLINED: &str = "OUTLINED_FUNCTION_";

/// A call in the code of a function, to another one or itself.
#[derive(Clone, Copy, Debug)]
struct Call {
    callee: usize,
    /// Whether the caller's frame is still there during the call.
    keeps_frame: bool,
}

/// The largest sum of frames in bytes along a chain of direct calls that begins with a poll, in the
/// ELF file whose bytes are `file`; 0 if there is no poll, or if the file was built without
/// [`frames::FLAG`](crate::frames::FLAG).
///
/// None if the calls are not known: the file was linked without [`LINKER_FLAG`], or is not for Arm,
/// AArch64 or RISC-V. Fails if it is no ELF file or is damaged.
pub fn deepest_of_polls(file: &[u8]) -> Result<Option<u64>> {
    let file = File::parse(file).context("damaged ELF file")?;
    let functions = Functions::read(&file)?;
    let Some(calls) = calls(&file, &functions)? else { return Ok(None) };
    let frames: Vec<_> =
        frames(&file, &functions)?.into_iter().map(|frame| frame.unwrap_or(0)).collect();
    let depths = depths(&frames, &calls);
    Ok(Some(polls(&functions).map(|function| depths[function]).max().unwrap_or(0)))
}

/// The direct calls of each of `functions`; none if the file does not have them.
fn calls(file: &File<'_>, functions: &Functions<'_>) -> Result<Option<Vec<Vec<Call>>>> {
    let known =
        [Architecture::Arm, Architecture::Aarch64, Architecture::Riscv32, Architecture::Riscv64];
    if !known.contains(&file.architecture()) {
        return Ok(None);
    }
    let mut has_relocations = !is_linked(file);
    let mut calls = vec![Vec::new(); functions.len()];
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        for (at, relocation) in section.relocations() {
            has_relocations = true;
            let Some(is_jump) = is_jump(file, &relocation) else { continue };
            let place = if is_linked(file) { (0, at) } else { (section.index().0, at) };
            let callee = callee(file, &relocation, functions)?;
            let (Some(caller), Some(callee)) = (functions.around(place), callee) else { continue };
            let is_outlined = functions.names(callee)[0].starts_with(OUTLINED);
            calls[caller].push(Call { callee, keeps_frame: !is_jump || is_outlined });
        }
    }
    Ok(has_relocations.then_some(calls))
}

/// Whether the relocation is that of a jump, or that of a call; none if it is another one. That of
/// a call in Thumb code is named `R_ARM_THM_CALL` today.
fn is_jump(file: &File<'_>, relocation: &Relocation) -> Option<bool> {
    let RelocationFlags::Elf { r_type } = relocation.flags() else { return None };
    match (file.architecture(), r_type) {
        (Architecture::Arm, R_ARM_CALL | R_ARM_THM_PC22)
        | (Architecture::Aarch64, R_AARCH64_CALL26)
        | (
            Architecture::Riscv32 | Architecture::Riscv64,
            R_RISCV_CALL | R_RISCV_CALL_PLT | R_RISCV_JAL,
        ) => Some(false),
        (Architecture::Arm, R_ARM_JUMP24 | R_ARM_THM_JUMP24 | R_ARM_THM_JUMP19)
        | (Architecture::Aarch64, R_AARCH64_JUMP26) => Some(true),
        _ => None,
    }
}

/// The function that the relocation is for, if it is in the file.
fn callee(
    file: &File<'_>,
    relocation: &Relocation,
    functions: &Functions<'_>,
) -> Result<Option<usize>> {
    let RelocationTarget::Symbol(index) = relocation.target() else { return Ok(None) };
    let symbol = file.symbol_by_index(index).context("damaged relocation")?;
    if symbol.is_undefined() {
        return Ok(None);
    }
    let (section, start) = place_of(file, &symbol);
    // Where the code has the addend, it only makes up for the length of the instruction.
    let addend = if relocation.has_implicit_addend() { 0 } else { relocation.addend() };
    Ok(functions.around((section, start.wrapping_add_signed(addend))))
}

/// The largest sum of `frames` along a chain of `calls` from each function, with its own frame.
///
/// It is found as Tarjan's algorithm finds the strongly connected components of the calls, which
/// gives a component after all that it calls. The time is linear in the functions and calls.
fn depths(frames: &[u64], calls: &[Vec<Call>]) -> Vec<u64> {
    /// How far a function is that is not in a component yet.
    #[derive(Clone, Copy)]
    struct Visit {
        order: usize,
        /// The smallest order that is known to be reached from it.
        low: usize,
    }

    let mut depths = vec![None; frames.len()];
    let mut visits = vec![None::<Visit>; frames.len()];
    let mut pending = Vec::new();
    let mut count = 0;
    // What is visited now, and how many of its calls were looked at.
    let mut path = Vec::<(usize, usize)>::new();
    for root in 0..frames.len() {
        if visits[root].is_none() {
            path.push((root, 0));
        }
        while let Some((function, next)) = path.pop() {
            let mut visit = visits[function].unwrap_or_else(|| {
                pending.push(function);
                count += 1;
                Visit { order: count, low: count }
            });
            if next > 0 {
                // The callee is done, or was seen before.
                let callee = calls[function][next - 1].callee;
                if let (None, Some(Visit { low, .. })) = (depths[callee], visits[callee]) {
                    visit.low = visit.low.min(low);
                }
            }
            visits[function] = Some(visit);
            if let Some(&Call { callee, .. }) = calls[function].get(next) {
                path.push((function, next + 1));
                if visits[callee].is_none() {
                    path.push((callee, 0));
                }
            } else if visit.low == visit.order {
                let start = pending.iter().rposition(|&member| member == function).unwrap_or(0);
                let component = pending.split_off(start);
                let depth = depth_of_component(&component, frames, calls, &depths);
                component.into_iter().for_each(|member| depths[member] = Some(depth));
            }
        }
    }
    depths.into_iter().map(Option::unwrap_or_default).collect()
}

/// The largest sum of frames from a component on, whose members have no `depths` yet, and all else
/// that they call has.
fn depth_of_component(
    component: &[usize],
    frames: &[u64],
    calls: &[Vec<Call>],
    depths: &[Option<u64>],
) -> u64 {
    let own: u64 = component.iter().map(|&member| frames[member]).sum();
    let all_calls = || component.iter().flat_map(|&member| &calls[member]);
    let is_cycle = all_calls().any(|call| depths[call.callee].is_none());
    let with_callees = all_calls().filter_map(|call| {
        // A jump out of a cycle leaves the frames of other members.
        let kept = if call.keeps_frame || is_cycle { own } else { 0 };
        Some(kept + depths[call.callee]?)
    });
    with_callees.fold(own, u64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::largest_of_polls;
    use crate::functions::tests::{Written, linked, not_linked};

    const POLL: &str = "_RNCNvC3app3top0";

    fn call(callee: usize) -> Call {
        Call { callee, keeps_frame: true }
    }

    fn jump(callee: usize) -> Call {
        Call { callee, keeps_frame: false }
    }

    #[test]
    fn frames_add_up_along_the_deepest_chain() {
        // 0 calls 1 and 2; 1 calls 3, and so does 2.
        let calls = [vec![call(1), call(2)], vec![call(3)], vec![call(3)], vec![]];
        assert_eq!(depths(&[1, 20, 300, 4000], &calls), [4301, 4020, 4300, 4000]);
    }

    #[test]
    fn functions_in_a_cycle_count_once() {
        // 1, 2 and 3 call each other, and 2 calls 4; 5 calls itself.
        let calls = [
            vec![call(1)],
            vec![call(2)],
            vec![call(4), call(3)],
            vec![call(1)],
            vec![],
            vec![call(5)],
        ];
        let depths = depths(&[1, 20, 300, 4000, 50_000, 7], &calls);
        assert_eq!(depths, [54_321, 54_320, 54_320, 54_320, 50_000, 7]);
    }

    #[test]
    fn a_tail_call_gives_the_frame_up() {
        let calls = [vec![jump(1)], vec![], vec![jump(3)], vec![], vec![jump(5)], vec![jump(4)]];
        assert_eq!(depths(&[10, 500, 800, 20, 3, 4], &calls), [500, 500, 800, 20, 7, 7]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let calls: Vec<_> =
            (1..=100_000).map(|callee| vec![call(callee)]).chain([vec![]]).collect();
        assert_eq!(depths(&vec![1; 100_001], &calls)[0], 100_001);
    }

    #[test]
    fn calls_are_told_by_their_relocations() {
        for (architecture, call, jump) in [
            (Architecture::Arm, R_ARM_THM_PC22, Some(R_ARM_THM_JUMP24)),
            (Architecture::Aarch64, R_AARCH64_CALL26, Some(R_AARCH64_JUMP26)),
            (Architecture::Riscv32, R_RISCV_CALL_PLT, None),
        ] {
            let mut poll = Written::new(POLL, 100).with(call, &["near"]);
            if let Some(jump) = jump {
                poll = poll.with(jump, &["far", "OUTLINED_FUNCTION_3"]);
            }
            let file = not_linked(
                architecture,
                &[
                    Written::new("main", 5000).with(call, &[POLL]),
                    poll,
                    Written::new("near", 20).with(call, &["leaf"]),
                    Written::new("far", 107),
                    Written::new("OUTLINED_FUNCTION_3", 0).with(call, &["leaf"]),
                    Written::new("leaf", 3),
                ],
            );
            assert_eq!(deepest_of_polls(&file).unwrap(), Some(123), "{architecture:?}");
        }
    }

    #[test]
    fn what_is_outlined_runs_on_top_of_the_frame() {
        let poll = Written::new(POLL, 100).with(R_ARM_THM_JUMP24, &["OUTLINED_FUNCTION_0"]);
        let outlined = Written::new("OUTLINED_FUNCTION_0", 0).with(R_ARM_THM_PC22, &["leaf"]);
        let file = not_linked(Architecture::Arm, &[poll, outlined, Written::new("leaf", 3)]);
        assert_eq!(deepest_of_polls(&file).unwrap(), Some(103));
    }

    #[test]
    fn a_linker_may_keep_the_calls() {
        let functions = [
            Written::new("main", 5000),
            Written::new(POLL, 100).with(R_ARM_THM_PC22, &["leaf"]),
            Written::new("leaf", 3),
        ];
        let file = linked(Architecture::Arm, &functions);
        assert_eq!(largest_of_polls(&file).unwrap(), 100);
        assert_eq!(deepest_of_polls(&file).unwrap(), Some(103));
        let without_calls = linked(Architecture::Arm, &[Written::new(POLL, 100)]);
        assert_eq!(deepest_of_polls(&without_calls).unwrap(), None);
    }

    #[test]
    fn an_address_that_is_no_target_is_no_call() {
        let poll = Written::new(POLL, 100).with(object::elf::R_ARM_ABS32, &["task"]);
        let file = not_linked(Architecture::Arm, &[poll, Written::new("task", 3)]);
        assert_eq!(deepest_of_polls(&file).unwrap(), Some(100));
    }

    #[test]
    fn calls_of_other_architectures_are_not_known() {
        let file = not_linked(Architecture::X86_64, &[Written::new(POLL, 100)]);
        assert_eq!(deepest_of_polls(&file).unwrap(), None);
    }
}
