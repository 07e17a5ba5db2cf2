//! Many callers, one session: who waits, who asks, who hears what.

use std::time::Duration;

use crate::common::{Act, World, seconds, settle, shown};
use countersign_core::ErrorKind;
use countersign_core::session::Status;
use serde_json::json;
use tokio::task::JoinSet;

#[tokio::test]
async fn f01_ten_thousand_callers_cause_one_exchange() {
    let world = World::new();
    let session = world.session().await;
    world.server.hold();
    let mut callers = JoinSet::new();
    for _ in 0..10_000 {
        let session = session.clone();
        callers.spawn(async move { session.authorization().await.map(|a| a.generation()) });
    }
    settle().await;
    assert_eq!(world.server.count("sign_in"), 1);
    world.server.open();
    let mut generations = std::collections::BTreeSet::new();
    while let Some(end) = callers.join_next().await {
        generations.insert(end.unwrap().unwrap());
    }
    assert_eq!(generations.len(), 1);
    assert_eq!(world.server.total(), 1);
}

#[tokio::test]
async fn f01_a_refusal_is_shared_by_all_callers_and_the_session_recovers() {
    let world = World::new();
    let session = world.session().await;
    world.server.next("sign_in", Act::Say(503, json!({ "error": "canary" })));
    world.server.state().password = "another".into();
    world.server.hold();
    let mut callers = JoinSet::new();
    for _ in 0..10_000 {
        let session = session.clone();
        let short = Duration::from_millis(1);
        callers.spawn(async move { session.authorization_within(short).await.map(drop) });
    }
    settle().await;
    world.server.open();
    settle().await;
    let mut errors = std::collections::BTreeSet::new();
    while let Some(end) = callers.join_next().await {
        errors.insert(end.unwrap().unwrap_err().to_string());
    }
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors.first().unwrap().contains("503"), "{errors:?}");
    assert_eq!(world.server.total(), 1);

    world.server.state().password = crate::common::PASSWORD.into();
    world.pass(seconds(5)).await;
    assert_eq!(shown(&session).as_deref(), Some("canary-access-1"));
}

#[tokio::test]
async fn f01_a_certain_refusal_answers_ten_thousand_callers_with_one_exchange() {
    let world = World::new();
    world.server.state().password = "another".into();
    let session = world.session().await;
    world.server.hold();
    let mut callers = JoinSet::new();
    for _ in 0..10_000 {
        let session = session.clone();
        callers.spawn(async move { session.authorization().await.map(drop) });
    }
    settle().await;
    world.server.open();
    while let Some(end) = callers.join_next().await {
        let error = end.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::InvalidGrant, Some(400)));
    }
    assert_eq!(world.server.total(), 1);
}

#[tokio::test]
async fn f07_callers_that_go_away_change_nothing() {
    let world = World::new();
    let session = world.session().await;
    world.server.hold();
    for _ in 0..10 {
        let caller = tokio::spawn({
            let session = session.clone();
            async move { session.authorization().await.map(drop) }
        });
        settle().await;
        caller.abort();
    }
    world.server.open();
    settle().await;
    assert_eq!(world.server.total(), 1);
    assert_eq!(session.state(), Status::Active);
    // It is in the store too: another host takes it up without a word to the server.
    let other = world.session().await;
    assert_eq!(shown(&other), shown(&session));
    assert_eq!(world.server.total(), 1);
}

#[tokio::test]
async fn two_sessions_of_one_key_are_one_machine() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.described(&keeper).open().await.unwrap();
    let two = world.described(&keeper).open().await.unwrap();
    assert_eq!(keeper.n_sessions(), 1);
    one.authorization().await.unwrap();
    assert_eq!(shown(&two).as_deref(), Some("canary-access-1"));
    assert_eq!(world.server.total(), 1);
    drop((one, two));
    assert_eq!(keeper.n_sessions(), 0);
}

#[tokio::test]
async fn an_idle_session_costs_no_task() {
    let world = World::new();
    let keeper = world.keeper();
    let first = world.described(&keeper).open().await.unwrap();
    first.authorization().await.unwrap();
    settle().await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    let mut sessions = Vec::new();
    for n in 0..10_000 {
        let described = keeper.session(world.provider.clone(), &format!("account-{n}"));
        let credentials =
            countersign_core::Credentials::password("x", crate::common::PASSWORD.to_owned());
        let session = described.credentials(credentials).open().await.unwrap();
        if n % 100 == 0 {
            session.authorization().await.unwrap();
        }
        sessions.push(session);
    }
    settle().await;
    assert_eq!(metrics.num_alive_tasks(), before);
    assert_eq!(keeper.n_sessions(), 10_001);
}

#[tokio::test]
async fn a_token_in_its_advisory_window_is_handed_out_while_it_is_renewed() {
    let world = World::new();
    let session = world.signed_in().await;
    world.server.hold();
    world.pass(seconds(2_300)).await;
    while session.state() != Status::Refreshing {
        world.clock.advance(seconds(2));
        settle().await;
    }
    assert_eq!(world.server.count("refresh"), 1);
    let authorized = session.authorization().await.unwrap();
    assert_eq!(authorized.generation().counter, 1);
    world.server.open();
    settle().await;
    assert_eq!(session.authorization().await.unwrap().generation().counter, 2);
    assert_eq!(world.server.count("refresh"), 1);
}

#[tokio::test]
async fn in_the_mandatory_window_callers_wait_for_the_running_exchange_and_then_take_what_is_good()
{
    let world = World::new();
    let keeper = world.keeper_builder().pull().exchange_deadline(seconds(120)).build().unwrap();
    let session = world.described(&keeper).deadline(seconds(300)).open().await.unwrap();
    session.authorization().await.unwrap();
    // The last minute of an hour, less the leeway of a second.
    world.clock.advance(seconds(3_541));
    world.server.next("refresh", Act::Hang);
    let call = || {
        let session = session.clone();
        tokio::spawn(async move { session.authorization().await.unwrap().generation().counter })
    };
    let (first, second) = (call(), call());
    settle().await;
    assert_eq!((session.state(), world.server.count("refresh")), (Status::Refreshing, 1));
    world.clock.advance(seconds(57));
    settle().await;
    assert!(!first.is_finished() && !second.is_finished(), "they wait for the exchange");
    world.clock.advance(seconds(1));
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (1, 1));
}

#[tokio::test]
async fn f19_a_token_is_asked_for_that_lives_long_enough() {
    let world = World::new();
    let session = world.signed_in().await;
    world.clock.advance(seconds(1_000));
    let long = session.authorization_for(seconds(2_000)).await.unwrap();
    assert_eq!(long.generation().counter, 1);
    let longer = session.authorization_for(seconds(3_000)).await.unwrap();
    assert_eq!(longer.generation().counter, 2);
    let absurd = session.authorization_for(seconds(99_999)).await.unwrap_err();
    assert_eq!(absurd.kind(), ErrorKind::InvalidRequest);
}
