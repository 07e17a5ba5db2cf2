//! Wikimedia Enterprise.

use std::sync::Arc;

use countersign_core::AuthProvider;
use countersign_wikimedia::Wikimedia;

use crate::problem::Problem;
use crate::profile::Profile;

pub(super) const KEYS: &[&str] =
    &["base_url", "password", "refresh_budget", "slow_retry", "challenge_length"];

pub(super) fn build(profile: &Profile) -> Result<Arc<dyn AuthProvider>, Problem> {
    let mut api = match profile.text("base_url")? {
        Some(url) => Wikimedia::at(url).map_err(|error| profile.refused("base_url", &error))?,
        None => Wikimedia::production(),
    };
    if let Some(refreshes) = profile.count("refresh_budget")? {
        api = api.refresh_budget(refreshes);
    }
    if let Some(wait) = profile.period("slow_retry")? {
        api = api.slow_retry(wait);
    }
    if let Some(length) = profile.period("challenge_length")? {
        api = api.challenge_length(length);
    }
    Ok(Arc::new(api))
}
