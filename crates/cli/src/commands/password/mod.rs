//! `password`: changing it, and getting over a forgotten one.

mod change;
mod confirm;
mod forgot;

use clap::Subcommand;
use countersign_core::{CredentialKind, Credentials};

use crate::cli::Global;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::source;

/// What to do about the password.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Replace the password; signs in first if there is no token
    Change(change::Arguments),
    /// Have a code, or a temporary password, sent to the owner of the account
    Forgot,
    /// Set a new password with what was sent
    Confirm(confirm::Arguments),
}

/// Does it.
pub(crate) fn run(profile: Profile, command: &Command, global: &Global) -> Result<Exit, Problem> {
    match command {
        Command::Change(arguments) => change::run(profile, arguments, global),
        Command::Forgot => forgot::run(&profile, global),
        Command::Confirm(arguments) => confirm::run(profile, arguments, global),
    }
}

/// Everything but the password, and the password too if it can be had without asking anybody: the
/// engine then knows which one is out of date.
async fn beside_the_password(engine: &Engine) -> Result<Credentials, Problem> {
    let found = engine.source();
    let mut credentials = found.bare();
    for (kind, from) in &found.sources {
        let secret = match kind {
            CredentialKind::Password if from.is_interactive() => None,
            CredentialKind::Password => found.secret(*kind).await.ok().flatten(),
            _ => found.secret(*kind).await?,
        };
        if let Some(secret) = secret {
            credentials = source::set(credentials, *kind, secret);
        }
    }
    Ok(credentials)
}
