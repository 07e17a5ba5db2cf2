//! What Countersign costs: the measuring programs are built with optimisation and run; arguments and
//! exit code are theirs.

use std::process::Command;

use crate::workspace::{cargo, succeed, target_dir};
use crate::{Result, dist};

/// The programs that measure.
const PACKAGE: &str = "countersign-bench";

/// What W5a starts beside the command line, built as programs are shipped.
const SHIPPED: [&str; 2] = ["bench-raw-token", "bench-token"];

pub(crate) fn run(args: &[String]) -> Result<()> {
    // The fleet as a server is shipped; else as cargo builds for whoever says nothing.
    let profile = if args.first().is_some_and(|arg| arg == "fleet") { "server" } else { "release" };
    // All of its programs: the one that measures starts the others, which lie beside it.
    let build = ["build", "--quiet", "--locked", "--profile", profile, "--package", PACKAGE];
    succeed(cargo().args(build))?;
    if begins_programs(args) {
        dist::build("")?;
        let mut dist = cargo();
        dist.args(["build", "--quiet", "--locked", "--profile", "dist", "--package", PACKAGE]);
        succeed(dist.args(SHIPPED.iter().flat_map(|name| ["--bin", *name])))?;
    }
    let program = target_dir()?.join(profile).join("bench");
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

/// Whether W5a is among what is asked for. A quick run measures its programs as they are: TLS and link-time
/// optimisation take longer to build than everything else.
fn begins_programs(args: &[String]) -> bool {
    const OTHERS: [&str; 3] = ["fleet", "day", "lean"];
    let has_value =
        |at: usize| at > 0 && ["--format", "--against", "--plot"].contains(&&*args[at - 1]);
    let mut rows = args
        .iter()
        .enumerate()
        .filter(|(at, arg)| !arg.starts_with('-') && !has_value(*at))
        .map(|(_, arg)| arg.as_str())
        .peekable();
    if args.iter().any(|arg| arg == "--quick" || arg == "--help") {
        return false;
    }
    rows.peek().is_none()
        || rows
            .any(|row| !OTHERS.contains(&row) && ("W5a".starts_with(row) || row.starts_with("W5a")))
}

#[cfg(test)]
mod tests {
    use super::begins_programs;

    #[test]
    fn programs_are_built_as_they_are_shipped_where_they_are_measured() {
        let asked = |line: &str| {
            begins_programs(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        for line in ["", "W5a", "W5a/cli", "W", "W3 W5", "--format json", "--plot pictures"] {
            assert!(asked(line), "{line}");
        }
        for line in ["--quick", "W5a --quick", "W3/64", "W5b", "fleet", "lean ibex", "day --help"] {
            assert!(!asked(line), "{line}");
        }
    }
}
