//! `logout`: what is true about the token afterwards.

use std::time::Duration;

use countersign_runtime::SignOutOutcome;
use serde_json::json;

use crate::cli::Global;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::opening::Secrets;
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;

/// How long the provider may take to confirm.
const WAIT: Duration = Duration::from_secs(30);

/// Ends the session.
pub(crate) fn run(profile: &Profile, global: &Global) -> Result<Exit, Problem> {
    let engine = Engine::open(profile, Secrets::ToEnd, global.wait)?;
    engine.run(async |session| {
        let end = session.sign_out(WAIT).await;
        let (word, text, valid_until, exit) = match end {
            SignOutOutcome::Revoked => {
                ("revoked", "signed out; the token is revoked".to_owned(), None, Exit::Success)
            }
            SignOutOutcome::LocalOnly { valid_until: None } => {
                ("local_only", "signed out; there was no token".to_owned(), None, Exit::Success)
            }
            SignOutOutcome::LocalOnly { valid_until: Some(until) } => (
                "local_only",
                format!("signed out here; the access token itself lives until {until}"),
                Some(until),
                Exit::Success,
            ),
            SignOutOutcome::Unconfirmed => (
                "unconfirmed",
                "signed out here; whether the token is revoked is not known".to_owned(),
                None,
                Exit::Unconfirmed,
            ),
        };
        if global.json {
            output::json(&json!({
                "profile": profile.name(),
                "end": word,
                "valid_until": valid_until.map(|until| until.to_string()),
            }))?;
        } else {
            output::say(&text);
        }
        Ok(exit)
    })
}
