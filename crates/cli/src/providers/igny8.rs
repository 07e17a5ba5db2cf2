//! IGNY8: paths, field names and rotation are settings, since the vendor's pages disagree.

use std::sync::Arc;

use countersign_core::AuthProvider;
use countersign_igny8::Igny8;

use super::{lifetimes, rotation};
use crate::problem::Problem;
use crate::profile::Profile;

pub(super) const KEYS: &[&str] = &[
    "base_url",
    "password",
    "login_path",
    "refresh_path",
    "register_path",
    "change_password_path",
    "logout_path",
    "refresh_field",
    "old_password_field",
    "new_password_field",
    "rotation",
    "rotation_grace",
    "access_lifetime",
    "refresh_lifetime",
];

/// How a setting of one path is made.
type SetPath = fn(Igny8, &str) -> Igny8;

const PATHS: [(&str, SetPath); 5] = [
    ("login_path", |api, path| api.login_path(path)),
    ("refresh_path", |api, path| api.refresh_path(path)),
    ("register_path", |api, path| api.register_path(path)),
    ("change_password_path", |api, path| api.change_password_path(path)),
    ("logout_path", |api, path| api.logout_path(path)),
];

pub(super) fn build(profile: &Profile) -> Result<Arc<dyn AuthProvider>, Problem> {
    let mut api = match profile.text("base_url")? {
        Some(url) => Igny8::at(url).map_err(|error| profile.refused("base_url", &error))?,
        None => Igny8::production(),
    };
    for (key, set) in PATHS {
        if let Some(path) = profile.path(key)? {
            api = set(api, path);
        }
    }
    if let Some(name) = profile.text("refresh_field")? {
        api = api.refresh_field(name);
    }
    match (profile.text("old_password_field")?, profile.text("new_password_field")?) {
        (None, None) => {}
        (old, new) => {
            let (old, new) = (old.unwrap_or("old_password"), new.unwrap_or("new_password"));
            api = api.change_password_fields(old, new);
        }
    }
    if let Some(support) = rotation(profile)? {
        api = api.refresh_support(support);
    }
    let lives = lifetimes(profile, api.capabilities().fallback_lifetimes)?;
    Ok(Arc::new(api.fallback_lifetimes(lives)))
}
