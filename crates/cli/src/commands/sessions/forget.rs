//! `sessions forget`: a session leaves the store. Nobody is asked, and its tokens live on.

use clap::Args;
use countersign_core::{Committed, Revision, SessionStore as _};
use countersign_seal::{AccountRecord, RecordFormat, Sealer};
use countersign_store_file::FileStore;
use serde_json::json;

use super::{Which, chosen, profiles, when};
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::shelf::{Book, Kind, Shelf, State, changed, is_renewable};

/// Which session, and what of its account.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Forget also what its account must be spared: refused secrets, a lockout, sign-ins of the day. Other
    /// sessions of the account share that. With the id of that record, as `doctor` tells it where it cannot be
    /// read, nothing else is forgotten
    #[arg(long)]
    guards: bool,
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let file = profiles(global)?;
    let shelf = Shelf::look(file.as_ref())?;
    let profile = chosen(file.as_ref(), &arguments.which, global);
    let book = shelf.session(arguments.which.id.as_deref(), profile.as_deref())?;
    if !arguments.guards && matches!(book.state, State::Unreadable(_)) && book.kind != Kind::Session
    {
        return Err(may_be_guards(book));
    }
    let guards = book.key.as_ref().filter(|_| arguments.guards).and_then(|key| shelf.guards(key));
    let guards = guards.filter(|guards| guards.name != book.name);
    let aside = shelf.locked(book, global.wait, async |store, sealer| {
        let aside = leave(store, sealer, book).await?;
        if let Some(guards) = guards {
            leave(store, sealer, guards).await?;
        }
        Ok(aside)
    })?;
    let now = shelf.now();
    let record = book.record();
    let tokens = record.and_then(|record| record.tokens.as_ref());
    let access = tokens.map(|tokens| tokens.expires_at()).filter(|end| *end > now);
    let renewable = record.is_some_and(|record| is_renewable(record, now));
    let refresh = tokens.and_then(|tokens| tokens.refresh_expires_at()).filter(|_| renewable);
    if global.json {
        output::json(&json!({
            "id": book.name.as_str(),
            "end": if aside { "set_aside" } else { "forgotten" },
            "valid_until": when::json(access),
            "renewable": renewable,
            "refresh_valid_until": when::json(refresh),
        }))?;
        return Ok(Exit::Success);
    }
    if book.is_missing() {
        output::say(&format!(
            "{} is begun anew: what its account must be spared is forgotten, and the next sign-in is sent",
            book.id()
        ));
        return Ok(Exit::Success);
    }
    if aside && book.kind == Kind::Guards {
        output::say(&format!(
            "{} is set aside in the folder `damaged` of the store: what its account must be spared is \
             forgotten, and the next sign-in is sent",
            book.id()
        ));
        return Ok(Exit::Success);
    }
    if aside {
        output::say(&format!("{} is set aside in the folder `damaged` of the store", book.id()));
        return Ok(Exit::Success);
    }
    output::say(&format!("{} is forgotten here", book.id()));
    if let Some(until) = access {
        output::say(&format!("  its access token is good until {}", when::told(until, now)));
    }
    if renewable {
        let until =
            refresh.map_or_else(String::new, |at| format!(", until {}", when::told(at, now)));
        output::say(&format!(
            "  its refresh token is not revoked{until}; `sessions revoke` would have ended it"
        ));
    }
    Ok(Exit::Success)
}

/// Takes a record out of the store; whether it was set aside. What cannot be read is not destroyed: somebody
/// may have the key, or a newer version. Guards are followed by empty ones: sessions of the account, and processes
/// that run, know that there were some.
async fn leave(store: &FileStore, sealer: &Sealer, book: &Book) -> Result<bool, Problem> {
    let unreadable = match &book.state {
        State::Unreadable(error) => Some(error),
        _ => None,
    };
    if let Some(error) = unreadable.filter(|error| error.code() == Some("newer_version"))
        && book.kind != Kind::Session
    {
        // Nobody overrules what a newer program knows of an account.
        return Err(error.clone().into());
    }
    let aside = unreadable.is_some() && !book.is_missing();
    let empty = match (&book.key, book.kind) {
        (Some(key), Kind::Guards) => {
            // Whoever could read what was here can read what follows: all formats say whose it is but the first.
            let sealer = sealer.clone().writing(RecordFormat::V2);
            Some(sealer.seal_account_of(key, &AccountRecord::default())?)
        }
        _ => None,
    };
    let gone = match &empty {
        // What was looked at, and not what somebody has written in its place since.
        _ if aside => store.set_aside(&book.name, book.revision).await?,
        None => store.remove(&book.name, book.revision).await?,
        Some(_) => true,
    };
    let written = match empty.filter(|_| gone) {
        Some(empty) => {
            let replaced = if aside { Revision::NONE } else { book.revision };
            let end = store.commit(&book.name, replaced, None, empty).await?;
            matches!(end, Committed::Done(_))
        }
        None => gone,
    };
    if written { Ok(aside) } else { Err(changed()) }
}

/// Nobody forgets by the way what keeps a refused password from being sent.
fn may_be_guards(book: &Book) -> Problem {
    let what = match book.kind {
        Kind::Guards if book.is_missing() => "kept what its account must be spared, and is gone",
        Kind::Guards => "keeps what its account must be spared, and cannot be read",
        _ => "cannot be read, and may be what an account must be spared",
    };
    Problem::usage(
        format!("the record {} {what}", book.id()),
        format!(
            "bring it back; or, if the account is not locked and its password is right, run: countersign \
             sessions forget {} --guards",
            book.id()
        ),
    )
}
