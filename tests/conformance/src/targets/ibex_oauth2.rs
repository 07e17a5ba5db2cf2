//! IBEX by OAuth 2 client credentials.

use std::time::Duration;

use countersign_conformance::{Server, Setup, Unavailable};
use countersign_ibex::IbexOauth2;
use countersign_simulator::{Ibex as Settings, Simulator};

use super::simulated::{ADDRESS, API_ADDRESS, Simulated, described, refuse};

/// As documented.
pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
    with(setup, |server| server, |adapter| adapter)
}

/// With other settings of the server and the adapter.
pub(crate) fn with(
    setup: &Setup,
    server: impl FnOnce(Settings) -> Settings,
    adapter: impl FnOnce(IbexOauth2) -> IbexOauth2,
) -> Result<Box<dyn Server>, Unavailable> {
    refuse(&setup.settings, false, false)?;
    let mut builder = Simulator::ibex().seed(setup.seed).skew_ms(setup.settings.server_ahead_ms);
    if let Some(life) = setup.settings.access_life {
        builder = builder.oauth_life(life);
    }
    let simulator = server(builder).build();
    let client = simulator.client().identity;
    let audience = described(&simulator, "AUDIENCE");
    let made = IbexOauth2::at(API_ADDRESS, ADDRESS, &audience, &client).map(adapter);
    let simulated = Simulated::new(setup, simulator, made)?.with_api_apart().signing_in(&client);
    Ok(simulated.with_access_life(Duration::from_secs(3600)).boxed())
}
