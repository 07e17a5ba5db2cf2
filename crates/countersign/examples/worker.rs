//! A worker that is idle until a job comes: it signs in with the first one, tells what happens to its
//! session, and signs out when it is stopped.
//!
//! The partner is played by a simulator on loopback:
//!
//! ```text
//! cargo run -p countersign --example worker --features ibex,reqwest
//! ```

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;
use std::time::Duration;

use countersign::ibex::Ibex;
use countersign::reqwest::Client;
use countersign::{Credentials, Events, Keeper, Session, SessionEventKind, SignOutOutcome};
use countersign_simulator::{Operation, RefreshTokens, Simulator};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// One thing to do, and where to say that it is done.
struct Job {
    url: String,
    done: oneshot::Sender<u16>,
}

/// Works until the queue is closed, then gives the session back to the partner.
async fn work(hub: Session, mut jobs: mpsc::Receiver<Job>) -> Result<SignOutOutcome> {
    let api = hub.client()?;
    while let Some(Job { url, done }) = jobs.recv().await {
        let reply = api.post(url).json(&json!({ "job": "count" })).send().await?;
        // Whoever asked may have gone.
        let _ = done.send(reply.status().as_u16());
    }
    Ok(hub.sign_out(Duration::from_secs(5)).await)
}

/// What a log or a metric would be told. Events hold no secret and no name of an account.
async fn watch(mut events: Events) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        let line = match event.kind {
            SessionEventKind::Published { generation, .. } => {
                format!("token {}", generation.counter)
            }
            SessionEventKind::Failed(error) => format!("failed: {error}"),
            SessionEventKind::SignedOut => "signed out".to_owned(),
            _ => continue,
        };
        println!("{} {}: {line}", event.provider, event.session);
        told.push(line);
    }
    told
}

pub(crate) async fn run() -> Result {
    let partner = Simulator::ibex().build();
    let server = partner.serve().await?;
    let account = partner.account();

    let http = Client::lazy(reqwest::Client::builder)?;
    let keeper = Keeper::builder().transport(http).build()?;
    let watcher = tokio::spawn(watch(keeper.events()));
    let secrets = Credentials::new().with_password(account.password);
    let hub = keeper.session(Ibex::at(&server.url())?, &account.identity).credentials(secrets);
    let (queue, jobs) = mpsc::channel(16);
    let worker = tokio::spawn(work(hub.open().await?, jobs));
    assert_eq!(partner.totals().requests, 0, "nobody is asked for anything without a job");

    let url = format!("{}/sim/echo", server.url());
    for day in 0..3 {
        if day == 2 {
            partner.revoke_all(&account.identity, RefreshTokens::Keep);
        }
        let (done, answer) = oneshot::channel();
        queue.send(Job { url: url.clone(), done }).await?;
        assert_eq!(answer.await?, 200);
    }

    // What a signal does: the queue closes, the worker ends its work, and the keeper the rest.
    drop(queue);
    assert_eq!(worker.await??, SignOutOutcome::Revoked);
    assert!(keeper.shutdown(Duration::from_secs(10)).await);
    drop(keeper);
    assert_eq!(watcher.await?, ["token 1", "token 2", "signed out"]);
    server.shutdown().await;

    let seen = partner.totals();
    assert_eq!((seen.resource_ok, seen.resource_unauthorized), (3, 1));
    for operation in [Operation::SIGN_IN, Operation::REFRESH, Operation::REVOKE] {
        assert_eq!(seen.exchanges_of(operation), 1, "{operation:?}");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    run().await
}
