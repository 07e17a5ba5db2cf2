//! A challenge that the caller carries between replicas that share no store.

use std::sync::Arc;

use crate::common::{Act, World, seconds, settle, shown};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Answers, ErrorKind, SealKeys, SecretBytes};
use countersign_runtime::{MemoryStore, Session, SignIn};
use serde_json::json;

fn keys(id: u32) -> SealKeys {
    SealKeys::new(id, SecretBytes::new(vec![u8::try_from(id).unwrap(); 32]))
}

/// Another replica: the same provider and time, a store of its own.
fn elsewhere(world: &World) -> World {
    let store = MemoryStore::with_clock(Arc::new(world.clock.clone())).unwrap();
    World { store, ..world.clone() }
}

fn ask_for_proof(world: &World, handle: &str) {
    let asked = json!({ "challenge": handle, "user": "canary-user" });
    world.server.next("sign_in", Act::Say(200, asked));
}

/// A sign-in on `world` that stops at a challenge, and its text.
async fn challenged(world: &World) -> (Session, String) {
    ask_for_proof(world, "canary-handle");
    let session = world.manual_session().await;
    assert!(matches!(session.sign_in().await.unwrap(), SignIn::Challenge(_)));
    let text = session.seal_challenge(&keys(1)).await.unwrap();
    (session, text)
}

fn code() -> Answers {
    Answers::code("123456".to_owned())
}

#[tokio::test]
async fn f51_a_carried_challenge_is_answered_on_a_replica_that_shares_no_store() {
    let world = World::new();
    let (_one, text) = challenged(&world).await;
    assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");

    let there = elsewhere(&world);
    let keeper = there.keeper();
    // No credentials at all: taking up a challenge sends none.
    let two = keeper.session(there.provider.clone(), "kim").open().await.unwrap();
    assert!(two.pending().is_none());
    let challenge = two.resume(&text, &keys(1)).await.unwrap();
    assert_eq!(challenge.name.as_ref(), "PROOF");
    assert_eq!((two.state(), world.server.total()), (Status::Challenged, 1));
    // It is committed there: a sibling of that store has it too.
    let sibling = there.manual_session().await;
    assert!(sibling.pending().is_some());
    two.answer(code()).await.unwrap();
    let sent = world.server.state().seen["answer"].clone();
    let whole = json!({
        "handle": "canary-handle", "code": "123456", "new_password": null, "user": "canary-user",
    });
    assert_eq!(sent, [whole], "with the adapter's own facts");
    assert_eq!(shown(&two).as_deref(), Some("canary-access-1"));
}

