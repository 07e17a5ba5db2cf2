//! IGNY8.

use std::time::Duration;

use countersign_conformance::{Server, Setup, Unavailable};
use countersign_core::{Error, RefreshSupport};
use countersign_igny8::Igny8;
use countersign_simulator::{Igny8 as Settings, RefreshAnswer, Simulator};

use super::simulated::{ADDRESS, Simulated, described, refuse};

/// The account beside the default one.
const OTHER: &str = "sam@agency.example";

/// As in the guide.
pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
    with(setup, |server| server, Ok)
}

/// With other settings of the server and the adapter.
pub(crate) fn with(
    setup: &Setup,
    server: impl FnOnce(Settings) -> Settings,
    adapter: impl FnOnce(Igny8) -> Result<Igny8, Error>,
) -> Result<Box<dyn Server>, Unavailable> {
    refuse(&setup.settings, true, false)?;
    let mut builder = Simulator::igny8().seed(setup.seed).skew_ms(setup.settings.server_ahead_ms);
    if let Some(life) = setup.settings.access_life {
        builder = builder.access_life(life);
    }
    if let Some(life) = setup.settings.refresh_life {
        builder = builder.refresh_life(life);
    }
    let rotation = setup.settings.rotation;
    if let Some(grace) = rotation {
        if !grace.is_zero() {
            return Err(Unavailable::NotHere("a spent refresh token is dead at once here".into()));
        }
        builder = builder.refresh_answer(RefreshAnswer::BothAndBlacklist);
    }
    let simulator = server(builder).build();
    let base = format!("{ADDRESS}{}", described(&simulator, "BASE_PATH"));
    let rotates = |adapter: Igny8| match rotation {
        Some(grace) => adapter.refresh_support(RefreshSupport::Rotating { grace }),
        None => adapter,
    };
    let made = Igny8::at(&base).map(rotates).and_then(adapter);
    let simulated = Simulated::new(setup, simulator, made)?.with_other(OTHER);
    Ok(simulated.with_access_life(Duration::from_secs(900)).boxed())
}
