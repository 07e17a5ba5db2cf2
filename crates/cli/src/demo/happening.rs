//! What happens in the demo, as data, and the sentence that tells it. None of it holds a secret.

use std::fmt;
use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{Clock, Error, ErrorKind, Monotonic};
use countersign_runtime::SystemClock;
use tokio::sync::mpsc::UnboundedSender;

use super::totals::Totals;
use crate::problem::headline;

/// What the demo as a whole is called where a provider's name stands.
pub(super) const DEMO: &str = "demo";

/// One thing that has happened.
#[derive(Debug)]
pub(super) struct Happening {
    /// How long after the start.
    pub(super) after: Duration,
    /// To which provider's session, or [`DEMO`].
    pub(super) who: &'static str,
    pub(super) what: What,
}

/// What has happened.
#[derive(Debug)]
pub(super) enum What {
    /// A simulator listens.
    Serving { url: String },
    /// The sign-in begins, with these kinds of proof.
    SigningIn { with: &'static str },
    /// The provider asks for a further proof.
    Challenged { name: String },
    /// The client gives it.
    Answered { with: &'static str },
    /// A token is handed out from now on: `number` counts those of the session from one, `refusals` the
    /// answers 401 since the one before.
    Published { number: usize, good_for: Duration, saved: bool, refusals: u64 },
    /// The state of the session has changed.
    Moved { from: Status, to: Status },
    /// An exchange came to nothing and is tried again by itself.
    Stalled { error: Error, served: bool },
    /// An exchange came to nothing.
    Failed { error: Error, served: bool },
    /// Requests are sent at this pace from now on.
    Load { per_second: u64 },
    /// The authentication servers answer nothing but 503 from now on.
    OutageBegins,
    /// They are back: so many calls were refused, so many requests served meanwhile.
    OutageEnds { refused: u64, served: u64 },
    /// The next renewal meets a 429 that says when to come back.
    ThrottleSet { seconds: u64 },
    /// The answer to the next renewal is lost after the server has acted.
    LossSet,
    /// The server ends every access token of the account.
    Revoked,
    /// The API refuses a token.
    Refused,
    /// A request of the load came to nothing.
    RequestFailed { why: String },
    /// The last request of the load is over.
    LoadOver { requests: u64 },
    /// What is true about the tokens after the sign-out.
    SignedOut { end: End },
    /// What the API answered to the old token after the sign-out.
    Presented { status: u16 },
    /// The end: both sides' books.
    Totals(Box<Totals>),
}

/// What the client says about the tokens after a sign-out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The provider has revoked them.
    Revoked,
    /// They are forgotten here; the access token lives on for so long, if there was one.
    LocalOnly { valid_for: Option<Duration> },
    /// Whether they are revoked is not known.
    Unconfirmed,
}

impl What {
    /// Whether a person wants to read it: the comings and goings of states that another event tells
    /// better are for programs.
    pub(super) fn is_for_people(&self) -> bool {
        match self {
            Self::Moved { to, .. } => {
                matches!(to, Status::Ambiguous | Status::LockedOut | Status::ReauthRequired)
            }
            // The state tells it better.
            Self::Stalled { error, .. } => error.kind() != ErrorKind::Ambiguous,
            _ => true,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serving { url } => write!(f, "the simulator serves on {url}"),
            Self::SigningIn { with } => write!(f, "signs in with {with}"),
            Self::Challenged { name } => write!(f, "the provider asks for more: {name}"),
            Self::Answered { with } => write!(f, "answers with {with}"),
            Self::Published { number, good_for, saved, refusals } => {
                f.write_str(if *number == 1 { "signed in" } else { "renewed" })?;
                match refusals {
                    0 => {}
                    1 => f.write_str(" after a refusal, and the request is sent again")?,
                    n => write!(f, " after {n} refusals, and the requests are sent again")?,
                }
                write!(f, "; token {number} is good for {}", Seconds(*good_for))?;
                if *saved { Ok(()) } else { f.write_str(", and not saved yet") }
            }
            Self::Moved { to: Status::Ambiguous, .. } => f.write_str(
                "the answer is lost and the refresh token may be spent; it is sent again within its \
                 grace",
            ),
            Self::Moved { from, to } => write!(f, "{} -> {}", from.as_str(), to.as_str()),
            Self::Stalled { error, served } => {
                reason(error, f)?;
                f.write_str(match served {
                    true => "; the token is served on",
                    false => "; no token is good, callers wait",
                })
            }
            Self::Failed { error, served } => {
                write!(f, "{}; not tried again", headline(error))?;
                f.write_str(if *served { ", the token is served on" } else { "" })
            }
            Self::Load { per_second } => {
                write!(f, "{per_second} requests a second and session from now on, GET and POST")
            }
            Self::OutageBegins => f.write_str("the auth servers go down"),
            Self::OutageEnds { refused, served } => write!(
                f,
                "the auth servers are back; they refused {refused} calls, and {served} requests were \
                 served meanwhile"
            ),
            Self::ThrottleSet { seconds } => {
                write!(f, "the next renewal will be throttled for {seconds} s")
            }
            Self::LossSet => {
                f.write_str("the next renewal will be carried out, and its answer lost")
            }
            Self::Revoked => f.write_str("the server ends every access token of the account"),
            Self::Refused => f.write_str("the API answers 401 to the token"),
            Self::RequestFailed { why } => write!(f, "A REQUEST FAILED: {why}"),
            Self::LoadOver { requests } => write!(f, "the load is over after {requests} requests"),
            Self::SignedOut { end: End::Revoked } => {
                f.write_str("signed out; the provider has revoked the token")
            }
            Self::SignedOut { end: End::LocalOnly { valid_for: Some(left) } } => write!(
                f,
                "signed out; the provider may let the access token live to its end, {} more",
                Seconds(*left)
            ),
            Self::SignedOut { end: End::LocalOnly { valid_for: None } } => {
                f.write_str("signed out here; there was no token that lives")
            }
            Self::SignedOut { end: End::Unconfirmed } => {
                f.write_str("signed out here; whether the token is revoked is not known")
            }
            Self::Presented { status: 200 } => {
                f.write_str("presented once more, the old token is still taken")
            }
            Self::Presented { status } => {
                write!(f, "presented once more, the old token is refused (HTTP {status})")
            }
            Self::Totals(totals) => write!(f, "{totals}"),
        }
    }
}

/// Why an exchange waits, in words that fit to what the script does.
fn reason(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (error.kind(), error.status()) {
        (ErrorKind::TemporarilyUnavailable, Some(status)) => {
            write!(f, "the auth server is down (HTTP {status})")
        }
        (ErrorKind::RateLimited, Some(status)) => write!(f, "throttled (HTTP {status})"),
        // Nothing was sent: a circuit is open, or somebody else was told to wait.
        (ErrorKind::RateLimited, None) => f.write_str("the client holds its calls back"),
        (ErrorKind::CodeMismatch, None) => f.write_str("waits for the next one-time code"),
        _ => f.write_str(&headline(error)),
    }
}

/// A time as people read it.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

/// Tells the stage what happens. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Teller {
    clock: SystemClock,
    begun: Monotonic,
    stage: UnboundedSender<Happening>,
}

impl Teller {
    pub(super) fn new(clock: SystemClock, stage: UnboundedSender<Happening>) -> Self {
        Self { clock, begun: clock.monotonic(), stage }
    }

    /// How long the demo has run.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.monotonic().since(self.begun)
    }

    /// Tells one thing. If nobody looks any more, the demo is ending anyway.
    pub(super) fn tell(&self, who: &'static str, what: What) {
        drop(self.stage.send(Happening { after: self.elapsed(), who, what }));
    }
}
