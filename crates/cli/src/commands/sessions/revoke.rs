//! `sessions revoke`: the answer to a compromise. Every session that is meant ends: with its provider where
//! a profile says how, and in the store in any case, so that no process that shares it goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use countersign_core::{StoredKey, Timestamp};
use countersign_runtime::{Remaining, Revocation, RevocationOutcome, Selection};
use serde_json::{Value, json};

use super::{profiles, when};
use crate::cli::Global;
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::output;
use crate::problem::Problem;
use crate::profile::{self, Profile};
use crate::shelf::{Book, SHORT, Shelf};
use crate::terminal::escape;

/// How long all of it may take.
const WITHIN: Duration = Duration::from_secs(120);

/// Which sessions.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub(crate) struct Arguments {
    /// Every stored session
    #[arg(long, conflicts_with_all = ["by_provider", "account"])]
    all: bool,
    /// Those of this provider
    #[arg(long = "provider", value_name = "NAME")]
    by_provider: Option<String>,
    /// Those of this account: the name that signs in
    #[arg(long, value_name = "ID")]
    account: Option<String>,
}

impl Arguments {
    /// Whether the session of `book` is meant, as far as that is known.
    fn means(&self, book: &Book) -> bool {
        let Some(key) = &book.key else { return self.all };
        let is = |wanted: &Option<String>, of: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.trim().eq_ignore_ascii_case(of))
        };
        self.all || (is(&self.by_provider, key.provider()) && is(&self.account, key.identity()))
    }

    /// What the engine is asked to end.
    fn selections(&self, meant: &[&Book]) -> Vec<Selection> {
        match (&self.by_provider, &self.account) {
            (None, None) => vec![Selection::All],
            (Some(provider), None) => vec![Selection::provider(&provider.to_ascii_lowercase())],
            (_, Some(_)) => {
                let accounts: BTreeSet<StoredKey> = meant
                    .iter()
                    .filter_map(|book| book.key.as_ref())
                    .map(StoredKey::account)
                    .collect();
                accounts.into_iter().map(Selection::Account).collect()
            }
        }
    }
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let file = profiles(global)?;
    let shelf = Shelf::look(file.as_ref())?;
    let stored = shelf.sessions();
    let meant: Vec<&Book> = stored.into_iter().filter(|book| arguments.means(book)).collect();
    if meant.is_empty() && arguments.all {
        check_is_there()?;
        output::say("nothing is stored");
        return Ok(Exit::Success);
    }
    if meant.is_empty() {
        return Err(Problem::usage(
            "no stored session is meant",
            "`countersign sessions list` shows what is stored",
        ));
    }
    // Those that a profile describes are open when it begins: then the provider can be asked.
    let mut described: Vec<Profile> = Vec::new();
    if let Some(file) = &file {
        // Tokens of an ended session are there as long as nobody knows whether they were revoked.
        let lives = |book: &&&Book| book.record().is_some_and(|record| !record.is_over());
        for name in meant.iter().filter(lives).filter_map(|book| book.profiles.first()) {
            described.push(file.profile(Some(name))?);
        }
    }
    let settings = file.as_ref().map(|file| file.store().clone()).unwrap_or_default();
    let fleet = Fleet::ending(&settings, described, global.wait)?;
    let ended = fleet.run(async |_| {
        let mut ended = Vec::new();
        for selection in arguments.selections(&meant) {
            let report = fleet.keeper().revoke_all(&selection, WITHIN, |_| None).await;
            if let Some(error) = report.store_error {
                return Err(error.into());
            }
            ended.extend(report.sessions);
        }
        Ok(ended)
    })?;
    let mut exit = Exit::Success;
    for one in &ended {
        exit = exit.max(exit_of(one));
        let book = meant.iter().find(|book| Some(&book.name) == one.record.as_ref());
        tell(one, book.map(|book| &book.profiles[..]).unwrap_or_default(), fleet.now(), global)?;
    }
    Ok(exit)
}

/// Where a folder was named, another one may have been meant: nobody is told that all has ended where nothing was.
fn check_is_there() -> Result<(), Problem> {
    let folder = profile::state_folder(crate::environment)?;
    if profile::is_state_there(&folder)? || !profile::is_state_named(crate::environment) {
        return Ok(());
    }
    Err(Problem::new(
        Exit::Store,
        format!("there is no folder {}: no session was ended", folder.display()),
        "correct COUNTERSIGN_STATE; `countersign sessions list` shows what is stored",
    ))
}

/// A session that lives on somewhere, or may, is not one that was ended.
const fn exit_of(one: &Revocation) -> Exit {
    match (one.outcome, one.refresh) {
        (RevocationOutcome::AlreadyEnded, _) => Exit::Success,
        (RevocationOutcome::Revoked | RevocationOutcome::LocalOnly { .. }, Remaining::Nothing) => {
            Exit::Success
        }
        _ => Exit::Unconfirmed,
    }
}

const fn word(outcome: RevocationOutcome) -> &'static str {
    match outcome {
        RevocationOutcome::Revoked => "revoked",
        RevocationOutcome::LocalOnly { .. } => "local_only",
        RevocationOutcome::AlreadyEnded => "already_ended",
        RevocationOutcome::Failed => "failed",
        _ => "unconfirmed",
    }
}

fn tell(
    one: &Revocation,
    profiles: &[String],
    now: Timestamp,
    global: &Global,
) -> Result<(), Problem> {
    let (key, id) = (one.session.as_ref(), one.record.as_ref().map(|name| name.as_str()));
    let why = one.error.as_ref().map(|error| error.hint_text().to_owned());
    if global.json {
        return output::json(&json!({
            "id": id,
            "provider": key.map(|key| key.provider()),
            "origin": key.map(|key| key.origin().to_string()),
            "account": key.map(|key| key.identity()),
            "profiles": profiles,
            "end": word(one.outcome),
            "access": left_json(one.access),
            "refresh": left_json(one.refresh),
            "why": why,
        }));
    }
    let id = id.map_or("-", |id| &id[..SHORT]);
    let who = key.map_or_else(String::new, |key| {
        format!(" ({} {})", escape(key.provider()), escape(key.identity()))
    });
    let mut text = format!("{id}{who}: {}", word(one.outcome).replace('_', " "));
    if let Some(why) = why {
        text.push_str(&format!("; {}", escape(&why)));
    }
    output::line(&text)?;
    for (token, left) in [("access", one.access), ("refresh", one.refresh)] {
        let until = match left {
            Remaining::Nothing => continue,
            Remaining::Until(at) => format!("until {}", when::told(at, now)),
            Remaining::Unknown => "until the provider ends it".to_owned(),
        };
        output::line(&format!("  a copy of its {token} token may be used {until}"))?;
    }
    Ok(())
}

fn left_json(left: Remaining) -> Value {
    match left {
        Remaining::Nothing => json!({ "usable": "no", "until": null }),
        Remaining::Until(at) => json!({ "usable": "yes", "until": at.to_string() }),
        Remaining::Unknown => json!({ "usable": "unknown", "until": null }),
    }
}
