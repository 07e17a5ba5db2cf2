//! A spent refresh token that the provider still takes for a while.

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, Plain, World, seconds, settle};
use countersign_core::RefreshSupport;
use countersign_core::session::Status;
use countersign_runtime::Session;
use countersign_seal::suite::Through;

fn world_with(grace: u64) -> World {
    World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(grace) }))
}

#[tokio::test]
async fn f08_f05_a_spent_token_is_not_sent_after_its_grace_by_a_process_that_was_stopped() {
    let world = world_with(60);
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    world.server.next("refresh", Act::LoseAnswer);
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { drop(session.refresh().await) }
    });
    settle().await;
    // Inside the grace it may be sent once more. The process is stopped while it writes that it does, and nobody
    // takes the lock meanwhile.
    store.stall_next();
    world.pass(seconds(5)).await;
    world.clock.advance(seconds(600));
    store.resume();
    settle().await;
    assert_eq!(world.server.count("refresh"), 1, "its grace is long over");
    world.pass(seconds(60)).await;
    refresh.await.unwrap();
    assert_eq!((world.server.count("refresh"), world.server.count("sign_in")), (1, 2));
}

#[tokio::test]
async fn f05_p23_a_refresh_that_nobody_answers_is_sent_once_more_while_its_grace_lasts() {
    // The longest one that Cognito gives.
    let world = world_with(60);
    let session = world.signed_in().await;
    world.server.next("refresh", Act::Hang);
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    world.pass(seconds(60)).await;
    refresh.await.unwrap().unwrap();
    assert_eq!((world.server.count("refresh"), world.server.count("sign_in")), (2, 1));
}

#[tokio::test]
async fn f05_p23_a_short_grace_shortens_no_exchange() {
    let world = world_with(2);
    world.server.hold();
    let session = world.session().await;
    let signing_in = tokio::spawn({
        let session = session.clone();
        async move { session.sign_in().await.map(drop) }
    });
    world.pass(seconds(10)).await;
    world.server.open();
    signing_in.await.unwrap().unwrap();
    world.server.hold();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    world.pass(seconds(10)).await;
    world.server.open();
    refresh.await.unwrap().unwrap();
    assert_eq!((world.server.count("refresh"), world.server.count("sign_in")), (1, 1));
}

/// The tokens that it spends are written first, and the runtime that does it goes before that has an answer.
#[test]
fn f05_f45_what_a_lost_task_has_left_of_a_refresh_is_a_refresh_still() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let world = world_with(60);
    world.server.state().rotates = true;
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let first = runtime();
    let session = first.block_on(async {
        let session = world.described(&keeper).open().await.unwrap();
        session.authorization().await.unwrap();
        world.server.hold();
        let begin = |session: &Session| {
            let session = session.clone();
            tokio::spawn(async move { drop(session.refresh().await) })
        };
        begin(&session);
        settle().await;
        store.failing.store(1, Ordering::SeqCst);
        world.server.open();
        settle().await;
        assert!(!session.status().saved);
        store.stall_next();
        begin(&session);
        settle().await;
        assert_eq!((session.state(), world.server.count("refresh")), (Status::Refreshing, 1));
        session
    });
    drop(first);
    runtime().block_on(async {
        world.server.next("refresh", Act::Hang);
        session.authorization().await.unwrap();
        settle().await;
        assert_eq!(world.server.count("refresh"), 2);
        world.pass(seconds(15)).await;
        assert_eq!(
            world.server.count("refresh"),
            3,
            "it is known for lost in a fifth of its grace"
        );
    });
}
