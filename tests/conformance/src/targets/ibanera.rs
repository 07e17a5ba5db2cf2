//! Ibanera.

use std::time::Duration;

use countersign_conformance::{Server, Setup, Unavailable};
use countersign_ibanera::Ibanera;
use countersign_simulator::{Ibanera as Settings, Simulator};

use super::simulated::{ADDRESS, Simulated, refuse};

/// As documented.
pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
    with(setup, |server| server, |adapter| adapter)
}

/// With other settings of the server and the adapter.
pub(crate) fn with(
    setup: &Setup,
    server: impl FnOnce(Settings) -> Settings,
    adapter: impl FnOnce(Ibanera) -> Ibanera,
) -> Result<Box<dyn Server>, Unavailable> {
    refuse(&setup.settings, false, false)?;
    // How far a code may be off is not documented: what holds where it may not be off at all holds anywhere.
    let mut builder =
        Simulator::ibanera().seed(setup.seed).skew_ms(setup.settings.server_ahead_ms).tolerance(0);
    if let Some(life) = setup.settings.access_life {
        builder = builder.access_life(life);
    }
    if let Some(life) = setup.settings.refresh_life {
        builder = builder.refresh_life(life);
    }
    let simulator = server(builder).build();
    let simulated = Simulated::new(setup, simulator, Ibanera::at(ADDRESS).map(adapter))?;
    // It may have been the code.
    Ok(simulated.with_doubtful_refusals().with_access_life(Duration::from_secs(3600)).boxed())
}
