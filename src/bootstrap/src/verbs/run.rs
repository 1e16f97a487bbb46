//! `x.py run`

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

use crate::base::Pin;
use crate::tree::{Checkout, Tree};
use crate::{command, host_tools, rustc_bootstrap, stage0, verbs};

/// The tools that can be run, with what they are for.
const TOOLS: [(&str, &str); 3] = [
    ("async-bench", "runs programs with our passes off and on, and compares what they execute"),
    (
        "async-fuzz",
        "makes random async programs and compares what they do with our passes off and on",
    ),
    (
        "async-size",
        "builds firmware with our passes off and on, and compares its size, or the builds' time",
    ),
];

/// Build the compiler and run one of our tools with it.
///
/// For example: ./x.py run async-size -- --bin blinky --opt-level z, or with --futures to see what
/// is in each future
#[derive(clap::Args)]
pub struct Arguments {
    /// Its name: async-bench, async-fuzz or async-size
    #[arg(value_name = "TOOL")]
    tool: String,
    /// What the tool gets, behind `--`
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        ensure!(
            TOOLS.iter().any(|(tool, _)| *tool == self.tool),
            "there is no tool {}; there is\n{}",
            self.tool,
            TOOLS.map(|(tool, purpose)| format!("    {tool}: it {purpose}")).join("\n")
        );
        let tree = Tree::open()?;
        let build_tool = || -> Result<Command> {
            let stage0 = stage0::find(&tree, &Pin::read()?)?;
            host_tools::build(&tree, &stage0, &self.tool)
        };
        // No compiler is needed to tell how the tool is called.
        let asks_for_help = self.arguments.iter().any(|word| word == "--help" || word == "-h");
        // Kept until the tool is done, so that nobody takes its compiler away.
        let _lock;
        let mut tool = if asks_for_help {
            build_tool()?
        } else {
            _lock = tree.lock()?;
            let ready = rustc_bootstrap::set_up(&tree, Checkout::Patched)?;
            let sysroot = ready.build()?;
            let mut tool = build_tool()?;
            tool.env("RUSTC", sysroot.join("bin/rustc")).env("CARGO", &ready.stage0.cargo);
            tool
        };
        tool.env("ASYNC_BENCH_TARGET_DIR", tree.build().join("async-bench"));
        tool.env("ASYNC_FUZZ_TARGET_DIR", tree.build().join("fuzz"));
        tool.env("ASYNC_SIZE_TARGET_DIR", tree.build().join("async-size"));
        Ok(verbs::same_code(command::status(tool.args(&self.arguments))?))
    }
}
