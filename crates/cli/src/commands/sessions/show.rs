//! `sessions show`: all that is stored of a session and of its account, without its secrets.

use countersign_core::{Certainty, Timestamp};
use countersign_runtime::StoredState;
use countersign_seal::{AccountRecord, SessionRecord};
use serde_json::{Value, json};

use super::{Which, chosen, list, profiles, when};
use crate::cli::Global;
use crate::commands::status::challenge_json;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::shelf::{Book, Shelf, State, is_renewable};
use crate::terminal::escape;

pub(super) fn run(which: &Which, global: &Global) -> Result<Exit, Problem> {
    let file = profiles(global)?;
    let shelf = Shelf::look(file.as_ref())?;
    let profile = chosen(file.as_ref(), which, global);
    let book = shelf.session(which.id.as_deref(), profile.as_deref())?;
    let account = book.key.as_ref().and_then(|key| shelf.account(key));
    if global.json {
        output::json(&as_json(book, account, shelf.now()))?;
    } else {
        output::data(as_text(book, account, shelf.now()).as_bytes())?;
    }
    Ok(match &book.state {
        State::Unreadable(_) => Exit::Store,
        _ => book.stands(shelf.now()).map_or(Exit::Success, exit),
    })
}

/// Whether the session can go on by itself, as `status` has it.
const fn exit(state: StoredState) -> Exit {
    match state {
        StoredState::Good | StoredState::Refreshable => Exit::Success,
        StoredState::Challenged => Exit::ChallengePending,
        _ => Exit::SignInNeeded,
    }
}

fn as_json(book: &Book, account: Option<&AccountRecord>, now: Timestamp) -> Value {
    let mut all = list::as_json(book, now);
    let record = book.record();
    let tokens = record.and_then(|record| record.tokens.as_ref());
    let more = json!({
        "revision": book.revision.0,
        "subject": tokens.and_then(|tokens| tokens.subject()),
        "has_refresh_token": tokens.is_some_and(|tokens| tokens.refresh_token().is_some()),
        "has_id_token": tokens.is_some_and(|tokens| tokens.id_token().is_some()),
        "renewable": record.map(|record| is_renewable(record, now)),
        "refreshes": tokens.map(|tokens| tokens.refreshes()),
        "ended_at": when::json(record.and_then(|record| record.ended).map(|ended| ended.at)),
        "refresh_in_flight": record.and_then(|record| record.journal).map(|journal| json!({
            "sent_at": journal.sent_at.to_string(),
            "attempt": journal.attempt,
            "generation": journal.generation.to_string(),
        })),
        "challenge": record
            .and_then(|record| record.challenge.as_ref())
            .map(|pending| challenge_json(&pending.challenge)),
        "facts": record.map(fact_names),
        "account_guards": account.map(guards_json),
        "error": match &book.state {
            State::Unreadable(error) => Value::from(error.hint_text()),
            _ => Value::Null,
        },
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}

/// The names of the adapter's own facts; their values may be secret.
fn fact_names(record: &SessionRecord) -> Vec<String> {
    record.memo.iter().map(|(name, _)| name.to_owned()).collect()
}

fn guards_json(account: &AccountRecord) -> Value {
    json!({
        "locked_until": when::json(account.locked_until),
        "refused_secrets": account.refused.iter().map(|refused| json!({
            "at": refused.at.to_string(),
            "tries": refused.tries,
            "certain": refused.certainty == Certainty::Certain,
        })).collect::<Vec<_>>(),
        "sign_ins": { "day": account.sign_ins.day, "count": account.sign_ins.count },
        "unsettled_password": account.pending_password.as_ref().map(|pending| json!({
            "at": pending.at.to_string(),
            "operation": &*pending.operation,
        })),
    })
}

fn as_text(book: &Book, account: Option<&AccountRecord>, now: Timestamp) -> String {
    let mut text = format!("{} {}\n", book.id(), book.word(now).replace('_', " "));
    let mut fact = |name: &str, value: String| text.push_str(&format!("  {name:<12} {value}\n"));
    if let Some(key) = &book.key {
        fact("provider", format!("{} at {}", escape(key.provider()), key.origin()));
        fact("account", escape(key.identity()));
        for (name, value) in
            [("tenant", Some(key.tenant())), ("client", key.client()), ("audience", key.audience())]
        {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                fact(name, escape(value));
            }
        }
    }
    if !book.profiles.is_empty() {
        fact("profiles", escape(&book.profiles.join(", ")));
    }
    match &book.state {
        State::Session(record) => session(record, now, &mut fact),
        State::Unreadable(error) => fact("unreadable", escape(error.hint_text())),
        State::Unnamed => fact("unreadable", "no profile leads to it".to_owned()),
        State::Account(_) => {}
    }
    if let Some(account) = account {
        guards(account, now, &mut fact);
    }
    text
}

fn session(record: &SessionRecord, now: Timestamp, fact: &mut dyn FnMut(&str, String)) {
    if let Some(tokens) = &record.tokens {
        fact("token", format!("until {}", when::told(tokens.expires_at(), now)));
        fact("generation", tokens.generation().to_string());
        fact("bought", when::told(tokens.issued_at(), now));
        if tokens.refresh_token().is_some() {
            let until = match tokens.refresh_expires_at() {
                Some(until) => format!("until {}", when::told(until, now)),
                None => "the provider has not said until when".to_owned(),
            };
            let used = format!("{until}; used {} times", tokens.refreshes());
            let renewable = is_renewable(record, now);
            fact("refresh", if renewable { used } else { format!("{used}; over or refused") });
        }
        if tokens.id_token().is_some() {
            fact("ID token", "kept".to_owned());
        }
    }
    if let Some(journal) = record.journal {
        let sent = when::told(journal.sent_at, now);
        fact("in flight", format!("a refresh, sent {sent}, {} times", journal.attempt));
    }
    if let Some(pending) = &record.challenge {
        let challenge = &pending.challenge;
        let until = when::told(challenge.expires_at, now);
        fact("challenge", format!("{} until {until}", escape(&challenge.name)));
    }
    if let Some(ended) = record.ended {
        fact("ended", when::told(ended.at, now));
    }
    let names = fact_names(record);
    if !names.is_empty() {
        fact("facts", escape(&names.join(", ")));
    }
}

fn guards(account: &AccountRecord, now: Timestamp, fact: &mut dyn FnMut(&str, String)) {
    if let Some(until) = account.locked_until.filter(|until| *until > now) {
        fact("locked", format!("until {}", when::told(until, now)));
    }
    if let Some(last) = account.refused.iter().map(|refused| refused.at).max() {
        let n = account.refused.len();
        fact("refused", format!("{n} secrets, the last one {}", when::told(last, now)));
    }
    if account.sign_ins.count > 0 && account.sign_ins.day == now.as_seconds().div_euclid(86_400) {
        fact("sign-ins", format!("{} by itself today (UTC)", account.sign_ins.count));
    }
    if let Some(pending) = &account.pending_password {
        let at = when::told(pending.at, now);
        fact("password", format!("a new one was sent {at}, and its end is not known; sign in"));
    }
}
