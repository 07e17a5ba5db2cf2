//! All that CI does, cheapest first. The list itself is `.ci/run`, so that there is one of it.

use std::process::Command;

use crate::workspace::{root, succeed};
use crate::{Result, no_arguments};

pub(crate) fn run(args: &[String]) -> Result<()> {
    no_arguments(args)?;
    succeed(Command::new("bash").arg(".ci/run").current_dir(root()))
}
