//! The conformance suite, built and run: its arguments and its exit code are those of the runner.

use crate::Result;
use crate::record;
use crate::workspace::run_program;

pub(crate) fn run(args: &[String]) -> Result<()> {
    let record = record::path()?;
    run_program("conformance", |command| {
        command.args(args).env(record::VARIABLE, record);
    })
}
