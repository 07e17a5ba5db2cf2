//! From a profile to an adapter: one file per provider, each with the keys that it takes.

mod cognito;
mod ibanera;
mod ibex;
mod igny8;
#[cfg(test)]
mod tests;
mod wikimedia;

use std::sync::Arc;
use std::time::Duration;

use countersign_core::totp::SecretEncoding;
use countersign_core::{
    AuthProvider, Capabilities, CredentialKind, FallbackLifetimes, Origin, RefreshSupport,
};

use crate::problem::Problem;
use crate::profile::Profile;

/// One provider as profiles know it.
#[derive(Debug)]
pub(crate) struct Provider {
    /// Its word.
    pub(crate) word: &'static str,
    /// The keys that it takes beside the common ones.
    pub(crate) keys: &'static [&'static str],
    /// Makes its adapter.
    build: fn(&Profile) -> Result<Arc<dyn AuthProvider>, Problem>,
}

/// Every provider of this build.
pub(crate) const ALL: &[Provider] = &[
    Provider { word: "cognito", keys: cognito::KEYS, build: cognito::build },
    Provider { word: "ibanera", keys: ibanera::KEYS, build: ibanera::build },
    Provider { word: "ibex", keys: ibex::KEYS, build: ibex::build },
    Provider { word: "igny8", keys: igny8::KEYS, build: igny8::build },
    Provider { word: "wikimedia", keys: wikimedia::KEYS, build: wikimedia::build },
];

/// What a profile makes.
#[derive(Debug)]
pub(crate) struct Built {
    /// The adapter.
    pub(crate) adapter: Arc<dyn AuthProvider>,
    /// Where tokens may be presented beside the adapter's own origins.
    pub(crate) api_origins: Vec<Origin>,
}

impl Provider {
    /// Makes the adapter of a profile and checks that every credential that it needs has a source.
    pub(crate) fn build(&self, profile: &Profile) -> Result<Built, Problem> {
        let adapter = (self.build)(profile)?;
        check_credentials(profile, adapter.capabilities())?;
        let mut api_origins = Vec::new();
        for origin in profile.texts("api_origins")? {
            api_origins.push(
                Origin::parse(origin).map_err(|error| profile.refused("api_origins", &error))?,
            );
        }
        Ok(Built { adapter, api_origins })
    }
}

/// How the text of the TOTP secret of a profile becomes the key.
pub(crate) fn code_encoding(profile: &Profile) -> Result<SecretEncoding, Problem> {
    // A key of one provider; the others take the usual encoding alone.
    ibanera::encoding(profile).map(Option::unwrap_or_default)
}

fn check_credentials(profile: &Profile, can: &Capabilities) -> Result<(), Problem> {
    let given = |kind: CredentialKind| match kind {
        CredentialKind::Identity => profile.has("identity"),
        _ => profile.sources().iter().any(|(source, _)| *source == kind),
    };
    for kind in CredentialKind::ALL {
        let key = kind.as_str();
        if given(kind) && !can.credentials.uses(kind) {
            let help = "take it out, or choose the `flow` that uses it";
            return Err(profile.problem(key, "is not used here", help));
        }
        if !given(kind) && can.credentials.required.contains(&kind) {
            let help = match kind {
                CredentialKind::Identity => "add identity = \"…\", the name to sign in with".into(),
                _ => format!("say where it comes from, for instance {key} = \"env:NAME\""),
            };
            return Err(profile.problem(key, "is missing", help));
        }
    }
    profile.identity().map(drop)
}

/// The settings `access_lifetime` and `refresh_lifetime`, over what the adapter assumes by itself.
fn lifetimes(profile: &Profile, usual: FallbackLifetimes) -> Result<FallbackLifetimes, Problem> {
    let access: Option<Duration> = profile.period("access_lifetime")?;
    let refresh = profile.period("refresh_lifetime")?;
    Ok(FallbackLifetimes {
        access: access.unwrap_or(usual.access),
        refresh: refresh.or(usual.refresh),
    })
}

/// The settings `rotation` and `rotation_grace`; `None` where the profile says nothing.
fn rotation(profile: &Profile) -> Result<Option<RefreshSupport>, Problem> {
    #[derive(Clone, Copy)]
    enum Word {
        Off,
        On,
    }
    let grace = profile.span("rotation_grace")?;
    match (profile.choice("rotation", &[("off", Word::Off), ("on", Word::On)])?, grace) {
        (Some(Word::On), grace) => {
            Ok(Some(RefreshSupport::Rotating { grace: grace.unwrap_or_default() }))
        }
        (Some(Word::Off), None) => Ok(Some(RefreshSupport::Reusable)),
        (None, None) => Ok(None),
        (_, Some(_)) => {
            let help = "add rotation = \"on\", or take rotation_grace out";
            Err(profile.problem("rotation_grace", "says nothing without rotation", help))
        }
    }
}
