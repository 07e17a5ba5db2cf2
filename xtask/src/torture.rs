//! Sessions under crashes, many processes and broken disks: its arguments and its exit code are those of
//! the runner.

use crate::Result;
use crate::workspace::run_program;

pub(crate) fn run(args: &[String]) -> Result<()> {
    run_program("torture", |command| {
        command.args(args);
    })
}
