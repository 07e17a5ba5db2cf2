//! Records whose seal is broken (F30): a session's is set aside and replaced, an account's stays.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot be set up fails"
)]

mod common;

use common::{World, seconds};
use countersign_core::{
    Committed, ErrorKind, RecordName, Recovery, SecretBytes, SessionStore, StoredRecord,
};

/// Flips a bit of what is sealed in the records for which `this` holds; their names and new bytes.
async fn damage(world: &World, this: impl Fn(usize) -> bool) -> Vec<(RecordName, Vec<u8>)> {
    let mut done = Vec::new();
    for name in world.store.list().await.unwrap() {
        let StoredRecord { revision, bytes } = world.store.load(&name).await.unwrap().unwrap();
        let mut bytes = bytes.expose_bytes().to_vec();
        if !this(bytes.len()) {
            continue;
        }
        *bytes.last_mut().unwrap() ^= 1;
        let sealed = SecretBytes::copy_from(&bytes);
        let end = world.store.commit(&name, revision, None, sealed).await.unwrap();
        assert!(matches!(end, Committed::Done(_)));
        done.push((name, bytes));
    }
    done
}

/// The record with tokens in it is the longer one.
async fn longest(world: &World) -> usize {
    let mut longest = 0;
    for name in world.store.list().await.unwrap() {
        longest = longest.max(world.store.load(&name).await.unwrap().unwrap().bytes.len());
    }
    longest
}

#[tokio::test]
async fn f30_a_session_whose_seal_is_broken_is_set_aside_before_another_is_written() {
    let world = World::new();
    world.signed_in().await;
    let length = longest(&world).await;
    let damaged = damage(&world, |len| len == length).await;
    let [(name, bytes)] = &damaged[..] else { panic!("one session, one record") };
    // Looking changes nothing.
    let session = world.session().await;
    assert!(world.store.aside(name).is_none());
    session.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
    let aside = world.store.aside(name).expect("it is kept");
    assert_eq!(aside.bytes.expose_bytes(), bytes);
    let next = world.session().await;
    next.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2, "the new one opens");
}

#[tokio::test]
async fn f30_an_account_whose_seal_is_broken_stays_and_says_what_to_do() {
    let world = World::new();
    world.signed_in().await;
    let length = longest(&world).await;
    let damaged = damage(&world, |len| len < length).await;
    let [(name, bytes)] = &damaged[..] else { panic!("one account, one record") };
    let keeper = world.keeper();
    let error = world.described(&keeper).open().await.unwrap_err();
    assert_eq!((error.kind(), error.recovery()), (ErrorKind::Store, Recovery::GiveUp));
    assert!(error.to_string().contains("remove it from the store"), "{error}");
    assert!(error.to_string().contains(name.as_str()), "{error}");
    world.pass(seconds(60)).await;
    let stored = world.store.load(name).await.unwrap().unwrap();
    assert_eq!((stored.bytes.expose_bytes(), world.server.total()), (&bytes[..], 1));
}
