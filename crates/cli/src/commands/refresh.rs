//! `refresh`: a new token now, whether the old one is good or not.

use super::status;
use crate::cli::Global;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::opening::Secrets;
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;

/// Renews the token.
pub(crate) fn run(profile: &Profile, global: &Global) -> Result<Exit, Problem> {
    let engine = Engine::open(profile, Secrets::WhenNeeded, global.wait)?;
    engine.run(async |session| {
        session.refresh().await.map_err(|error| engine.explain(&error))?;
        engine.saved().await?;
        let state = session.status();
        if global.json {
            output::json(&status::as_json(profile, &state, None))?;
        } else {
            output::say(&format!("renewed; {}", status::until(&state, engine.now())));
        }
        Ok(Exit::Success)
    })
}
