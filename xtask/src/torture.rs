//! Sessions under crashes, many processes and broken disks: its arguments and its exit code are those of
//! the runner.

use crate::Result;
use crate::workspace::cargo;

const PACKAGE: &str = "countersign-torture";

pub(crate) fn run(args: &[String]) -> Result<()> {
    let status = cargo()
        .args(["run", "--quiet", "--locked", "--package", PACKAGE, "--"])
        .args(args)
        .status()?;
    // 1 and 2 mean different things, and `Err` would make one of both.
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => Err("the experiments were ended by a signal".into()),
    }
}
