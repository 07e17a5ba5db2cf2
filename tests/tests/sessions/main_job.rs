//! The main job: sign in, call, stay signed in through renewals and a revocation, sign out.

use std::time::Duration;

use countersign::ibanera::Ibanera;
use countersign::ibex::Ibex;
use countersign::{SignOutOutcome, Status};
use countersign_simulator::{Operation, RefreshTokens, Simulator};

use crate::bench::Bench;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ibex_signs_in_renews_survives_a_revocation_and_signs_out() {
    let simulator = Simulator::ibex().access_life(Duration::from_secs(3)).build();
    let bench = Bench::new(simulator).await;
    let session = bench.open(Ibex::at(&bench.server.url()).expect("an address")).await;
    assert_eq!(session.state(), Status::SignedOut);
    let api = bench.api(&session);
    let until = tokio::time::Instant::now() + Duration::from_secs(8);
    let mut n_calls = 0;
    let mut revoked = false;
    while tokio::time::Instant::now() < until {
        let reply = api.get(bench.url("/sim/echo")).send().await.expect("an answer");
        assert_eq!(reply.status(), 200);
        n_calls += 1;
        // Long before the first renewal, so that it is the refusal that brings the next token.
        if n_calls == 10 {
            let identity = bench.simulator.account().identity;
            bench.simulator.revoke_all(&identity, RefreshTokens::Keep);
            revoked = true;
        }
        #[expect(clippy::disallowed_methods, reason = "load over a real socket, in real time")]
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(revoked);
    let totals = bench.simulator.totals();
    assert_eq!(totals.resource_ok, n_calls);
    assert_eq!(totals.resource_unauthorized, 1, "one 401, one replay");
    assert_eq!(totals.exchanges_of(Operation::SIGN_IN), 1);
    assert!(totals.exchanges_of(Operation::REFRESH) >= 3, "{totals:?}");

    let end = session.sign_out(Duration::from_secs(5)).await;
    assert!(matches!(end, SignOutOutcome::Revoked), "{end:?}");
    assert!(session.authorization().await.is_err());
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p08_p09_ibanera_sends_a_fresh_code_with_every_call_and_renews_by_signing_in() {
    let simulator = Simulator::ibanera()
        .access_life(Duration::from_secs(6))
        .period(Duration::from_secs(2))
        .build();
    let bench = Bench::new(simulator).await;
    let provider = Ibanera::at(&bench.server.url()).expect("an address");
    let session = bench.open(provider.totp_period(Duration::from_secs(2))).await;
    let api = bench.api(&session);
    let until = tokio::time::Instant::now() + Duration::from_secs(9);
    let mut n_calls = 0;
    while tokio::time::Instant::now() < until {
        let url = bench.url("/api/v1/customer/sim/echo");
        let reply = api.get(&url).send().await.expect("an answer");
        assert_eq!(reply.status(), 200);
        n_calls += 1;
        #[expect(clippy::disallowed_methods, reason = "load over a real socket, in real time")]
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let totals = bench.simulator.totals();
    assert_eq!(totals.resource_ok, n_calls);
    assert!(totals.exchanges_of(Operation::SIGN_IN) >= 2, "{totals:?}");
    assert_eq!(totals.refused_of(Operation::SIGN_IN), 0, "no step was used twice");
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p08_one_request_finds_out_for_all_that_the_token_was_revoked() {
    let period = Duration::from_secs(2);
    let simulator = Simulator::ibanera().period(period).build();
    let bench = Bench::new(simulator).await;
    let provider = Ibanera::at(&bench.server.url()).expect("an address");
    let session = bench.open(provider.totp_period(period)).await;
    let api = bench.api(&session);
    let url = bench.url("/api/v1/customer/sim/echo");
    assert_eq!(api.get(&url).send().await.expect("an answer").status(), 200);
    bench.simulator.revoke_all(&bench.simulator.account().identity, RefreshTokens::Keep);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (api, url) = (api.clone(), url.clone());
        calls.spawn(async move { api.get(&url).send().await.expect("an answer").status() });
    }
    while let Some(status) = calls.join_next().await {
        assert_eq!(status.expect("no panic"), 200);
    }
    let totals = bench.simulator.totals();
    assert_eq!(totals.resource_ok, 51);
    assert!(totals.resource_unauthorized <= 51, "each once, and one of them twice: {totals:?}");
    assert_eq!(totals.exchanges_of(Operation::SIGN_IN), 2);
    bench.server.shutdown().await;
}
