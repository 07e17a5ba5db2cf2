//! What an account must be spared, where the one write that tells of it has failed.

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, PASSWORD, World, at_once, ended, seconds, settle};
use countersign_core::{Clock, Credentials, ErrorKind, Operation, SecretString};
use countersign_runtime::{Keeper, Session};
use countersign_seal::suite::Through;
use serde_json::json;

struct Host {
    keeper: Keeper,
    session: Session,
    store: Flaky,
}

async fn host(world: &World) -> Host {
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    Host { keeper, session, store }
}

/// A sign-in whose mark is written, and of whose end the store takes nothing: `lose` says how.
async fn sign_in_unwritten(world: &World, host: &Host, lose: impl FnOnce(&Flaky)) -> ErrorKind {
    world.server.hold();
    let session = host.session.clone();
    let asking = tokio::spawn(async move { session.authorization().await.map(drop) });
    settle().await;
    assert_eq!(world.server.count("sign_in"), 1);
    lose(&host.store);
    world.server.open();
    settle().await;
    if !asking.is_finished() {
        // The store hangs: as long as it is waited for.
        world.pass(seconds(80)).await;
    }
    ended(asking).await.unwrap_err().kind()
}

fn fail_once(store: &Flaky) {
    store.failing.store(1, Ordering::SeqCst);
}

#[tokio::test]
async fn f36_a_refusal_that_could_not_be_written_is_not_forgotten_by_who_has_heard_it() {
    let world = World::new();
    let host = host(&world).await;
    world.server.refuse_next("sign_in");
    let refused = sign_in_unwritten(&world, &host, fail_once).await;
    assert_eq!(refused, ErrorKind::InvalidGrant);
    // It looks by itself whether the source has another secret by now.
    world.pass(seconds(1_800)).await;
    assert_eq!(world.server.count("sign_in"), 1, "the same password is not sent again by itself");
    // And has made up for the write.
    let other = world.session().await;
    let told = at_once(async move { other.authorization().await.unwrap_err() }).await;
    assert_eq!((told.kind(), world.server.count("sign_in")), (ErrorKind::InvalidGrant, 1));
    // Whoever asks by name sends it, and that it was taken counts from then on.
    let asking = host.session.clone();
    at_once(async move { asking.sign_in().await.map(drop) }).await.unwrap();
    world.server.state().refresh_tokens.clear();
    world.clock.advance(seconds(4_000));
    settle().await;
    assert!(host.session.authorization().await.is_ok());
    assert_eq!(world.server.count("sign_in"), 3);
}

#[tokio::test]
async fn f36_nor_by_another_session_of_the_account_nor_where_the_store_hangs() {
    let world = World::new();
    let host = host(&world).await;
    world.server.refuse_next("sign_in");
    sign_in_unwritten(&world, &host, |store| store.hang_after(0)).await;
    host.store.hang_no_more();
    let mut provider = world.provider.clone();
    provider.realm.client = "other".into();
    let password = Credentials::password("kim", PASSWORD.to_owned());
    let other = host.keeper.session(provider, "kim").credentials(password).open().await.unwrap();
    let told = at_once(async move { other.authorization().await.unwrap_err() }).await;
    assert_eq!((told.kind(), world.server.count("sign_in")), (ErrorKind::InvalidGrant, 1));
    // It has written what was owed, although it read the record before it knew of that.
    let elsewhere = world.session().await;
    let told = at_once(async move { elsewhere.authorization().await.unwrap_err() }).await;
    assert_eq!((told.kind(), world.server.count("sign_in")), (ErrorKind::InvalidGrant, 1));
}

#[tokio::test]
async fn f36_f47_a_lockout_that_could_not_be_written_holds_in_the_process_that_has_heard_it() {
    let world = World::new();
    let host = host(&world).await;
    let until = world.clock.now().after(seconds(600)).as_millis();
    world.server.next("sign_in", Act::Say(403, json!({ "error": "locked", "until": until })));
    let locked = sign_in_unwritten(&world, &host, fail_once).await;
    assert_eq!(locked, ErrorKind::AccountLocked);
    let mut provider = world.provider.clone();
    provider.realm.client = "other".into();
    let password = Credentials::password("kim", PASSWORD.to_owned());
    let other = host.keeper.session(provider, "kim").credentials(password).open().await.unwrap();
    let told = at_once(async move { other.authorization().await.unwrap_err() }).await;
    assert_eq!((told.kind(), world.server.count("sign_in")), (ErrorKind::AccountLocked, 1));
    world.pass(seconds(620)).await;
    assert!(host.session.authorization().await.is_ok());
}

