//! What Countersign costs: the measuring programs are built with optimisation and run; arguments and
//! exit code are theirs.

use std::process::Command;

use crate::Result;
use crate::workspace::{cargo, succeed, target_dir};

/// The programs that measure, and the command line that W5a measures.
const PACKAGE: &str = "countersign-bench";
const MEASURED: &str = "countersign-cli";

pub(crate) fn run(args: &[String]) -> Result<()> {
    // All of its programs: the one that measures starts the others, which lie beside it. A quick run
    // leaves the command line out: its TLS takes longer to build than everything else.
    let mut packages = vec!["--package", PACKAGE];
    if !args.iter().any(|arg| arg == "--quick") {
        packages.extend(["--package", MEASURED]);
    }
    succeed(cargo().args(["build", "--quiet", "--locked", "--release"]).args(packages))?;
    let program = target_dir()?.join("release/bench");
    let status = Command::new(&program)
        .args(args)
        .status()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    // 1 and 2 mean different things, and `Err` would make one of both.
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => Err("the bench was ended by a signal".into()),
    }
}
