//! Two sessions of two providers in one store.

use serde_json::Value;

use super::accounts::url;
use super::{Ended, Home, Simulated};

/// A hub and a studio, each with a profile and its own password.
pub(crate) fn two(hub: &Simulated, studio: &Simulated) -> Home {
    Home::new(&both(hub, studio))
        .with("HUB_PASSWORD", hub.value("password"))
        .with("STUDIO_PASSWORD", studio.value("password"))
}

/// Its profile file.
pub(crate) fn both(hub: &Simulated, studio: &Simulated) -> String {
    format!(
        "[profiles.hub]\nprovider = \"ibex\"\nidentity = \"{}\"\npassword = \"env:HUB_PASSWORD\"\n{}\
         [profiles.studio]\nprovider = \"igny8\"\nidentity = \"{}\"\npassword = \"env:STUDIO_PASSWORD\"\n{}",
        hub.value("identity"),
        url(hub),
        studio.value("identity"),
        url(studio),
    )
}

/// Signs in to both.
pub(crate) fn sign_in(home: &Home) {
    for profile in ["hub", "studio"] {
        home.run(&["login", "-p", profile]).exits(0);
    }
}

/// Every object that was printed, one a line.
pub(crate) fn objects(ended: &Ended) -> Vec<Value> {
    ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The object of one provider.
pub(crate) fn of(ended: &Ended, provider: &str) -> Value {
    let mut found = objects(ended).into_iter().filter(|object| object["provider"] == provider);
    found.next().unwrap_or_else(|| panic!("{provider} is not in: {}", ended.out))
}
