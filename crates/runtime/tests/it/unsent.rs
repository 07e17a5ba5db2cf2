//! Marks whose writes got no answer: nothing was sent under them, however many there were.

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, Plain, World, seconds, settle};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Answers, RefreshSupport};
use countersign_runtime::{Session, SignIn};
use countersign_seal::suite::Through;
use serde_json::json;

/// A session without a grace that nothing signs in again, and its store.
async fn signed_in(world: &World) -> (Session, Flaky) {
    world.server.state().rotates = true;
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let described = world.described(&keeper).reauthentication(Reauthentication::Manual);
    let session = described.open().await.unwrap();
    session.sign_in().await.unwrap();
    (session, store)
}

fn rotating() -> World {
    World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(0) }))
}

async fn begin_to_refresh(session: &Session) {
    let session = session.clone();
    tokio::spawn(async move { session.refresh().await.map(drop) });
    settle().await;
}

fn assert_renewed_once(world: &World, session: &Session) {
    assert_eq!((world.server.count("sign_in"), world.server.count("refresh")), (1, 1));
    assert_eq!(session.state(), Status::Active, "{:?}", session.status());
}

#[tokio::test]
async fn f05_f42_marks_that_fail_one_after_the_other_cost_no_session() {
    // The first one is written, and nobody hears of it; `then` says what becomes of the next ones.
    for then in ["fails", "fails twice", "loses"] {
        let world = rotating();
        let (session, store) = signed_in(&world).await;
        store.losing.store(1, Ordering::SeqCst);
        begin_to_refresh(&session).await;
        match then {
            "loses" => store.losing.store(1, Ordering::SeqCst),
            "fails" => store.failing.store(1, Ordering::SeqCst),
            _ => store.failing.store(2, Ordering::SeqCst),
        }
        world.pass(seconds(60)).await;
        assert_renewed_once(&world, &session);
    }
}

/// Nothing has left the machine, or the provider has not acted; and that the mark goes could not be written.
#[tokio::test]
async fn f05_f42_what_was_certainly_not_sent_costs_no_session_although_its_mark_stays() {
    let busy = Act::Say(503, json!({ "error": "busy" }));
    let perhaps = Act::Say(400, json!({ "error": "invalid_grant", "possible": true }));
    for act in [Act::LoseRequest, busy, perhaps] {
        let world = rotating();
        let (session, store) = signed_in(&world).await;
        world.server.hold();
        world.server.next("refresh", act);
        begin_to_refresh(&session).await;
        store.failing.store(1, Ordering::SeqCst);
        world.server.open();
        world.pass(seconds(300)).await;
        assert_eq!((world.server.count("sign_in"), world.server.count("refresh")), (1, 2));
        assert_eq!(session.state(), Status::Active, "{:?}", session.status());
    }
}

/// A challenge is claimed before its answer is sent, and that can go wrong like a mark.
#[tokio::test]
async fn f51_f39_a_claim_that_nothing_was_sent_under_ends_no_challenge() {
    for at in ["the claim", "the end of the claim"] {
        let world = World::new();
        let store = Flaky::new(world.store.clone());
        let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
        let session = world.described(&keeper).open().await.unwrap();
        let challenge = json!({ "challenge": "canary-handle" });
        world.server.next("sign_in", Act::Say(200, challenge));
        assert!(matches!(session.sign_in().await.unwrap(), SignIn::Challenge(_)));
        if at == "the claim" {
            store.losing.store(1, Ordering::SeqCst);
        } else {
            world.server.hold();
            world.server.next("answer", Act::LoseRequest);
        }
        let answering = session.clone();
        let first =
            tokio::spawn(async move { answering.answer(Answers::code("123456".to_owned())).await });
        settle().await;
        if at != "the claim" {
            assert_eq!(world.server.count("answer"), 1);
            store.failing.store(1, Ordering::SeqCst);
            world.server.open();
        }
        assert!(!matches!(first.await.unwrap(), Ok(SignIn::Complete)), "{at}");
        let before = world.server.count("answer");
        let end = session.answer(Answers::code("123456".to_owned())).await;
        assert!(matches!(end, Ok(SignIn::Complete)), "{at}: {end:?}");
        assert_eq!(world.server.count("answer"), before + 1);
    }
}
