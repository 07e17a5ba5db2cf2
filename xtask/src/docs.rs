//! Documents that are made from the conformance suite: `docs/FAILURES.md`, the tables of
//! `docs/PROVIDERS.md`. The suite's runner makes them; this is its short name.

use crate::{Result, conformance};

pub(crate) fn run(args: &[String]) -> Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => conformance::run(&["--docs".into(), "write".into()]),
        ["--check"] => conformance::run(&["--docs".into(), "check".into()]),
        _ => Err("usage: cargo xtask docs [--check]".into()),
    }
}
