//! `mfa`: the authenticator as a second factor.

mod disable;
mod enroll;

use clap::Subcommand;

use crate::cli::Global;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::profile::Profile;

/// What to do about the second factor.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Set up an authenticator, prove it with its first code, and prefer it from now on
    Enroll(enroll::Arguments),
    /// Ask for no code of an authenticator any more
    Disable,
}

/// Does it.
pub(crate) fn run(profile: Profile, command: &Command, global: &Global) -> Result<Exit, Problem> {
    match command {
        Command::Enroll(arguments) => enroll::run(profile, arguments, global),
        Command::Disable => disable::run(&profile, global),
    }
}
