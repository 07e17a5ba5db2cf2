//! The conformance suite over this project's adapters: `cargo xtask conformance`.
//!
//! Here are the targets (each provider's adapter over its simulator), the cases for one provider alone,
//! the defects that prove the suite, and the command line. The suite itself is
//! `countersign-conformance`. Nothing here opens a socket but `--live`, which goes where a profile says.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the report goes to standard output, progress to standard error"
)]

mod args;
mod cases;
mod defects;
mod docs;
#[cfg(test)]
mod frugal;
mod live;
mod rows;
mod select;
mod self_check;
mod targets;

use std::process::ExitCode;

use clap::Parser;
use countersign_conformance::report::model::{Outcome, Run};
use countersign_conformance::report::{html, json, junit, table};
use countersign_conformance::{Live, Progress, Suite};
use countersign_core::Clock;
use countersign_runtime::SystemClock;

use crate::args::{Args, Format};

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args {
        Args { docs: Some(todo), .. } => docs::run(*todo),
        Args { list: true, .. } => list(&args),
        Args { self_check: true, .. } => self_check(&args),
        Args { live: args::Live { live: true, .. }, .. } => live::run(&args),
        _ => conformance(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("conformance: {why}");
            ExitCode::from(2)
        }
    }
}

fn conformance(args: &Args) -> Result<bool, String> {
    let (targets, cases) = (select::targets(args)?, select::cases(args)?);
    make_folder(args)?;
    let seed = seed(args);
    eprintln!("seed {seed:016x}");
    let mut suite = Suite::new(cases, targets, seed).threads(args.threads);
    if args.selects_cases() {
        suite = suite.partial();
    }
    let mut run = suite.run(tell).map_err(|down| down.to_string())?;
    rows::complete(&mut run, args.is_selection())?;
    report(args, &run)
}

/// Makes the folder of the report before there is one, so that a long run is not for nothing.
fn make_folder(args: &Args) -> Result<(), String> {
    let Some(folder) = &args.out else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("{}: {error}; name another --out", folder.display()))
}

/// Writes the report; whether the run conforms.
fn report(args: &Args, run: &Run) -> Result<bool, String> {
    let text = match args.format {
        Format::Table => table::write(run),
        Format::Json => json::write(run).map_err(|error| error.to_string())?,
        Format::Junit => junit::write(run).map_err(|error| error.to_string())?,
        Format::Html => html::write(run),
    };
    deliver(args, &text)?;
    summary(run);
    Ok(run.conforms())
}

fn self_check(args: &Args) -> Result<bool, String> {
    let defects = select::defects(args)?;
    let seed = seed(args);
    eprintln!("seed {seed:016x}");
    let mut verdicts = self_check::run(&defects, seed, args.threads, |line| eprintln!("{line}"))?;
    if args.defect.is_empty() {
        verdicts.wrong.extend(self_check::unnamed(&cases::all(), &defects));
    }
    for wrong in &verdicts.wrong {
        println!("{wrong}");
    }
    println!("{} defects, {} caught", defects.len(), verdicts.n_caught);
    Ok(verdicts.wrong.is_empty() && verdicts.n_caught == defects.len())
}

fn list(args: &Args) -> Result<bool, String> {
    for case in select::cases(args)? {
        let proves: Vec<String> = case.proves.iter().map(ToString::to_string).collect();
        println!("{:<34} {:<14} {}", case.id, case.group, case.title);
        let live = match case.live {
            None => "",
            Some(Live { faults: false, .. }) => "; live",
            Some(Live { faults: true, .. }) => "; live with --faults",
        };
        let (proves, harm) = (proves.join(", "), case.harm.as_str());
        println!("{:<34} {:<14} {proves}; {harm}{live}", "", "");
    }
    Ok(true)
}

/// Not secret, and another one in every run.
fn seed(args: &Args) -> u64 {
    let now = || SystemClock::new().now().as_millis().unsigned_abs();
    args.seed.unwrap_or_else(|| now().wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn tell(progress: Progress<'_>) {
    if let Outcome::Failed { .. } = progress.case.outcome {
        let Progress { n_done, n_all, target, case } = progress;
        eprintln!("{n_done}/{n_all} failed: {target} {}", case.id);
    } else if progress.n_done.is_multiple_of(100) {
        eprintln!("{}/{}", progress.n_done, progress.n_all);
    }
}

fn deliver(args: &Args, text: &str) -> Result<(), String> {
    let Some(folder) = &args.out else {
        println!("{}", text.trim_end());
        return Ok(());
    };
    let file = folder.join(args.format.file());
    std::fs::write(&file, text)
        .map_err(|error| format!("{}: {error}; name another --out", file.display()))?;
    eprintln!("written: {}", file.display());
    Ok(())
}

fn summary(run: &Run) {
    let tally = run.tally();
    eprintln!(
        "{} passed, {} failed, {} skipped in {} ms; --seed {} repeats it",
        tally.passed, tally.failed, tally.skipped, run.took_ms, run.seed
    );
}
