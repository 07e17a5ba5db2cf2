//! `sessions explain`: "why was I signed out?", from the record and its account. Nothing is sent.

use countersign_core::Timestamp;
use countersign_runtime::{Explanation, Reason};
use serde_json::{Value, json};

use super::{Which, chosen, profiles, when};
use crate::cli::Global;
use crate::commands::status;
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::output;
use crate::problem::{Problem, headline};
use crate::profile::{Profile, ProfileFile};
use crate::shelf::Shelf;
use crate::terminal::escape;

pub(super) fn run(which: &Which, global: &Global) -> Result<Exit, Problem> {
    let file = profiles(global)?;
    let profile = profile(file.as_ref(), which, global)?;
    let name = profile.name().to_owned();
    let fleet = Fleet::look(vec![profile])?;
    let explained = fleet.ask(async |sessions| match sessions.first() {
        Some((_, session)) => Some(session.explain().await),
        None => None,
    });
    let Some(explanation) = &explained else { return Ok(Exit::Defect) };
    if global.json {
        output::json(&as_json(&name, explanation))?;
    } else {
        output::data(as_text(&name, explanation, fleet.now()).as_bytes())?;
    }
    Ok(exit(&explanation.reason))
}

/// The profile of the session that is meant: an explanation needs to know how its provider renews.
fn profile(file: Option<&ProfileFile>, which: &Which, global: &Global) -> Result<Profile, Problem> {
    let no_file = || {
        let help = "create it, or name another by --config FILE; `sessions show ID` needs none";
        Problem::usage("there is no profile file that describes the session", help)
    };
    let file = file.ok_or_else(no_file)?;
    let Some(id) = which.id.as_deref() else {
        return file.profile(chosen(Some(file), which, global).as_deref());
    };
    let shelf = Shelf::look(Some(file))?;
    let book = shelf.session(Some(id), None)?;
    match book.profiles.first() {
        Some(name) => file.profile(Some(name)),
        None => Err(Problem::usage(
            format!("no profile describes the session {}", book.id()),
            format!("`countersign sessions show {}` tells what is stored of it", book.id()),
        )),
    }
}

/// Whether the session can go on by itself.
fn exit(reason: &Reason) -> Exit {
    match reason {
        Reason::SignedIn | Reason::Unsaved => Exit::Success,
        Reason::Challenged { .. } => Exit::ChallengePending,
        Reason::UnderWay | Reason::LockedOut { .. } | Reason::Failing { .. } => Exit::TryAgain,
        Reason::Damaged | Reason::GuardsUnreadable | Reason::StoreUnreadable => Exit::Store,
        _ => Exit::SignInNeeded,
    }
}

/// The facts of a reason by name.
fn facts(reason: &Reason) -> Vec<(&'static str, String)> {
    let who = |here: bool| if here { "this process" } else { "another process, or an earlier one" };
    match reason {
        Reason::SignedOut { at, generation, here } | Reason::Revoked { at, generation, here } => {
            let mut facts = vec![("at", at.to_string()), ("by", who(*here).to_owned())];
            facts.extend(generation.map(|generation| ("generation", generation.to_string())));
            facts
        }
        Reason::RefreshRefused { generation } | Reason::TokenRefused { generation } => {
            vec![("generation", generation.to_string())]
        }
        Reason::RefreshEnded { at } => vec![("at", at.to_string())],
        Reason::NotRenewable { ended_at } => vec![("ended_at", ended_at.to_string())],
        Reason::RefreshUsedUp { used } => vec![("used", used.to_string())],
        Reason::LostAnswer { sent_at, attempt } => {
            vec![("sent_at", sent_at.to_string()), ("attempt", attempt.to_string())]
        }
        Reason::SecretRefused { at, tries, .. } => {
            vec![("at", at.to_string()), ("tries", tries.to_string())]
        }
        Reason::LockedOut { until } | Reason::Challenged { until } => {
            vec![("until", until.to_string())]
        }
        Reason::SignInsUsedUp { count } => vec![("count", count.to_string())],
        Reason::Failing { kind, next } => {
            let mut facts = vec![("kind", kind.to_string())];
            facts.extend(next.map(|at| ("next", at.to_string())));
            facts
        }
        Reason::Failed { kind } => vec![("kind", kind.to_string())],
        _ => Vec::new(),
    }
}

fn as_json(profile: &str, explanation: &Explanation) -> Value {
    let facts: serde_json::Map<String, Value> = facts(&explanation.reason)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    json!({
        "profile": profile,
        "state": explanation.state.as_str(),
        "good": explanation.good,
        "reason": explanation.reason.as_str(),
        "facts": facts,
        "help": explanation.reason.remedy(),
        "next": explanation.next.map(|(purpose, at)| json!({
            "purpose": status::word(purpose),
            "at": at.to_string(),
        })),
        "store_error": explanation.store_error.as_ref().map(|error| error.hint_text().to_owned()),
        "guards_error": explanation.guards_error.as_ref().map(|error| error.hint_text().to_owned()),
    })
}

fn as_text(profile: &str, explanation: &Explanation, now: Timestamp) -> String {
    let reason = &explanation.reason;
    let mut text = format!("{}: {}\n", escape(profile), reason.as_str().replace('_', " "));
    for (name, value) in facts(reason) {
        text.push_str(&format!("  {:<10} {}\n", name.replace('_', " "), escape(&value)));
    }
    if let Some((purpose, at)) = explanation.next {
        text.push_str(&format!(
            "  next       {} at {}\n",
            status::word(purpose),
            when::told(at, now)
        ));
    }
    if let Some(error) = &explanation.store_error {
        text.push_str(&format!(
            "  store      {}: {}\n",
            headline(error),
            escape(error.hint_text())
        ));
    }
    if let Some(error) = &explanation.guards_error {
        text.push_str(&format!("  guards     {}\n", escape(error.hint_text())));
    }
    if let Some(help) = reason.remedy() {
        text.push_str(&format!("  help       {help}\n"));
    }
    text
}
