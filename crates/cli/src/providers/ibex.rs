//! IBEX: `flow = "password"` (the default) or `flow = "client_credentials"`.

use std::sync::Arc;

use countersign_core::AuthProvider;
use countersign_ibex::{ChangePasswordHeader, Ibex, IbexOauth2};

use super::lifetimes;
use crate::problem::Problem;
use crate::profile::Profile;

/// Both flows; what one flow alone takes is checked when it is built.
pub(super) const KEYS: &[&str] = &[
    "base_url",
    "flow",
    "password",
    "change_password_header",
    "issuer",
    "audience",
    "client_id",
    "client_secret",
    "access_lifetime",
    "refresh_lifetime",
];

#[derive(Clone, Copy)]
enum Flow {
    Password,
    ClientCredentials,
}

pub(super) fn build(profile: &Profile) -> Result<Arc<dyn AuthProvider>, Problem> {
    let flows = [("password", Flow::Password), ("client_credentials", Flow::ClientCredentials)];
    match profile.choice("flow", &flows)?.unwrap_or(Flow::Password) {
        Flow::Password => password(profile),
        Flow::ClientCredentials => client_credentials(profile),
    }
}

fn password(profile: &Profile) -> Result<Arc<dyn AuthProvider>, Problem> {
    only_with(profile, "client_credentials", &["issuer", "audience", "client_id"])?;
    let base_url = profile.required("base_url", "https://api-sandbox.poweredbyibex.io")?;
    let mut hub = Ibex::at(base_url).map_err(|error| profile.refused("base_url", &error))?;
    let headers = [
        ("raw_then_bearer", ChangePasswordHeader::RawThenBearer),
        ("raw", ChangePasswordHeader::Raw),
        ("bearer", ChangePasswordHeader::Bearer),
    ];
    if let Some(header) = profile.choice("change_password_header", &headers)? {
        hub = hub.change_password_header(header);
    }
    let lives = lifetimes(profile, hub.capabilities().fallback_lifetimes)?;
    Ok(Arc::new(hub.fallback_lifetimes(lives)))
}

fn client_credentials(profile: &Profile) -> Result<Arc<dyn AuthProvider>, Problem> {
    only_with(profile, "password", &["change_password_header", "refresh_lifetime"])?;
    let base_url = profile.required("base_url", "https://api-sandbox.poweredbyibex.io")?;
    let issuer = profile.required("issuer", "https://ibexhub-staging.us.auth0.com")?;
    let audience = profile.required("audience", "https://api-sandbox.poweredbyibex.io")?;
    let client_id = profile.required("client_id", "1example")?;
    let hub = IbexOauth2::at(base_url, issuer, audience, client_id)
        .and_then(|hub| hub.hub(base_url))
        .map_err(|error| {
            // Both addresses were tried; the base address is the culprit if it fails alone.
            let key = if Ibex::at(base_url).is_err() { "base_url" } else { "issuer" };
            profile.refused(key, &error)
        })?;
    let lives = lifetimes(profile, hub.capabilities().fallback_lifetimes)?;
    Ok(Arc::new(hub.fallback_lifetime(lives.access)))
}

fn only_with(profile: &Profile, flow: &str, keys: &[&str]) -> Result<(), Problem> {
    match keys.iter().find(|key| profile.has(key)) {
        None => Ok(()),
        Some(key) => Err(profile.problem(
            key,
            "is not used by this flow",
            format!("take it out, or write flow = \"{flow}\""),
        )),
    }
}
