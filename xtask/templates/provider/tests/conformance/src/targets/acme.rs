//! Acme.

use countersign_acme::Acme;
use countersign_conformance::{Server, Setup, Unavailable};
use countersign_simulator::{Acme as Settings, Simulator};

use super::simulated::{ADDRESS, Simulated, refuse};

/// As documented.
pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
    with(setup, |server| server, |adapter| adapter)
}

/// With other settings of the server and the adapter, for the cases of this provider alone.
pub(crate) fn with(
    setup: &Setup,
    server: impl FnOnce(Settings) -> Settings,
    adapter: impl FnOnce(Acme) -> Acme,
) -> Result<Box<dyn Server>, Unavailable> {
    // What the provider has nothing of: refresh tokens that rotate, a first password.
    refuse(&setup.settings, false, false)?;
    let mut builder = Simulator::acme().seed(setup.seed).skew_ms(setup.settings.server_ahead_ms);
    if let Some(life) = setup.settings.access_life {
        builder = builder.access_life(life);
    }
    if let Some(life) = setup.settings.refresh_life {
        builder = builder.refresh_life(life);
    }
    let simulator = server(builder).build();
    Simulated::new(setup, simulator, Acme::at(ADDRESS).map(adapter)).map(Simulated::boxed)
}
