#!/usr/bin/env python3
"""Builds and starts src/bootstrap, which does the work; `./x.py --help` tells what it can do."""

import os
import shutil
import subprocess
import sys


def main():
    root = os.path.dirname(os.path.abspath(__file__))
    for program, remedy in [
        ("cargo", "rustup toolchain install 1.95.0"),
        ("cc", "sudo apt-get install gcc"),
    ]:
        if shutil.which(program) is None:
            sys.exit(f"error: there is no `{program}` on the PATH; install one ({remedy})")

    target = os.path.join(root, "build", "tools")
    manifest = os.path.join(root, "Cargo.toml")
    build = ["cargo", "build", "--release", "--locked", "--package", "bootstrap"]
    build += ["--manifest-path", manifest, "--target-dir", target]
    tool = os.path.join(target, "release", "bootstrap")
    if os.path.exists(tool):
        build.append("--quiet")
    # This is for the tool; it passes on to the compiler what the settings say.
    environment = {k: v for k, v in os.environ.items() if k not in ("RUSTC", "RUSTFLAGS")}
    try:
        code = subprocess.call(build, env=environment)
    except KeyboardInterrupt:
        code = 130
    if code != 0:
        sys.exit(
            "error: src/bootstrap could not be built; it takes a rustc and cargo 1.95 or 1.96, and "
            f"a place to write to: {target}"
        )
    os.execv(tool, [tool] + sys.argv[1:])


if __name__ == "__main__":
    main()