#[tokio::test]
async fn f51_a_text_is_answered_once_per_process() {
    let world = World::new();
    let (one, text) = challenged(&world).await;
    let two = elsewhere(&world).manual_session().await;
    two.resume(&text, &keys(1)).await.unwrap();
    two.resume(&text, &keys(1)).await.unwrap();
    two.answer(code()).await.unwrap();
    let error = two.resume(&text, &keys(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChallengeExpired, "{error}");
    assert_eq!(two.state(), Status::Active, "and nothing is lost by it");
    // Where it came from, it cannot be answered again after an answer either, right or wrong.
    one.answer(Answers::code("wrong".to_owned())).await.unwrap_err();
    let error = one.resume(&text, &keys(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChallengeExpired);
    assert!(one.seal_challenge(&keys(1)).await.is_err());
    assert_eq!(world.server.count("answer"), 2);
}

#[tokio::test]
async fn f51_two_who_take_up_one_text_at_once_send_one_answer() {
    let world = World::new();
    let (_one, text) = challenged(&world).await;
    let two = elsewhere(&world).manual_session().await;
    let both = (0..2).map(|_| {
        let (two, text) = (two.clone(), text.clone());
        tokio::spawn(async move {
            two.resume(&text, &keys(1)).await?;
            two.answer(code()).await.map(drop)
        })
    });
    let both: Vec<_> = both.collect();
    for one in both {
        drop(one.await.unwrap());
    }
    assert_eq!(world.server.count("answer"), 1);
    assert_eq!(two.state(), Status::Active);
}

#[tokio::test]
async fn f51_a_challenge_is_taken_up_in_whatever_state_the_session_is() {
    let world = World::new();
    let (_one, text) = challenged(&world).await;

    let active = elsewhere(&world).signed_in().await;
    active.resume(&text, &keys(1)).await.unwrap();
    assert!(shown(&active).is_some(), "a good token is served meanwhile");

    let ended = elsewhere(&world).signed_in().await;
    ended.sign_out(seconds(5)).await;
    ended.resume(&text, &keys(1)).await.unwrap();

    let there = elsewhere(&world);
    let other = there.manual_session().await;
    ask_for_proof(&world, "canary-older");
    other.sign_in().await.unwrap();
    other.resume(&text, &keys(1)).await.unwrap();

    let refused = elsewhere(&world).manual_session().await;
    world.server.refuse_next("sign_in");
    refused.sign_in().await.unwrap_err();
    refused.resume(&text, &keys(1)).await.unwrap();

    let before = world.server.count("sign_in");
    for session in [active, ended, other, refused] {
        assert_eq!(session.state(), Status::Challenged);
        session.answer(code()).await.unwrap();
        assert_eq!(session.state(), Status::Active);
    }
    assert_eq!(world.server.count("sign_in"), before);
    let answers = world.server.state().seen["answer"].clone();
    assert!(answers.iter().all(|answer| answer["handle"] == "canary-handle"));
}

#[tokio::test]
async fn f51_a_text_that_is_over_foreign_or_damaged_is_refused_with_a_remedy() {
    let world = World::new();
    let (_one, text) = challenged(&world).await;
    let there = elsewhere(&world);
    let two = there.manual_session().await;
    let refused = async |session: &Session, text: &str, keys: &SealKeys| {
        let error = session.resume(text, keys).await.unwrap_err();
        assert!(error.hint_text().contains("sign-in again") || error.hint_text().contains("give"));
        assert!(!format!("{error} {error:?}").contains("canary"));
        assert_eq!(session.state(), Status::SignedOut);
        (error.kind(), error.code().map(str::to_owned))
    };
    let invalid = |code: &str| (ErrorKind::InvalidRequest, Some(code.to_owned()));

    let mut changed = text.clone();
    let at = changed.len() - 8;
    let other = if changed[at..].starts_with('A') { "Q" } else { "A" };
    changed.replace_range(at..=at, other);
    for damaged in [changed.as_str(), "", "no text of ours!", &"A".repeat(100_000)] {
        assert_eq!(refused(&two, damaged, &keys(1)).await, invalid("damaged"));
    }
    assert_eq!(refused(&two, &text, &keys(2)).await, invalid("unknown_key"));
    let same_id = SealKeys::new(1, SecretBytes::new(vec![9; 32]));
    assert_eq!(refused(&two, &text, &same_id).await, invalid("foreign"));
    let lee = there.keeper().session(there.provider.clone(), "lee").open().await.unwrap();
    assert_eq!(refused(&lee, &text, &keys(1)).await, invalid("foreign"));
    let short = SealKeys::new(1, SecretBytes::new(vec![1; 16]));
    assert_eq!(two.resume(&text, &short).await.unwrap_err().kind(), ErrorKind::Store);

    world.clock.advance(seconds(181));
    assert_eq!(refused(&two, &text, &keys(1)).await.0, ErrorKind::ChallengeExpired);
    assert!(two.seal_challenge(&keys(1)).await.is_err());
    assert_eq!(world.server.total(), 1);
    // A rotated key opens what the older one has sealed.
    let (_three, text) = challenged(&world).await;
    let rotated = keys(2).also(1, SecretBytes::new(vec![1; 32]));
    two.resume(&text, &rotated).await.unwrap();
}

#[tokio::test]
async fn f51_a_store_that_fails_while_a_challenge_is_taken_up_sends_no_password() {
    let world = World::new();
    let (_one, text) = challenged(&world).await;
    let there = elsewhere(&world);
    let store = crate::common::store::Flaky::new(there.store.clone());
    let keeper = there
        .keeper_builder()
        .store(countersign_seal::suite::Through(store.clone()))
        .build()
        .unwrap();
    let described = there.described(&keeper).reauthentication(Reauthentication::Manual);
    let session = described.open().await.unwrap();
    store.hang_after(0);
    let taking = tokio::spawn({
        let session = session.clone();
        async move { session.resume(&text, &keys(1)).await.map(drop) }
    });
    settle().await;
    world.pass(seconds(170)).await;
    store.hang_no_more();
    world.pass(seconds(600)).await;
    drop(taking.await.unwrap());
    assert_eq!(world.server.total(), 1, "{:?}", session.status().transitions);
    // The next sign-in by name is one.
    session.sign_in().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
}
