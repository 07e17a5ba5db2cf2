//! `sessions`: what the store holds, and what is to become of it.

mod drop_key;
mod explain;
mod forget;
mod list;
mod protect;
mod reseal;
mod revoke;
mod schedule;
mod show;
mod when;

use clap::{Args, Subcommand};

use crate::cli::Global;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::profile::{self, ProfileFile};

/// What to do with stored sessions.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List every stored session: whose it is, how it stands, which profile describes it
    List,
    /// Tell all that is stored of a session and its account; no secret
    Show(Which),
    /// Tell why a session is as it is, and what helps
    Explain(Which),
    /// Remove a session from the store; its tokens live on until they end
    Forget(forget::Arguments),
    /// End sessions with their providers, and leave a mark that stops every process that shares them
    Revoke(revoke::Arguments),
    /// Seal every record anew with the key that seals now
    Reseal(reseal::Arguments),
    /// Take an old key away that no record needs any more
    DropKey(drop_key::Arguments),
    /// Put the keys of the store under what the table [store] of the profile file says
    Protect(protect::Arguments),
    /// Tell by when each session will be renewed, and how long an outage it survives; sends nothing
    Schedule(schedule::Arguments),
}

/// Which session.
#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The beginning of its id, four digits or more, as `sessions list` shows it [default: the session of the profile]
    #[arg(value_name = "ID")]
    id: Option<String>,
}

/// Does it.
pub(crate) fn run(command: &Command, global: &Global) -> Result<Exit, Problem> {
    match command {
        Command::List => list::run(global),
        Command::Show(which) => show::run(which, global),
        Command::Explain(which) => explain::run(which, global),
        Command::Forget(arguments) => forget::run(arguments, global),
        Command::Revoke(arguments) => revoke::run(arguments, global),
        Command::Reseal(arguments) => reseal::run(arguments, global),
        Command::DropKey(arguments) => drop_key::run(arguments, global),
        Command::Protect(arguments) => protect::run(arguments, global),
        Command::Schedule(arguments) => schedule::run(arguments, global),
    }
}

/// The profile file, if there is one: what is stored can be told without it.
fn profiles(global: &Global) -> Result<Option<ProfileFile>, Problem> {
    let path = profile::config_file(global.config.clone(), crate::environment)?;
    // One that was named has to be there, and one that may not be looked at is not one that is missing: it says
    // what the keys of the store are under.
    let is_named = profile::is_config_named(global.config.as_deref(), crate::environment);
    match path.try_exists() {
        Ok(false) if !is_named => Ok(None),
        _ => ProfileFile::read(&path).map(Some),
    }
}

/// The profile that is meant where no id is given: the one that was named, or the only one.
fn chosen(file: Option<&ProfileFile>, which: &Which, global: &Global) -> Option<String> {
    if which.id.is_some() {
        return None;
    }
    let only = file.and_then(|file| {
        let mut names = file.names();
        names.next().filter(|_| names.next().is_none()).map(str::to_owned)
    });
    global.profile.clone().or(only)
}
