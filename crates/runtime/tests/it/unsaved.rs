//! What came with tokens that the store did not take is written with them later.

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, PASSWORD, Plain, World, ended, seconds, settle};
use countersign_core::session::Status;
use countersign_core::{Clock, Credentials, ErrorKind, RefreshSupport, RevokeSupport};
use countersign_runtime::{Session, SignOutOutcome};
use countersign_seal::suite::Through;
use serde_json::json;

/// A host whose store fails when it writes the tokens of the next sign-in, once for each record.
async fn sign_in_unsaved(session: &Session, store: &Flaky, world: &World) {
    fail_to_save(session, store, world).await;
    world.pass(seconds(120)).await;
    assert!(session.status().saved, "{:?}", session.status());
}

/// The same, at the moment where it has failed.
async fn fail_to_save(session: &Session, store: &Flaky, world: &World) {
    world.server.hold();
    let signing_in = tokio::spawn({
        let session = session.clone();
        async move { session.sign_in().await.map(drop) }
    });
    settle().await;
    store.failing.store(1, Ordering::SeqCst);
    world.server.open();
    signing_in.await.unwrap().unwrap();
    assert!(!session.status().saved);
}

async fn flaky(world: &World) -> (Session, Flaky) {
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    (world.described(&keeper).open().await.unwrap(), store)
}

#[tokio::test]
async fn f09_p19_p22_what_the_adapter_learned_at_a_sign_in_is_not_lost_with_a_failed_write() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    let tokens = json!({
        "access": "canary-access-0", "expires_in_ms": 3_600_000, "user": "canary-user",
        "refresh": "canary-refresh-0",
    });
    world.server.state().refresh_tokens.push("canary-refresh-0".into());
    world.server.next("sign_in", Act::Say(200, tokens));
    sign_in_unsaved(&session, &store, &world).await;
    let other = world.session().await;
    other.refresh().await.unwrap();
    let sent = world.server.state().seen["refresh"].last().unwrap().clone();
    assert_eq!(sent["user"], "canary-user");
}

#[tokio::test]
async fn f09_f36_a_secret_that_was_taken_is_refused_no_more_although_the_write_failed() {
    let world = World::of(Plain::default().refreshing(RefreshSupport::Absent));
    let (session, store) = flaky(&world).await;
    world.server.refuse_next("sign_in");
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    sign_in_unsaved(&session, &store, &world).await;
    // By itself, with the same password, when the token ends.
    let other = world.session().await;
    world.clock.advance(seconds(4_000));
    settle().await;
    other.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 3);
}

#[tokio::test]
async fn f09_f48_a_password_that_was_settled_stays_settled_although_the_write_failed() {
    let world = World::of(Plain::default().refreshing(RefreshSupport::Absent));
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    world.server.next("change_password", Act::LoseAnswer);
    let new_password = "canary-new-password";
    let change = countersign_core::Operation::ChangePassword {
        new_password: countersign_core::SecretString::new(new_password),
    };
    assert_eq!(session.perform(change).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    sign_in_unsaved(&session, &store, &world).await;
    // The source is told, and says the new one; another change of mind of the server is nobody's
    // business: the stored one is not tried any more.
    let known = Credentials::password("kim", PASSWORD.to_owned());
    let other = world.session().await;
    world.server.state().password = PASSWORD.into();
    other.sign_in_with(known).await.unwrap();
    let sent = world.server.state().seen["sign_in"].last().unwrap().clone();
    assert_eq!(sent["password"], PASSWORD);
    // What the source said before the change was not sent again by itself meanwhile.
    assert_eq!(world.server.count("sign_in"), 3);
}

/// A host that has renewed its token without a grace, and whose store has not heard of it.
async fn renewed_unsaved(world: &World) -> (Session, Flaky) {
    world.server.state().rotates = true;
    let (session, store) = flaky(world).await;
    session.authorization().await.unwrap();
    world.pass(seconds(60)).await;
    world.server.hold();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    settle().await;
    store.failing.store(1, Ordering::SeqCst);
    world.server.open();
    refresh.await.unwrap().unwrap();
    assert!(!session.status().saved);
    (session, store)
}

fn rotating() -> World {
    World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(0) }))
}

#[tokio::test]
async fn f05_f03_tokens_that_the_store_does_not_have_are_written_before_they_are_spent() {
    let world = rotating();
    let (session, _store) = renewed_unsaved(&world).await;
    // Before the next try to save, the token is spent, and its answer is lost with the process.
    world.server.next("refresh", Act::LoseAnswer);
    assert!(session.refresh().await.is_err());
    drop(session);
    let other = world.session().await;
    let _ = other.refresh().await;
    settle().await;
    let seen = world.server.state().seen["refresh"].clone();
    let sent: Vec<_> = seen.iter().map(|body| body["refresh"].as_str().unwrap()).collect();
    let once: std::collections::BTreeSet<_> = sent.iter().collect();
    assert_eq!(once.len(), sent.len(), "a spent refresh token was sent again: {sent:?}");
}

#[tokio::test]
async fn f05_tokens_that_cannot_be_written_are_not_spent() {
    let world = rotating();
    let (session, store) = renewed_unsaved(&world).await;
    store.failing.store(u32::MAX, Ordering::SeqCst);
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    world.pass(seconds(120)).await;
    assert_eq!(world.server.count("refresh"), 1);
    assert_eq!(ended(refresh).await.unwrap_err().kind(), ErrorKind::Store);
    assert!(session.authorization().await.is_ok(), "what is held is served on");
    store.failing.store(0, Ordering::SeqCst);
    world.pass(seconds(900)).await;
    assert!(session.status().saved, "{:?}", session.status());
    assert_eq!(world.server.count("refresh"), 2, "now it is");
}

