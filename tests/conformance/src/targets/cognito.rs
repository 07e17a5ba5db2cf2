//! Amazon Cognito: one pool, one client with a secret, and an API behind it.

use std::time::Duration;

use countersign_cognito::Cognito;
use countersign_conformance::{Server, Setup, Unavailable};
use countersign_simulator::{Account, AuthFlow, Cognito as Settings, Simulator};

use super::simulated::{ADDRESS, Simulated, described, refuse};

/// The account of most cases.
const USUAL: &str = "kim@pool.example";
/// The account beside the default one: it has a time-based code.
const OTHER: &str = "mfa@pool.example";
/// The account that must choose a password.
const NEWCOMER: &str = "new@pool.example";

/// As app clients are made: refresh tokens stay, and the adapter is not told so.
pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
    with(setup, |server| server, |adapter| adapter)
}

/// With other settings of the server and the adapter.
pub(crate) fn with(
    setup: &Setup,
    server: impl FnOnce(Settings) -> Settings,
    adapter: impl FnOnce(Cognito) -> Cognito,
) -> Result<Box<dyn Server>, Unavailable> {
    with_account(setup, server, adapter, |_| {})
}

/// The same with another standing of the account.
pub(crate) fn with_account(
    setup: &Setup,
    server: impl FnOnce(Settings) -> Settings,
    adapter: impl FnOnce(Cognito) -> Cognito,
    account: impl FnOnce(&mut Account),
) -> Result<Box<dyn Server>, Unavailable> {
    refuse(&setup.settings, true, true)?;
    let mut builder = Simulator::cognito()
        .seed(setup.seed)
        .skew_ms(setup.settings.server_ahead_ms)
        .allow(AuthFlow::UserPassword)
        // As with Ibanera: not documented, so none.
        .totp_tolerance(0);
    if let Some(life) = setup.settings.access_life {
        builder = builder.access_life(life);
    }
    if let Some(life) = setup.settings.refresh_life {
        builder = builder.refresh_life(life);
    }
    let rotation = setup.settings.rotation;
    if let Some(grace) = rotation {
        builder = builder.rotating(grace);
    }
    let simulator = server(builder).build();
    simulator.change_account(if setup.settings.first_password { NEWCOMER } else { USUAL }, account);
    let client = simulator.client();
    let rotates = |adapter: Cognito| match rotation {
        Some(grace) => adapter.rotation(grace),
        None => adapter,
    };
    let made = Cognito::pool(&described(&simulator, "USER_POOL_ID"), &client.identity)
        .and_then(|made| made.endpoint(ADDRESS))
        .map(rotates)
        .map(adapter);
    let simulated = Simulated::new(setup, simulator, made)?.with_api_apart();
    let simulated = match client.password.is_empty() {
        true => simulated,
        false => simulated.with_client_secret(client.password),
    };
    let who =
        if setup.settings.first_password { simulated.signing_in(NEWCOMER) } else { simulated };
    Ok(who.with_other(OTHER).with_access_life(Duration::from_secs(3600)).boxed())
}
