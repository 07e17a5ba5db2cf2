//! `token` and `headers`: what a request needs, for other programs.

use std::time::Duration;

use clap::Args;
use countersign_runtime::Authorized;
use serde_json::{Map, Value, json};

use crate::cli::Global;
use crate::duration;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::opening::Secrets;
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;

/// How good the token must be.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A token that is good for at least so long
    #[arg(long, value_name = "TIME", value_parser = duration::argument)]
    valid_for: Option<Duration>,
}

/// Prints the access token.
pub(crate) fn token(
    profile: &Profile,
    arguments: &Arguments,
    global: &Global,
) -> Result<Exit, Problem> {
    let authorized = authorized(profile, arguments, global)?;
    let token = authorized.access_token().secret().expose();
    if global.json {
        output::json(&json!({
            "access_token": token,
            "generation": authorized.generation().to_string(),
            "expires_at": authorized.expires_at().to_string(),
        }))?;
    } else {
        output::line(token)?;
    }
    Ok(Exit::Success)
}

/// Prints every header that presents it.
pub(crate) fn headers(
    profile: &Profile,
    arguments: &Arguments,
    global: &Global,
) -> Result<Exit, Problem> {
    let authorized = authorized(profile, arguments, global)?;
    let headers = authorized
        .headers()
        .iter()
        .map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let headers: Option<Vec<(&str, &str)>> = headers.collect();
    let headers = headers.ok_or_else(|| {
        Problem::new(Exit::Defect, "a header is not visible ASCII", "please report it")
    })?;
    if global.json {
        let map: Map<String, Value> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        output::json(&json!({
            "headers": map,
            "valid_until": authorized.valid_until().to_string(),
        }))?;
    } else {
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        output::data(lines.as_bytes())?;
    }
    Ok(Exit::Success)
}

/// A token that is fresh in the store is read with neither network nor lock; else it is got.
fn authorized(
    profile: &Profile,
    arguments: &Arguments,
    global: &Global,
) -> Result<Authorized, Problem> {
    let valid_for = arguments.valid_for.unwrap_or_default();
    if let Some(fresh) = Engine::fresh(profile, valid_for)? {
        return Ok(fresh);
    }
    let engine = Engine::open(profile, Secrets::WhenNeeded, global.wait)?;
    engine.run(async |session| {
        session.authorization_for(valid_for).await.map_err(|error| engine.explain(&error))
    })
}
