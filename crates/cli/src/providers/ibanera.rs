//! Ibanera: password and a time-based code, at sign-in and on every request.

use std::sync::Arc;

use countersign_core::AuthProvider;
use countersign_ibanera::{Ibanera, SecretEncoding};

use super::lifetimes;
use crate::problem::Problem;
use crate::profile::Profile;

pub(super) const KEYS: &[&str] = &[
    "base_url",
    "password",
    "totp_secret",
    "totp_period",
    "totp_encoding",
    "refresh_path",
    "lockout",
    "access_lifetime",
    "refresh_lifetime",
];

pub(super) fn build(profile: &Profile) -> Result<Arc<dyn AuthProvider>, Problem> {
    let base_url = profile.required("base_url", "https://public-api.ibanera.com")?;
    let mut api = Ibanera::at(base_url).map_err(|error| profile.refused("base_url", &error))?;
    if let Some(encoding) = encoding(profile)? {
        api = api.secret_encoding(encoding);
    }
    if let Some(period) = profile.period("totp_period")? {
        if period.subsec_millis() != 0 {
            return Err(profile.problem("totp_period", "is no whole second", "write \"30s\""));
        }
        api = api.totp_period(period);
    }
    if let Some(path) = profile.path("refresh_path")? {
        api = api.refresh_path(path);
    }
    if let Some(length) = profile.span("lockout")? {
        api = api.lockout(length);
    }
    let lives = lifetimes(profile, api.capabilities().fallback_lifetimes)?;
    Ok(Arc::new(api.fallback_lifetimes(lives)))
}

/// How the text of the shared secret becomes the key, if the profile says so.
pub(super) fn encoding(profile: &Profile) -> Result<Option<SecretEncoding>, Problem> {
    let encodings = [("base32", SecretEncoding::Base32), ("raw", SecretEncoding::Raw)];
    profile.choice("totp_encoding", &encodings)
}
