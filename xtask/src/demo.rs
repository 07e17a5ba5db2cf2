//! `countersign demo` off a terminal: its totals, and an exit code that says whether they agree.

use std::process::Stdio;

use crate::workspace::run_program;
use crate::{Result, no_arguments};

pub(crate) fn run(args: &[String]) -> Result<()> {
    no_arguments(args)?;
    run_program("countersign", |command| {
        command.arg("demo").stdin(Stdio::null());
    })
}
