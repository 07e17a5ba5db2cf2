//! The command line: commands, options, and what `--help` says below them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::commands::{login, mfa, password, register, request, sessions, simulate, token};
use crate::later::Later;
use crate::{duration, exit, profile};

/// Signs in to a partner's API, stays signed in, and hands out what its requests need.
#[derive(Parser, Debug)]
#[command(name = "countersign", version, propagate_version = true, after_help = exit::table(),
          after_long_help = format!("{}\n{}", exit::table(), profile::help()))]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that stand before or after the command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// The profile file [default: $COUNTERSIGN_CONFIG, else countersign/config.toml in the user's
    /// configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The profile [default: the only one in the file]
    #[arg(long, short, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// How long to wait for a token, retries and throttles included
    #[arg(long, global = true, value_name = "TIME", default_value = "30s",
          value_parser = duration::argument)]
    pub(crate) wait: Duration,
    /// Print data as JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say on standard error what is done; never secrets. COUNTERSIGN_LOG=off|info|debug|trace sets
    /// how much, and TARGET=LEVEL adds other crates
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Show the whole life of five sessions against simulators of this process, in 20 seconds
    Demo(Later<crate::demo::Arguments>),
    /// Sign in with the secrets that the profile names
    Login(Later<login::Arguments>),
    /// Tell what is known about the session; asks nobody
    Status,
    /// Print the access token, a good one
    Token(Later<token::Arguments>),
    /// Print the headers that a request needs, for `curl -H @-`
    Headers(Later<token::Arguments>),
    /// Renew the token now
    Refresh,
    /// Revoke the token where that can be done, and forget the session
    Logout,
    /// Send a request to the API, signed in; prints the body, and the status to standard error
    Request(Later<request::Arguments>),
    /// Print the time-based code of this moment
    Otp,
    /// Make the account that the profile describes, where the provider lets one
    Register(Later<register::Arguments>),
    /// Change the password, or get over a forgotten one
    #[command(subcommand)]
    Password(Later<password::Command>),
    /// Set up an authenticator as a second factor, or do without it
    #[command(subcommand)]
    Mfa(Later<mfa::Command>),
    /// List, explain, end and reseal what the store holds
    #[command(subcommand)]
    Sessions(Later<sessions::Command>),
    /// Look whether profiles, store, locks, room and clock are as they must be; asks nobody, changes
    /// nothing
    Doctor,
    /// Run a provider's server on this machine, with faults on demand; prints KEY=value, and
    /// the codes that it sends by mail
    Simulate(Later<simulate::Arguments>),
}
