//! The conformance suite, built and run: its arguments and its exit code are those of the runner.

use crate::Result;
use crate::record;
use crate::workspace::cargo;

const PACKAGE: &str = "countersign-conformance-runner";

pub(crate) fn run(args: &[String]) -> Result<()> {
    let status = cargo()
        .args(["run", "--quiet", "--locked", "--package", PACKAGE, "--"])
        .args(args)
        .env(record::VARIABLE, record::path()?)
        .status()?;
    // 1 and 2 mean different things, and `Err` would make one of both.
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => Err("the suite was ended by a signal".into()),
    }
}
