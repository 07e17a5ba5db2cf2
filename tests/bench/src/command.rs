//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::Result;
use crate::report::{Report, compared, markdown, table};
use crate::rows::{self, Run};

/// Measures what Countersign costs, each row beside its physical limit in the same run.
///
/// Ends with 1 if a target is missed by more than the measured noise, with 2 if something could not be
/// measured.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Only rows whose names begin so: `W1`, `W2a`, `W3/64`.
    rows: Vec<String>,
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Compares with an earlier run, written by `--format json`.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Few rounds, and nothing that takes minutes: counts are asserted, everything else with wide limits.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Markdown,
}

/// Runs what the arguments of this process ask for.
#[expect(clippy::print_stderr, reason = "the reason of a failure is for the person who ran it")]
pub fn run() -> ExitCode {
    match carried_out(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a table is what it is run for")]
fn carried_out(arguments: &Arguments) -> Result<bool> {
    // Read first: an hour of measuring must not end with a file that is not there.
    let earlier = match &arguments.against {
        Some(file) => Some(Report::from_json(&std::fs::read_to_string(file)?)?),
        None => None,
    };
    let run = Run { quick: arguments.quick };
    let rows = rows::measured(run, &arguments.rows, |names| eprintln!("measuring {names}"))?;
    if rows.is_empty() {
        return Err(format!("no row begins with {}", arguments.rows.join(" or ")).into());
    }
    let report = Report::new(rows, arguments.quick);
    match arguments.format {
        Format::Table => print!("{}", table(&report.rows)),
        Format::Json => println!("{}", report.to_json()?),
        Format::Markdown => print!("{}", markdown(&report.rows)),
    }
    if let Some(earlier) = earlier {
        eprint!("{}", compared(&earlier, &report));
    }
    let missed: Vec<&str> = report.missed().map(|row| row.id.as_str()).collect();
    if !missed.is_empty() {
        eprintln!("missed by more than the noise: {}", missed.join(", "));
    }
    Ok(missed.is_empty())
}
