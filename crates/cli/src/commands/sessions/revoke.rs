//! `sessions revoke`: the answer to a compromise. Every session that is meant ends: with its provider where
//! a profile says how, and in the store in any case, so that no process that shares it goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use countersign_core::{Committed, SessionStore as _, Timestamp};
use countersign_runtime::SignOutOutcome;
use countersign_seal::{EndCause, Ended};
use serde_json::json;
use tokio::task::JoinSet;

use super::{list, profiles, when};
use crate::cli::Global;
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::output;
use crate::problem::Problem;
use crate::profile::{Profile, ProfileFile};
use crate::shelf::{Book, Shelf, State, changed, is_renewable};
use crate::terminal::escape;

/// How long a provider may take to confirm.
const WAIT: Duration = Duration::from_secs(30);

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
    fn means(&self, book: &Book) -> bool {
        let key = book.key.as_ref();
        let is = |wanted: &Option<String>, of: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| of.is_some_and(|of| of.eq_ignore_ascii_case(wanted)))
        };
        self.all
            || (is(&self.by_provider, key.map(|key| key.provider()))
                && is(&self.account, key.map(|key| key.identity())))
    }
}

/// What is true about a session afterwards.
struct End {
    word: &'static str,
    /// Its access token lives until then.
    valid_until: Option<Timestamp>,
    /// Its refresh token may be used by whoever has a copy, until then if that is known.
    refresh: Option<Option<Timestamp>>,
    why: String,
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let file = profiles(global)?;
    let shelf = Shelf::look(file.as_ref())?;
    let meant: Vec<&Book> = shelf
        .sessions()
        .into_iter()
        .filter(|book| arguments.means(book) && !is_over(book, shelf.now()))
        .collect();
    if meant.is_empty() {
        let help = "`countersign sessions list` shows what is stored";
        return match (arguments.all, global.json) {
            (true, _) => {
                output::say("no session is stored that could be ended");
                Ok(Exit::Success)
            }
            (false, _) => {
                Err(Problem::usage("no stored session is meant that could be ended", help))
            }
        };
    }
    let mut ends = with_providers(&meant, file.as_ref(), global)?;
    let mut unconfirmed = false;
    for book in meant {
        let end = match ends.remove(book.name.as_str()) {
            Some(end) => end,
            None => here(&shelf, book, global)?,
        };
        unconfirmed |= end.refresh.is_some() || end.word == "unconfirmed";
        tell(book, &end, shelf.now(), global)?;
    }
    Ok(if unconfirmed { Exit::Unconfirmed } else { Exit::Success })
}

/// Whether there is nothing left to end.
fn is_over(book: &Book, now: Timestamp) -> bool {
    let Some(record) = book.record() else { return false };
    let good = record.tokens.as_ref().is_some_and(|tokens| tokens.expires_at() > now);
    !good && !is_renewable(record, now) && record.challenge.is_none()
}

/// Signs those out whose profile says how, all at the same time.
fn with_providers(
    meant: &[&Book],
    file: Option<&ProfileFile>,
    global: &Global,
) -> Result<BTreeMap<String, End>, Problem> {
    let mut ends = BTreeMap::new();
    let Some(file) = file else { return Ok(ends) };
    let mut named: Vec<(String, Profile)> = Vec::new();
    for book in meant.iter().filter(|book| book.record().is_some()) {
        if let Some(profile) = book.profiles.first() {
            named.push((book.name.as_str().to_owned(), file.profile(Some(profile))?));
        }
    }
    if named.is_empty() {
        return Ok(ends);
    }
    let before: BTreeMap<&str, &Book> =
        meant.iter().map(|book| (book.name.as_str(), *book)).collect();
    let (names, profiles): (Vec<String>, Vec<Profile>) = named.into_iter().unzip();
    let fleet = Fleet::open(profiles, global.wait)?;
    let outcomes = fleet.run(async |sessions| {
        let mut leaving = JoinSet::new();
        for (n, (_, session)) in sessions.iter().enumerate() {
            let session = session.clone();
            leaving.spawn(async move { (n, session.sign_out(WAIT).await) });
        }
        Ok(leaving.join_all().await)
    })?;
    for (n, outcome) in outcomes {
        let name = &names[n];
        if let Some(book) = before.get(&**name) {
            ends.insert(name.clone(), end_of(book, outcome, fleet.now()));
        }
    }
    Ok(ends)
}

