//! What a refresh must not do: end what a sibling has renewed, come too early, or add a margin of its own.

use std::time::Duration;

use crate::common::store::Flaky;
use crate::common::{Act, Plain, World, seconds, settle, shown};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Clock, EarliestRefresh, ErrorKind, RefreshSupport};
use countersign_seal::suite::Through;
use serde_json::json;

#[tokio::test]
async fn f04_a_loser_that_is_refused_ends_nothing_of_the_winner() {
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let loser = world.described(&keeper).reauthentication(Reauthentication::Manual);
    let loser = loser.open().await.unwrap();
    loser.sign_in().await.unwrap();
    let winner = world.manual_session().await;

    // The loser is refused, and stands still before it can write that down.
    world.server.hold();
    world.server.refuse_next("refresh");
    let refreshing = tokio::spawn({
        let loser = loser.clone();
        async move { loser.refresh().await.map(drop) }
    });
    settle().await;
    world.clock.advance(seconds(1));
    store.stall_next();
    world.server.open();
    settle().await;
    assert_eq!(world.server.count("refresh"), 1);
    // Its lease runs out, and another host takes the lock and renews.
    world.clock.advance(Duration::from_millis(69_500));
    winner.refresh().await.unwrap();
    store.resume();
    drop(refreshing.await.unwrap());
    settle().await;
    assert_eq!(shown(&winner).as_deref(), Some("canary-access-2"));
    assert_eq!(shown(&loser), shown(&winner), "{:?}", loser.status());
    assert_eq!(loser.state(), Status::Active);
    let third = world.manual_session().await;
    assert_eq!(shown(&third), shown(&winner), "the record is the winner's");
    third.refresh().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 1);
}

#[tokio::test]
async fn f15_the_same_token_back_is_no_progress_and_is_waited_out() {
    let world = World::new();
    let session = world.signed_in().await;
    let end = session.status().expires_at.unwrap();
    let same = json!({ "access": "canary-access-1", "expires_at_ms": end.as_millis() });
    for _ in 0..3 {
        world.server.next("refresh", Act::Say(200, same.clone()));
    }
    let begun = world.clock.now();
    // Who wants another one waits for the next try.
    let waiting = session.clone();
    drop(tokio::spawn(async move { drop(waiting.refresh().await) }));
    settle().await;
    for _ in 0..20 {
        drop(session.authorization().await);
    }
    settle().await;
    assert_eq!(world.server.count("refresh"), 1, "nobody asks again at once");
    world.pass(seconds(120)).await;
    let n = world.server.count("refresh");
    assert!((2..=8).contains(&n), "{n} in {:?}", world.clock.now().since(begun));
    assert!(end > world.clock.now() && session.status().good, "{:?}", session.status());
}

#[tokio::test]
async fn f15_p16_a_provider_that_refuses_early_refreshes_is_not_asked_before_the_mandatory_window()
{
    let mut provider = Plain::default();
    provider.capabilities.earliest_refresh = EarliestRefresh::MandatoryWindow;
    let world = World::of(provider);
    let described = world.described(&world.keeper()).keep_alive();
    let session = described.open().await.unwrap();
    session.authorization().await.unwrap();
    // The window of an hour is its last minute.
    for _ in 0..59 {
        world.pass(seconds(60)).await;
        assert!(session.authorization().await.is_ok());
    }
    assert_eq!(world.server.count("refresh"), 0);
    world.pass(seconds(60)).await;
    assert_eq!(world.server.count("refresh"), 1);
}

#[tokio::test]
async fn f16_a_token_is_handed_out_to_its_last_moment_and_by_nobody_after() {
    let world = World::of(Plain::default().refreshing(RefreshSupport::Absent));
    let session = world.manual_session().await;
    session.sign_in().await.unwrap();
    let end = session.status().expires_at.unwrap();
    world.clock.advance(end.since(world.clock.now()) - Duration::from_millis(1));
    settle().await;
    assert_eq!(session.current().unwrap().expires_at(), end);
    assert_eq!(session.authorization().await.unwrap().valid_until(), end);
    #[cfg(feature = "reqwest")]
    {
        use countersign_reqwest::{Authority, Need};
        let granted = Authority::authorization(&session, Need::default()).await.unwrap();
        assert_eq!(granted.expires_at, end, "the client has no margin of its own");
    }
    world.clock.advance(Duration::from_millis(1));
    assert!(session.current().is_none());
    assert_eq!(session.authorization().await.unwrap_err().kind(), ErrorKind::NeedsSignIn);
}

#[tokio::test]
async fn p08_f19_in_pull_mode_a_code_of_the_next_step_does_not_hide_what_is_due() {
    let world = World::of(Plain::default().with_codes(seconds(30)));
    let keeper = world.keeper_builder().pull().build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    // Far into the advisory window of an hour, with a code of every step on the way.
    for _ in 0..112 {
        world.clock.advance(seconds(30));
        session.authorization().await.unwrap();
        settle().await;
    }
    assert_eq!(world.server.count("refresh"), 1, "renewed before callers must wait for it");
}
