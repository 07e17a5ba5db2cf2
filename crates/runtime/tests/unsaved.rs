//! What came with tokens that the store did not take is written with them later.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::sync::atomic::Ordering;

use common::store::Flaky;
use common::{Act, PASSWORD, Plain, World, seconds, settle};
use countersign_core::{Credentials, ErrorKind, RefreshSupport};
use countersign_runtime::Session;
use countersign_seal::suite::Through;
use serde_json::json;

/// A host whose store fails when it writes the tokens of the next sign-in, once for each record.
async fn sign_in_unsaved(session: &Session, store: &Flaky, world: &World) {
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
    world.pass(seconds(120)).await;
    assert!(session.status().saved, "{:?}", session.status());
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