#[tokio::test]
async fn f41_a_sign_out_names_the_end_of_tokens_that_only_memory_has() {
    let mut provider = rotating().provider;
    provider.capabilities.revoke = RevokeSupport::None;
    let world = World::of(provider);
    let (session, store) = renewed_unsaved(&world).await;
    let end = session.status().expires_at;
    // The next try to write them is under way: it has the lock, and reads what is stored.
    store.stall_next_read();
    world.pass(seconds(30)).await;
    let sign_out = tokio::spawn({
        let session = session.clone();
        async move { session.sign_out(seconds(600)).await }
    });
    settle().await;
    store.resume();
    settle().await;
    assert_eq!(ended(sign_out).await, SignOutOutcome::LocalOnly { valid_until: end });
}

#[tokio::test]
async fn f17_tokens_that_are_being_written_are_dated_anew_when_the_clock_is_set_back() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    store.stall_next();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    settle().await;
    assert_eq!(world.server.count("refresh"), 1, "the answer is there, and is being written");
    world.clock.set_wall(world.clock.now().before(seconds(86_400)));
    world.pass(seconds(10)).await;
    store.failing.store(1, Ordering::SeqCst);
    store.resume();
    refresh.await.unwrap().unwrap();
    let left = |session: &Session| session.status().expires_at.unwrap().since(world.clock.now());
    assert_eq!(left(&session), seconds(3_600 - 10));
    world.pass(seconds(110)).await;
    assert!(session.status().saved);
    assert_eq!(left(&session), seconds(3_600 - 120));
    assert_eq!(left(&world.session().await), seconds(3_600 - 120), "so it was written");
}

#[tokio::test]
async fn f09_f42_the_tombstone_of_the_session_before_ends_no_tokens_that_are_not_saved_yet() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    assert_eq!(session.sign_out(seconds(10)).await, SignOutOutcome::Revoked);
    sign_in_unsaved(&session, &store, &world).await;
    assert_eq!(session.state(), Status::Active);
    assert_eq!(world.session().await.state(), Status::Active);
}

/// Whoever looks at the store before they are written, and a refresh, find the same tombstone.
#[tokio::test]
async fn f09_f42_nor_where_the_store_is_looked_at_first() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    session.sign_out(seconds(10)).await;
    fail_to_save(&session, &store, &world).await;
    store.failing.store(2, Ordering::SeqCst);
    // A reading of somebody else, without the lock.
    session.explain().await;
    session.load().await.unwrap();
    let renewing = session.clone();
    tokio::spawn(async move { renewing.refresh().await.map(drop) });
    world.pass(seconds(120)).await;
    assert_eq!(session.state(), Status::Active);
    assert!(session.status().saved);
}

/// Another end than that one counts.
#[tokio::test]
async fn f41_an_end_that_was_made_since_ends_tokens_that_are_not_saved() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    session.sign_out(seconds(10)).await;
    fail_to_save(&session, &store, &world).await;
    store.failing.store(1, Ordering::SeqCst);
    world.clock.advance(seconds(1));
    let sibling = world.session().await;
    sibling.sign_in().await.unwrap();
    sibling.sign_out(seconds(10)).await;
    world.pass(seconds(120)).await;
    assert_eq!(session.state(), Status::SignedOut);
}

#[tokio::test]
async fn f22_f39_callers_wait_for_the_writing_of_tokens_that_are_refused() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    fail_to_save(&session, &store, &world).await;
    store.stall_next();
    world.pass(seconds(30)).await;
    let generation = session.current().unwrap().generation();
    session.reject(generation);
    let asking = session.clone();
    let asking = tokio::spawn(async move { asking.authorization_within(seconds(5)).await });
    settle().await;
    assert!(!asking.is_finished(), "{:?}", asking.await.unwrap().map(drop));
    store.resume();
    settle().await;
    let renewed = ended(asking).await.unwrap();
    assert_eq!(renewed.generation().counter, generation.counter + 1);
}

#[tokio::test]
async fn a_refresh_that_is_asked_for_while_tokens_are_written_comes_after_that() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    fail_to_save(&session, &store, &world).await;
    store.stall_next();
    world.pass(seconds(30)).await;
    let before = session.current().unwrap().generation();
    let asking = session.clone();
    let asking = tokio::spawn(async move { asking.refresh().await });
    settle().await;
    assert!(!asking.is_finished());
    store.resume();
    settle().await;
    assert_eq!(ended(asking).await.unwrap().generation().counter, before.counter + 1);
    assert_eq!(world.server.count("refresh"), 1);
}

#[tokio::test]
async fn f09_tokens_that_are_refused_while_they_are_written_are_written_all_the_same() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    fail_to_save(&session, &store, &world).await;
    store.stall_next();
    world.pass(seconds(30)).await;
    // What would be published next cannot be bought.
    world.server.next("refresh", Act::Say(503, json!({ "error": "busy" })));
    session.reject(session.current().unwrap().generation());
    store.resume();
    settle().await;
    assert_eq!(session.state(), Status::BackingOff);
    assert!(session.status().saved, "{:?}", session.status());
}
