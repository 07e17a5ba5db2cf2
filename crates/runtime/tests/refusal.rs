//! A token that the API refuses while its renewal waits: the wait is for the renewal.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{Act, World, seconds, settle};
use countersign_core::ErrorKind;
use countersign_core::session::Status;
use serde_json::json;

#[tokio::test]
async fn f19_a_token_refused_in_its_last_moments_of_an_outage_is_waited_for_as_any_other() {
    let world = World::new();
    let session = world.signed_in().await;
    for _ in 0..2 {
        world.server.next("refresh", Act::Say(503, json!({})));
    }
    world.pass(seconds(2_300)).await;
    while world.server.count("refresh") == 0 {
        world.clock.advance(std::time::Duration::from_millis(200));
        settle().await;
    }
    assert_eq!(session.state(), Status::Degraded);

    session.reject(session.authorization().await.unwrap().generation());
    assert_eq!(session.state(), Status::BackingOff);
    let error = session.authorization_within(seconds(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TemporarilyUnavailable, "{error}");
    let waiting = tokio::spawn({
        let session = session.clone();
        async move { session.authorization_within(seconds(60)).await }
    });
    world.pass(seconds(30)).await;
    let renewed = waiting.await.unwrap().unwrap();
    assert_eq!(renewed.generation().counter, 2);
}
