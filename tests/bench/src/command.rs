//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::fleet;
use crate::report::{Report, compared, markdown, table};
use crate::row::Row;
use crate::rows::{self, Held, Run};
use crate::{Result, day, lean, plots, server};

/// Measures what Countersign costs, each row beside its physical limit in the same run.
///
/// Ends with 1 if a target is missed by more than the measured noise, with 2 if something could not be
/// measured.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only rows whose names begin so: `W1`, `W2a`, `W3/64`.
    rows: Vec<String>,
    #[command(flatten)]
    output: Output,
    /// Also draws cost against load, callers 1 to 10,000 and sessions 1 to 1,000,000, into this folder.
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,
    /// Few rounds, and nothing that takes minutes: counts are asserted, everything else with wide limits.
    #[arg(long)]
    quick: bool,
}

#[derive(clap::Args)]
struct Output {
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Compares with an earlier run, written by `--format json`.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Markdown,
}

#[derive(Subcommand)]
enum Command {
    /// Many sessions of one keeper against the simulator: renewals a second beside the bare client's.
    Fleet {
        #[command(flatten)]
        of: fleet::Fleet,
        #[command(flatten)]
        output: Output,
    },
    /// A day in virtual time, with outages: lateness, peak rate, what an outage costs.
    Day {
        #[arg(long, default_value_t = 1_000_000)]
        sessions: u32,
    },
    /// What each feature of the facade costs: crates, CPU seconds of a clean check, bytes of a program.
    Lean {
        /// Only these features.
        features: Vec<String>,
        /// Also builds a program with each feature, optimised and stripped: minutes each.
        #[arg(long)]
        bytes: bool,
    },
    /// A token server, for the rows.
    #[command(hide = true)]
    Serve,
    /// The simulator of IBEX with so many accounts, for the fleet.
    #[command(hide = true)]
    Simulate { accounts: usize, threads: usize },
    /// Holds sessions and weighs itself, for W4.
    #[command(hide = true)]
    Hold {
        held: Held,
        sessions: usize,
        #[arg(long)]
        idle: bool,
    },
}

/// Runs what the arguments of this process ask for.
#[expect(clippy::print_stderr, reason = "the reason of a failure is for the person who ran it")]
pub fn run() -> ExitCode {
    match carried_out(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stdout, reason = "its output is what it is run for")]
fn carried_out(arguments: Arguments) -> Result<bool> {
    match arguments.command {
        None => table_of_rows(&arguments),
        Some(Command::Fleet { of, output }) => {
            let earlier = output.earlier()?;
            let rows = fleet::fleet(of, tell)?;
            output.shown(rows, false, earlier)
        }
        Some(Command::Day { sessions }) => {
            print!("{}", day::day(sessions, tell)?);
            Ok(true)
        }
        Some(Command::Lean { features, bytes }) => {
            lean::lean(&features, bytes, |line| println!("{line}"), tell)?;
            Ok(true)
        }
        Some(Command::Serve) => server::serve().map(|()| true),
        Some(Command::Simulate { accounts, threads }) => {
            server::simulate(accounts, threads).map(|()| true)
        }
        Some(Command::Hold { held, sessions, idle }) => {
            println!("{}", serde_json::to_string(&rows::hold(held, sessions, idle)?)?);
            Ok(true)
        }
    }
}

fn table_of_rows(arguments: &Arguments) -> Result<bool> {
    let earlier = arguments.output.earlier()?;
    let run = Run { quick: arguments.quick };
    let rows = rows::measured(run, &arguments.rows, |names| tell(format!("measuring {names}")))?;
    if rows.is_empty() {
        return Err(format!("no row begins with {}", arguments.rows.join(" or ")).into());
    }
    if let Some(folder) = &arguments.plot {
        for file in plots::plotted(folder, run, tell)? {
            tell(format!("drawn: {}", file.display()));
        }
    }
    arguments.output.shown(rows, arguments.quick, earlier)
}

impl Output {
    /// Read before anything is measured: an hour must not end with a file that is not there.
    fn earlier(&self) -> Result<Option<Report>> {
        let Some(file) = &self.against else { return Ok(None) };
        let read = || Report::from_json(&std::fs::read_to_string(file)?);
        let unread = |error| {
            format!("--against {}: {error}; give what `--format json` wrote", file.display())
        };
        read().map(Some).map_err(|error| unread(error).into())
    }

    /// Prints the rows; whether none of them missed its target.
    #[expect(clippy::print_stdout, reason = "a table is what it is run for")]
    fn shown(&self, rows: Vec<Row>, quick: bool, earlier: Option<Report>) -> Result<bool> {
        let report = Report::new(rows, quick);
        match self.format {
            Format::Table => print!("{}", table(&report.rows)),
            Format::Json => println!("{}", report.to_json()?),
            Format::Markdown => print!("{}", markdown(&report.rows)),
        }
        if let Some(earlier) = earlier {
            tell(compared(&earlier, &report));
        }
        let missed: Vec<&str> = report.missed().map(|row| row.id.as_str()).collect();
        if !missed.is_empty() {
            tell(format!("missed by more than the noise: {}", missed.join(", ")));
        }
        Ok(missed.is_empty())
    }
}

/// Says how far it is, beside the output.
#[expect(clippy::print_stderr, reason = "long work shows that it goes on")]
fn tell(line: String) {
    eprintln!("{line}");
}
