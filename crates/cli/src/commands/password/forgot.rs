//! `password forgot`: something is sent to the owner of the account.

use countersign_core::{CredentialKind, Operation};

use super::beside_the_password;
use crate::cli::Global;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::keep::Keep;
use crate::offer::Offer;
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::report;

pub(super) fn run(profile: &Profile, global: &Global) -> Result<Exit, Problem> {
    let can = profile.build()?.adapter.capabilities().clone();
    Offer::ForgotPassword.demand(profile, &can)?;
    let engine =
        Engine::without_secrets(profile, global.wait, Keep::of(profile, CredentialKind::Password))?;
    engine.run(async |session| {
        let credentials = beside_the_password(&engine).await?;
        let done = engine.perform(session, Operation::ForgotPassword, credentials).await?;
        let word = report::code_word(&can);
        let words = format!("a {word} is on its way{}", report::delivery(&done));
        report::done(profile, global, "forgot_password", &done, &words)?;
        let next = profile.name();
        output::say(&format!("go on with `countersign password confirm --profile {next}`"));
        Ok(Exit::Success)
    })
}