#[tokio::test]
async fn f36_what_was_forgotten_on_purpose_is_owed_no_more() {
    let world = World::new();
    let host = host(&world).await;
    world.server.refuse_next("sign_in");
    sign_in_unwritten(&world, &host, |store| store.losing.store(1, Ordering::SeqCst)).await;
    world.pass(seconds(1_800)).await;
    assert_eq!(world.server.count("sign_in"), 1);
    assert!(host.session.forget_guards().await.unwrap());
    // What was forgotten on purpose is owed no more.
    let other = world.session().await;
    at_once(async move { other.authorization().await.map(drop) }).await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
}

/// The write of a new password got no answer, so that it was never sent.
#[tokio::test]
async fn f48_a_password_that_was_never_sent_is_not_tried_although_its_write_came_through() {
    for hangs in [false, true] {
        let world = World::new();
        let host = host(&world).await;
        host.session.authorization().await.unwrap();
        let new_password = SecretString::new("canary-new-password");
        let change = Operation::ChangePassword { new_password };
        let (asking, store) = (host.session.clone(), host.store.clone());
        store.losing.store(1, Ordering::SeqCst);
        store.hangs_after_losing.store(hangs, Ordering::SeqCst);
        let asking = tokio::spawn(async move { asking.perform(change).await.map(drop) });
        settle().await;
        if hangs {
            world.pass(seconds(150)).await;
        }
        assert_eq!(ended(asking).await.unwrap_err().kind(), ErrorKind::Store);
        assert_eq!(world.server.count("change_password"), 0);
        let coming = host.session.clone();
        at_once(async move { coming.sign_in().await.map(drop) }).await.unwrap();
        let sent = world.server.state().seen["sign_in"].clone();
        assert_eq!(sent, [json!({ "password": PASSWORD }), json!({ "password": PASSWORD })]);
        // Others find nothing of it either.
        let other = world.session().await;
        at_once(async move { other.sign_in().await.map(drop) }).await.unwrap();
        assert_eq!(world.server.state().seen["sign_in"][2], json!({ "password": PASSWORD }));
    }
}

/// Neither is one that a later one was to take the place of, and that the store has after all.
#[tokio::test]
async fn f48_f36_passwords_that_were_never_sent_one_after_the_other_are_not_tried() {
    let world = World::new();
    let host = host(&world).await;
    host.session.authorization().await.unwrap();
    for (n, password) in ["canary-new-1", "canary-new-2", "canary-new-3"].into_iter().enumerate() {
        let counter = if n == 0 { &host.store.losing } else { &host.store.failing };
        counter.store(1, Ordering::SeqCst);
        let change = Operation::ChangePassword { new_password: SecretString::new(password) };
        let asking = host.session.clone();
        let told = at_once(async move { asking.perform(change).await.map(drop) }).await;
        assert_eq!(told.unwrap_err().kind(), ErrorKind::Store, "change {n}");
    }
    let change = Operation::ChangePassword { new_password: SecretString::new("canary-new-4") };
    let asking = host.session.clone();
    at_once(async move { asking.perform(change).await.map(drop) }).await.unwrap();
    assert_eq!((world.server.count("sign_in"), world.server.count("change_password")), (1, 1));
}

/// Two writes in a row fail: the one that tells of the refusal, and the first that makes up for it.
#[tokio::test]
async fn f36_what_could_not_be_made_up_for_is_still_owed() {
    let world = World::new();
    let host = host(&world).await;
    world.server.refuse_next("sign_in");
    let fail_twice = |store: &Flaky| store.failing.store(2, Ordering::SeqCst);
    sign_in_unwritten(&world, &host, fail_twice).await;
    world.pass(seconds(1_800)).await;
    assert_eq!(host.store.failing.load(Ordering::SeqCst), 0, "it has tried");
    world.pass(seconds(1_800)).await;
    world.pass(seconds(1_800)).await;
    assert_eq!(world.server.count("sign_in"), 1, "the same password is not sent again by itself");
    let other = world.session().await;
    let told = at_once(async move { other.authorization().await.unwrap_err() }).await;
    assert_eq!((told.kind(), world.server.count("sign_in")), (ErrorKind::InvalidGrant, 1));
}
