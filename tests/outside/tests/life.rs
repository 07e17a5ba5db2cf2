//! One session with Acme, from sign-in to sign-out, over the engine and without a socket.

mod acme;

use std::sync::Arc;
use std::time::Duration;

use acme_adapter::Acme;
use countersign_core::Credentials;
use countersign_runtime::{Keeper, ManualClock, SignOutOutcome};
use countersign_simulator::{Operation, Setup};

#[tokio::test]
async fn a_session_signs_in_renews_with_its_own_token_and_ends() {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let (server, clock) =
        (acme::server(minutes(10), acme::RENEWABLE, Setup::default()), ManualClock::default());
    let transport = server.in_process(Arc::new(clock.clone()));
    let keeper = Keeper::builder().transport(transport).clock(clock.clone()).build().unwrap();
    let api = Acme::at("https://api.acme.example").unwrap();
    let secrets = Credentials::new().with_client_secret(acme::SECRET.to_owned());
    let session = keeper.session(api, acme::KEY).credentials(secrets).open().await.unwrap();

    let first = session.authorization().await.unwrap();
    let token = first.header(&http::HeaderName::from_static("x-acme-token")).unwrap();
    assert!(server.issued_secrets().contains(&token.to_str().unwrap().to_owned()));

    for renewals in 1..=3 {
        clock.advance(minutes(60));
        session.authorization().await.unwrap();
        assert_eq!(server.totals().exchanges_of(Operation::REFRESH), renewals);
    }
    assert_eq!(server.totals().exchanges_of(Operation::SIGN_IN), 1, "no secret was sent again");
    assert_eq!(server.totals().spent_refresh_token_presented, 0);
    assert_eq!(session.sign_out(minutes(1)).await, SignOutOutcome::Revoked);
}
