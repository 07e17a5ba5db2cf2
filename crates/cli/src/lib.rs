//! The command-line tool `countersign`: sessions of partner APIs for people and scripts.
//!
//! It prints secrets only by the commands and options whose purpose that is (`token`, `headers`, `otp`,
//! `simulate`, `--print`, `--show-secret`; `mfa enroll` at a terminal), takes none on its command line,
//! asks for one only on a terminal, and leaves no core dump.
//!
//! This library is the program, for its own `main` and for the conformance suite, which opens profiles by
//! [`live`] as the program does. It promises nothing to others: what is stable is the command line.

mod answer;
mod apart;
mod ask;
mod cli;
mod code;
mod commands;
mod demo;
mod duration;
mod engine;
mod enrolment;
mod exit;
mod fleet;
mod generate;
mod hardening;
mod inputs;
mod interrupt;
mod keep;
mod keyring;
mod later;
pub mod live;
mod logging;
mod moment;
mod new_password;
mod offer;
mod opening;
mod output;
mod problem;
mod profile;
mod progress;
mod protected;
mod providers;
mod qr;
mod report;
mod shelf;
mod source;
mod store;
mod terminal;
mod transport;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::{Cli, Command, Global};
use crate::commands::{
    doctor, login, logout, mfa, otp, password, refresh, register, request, sessions, simulate,
    status, token,
};
use crate::exit::Exit;
use crate::later::Later;
use crate::problem::Problem;
use crate::profile::{Profile, ProfileFile};

/// Runs the program on the arguments, the environment and the streams of this process.
pub fn main() -> ExitCode {
    hardening::keep_memory_private();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    ended(|| run(cli)).into()
}

/// How it ends. A panic has told where it was already, on standard error.
fn ended(work: impl FnOnce() -> Result<Exit, Problem>) -> Exit {
    // Nothing of it is used afterwards.
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Problem::new(
            Exit::Defect,
            "this program has a defect",
            "please report it, with what stands above",
        ))
    });
    done.unwrap_or_else(|problem| {
        output::report(&problem);
        problem.exit()
    })
}

fn run(Cli { global, command }: Cli) -> Result<Exit, Problem> {
    logging::start(global.verbose, environment)?;
    let profile = || profile(&global);
    match command {
        Command::Demo(Later(arguments)) => demo::run(&arguments, &global),
        Command::Doctor => doctor::run(&global),
        Command::Sessions(Later(command)) => sessions::run(&command, &global),
        Command::Login(Later(arguments)) => login::run(profile()?, &arguments, &global),
        Command::Status => status::run(&profile()?, &global),
        Command::Token(Later(arguments)) => token::token(&profile()?, &arguments, &global),
        Command::Headers(Later(arguments)) => token::headers(&profile()?, &arguments, &global),
        Command::Refresh => refresh::run(&profile()?, &global),
        Command::Logout => logout::run(&profile()?, &global),
        Command::Request(Later(arguments)) => request::run(&profile()?, &arguments, &global),
        Command::Otp => otp::run(&profile()?, &global),
        Command::Register(Later(arguments)) => register::run(profile()?, &arguments, &global),
        Command::Password(Later(command)) => password::run(profile()?, &command, &global),
        Command::Mfa(Later(command)) => mfa::run(profile()?, &command, &global),
        Command::Simulate(Later(arguments)) => simulate::run(&arguments, &global),
    }
}

/// The profile that the command line chooses.
fn profile(global: &Global) -> Result<Profile, Problem> {
    let path = profile::config_file(global.config.clone(), environment)?;
    ProfileFile::read(&path)?.profile(global.profile.as_deref())
}

/// Help and version are answers; everything else is a wrong command line.
fn usage(error: &clap::Error) -> ExitCode {
    // Where this cannot be printed there is nobody to read it.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success.into(),
        _ => Exit::Usage.into(),
    }
}

/// The environment of this process.
pub(crate) fn environment(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_with_the_code_of_a_defect() {
        assert_eq!(ended(|| Ok(Exit::HttpStatus)), Exit::HttpStatus);
        assert_eq!(ended(|| Err(Problem::usage("wrong", ""))), Exit::Usage);
        assert_eq!(ended(|| panic!("of the test")), Exit::Defect);
    }
}
