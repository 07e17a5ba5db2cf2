//! `sessions forget`: a session leaves the store. Nobody is asked, and its tokens live on.

use clap::Args;
use countersign_core::SessionStore as _;
use serde_json::json;

use super::{Which, chosen, profiles, when};
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::shelf::{Shelf, State, changed, is_renewable};

/// Which session, and what of its account.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Forget also what its account must be spared: refused secrets, a lockout, sign-ins of the day. Other
    /// sessions of the account share that
    #[arg(long)]
    guards: bool,
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let file = profiles(global)?;
    let shelf = Shelf::look(file.as_ref())?;
    let profile = chosen(file.as_ref(), &arguments.which, global);
    let book = shelf.session(arguments.which.id.as_deref(), profile.as_deref())?;
    let guards = book.key.as_ref().filter(|_| arguments.guards).and_then(|key| shelf.account(key));
    let aside = shelf.locked(book, global.wait, async |store| {
        // What cannot be read is not destroyed: somebody may have the key, or a newer version.
        let aside = matches!(book.state, State::Unreadable(_));
        let gone = if aside {
            match store.load(&book.name).await {
                Ok(Some(record)) => store.set_aside(&book.name, record.revision).await?,
                // To load what is damaged sets it aside.
                Err(error) => error.code() == Some("set_aside"),
                Ok(None) => false,
            }
        } else {
            store.remove(&book.name, book.revision).await?
        };
        if !gone {
            return Err(changed());
        }
        if let Some((account, _)) = guards {
            store.remove(&account.name, account.revision).await?;
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
