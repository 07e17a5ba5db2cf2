//! A token that the API refuses while its renewal waits: the wait is for the renewal.

use crate::common::{Act, World, seconds, settle};
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

#[tokio::test]
async fn f53_a_token_born_of_a_refusal_counts_as_refused_again_only_while_it_is_young() {
    for (age, renewed) in [(seconds(10), false), (seconds(301), true)] {
        let world = World::new();
        let session = world.signed_in().await;
        session.reject(session.current().unwrap().generation());
        let born = session.authorization().await.unwrap().generation();
        assert_eq!(world.server.count("refresh"), 1);
        world.pass(age).await;
        session.reject(born);
        settle().await;
        assert_eq!(world.server.count("refresh") == 2, renewed, "after {age:?}");
        assert_eq!(session.state(), if renewed { Status::Active } else { Status::BackingOff });
        // The one that comes of it is young again.
        if renewed {
            session.reject(session.current().unwrap().generation());
            settle().await;
            assert_eq!(session.state(), Status::BackingOff);
        }
    }
}
