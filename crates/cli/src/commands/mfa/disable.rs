//! `mfa disable`: sign-ins without a code of an authenticator.

use countersign_core::{Answers, CredentialKind, SecretString};

use crate::cli::Global;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::offer::Offer;
use crate::opening::Secrets;
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::report;

pub(super) fn run(profile: &Profile, global: &Global) -> Result<Exit, Problem> {
    let can = profile.build()?.adapter.capabilities().clone();
    Offer::DisableMfa.demand(profile, &can)?;
    let engine = Engine::open(profile, Secrets::Ahead, global.wait)?;
    engine.run(async |session| {
        let input = Answers::new().with("software_token", SecretString::new("disabled"));
        let done = engine.extension(session, "set_user_mfa_preference", input).await?;
        let words = "sign-ins ask for no code of an authenticator any more";
        report::done(profile, global, "mfa_disable", &done, words)?;
        if profile.source(CredentialKind::TotpSecret).is_some() {
            output::say("the profile still names a `totp_secret`; it is not needed any more");
        }
        Ok(Exit::Success)
    })
}
