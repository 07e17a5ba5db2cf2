//! `cargo package` for every crate that is published, all in one call: they depend on one
//! another, and cargo then takes each from the others' packages where no registry has it.
//!
//! With `--verify` each package is built from what it holds alone, which builds everything once
//! more. CI does without: that no source file reaches outside of its package is a rule of `tidy`.

use crate::Result;
use crate::workspace::{cargo, members, succeed};

pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut command = cargo();
    command.args(["package", "--workspace", "--allow-dirty"]);
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => command.arg("--no-verify"),
        ["--verify"] => &mut command,
        _ => return Err("usage: cargo xtask package [--verify]".into()),
    };
    for package in members()? {
        if !package.published {
            command.args(["--exclude", &package.name]);
        }
    }
    succeed(&mut command)
}
