//! `otp`: the time-based code of this moment, for a person or another program.

use countersign_core::CredentialKind;
use countersign_core::totp::Totp;
use serde_json::json;

use crate::cli::Global;
use crate::duration;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::keep::Keep;
use crate::offer::{Offer, code_step};
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::providers;

/// Prints the code. Nothing is sent, and the time step is not marked as used: who asks for a code means
/// to use it elsewhere.
pub(crate) fn run(profile: &Profile, global: &Global) -> Result<Exit, Problem> {
    let built = profile.build()?;
    let can = built.adapter.capabilities();
    Offer::Otp.demand(profile, can)?;
    if profile.source(CredentialKind::TotpSecret).is_none() {
        let help = "say where it comes from, for instance totp_secret = \"file:totp.txt\"";
        return Err(profile.problem("totp_secret", "is missing", help));
    }
    let encoding = providers::code_encoding(profile)?;
    let step = code_step(can).unwrap_or_default();
    let engine =
        Engine::without_secrets(profile, global.wait, Keep::of(profile, CredentialKind::Password))?;
    engine.run(async |_| {
        let secret = engine.source().secret(CredentialKind::TotpSecret).await?;
        let secret = secret.ok_or_else(|| {
            let help = "enrol with `countersign mfa enroll`, or correct the name of the file";
            profile.problem("totp_secret", "names a file that is not there", help)
        })?;
        let totp = Totp::new(&secret, encoding, step)?;
        let now = engine.now();
        let current = totp.step_at(now);
        let (code, ends) = (totp.code(current), totp.begins_at(current.saturating_add(1)));
        if global.json {
            output::json(&json!({
                "code": code.expose(),
                "valid_until": ends.to_string(),
            }))?;
        } else {
            output::line(code.expose())?;
            output::say(&format!("good for {}", duration::words(ends.since(now))));
        }
        Ok(Exit::Success)
    })
}
