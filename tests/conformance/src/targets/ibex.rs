//! IBEX by its password flow.

use std::time::Duration;

use countersign_conformance::{Server, Setup, Unavailable};
use countersign_ibex::Ibex;
use countersign_simulator::{Ibex as Settings, Simulator};

use super::simulated::{ADDRESS, Simulated, refuse};

/// As documented.
pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
    with(setup, |server| server, |adapter| adapter)
}

/// With other settings of the server and the adapter.
pub(crate) fn with(
    setup: &Setup,
    server: impl FnOnce(Settings) -> Settings,
    adapter: impl FnOnce(Ibex) -> Ibex,
) -> Result<Box<dyn Server>, Unavailable> {
    refuse(&setup.settings, false, false)?;
    let mut builder = Simulator::ibex().seed(setup.seed).skew_ms(setup.settings.server_ahead_ms);
    if let Some(life) = setup.settings.access_life {
        builder = builder.access_life(life);
    }
    if let Some(life) = setup.settings.refresh_life {
        builder = builder.refresh_life(life);
    }
    let simulator = server(builder).build();
    let simulated = Simulated::new(setup, simulator, Ibex::at(ADDRESS).map(adapter))?;
    Ok(simulated.with_access_life(Duration::from_secs(3600)).boxed())
}
