//! Rotation: a lost answer is made good inside the grace, and a reuse is said loudly.

use std::time::Duration;

use countersign::{Events, SessionEventKind};
use countersign_simulator::{Account, Fault, Operation, Simulator};

use super::{KIM, PASSWORD, adapter, asked, complete, credentials, open, works};
use crate::bench::Bench;

/// How often a refused refresh token was told with this code.
fn told(events: &mut Events, code: &str) -> usize {
    let mut times = 0;
    while let Some(event) = events.try_recv() {
        if let SessionEventKind::RefreshRefused(error) = event.kind {
            times += usize::from(error.code() == Some(code));
        }
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p23_a_lost_answer_is_made_good_inside_the_grace() {
    let grace = Duration::from_secs(60);
    let bench = Bench::new(Simulator::cognito().rotating(grace).build()).await;
    bench.simulator.add_account(Account::user(KIM, PASSWORD));
    let session = open(&bench, adapter(&bench).rotation(grace), credentials(&bench)).await;
    complete(session.sign_in().await);
    bench.simulator.inject(Operation::REFRESH, Fault::LoseAnswer, 1);
    drop(session.refresh().await);
    while session.status().last_error.is_some() {
        super::pause().await;
    }
    works(&bench, &session).await;
    session.refresh().await.expect("the family lives");
    let spent = bench.simulator.count(|record| record.spent_refresh_token);
    assert_eq!(spent, 1, "one replay inside the grace");
    assert_eq!(asked(&bench.simulator, Operation::SIGN_IN), 1);
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p23_a_reuse_ends_the_session_and_is_told() {
    // The pool gives no grace, and the client was told of one.
    let bench = Bench::new(Simulator::cognito().rotating(Duration::ZERO).build()).await;
    bench.simulator.add_account(Account::user(KIM, PASSWORD));
    let told_of = adapter(&bench).rotation(Duration::from_secs(60));
    let session = open(&bench, told_of, credentials(&bench)).await;
    complete(session.sign_in().await);
    let mut events = session.events();
    bench.simulator.inject(Operation::REFRESH, Fault::LoseAnswer, 1);
    drop(session.refresh().await);
    // It signs in again by itself, and says why it had to.
    while asked(&bench.simulator, Operation::SIGN_IN) < 2 || session.current().is_none() {
        drop(session.authorization().await);
        super::pause().await;
    }
    assert_eq!(told(&mut events, "RefreshTokenReuseException"), 1);
    works(&bench, &session).await;
    bench.server.shutdown().await;
}
