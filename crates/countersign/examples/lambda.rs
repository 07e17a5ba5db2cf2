//! A lambda: each invocation may be a new process, has no task of its own, and must be done in time.
//!
//! A keeper in pull mode has no standing task; the session is taken up from the store as the last
//! invocation left it, and `close` waits, for a bounded time, until nothing is unsaved. The partner
//! is played by a simulator on loopback, the store by a folder:
//!
//! ```text
//! cargo run -p countersign --example lambda --features file,ibex,reqwest
//! ```

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use countersign::ibex::Ibex;
use countersign::reqwest::Client;
use countersign::{Credentials, FileStore, Keeper};
use countersign_simulator::{Account, Operation, Simulator};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// One invocation, from nothing.
async fn handle(partner: &str, account: &Account, state: &Path) -> Result<u16> {
    let http = Client::lazy(reqwest::Client::builder)?;
    let store = FileStore::open(state)?;
    let keeper = Keeper::builder().transport(http).store(store).pull().build()?;
    let secrets = Credentials::new().with_password(account.password.clone());
    let hub = keeper
        .session(Ibex::at(partner)?, &account.identity)
        .credentials(secrets)
        .deadline(Duration::from_secs(5)) // for a token, of the time that an invocation has
        .open()
        .await?;

    let reply = hub.client()?.get(format!("{partner}/sim/echo")).send().await?;

    // The platform may freeze the process as soon as this function returns.
    if !hub.close(Duration::from_secs(2)).await {
        return Err("the session is not saved; the next invocation settles it".into());
    }
    Ok(reply.status().as_u16())
}

pub(crate) async fn run() -> Result {
    let partner = Simulator::ibex().build();
    let server = partner.serve().await?;
    let (url, account) = (server.url(), partner.account());
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("sessions");

    // The first one signs in; the second finds the token of the first.
    assert_eq!(handle(&url, &account, &state).await?, 200);
    assert_eq!(handle(&url, &account, &state).await?, 200);
    assert_eq!(partner.totals().requests, 3);

    // The third finds a token that the partner takes no more, and renews it.
    partner.expire_access_tokens(&account.identity);
    assert_eq!(handle(&url, &account, &state).await?, 200);
    server.shutdown().await;

    let seen = partner.totals();
    assert_eq!((seen.resource_ok, seen.resource_unauthorized), (3, 1));
    assert_eq!(seen.exchanges_of(Operation::SIGN_IN), 1);
    assert_eq!(seen.exchanges_of(Operation::REFRESH), 1);
    println!("three invocations, one sign-in");
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    run().await
}
