//! A keeper as a program would build it, with budgets that hold nothing back.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Clock, Credentials, Error, HttpTransport, SessionStore};
use countersign_reqwest::Client;
use countersign_runtime::{Keeper, KeeperBuilder, Session};
use countersign_scheduler::{BudgetSettings, LaneLimits};

use super::Rfc6749;

/// What every session signs in with. It opens nothing but the servers of this package.
const PASSWORD: &str = "canary-of-the-bench";

/// No rate and room for everybody: what is measured is the engine, not how it spares a server.
fn budgets() -> BudgetSettings {
    BudgetSettings {
        limits: LaneLimits { interval: Duration::ZERO, burst: u32::MAX, concurrency: u32::MAX },
        ..BudgetSettings::default()
    }
}

/// A keeper in memory, on the system's clock.
pub(crate) fn keeper(transport: impl HttpTransport + 'static) -> Result<Keeper, Error> {
    described(transport).build()
}

/// The same on a clock of its own.
pub(crate) fn keeper_at(
    transport: impl HttpTransport + 'static,
    clock: &(impl Clock + Clone + 'static),
) -> Result<Keeper, Error> {
    described(transport).clock(clock.clone()).build()
}

/// The same over a store.
pub(crate) fn keeper_over(
    transport: impl HttpTransport + 'static,
    clock: &(impl Clock + Clone + 'static),
    store: impl SessionStore + 'static,
) -> Result<Keeper, Error> {
    described(transport).clock(clock.clone()).store(store).build()
}

fn described(transport: impl HttpTransport + 'static) -> KeeperBuilder {
    Keeper::builder().transport(transport).budgets(budgets()).replica_seed(1)
}

/// The client over reqwest, which asks no proxy.
pub(crate) fn client() -> Result<Client, Error> {
    Client::new(reqwest::Client::builder().no_proxy())
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new().with_password(PASSWORD.to_owned())
}

/// The session of `name`, with a token in its hands.
pub(crate) async fn signed_in(
    keeper: &Keeper,
    provider: Arc<Rfc6749>,
    name: &str,
) -> Result<Session, Error> {
    let session = keeper.session_of(provider, name).credentials(credentials()).open().await?;
    session.authorization().await?;
    Ok(session)
}
