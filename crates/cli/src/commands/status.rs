//! `status`: what is known about the session, without asking anybody.

use countersign_core::session::{Purpose, Status};
use countersign_core::{Challenge, Timestamp};
use countersign_runtime::SessionStatus;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::duration;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::output;
use crate::problem::{Problem, headline};
use crate::profile::Profile;
use crate::terminal::escape;

/// Prints the session's status; the exit code says whether it can go on by itself.
pub(crate) fn run(profile: &Profile, global: &Global) -> Result<Exit, Problem> {
    let (status, pending, now) =
        Engine::peek(profile, |session, now| (session.status(), session.pending(), now))?;
    if global.json {
        output::json(&as_json(profile, &status, pending.as_ref()))?;
    } else {
        output::data(as_text(profile, &status, pending.as_ref(), now).as_bytes())?;
    }
    Ok(exit(&status))
}

/// Whether `token` would have something to give.
pub(super) const fn exit(status: &SessionStatus) -> Exit {
    if status.good {
        return Exit::Success;
    }
    match status.state {
        Status::Active | Status::Refreshing | Status::Degraded => Exit::Success,
        Status::Challenged => Exit::ChallengePending,
        Status::LockedOut | Status::BackingOff | Status::Authenticating | Status::Revoking => {
            Exit::TryAgain
        }
        _ => Exit::SignInNeeded,
    }
}

/// One object; absent facts are null.
pub(super) fn as_json(
    profile: &Profile,
    status: &SessionStatus,
    pending: Option<&Challenge>,
) -> Value {
    let at = |instant: Option<Timestamp>| instant.map(|at| at.to_string());
    let transitions: Vec<Value> = status
        .transitions
        .iter()
        .map(|step| {
            json!({
                "at": step.at.to_string(),
                "from": step.from.as_str(),
                "to": step.to.as_str(),
                "cause": step.cause,
                "failure": step.failure.map(|kind| kind.to_string()),
            })
        })
        .collect();
    json!({
        "profile": profile.name(),
        "provider": profile.provider(),
        "state": status.state.as_str(),
        "good": status.good,
        "generation": status.generation.map(|generation| generation.to_string()),
        "issued_at": at(status.issued_at),
        "expires_at": at(status.expires_at),
        "refresh_expires_at": at(status.refresh_expires_at),
        "saved": status.saved,
        "next": status.next.map(|(purpose, at)| json!({
            "purpose": word(purpose),
            "at": at.to_string(),
        })),
        "last_error": status.last_error.as_ref().map(|error| json!({
            "message": headline(error),
            "help": error.hint_text(),
        })),
        "challenge": pending.map(challenge_json),
        "transitions": transitions,
    })
}

/// A challenge without its handle.
pub(crate) fn challenge_json(challenge: &Challenge) -> Value {
    json!({
        "name": &*challenge.name,
        "wants": challenge.wants,
        "parameters": challenge.parameters,
        "expires_at": challenge.expires_at.to_string(),
        "attempts_left": challenge.attempts_left,
    })
}

/// One line about the token for a person who has just got it.
pub(super) fn until(status: &SessionStatus, now: Timestamp) -> String {
    match status.expires_at {
        Some(at) => format!("the token is good until {at} ({})", duration::words(at.since(now))),
        None => "there is a token".to_owned(),
    }
}

/// Some lines for a person.
pub(super) fn as_text(
    profile: &Profile,
    status: &SessionStatus,
    pending: Option<&Challenge>,
    now: Timestamp,
) -> String {
    let mut text = format!(
        "{} ({}): {}\n",
        escape(profile.name()),
        profile.provider(),
        status.state.as_str().replace('_', " ")
    );
    let mut fact = |name: &str, value: String| text.push_str(&format!("  {name:<12} {value}\n"));
    if let Some(expires_at) = status.expires_at {
        let value = if now < expires_at {
            let left = duration::words(expires_at.since(now));
            let good = if status.good { "good" } else { "refused; it would be good" };
            format!("{good} until {expires_at} ({left})")
        } else {
            format!("ended at {expires_at}")
        };
        fact("token", value);
    }
    if let Some(generation) = status.generation {
        fact("generation", generation.to_string());
    }
    if let Some(until) = status.refresh_expires_at {
        fact("renewable", format!("until {until}"));
    }
    if !status.saved {
        fact("saved", "no; writing it is tried again with the next command".to_owned());
    }
    if let Some((purpose, at)) = status.next {
        fact("next", format!("{} at {at}", word(purpose)));
    }
    if let Some(challenge) = pending {
        let wants: Vec<String> = challenge.wants.iter().map(|want| escape(want)).collect();
        let value = format!(
            "{} wants {} until {}",
            escape(&challenge.name),
            wants.join(", "),
            challenge.expires_at
        );
        fact("challenge", value);
    }
    if let Some(error) = &status.last_error {
        fact("last error", escape(&format!("{}: {}", headline(error), error.hint_text())));
    }
    text
}

/// What is due, in a word.
pub(crate) const fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Renew { .. } => "renew",
        Purpose::Retry { .. } => "retry",
        Purpose::Moment => "go on",
        Purpose::Probe => "probe",
        Purpose::Save { .. } => "save",
    }
}
