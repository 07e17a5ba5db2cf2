//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Proves the adapters of this project against their simulators, or one of them against a live service.
///
/// Exit codes: 0 conforms, 1 does not, 2 could not run.
#[derive(Debug, Parser)]
#[command(name = "conformance", version)]
pub(crate) struct Args {
    /// Only this provider; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Vec<String>,

    /// Only this case, or all whose id begins with it; may be given more than once
    #[arg(long, value_name = "ID")]
    pub(crate) case: Vec<String>,

    /// Only cases of this group; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Vec<String>,

    /// Same seed, same order and same random values of the servers
    #[arg(long, value_name = "HEX", value_parser = seed)]
    pub(crate) seed: Option<u64>,

    /// How many cases run at a time
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) threads: usize,

    /// What the report looks like
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Write the report into this folder instead of to standard output
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Print the cases and end
    #[arg(long, conflicts_with = "self_check")]
    pub(crate) list: bool,

    /// Break adapter and engine, one defect at a time: each must be caught by the case that it names
    #[arg(long)]
    pub(crate) self_check: bool,

    /// With --self-check: only this defect; may be given more than once
    #[arg(long, value_name = "ID", requires = "self_check")]
    pub(crate) defect: Vec<String>,

    #[command(flatten)]
    pub(crate) live: Live,

    /// Write the documents that are made from cases and claims, or compare them
    #[arg(long, value_enum, value_name = "TODO", conflicts_with_all = ["list", "self_check"])]
    pub(crate) docs: Option<Docs>,
}

/// A live service in the place of the simulators.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Live")]
pub(crate) struct Live {
    /// Run the harmless cases against the service that a profile of the command-line tool names, in real
    /// time and one at a time
    #[arg(long, conflicts_with_all = ["provider", "self_check", "list", "docs"])]
    pub(crate) live: bool,

    /// The profile [default: the only one in the file]
    #[arg(long, value_name = "NAME", requires = "live")]
    pub(crate) profile: Option<String>,

    /// The profile file [default: that of the command-line tool]
    #[arg(long, value_name = "FILE", requires = "live")]
    pub(crate) config: Option<PathBuf>,

    /// An address of the API that answers a GET with 2xx if the token is good, and else refuses it
    #[arg(long, value_name = "URL", requires = "live")]
    pub(crate) resource: Option<String>,

    /// Run this case too, although it may lock, spend, change or mail; may be given more than once
    #[arg(long, value_name = "CASE", requires = "live")]
    pub(crate) allow: Vec<String>,

    /// Leave this case out; may be given more than once
    #[arg(long, value_name = "CASE", requires = "live")]
    pub(crate) except: Vec<String>,

    /// How many sign-ins all cases together may ask for
    #[arg(long, value_name = "N", requires = "live", default_value_t = 20)]
    pub(crate) sign_ins: usize,

    /// Also play faults on the way to the service: lost requests and answers, a gateway's page, redirects
    #[arg(long, requires = "live")]
    pub(crate) faults: bool,

    /// Where another password of the account comes from (env:NAME, file:PATH, command:ARGV or prompt), for
    /// cases that change it
    #[arg(long, value_name = "SOURCE", requires = "live")]
    pub(crate) next_password: Option<String>,
}

impl Args {
    /// Whether only some cases run, so that nothing can be said about claims without any.
    pub(crate) fn selects_cases(&self) -> bool {
        !(self.case.is_empty() && self.group.is_empty())
    }

    /// Whether only a part of the suite runs, so that nothing can be said about rows without proof.
    pub(crate) fn is_selection(&self) -> bool {
        self.selects_cases() || !self.provider.is_empty()
    }
}

/// What to do with the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Docs {
    /// Fail if one differs
    Check,
    /// Write them
    Write,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    Table,
    /// For programs: docs/CONFORMANCE.md has the schema
    Json,
    /// JUnit XML, for services of continuous integration
    Junit,
    /// One page, for people
    Html,
}

impl Format {
    /// The name of the file in the folder of `--out`.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Table => "conformance.txt",
            Self::Json => "conformance.json",
            Self::Junit => "conformance.xml",
            Self::Html => "conformance.html",
        }
    }
}

fn seed(text: &str) -> Result<u64, String> {
    let digits = text.trim_start_matches("0x");
    u64::from_str_radix(digits, 16).map_err(|_| "a seed is 1 to 16 hexadecimal digits".to_owned())
}
