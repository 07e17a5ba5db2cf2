//! What a process is told: a line of JSON on its standard input, since it holds the password.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::defect::Defect;
use crate::kind::{Facts, Kind};
use crate::spoil::{Spoil, Spoilt};

/// Everything that a process has to know.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) task: Task,
    pub(crate) kind: Kind,
    pub(crate) facts: Facts,
    /// The store that all processes share.
    pub(crate) folder: PathBuf,
    /// How many automatic sign-ins a day; none: only by name.
    pub(crate) automatic: Option<u32>,
    pub(crate) exchange_deadline_ms: Option<u64>,
    /// How long a caller waits for a token.
    pub(crate) caller_deadline_ms: u64,
    /// Where it writes how far it is.
    pub(crate) phase: Option<PathBuf>,
    /// It counts the steps of its exchange.
    pub(crate) counts_steps: bool,
    /// What is broken in it.
    pub(crate) defect: Option<Defect>,
    /// The step at which it dies.
    pub(crate) dies_at: Option<u32>,
    /// What a person knows who sits before it.
    pub(crate) person: Person,
}

/// What a person tells who is asked.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Person {
    /// The time step whose code was used last: the next one is read off then.
    pub(crate) last_code_step: Option<i64>,
    /// The password that is chosen.
    pub(crate) new_password: String,
}

/// What it does.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Calls the API all the time, by so many callers, until its standard input ends.
    Load { callers: u32, pause_ms: u64 },
    /// Has a token bought, and calls the API once.
    Renew,
    /// Signs in by name, and calls the API once.
    SignIn,
    /// Calls the API once with what there is.
    Call,
    /// Renews while its disk is spoilt.
    Spoil(Spoil),
    /// Asks for a token, and calls the API once if there is one.
    Use,
    /// Has another token bought, whatever there is.
    Buy,
    /// A person answers the challenge that is pending.
    Answer,
    /// A person signs in, and answers what is asked.
    SignInAndAnswer,
    /// A person changes the password.
    ChangePassword,
    /// Ends the session.
    SignOut,
    /// Ends all sessions of the store; none is open here.
    RevokeAll,
}

/// What it tells at its end: what its callers have met, and where its session is.
#[derive(Clone, Default, Serialize, Deserialize, Debug)]
pub(crate) struct Report {
    /// Calls that the API answered with 200.
    pub(crate) ok: u64,
    /// Calls that failed, or were answered with anything else.
    pub(crate) failed: u64,
    /// The first of their errors.
    pub(crate) errors: Vec<String>,
    /// The error of what was asked for by name.
    pub(crate) refused: Option<String>,
    /// Its kind.
    pub(crate) refused_kind: Option<String>,
    pub(crate) state: String,
    /// The generation that it holds.
    pub(crate) generation: u64,
    pub(crate) saved: bool,
    /// How often the session came to doubt whether a refresh token was spent.
    pub(crate) ambiguous: u64,
    /// Exchanges that it has carried out itself.
    pub(crate) bought: u64,
    /// A challenge was pending when it began.
    pub(crate) pending: bool,
    /// What it was told of an end.
    pub(crate) said: String,
    /// What came of a spoilt disk.
    pub(crate) spoilt: Option<Spoilt>,
    /// The steps that it went through, where it was asked to count them.
    pub(crate) steps: Vec<String>,
}
