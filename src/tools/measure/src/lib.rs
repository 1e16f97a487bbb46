//! What the tools that measure the passes of `-Z async-returned-panic=no` have in common.
//!
//! Each of them builds programs with the passes off and on, and compares what comes out.
//! [`passes`] is the one table of the passes; [`compiler`] and [`cargo_build`] build with them, and
//! [`elf`], [`frames`] and [`stack`] read what a program takes in memory, and [`debug_info`] what
//! of it is async; [`table`], [`json`] and [`chart`] are what reports are made of, and [`report`]
//! writes them.

pub mod amount;
pub mod arguments;
pub mod build_folder;
pub mod cargo_build;
pub mod chart;
pub mod compiler;
pub mod debug_info;
pub mod elf;
pub mod frames;
mod functions;
pub mod json;
pub mod opt_level;
pub mod panic_strategy;
pub mod passes;
pub mod pools;
pub mod progress;
pub mod project;
pub mod report;
pub mod rustflags;
pub mod stack;
pub mod table;
pub mod whole_file;
pub mod xml;
