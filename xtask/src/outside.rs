//! The adapter under `tests/outside`: a workspace of its own, as an author has it who is none of us. It
//! depends on the published crates alone, and runs the whole suite against a server of its own.
//!
//! It takes the versions of this workspace's `Cargo.lock`, so nothing is looked up, and builds into the same
//! target folder. That is right here: cargo names what it builds of a path package by its whole path where it
//! lies outside of the workspace that is built, so nothing of the two workspaces has one name.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::totals::Totals;
use crate::workspace::{cargo, root, succeed, target_dir};
use crate::{Result, no_arguments};

/// What the adapter may have of code: no blank lines, no comments, no tests.
const MOST_LINES: usize = 150;

pub(crate) fn run(args: &[String]) -> Result<()> {
    no_arguments(args)?;
    let folder = root().join("tests/outside");
    let lines = lines_of_code(&folder.join("src"))?;
    println!("outside: the adapter has {lines} lines of code, of at most {MOST_LINES}");
    if lines > MOST_LINES {
        return Err(format!("the adapter has {lines} lines of code, more than {MOST_LINES}").into());
    }
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    succeed(cargo().args(["fmt", "--check"]).current_dir(&folder))?;
    let lint = ["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"];
    succeed(&mut built(&folder, &lint)?)?;
    let output = built(&folder, &["test", "--no-fail-fast"])?.stderr(Stdio::inherit()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    let mut totals = Totals::default();
    said.lines().filter_map(Totals::of_libtest).for_each(|found| totals += found);
    println!("outside: {totals}");
    if !output.status.success() || totals.failed > 0 || totals.run() == 0 {
        return Err("an adapter outside of the workspace does not pass".into());
    }
    Ok(())
}

/// Cargo in that folder, with the settings of our builds, so that what others wrote is built once for both.
fn built(folder: &Path, args: &[&str]) -> Result<Command> {
    let mut command = cargo();
    command.current_dir(folder).env("CARGO_TARGET_DIR", target_dir()?);
    for setting in ["debug=\"line-tables-only\"", "package.\"*\".debug=false"] {
        command.args(["--config", &format!("profile.dev.{setting}")]);
    }
    command.args(args);
    Ok(command)
}

fn lines_of_code(folder: &Path) -> Result<usize> {
    let mut lines = 0;
    for entry in std::fs::read_dir(folder)? {
        let text = std::fs::read_to_string(entry?.path())?;
        let code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        lines += text.lines().filter(code).count();
    }
    Ok(lines)
}
