//! A service: one keeper for the process, one session with a partner, and handlers that never see a
//! token.
//!
//! The partner is played by a simulator on loopback:
//!
//! ```text
//! cargo run -p countersign --example service --features ibex,reqwest
//! ```

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;
use std::time::Duration;

use countersign::ibex::Ibex;
use countersign::reqwest::Client;
use countersign::{Credentials, Keeper, Session};
use countersign_simulator::{Operation, RefreshTokens, Simulator};
use serde_json::json;
use tokio::task::JoinSet;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A handler. Signing in, renewing, and a token that is refused are not its concern.
async fn bill(hub: Session, url: String, cents: u64) -> Result {
    let invoice = json!({ "cents": cents });
    hub.client()?.post(url).json(&invoice).send().await?.error_for_status()?;
    Ok(())
}

pub(crate) async fn run() -> Result {
    let partner = Simulator::ibex().build();
    let server = partner.serve().await?;
    let account = partner.account();
    let url = format!("{}/sim/echo", server.url());

    // At the start of the process. Nothing is sent yet.
    let http = Client::lazy(reqwest::Client::builder)?; // proxy, TLS and timeouts are yours
    let keeper = Keeper::builder().transport(http).build()?;
    let secrets = Credentials::new().with_password(account.password);
    let provider = Ibex::at(&server.url())?;
    let hub = keeper.session(provider, &account.identity).credentials(secrets).open().await?;

    // A hundred handlers at once share one sign-in.
    let mut handlers = JoinSet::new();
    for cents in 1..=100 {
        handlers.spawn(bill(hub.clone(), url.clone(), cents));
    }
    while let Some(done) = handlers.join_next().await {
        done??;
    }
    assert_eq!(partner.totals().exchanges_of(Operation::SIGN_IN), 1);

    // The partner ends the token before its time: one renewal, one replay, and the handler is none
    // the wiser.
    partner.revoke_all(&account.identity, RefreshTokens::Keep);
    bill(hub.clone(), url, 101).await?;

    // At the end: what is under way is finished and saved.
    assert!(keeper.shutdown(Duration::from_secs(10)).await);
    server.shutdown().await;

    let seen = partner.totals();
    assert_eq!((seen.resource_ok, seen.resource_unauthorized), (101, 1));
    assert_eq!(seen.exchanges_of(Operation::SIGN_IN), 1);
    assert_eq!(seen.exchanges_of(Operation::REFRESH), 1);
    println!("{} invoices, one sign-in, one renewal", seen.resource_ok);
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    run().await
}