fn end_of(book: &Book, outcome: SignOutOutcome, now: Timestamp) -> End {
    let refresh = book.record().filter(|record| is_renewable(record, now));
    let refresh = refresh.and_then(|record| record.tokens.as_ref());
    let refresh = refresh.map(|tokens| tokens.refresh_expires_at());
    let access = book.record().and_then(|record| record.tokens.as_ref());
    let access = access.map(|tokens| tokens.expires_at()).filter(|end| *end > now);
    let (word, valid_until, refresh, why) = match outcome {
        SignOutOutcome::Revoked => ("revoked", None, None, ""),
        SignOutOutcome::LocalOnly { valid_until } => {
            ("local_only", valid_until, refresh, "the provider revokes nothing")
        }
        SignOutOutcome::Unconfirmed => {
            ("unconfirmed", access, refresh, "the provider has not confirmed")
        }
    };
    End { word, valid_until, refresh, why: why.to_owned() }
}

/// Ends a session of which no profile says how to reach its provider: a mark in the store stops every
/// process that shares it.
fn here(shelf: &Shelf, book: &Book, global: &Global) -> Result<End, Problem> {
    let now = shelf.now();
    let record = match &book.state {
        State::Session(record) => record,
        State::Unreadable(error) => {
            let why = format!("it cannot be opened: {}", error.hint_text());
            return Ok(End { word: "unconfirmed", valid_until: None, refresh: Some(None), why });
        }
        State::Unnamed | State::Account(_) => {
            let why = "whose it is, is not known; no profile leads to it".to_owned();
            return Ok(End { word: "unconfirmed", valid_until: None, refresh: Some(None), why });
        }
    };
    let key = book.session_key()?;
    let mut marked = (**record).clone();
    let generation = marked.tokens.take().map(|tokens| tokens.generation());
    marked.journal = None;
    marked.challenge = None;
    marked.ended = Some(Ended { generation, at: now, cause: EndCause::SignedOut });
    shelf.locked(book, global.wait, async |store, sealer| {
        let sealed = sealer.seal_session(&key, &marked)?;
        match store.commit(&book.name, book.revision, None, sealed).await? {
            Committed::Done(_) => Ok(()),
            Committed::Lost(_) => Err(changed()),
        }
    })?;
    let end = end_of(book, SignOutOutcome::LocalOnly { valid_until: None }, now);
    let access = record.tokens.as_ref().map(|tokens| tokens.expires_at()).filter(|end| *end > now);
    let why = "no profile describes it, so the provider was not asked".to_owned();
    Ok(End { valid_until: access, why, ..end })
}

fn tell(book: &Book, end: &End, now: Timestamp, global: &Global) -> Result<(), Problem> {
    if global.json {
        let mut told = list::as_json(book, now);
        if let Some(told) = told.as_object_mut() {
            told.retain(|name, _| {
                ["id", "provider", "origin", "tenant", "account", "client", "audience", "profiles"]
                    .contains(&&**name)
            });
            told.insert("end".into(), end.word.into());
            told.insert("valid_until".into(), when::json(end.valid_until));
            told.insert("refresh_valid".into(), end.refresh.is_some().into());
            told.insert("refresh_valid_until".into(), when::json(end.refresh.flatten()));
            told.insert("why".into(), json!((!end.why.is_empty()).then_some(&end.why)));
        }
        return output::json(&told);
    }
    let who = book.key.as_ref().map_or_else(String::new, |key| {
        format!(" ({} {})", escape(key.provider()), escape(key.identity()))
    });
    let mut text = format!("{}{who}: {}", book.id(), end.word.replace('_', " "));
    if !end.why.is_empty() {
        text.push_str(&format!("; {}", escape(&end.why)));
    }
    output::line(&text)?;
    if let Some(until) = end.valid_until {
        output::line(&format!("  its access token is good until {}", when::told(until, now)))?;
    }
    match end.refresh {
        Some(Some(until)) => {
            let until = when::told(until, now);
            output::line(&format!("  a copy of its refresh token may be used until {until}"))
        }
        Some(None) => output::line("  a copy of its refresh token may be used"),
        None => Ok(()),
    }
}
