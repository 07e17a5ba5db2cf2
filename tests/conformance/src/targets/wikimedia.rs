//! Wikimedia Enterprise.

use std::time::Duration;

use countersign_conformance::{Server, Setup, Unavailable};
use countersign_simulator::{Simulator, Wikimedia as Settings};
use countersign_wikimedia::Wikimedia;

use super::simulated::{ADDRESS, Simulated, refuse};

/// The account that must choose a password.
const NEWCOMER: &str = "canary-newcomer";

/// As documented.
pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
    with(setup, |server| server, |adapter| adapter)
}

/// With other settings of the server and the adapter.
pub(crate) fn with(
    setup: &Setup,
    server: impl FnOnce(Settings) -> Settings,
    adapter: impl FnOnce(Wikimedia) -> Wikimedia,
) -> Result<Box<dyn Server>, Unavailable> {
    refuse(&setup.settings, false, true)?;
    let mut builder =
        Simulator::wikimedia().seed(setup.seed).skew_ms(setup.settings.server_ahead_ms);
    if let Some(life) = setup.settings.access_life {
        builder = builder.access_life(life);
    }
    if let Some(life) = setup.settings.refresh_life {
        builder = builder.refresh_life(life);
    }
    let simulator = server(builder).build();
    // A 401 is also what an outage of the pool behind it comes to.
    let simulated = Simulated::new(setup, simulator, Wikimedia::at(ADDRESS).map(adapter))?
        .with_api_apart()
        .with_doubtful_refusals()
        .with_access_life(Duration::from_secs(86_400));
    let who =
        if setup.settings.first_password { simulated.signing_in(NEWCOMER) } else { simulated };
    Ok(who.boxed())
}
