//! Stores that fail, code that panics, runtimes that go: the session lives on.

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, Plain, World, seconds, settle, shown};
use countersign_core::session::Status;
use countersign_core::{Credentials, ErrorKind, RefreshSupport, SessionStore};
use countersign_runtime::{Keeper, Session, SessionEventKind};
use countersign_seal::suite::Through;
use countersign_seal::{Found, Sealer};
use serde_json::json;

async fn flaky(world: &World) -> (Session, Flaky) {
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    (world.described(&keeper).open().await.unwrap(), store)
}

#[tokio::test]
async fn f09_a_token_that_cannot_be_saved_is_handed_out_as_unsaved_and_saved_later() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    let mut events = session.events();
    // The mark of the sign-in is written; then the disk is full, twice.
    world.server.hold();
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.authorization().await.map(drop) }
    });
    settle().await;
    store.failing.store(2, Ordering::SeqCst);
    world.server.open();
    caller.await.unwrap().unwrap();
    let status = session.status();
    assert!(status.good && !status.saved);
    assert_eq!(status.last_error.unwrap().kind(), ErrorKind::Store);

    world.pass(seconds(5)).await;
    assert!(session.status().saved, "{:?}", session.status());
    let mut published = Vec::new();
    while let Some(event) = events.try_recv() {
        if let SessionEventKind::Published { saved, .. } = event.kind {
            published.push(saved);
        }
    }
    assert_eq!(published, [false, true]);
    let other = world.session().await;
    assert_eq!(shown(&other), shown(&session));
    assert_eq!(world.server.total(), 1);
}

#[tokio::test]
async fn f09_a_store_that_was_read_only_is_tried_again_by_whoever_asks() {
    let world =
        World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(0) }));
    world.server.state().rotates = true;
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    store.read_only.store(true, Ordering::SeqCst);
    assert_eq!(session.refresh().await.unwrap_err().kind(), ErrorKind::Store);
    assert!(session.authorization().await.is_ok(), "the good token is served on");
    world.clock.advance(seconds(4_000));
    settle().await;
    assert_eq!(session.authorization().await.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(world.server.count("refresh"), 0, "nothing is sent that cannot be written");
    store.read_only.store(false, Ordering::SeqCst);
    world.clock.advance(seconds(1));
    session.authorization().await.unwrap();
    assert_eq!((world.server.count("sign_in"), world.server.count("refresh")), (1, 1));
}

/// The answer to the write of a mark is lost on the way, as in a network that is cut: the mark stands, and whoever was
/// about to send knows that he has not.
#[tokio::test]
async fn f05_a_mark_that_was_written_without_an_answer_costs_no_session() {
    let world =
        World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(0) }));
    world.server.state().rotates = true;
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    for n in 1..4 {
        store.losing.store(1, Ordering::SeqCst);
        let asking = session.clone();
        let asking = tokio::spawn(async move { asking.refresh().await });
        settle().await;
        assert_eq!(world.server.count("refresh"), n - 1, "nothing is sent over a failed write");
        world.pass(seconds(60)).await;
        drop(asking.await.unwrap());
        session.authorization().await.unwrap();
        assert_eq!((world.server.count("sign_in"), world.server.count("refresh")), (1, n));
    }

    // Another process cannot know: to it the token may be spent.
    store.losing.store(1, Ordering::SeqCst);
    let asking = session.clone();
    drop(tokio::spawn(async move { asking.refresh().await.map(drop) }));
    settle().await;
    let other = world.manual_session().await;
    let told = other.refresh().await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Ambiguous);
    assert_eq!(world.server.count("refresh"), 3);
}

/// Two clocks can show the same millisecond: a mark of the same words may be of another process, which has sent.
#[tokio::test]
async fn f05_a_mark_of_the_same_words_in_another_seal_is_of_somebody_else() {
    let world =
        World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(0) }));
    world.server.state().rotates = true;
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    store.losing.store(1, Ordering::SeqCst);
    let asking = session.clone();
    drop(tokio::spawn(async move { asking.refresh().await.map(drop) }));
    settle().await;

    let sealer = Sealer::new(world.store.seal_keys().await.unwrap()).unwrap();
    for name in world.store.list().await.unwrap() {
        let there = world.store.load(&name).await.unwrap().unwrap();
        let found = sealer.open_found(&name, there.bytes.expose_bytes()).unwrap();
        let Found::Session(key, record) = found else { continue };
        assert!(record.journal.is_some());
        let sealed = sealer.seal_session_of(&key, &record).unwrap();
        world.store.commit(&name, there.revision, None, sealed).await.unwrap();
    }
    world.pass(seconds(60)).await;
    session.authorization().await.unwrap();
    assert_eq!(world.server.count("refresh"), 0, "it may be spent");
}

#[tokio::test]
async fn f11_a_failed_early_refresh_leaves_the_good_token_in_use() {
    let world = World::new();
    let session = world.signed_in().await;
    for _ in 0..3 {
        world.server.next("refresh", Act::Say(503, json!({})));
    }
    world.pass(seconds(2_300)).await;
    while world.server.count("refresh") == 0 {
        world.clock.advance(std::time::Duration::from_millis(200));
        settle().await;
    }
    assert_eq!(session.state(), Status::Degraded);
    assert_eq!(shown(&session).as_deref(), Some("canary-access-1"));
    let error = session.status().last_error.unwrap();
    assert_eq!((error.kind(), error.status()), (ErrorKind::TemporarilyUnavailable, Some(503)));
    world.pass(seconds(60)).await;
    assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
    assert!(session.status().last_error.is_none());
}

#[tokio::test]
async fn f12_a_panic_in_a_transport_ends_that_exchange_and_not_the_session() {
    let world = World::new();
    let session = world.session().await;
    world.server.next("sign_in", Act::Panic);
    let error = session.authorization_within(seconds(0)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Internal | ErrorKind::TimedOut), "{error}");
    settle().await;
    assert!(!format!("{error:?} {:?}", session.status()).contains("canary"));
    assert_eq!(session.state(), Status::BackingOff);
    world.pass(seconds(5)).await;
    assert_eq!(shown(&session).as_deref(), Some("canary-access-1"));
}

#[tokio::test]
async fn f12_a_panic_in_an_adapter_ends_that_exchange_and_not_the_session() {
    let world = World::new();
    let session = world.session().await;
    world.server.next("sign_in", Act::Say(200, json!({ "panic": true })));
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
    assert_eq!(session.status().last_error.unwrap().kind(), ErrorKind::Internal);
    world.pass(seconds(5)).await;
    assert!(session.authorization().await.is_ok());
}

#[tokio::test]
async fn f12_an_adapter_that_panics_in_authorize_answers_every_caller_with_an_error() {
    let provider = Plain { panics_in_authorize: true, ..Plain::default() };
    let session = World::of(provider).session().await;
    for _ in 0..3 {
        assert_eq!(session.authorization().await.unwrap_err().kind(), ErrorKind::Internal);
    }
    assert!(session.current().is_none());
}

#[tokio::test]
async fn f12_a_panic_in_a_store_loses_no_token() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    world.server.hold();
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.authorization().await.map(drop) }
    });
    settle().await;
    store.panicking.store(1, Ordering::SeqCst);
    world.server.open();
    caller.await.unwrap().unwrap();
    assert!(!session.status().saved);
    world.pass(seconds(5)).await;
    assert!(session.status().saved);
    assert_eq!(world.server.total(), 1);
}

#[test]
fn f45_a_runtime_that_is_dropped_takes_its_exchange_and_not_the_session() {
    let world = World::new();
    let first = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let session = first.block_on(async {
        let session = world.session().await;
        world.server.next("sign_in", Act::Hang);
        assert!(session.authorization_within(seconds(0)).await.is_err());
        settle().await;
        assert_eq!(session.state(), Status::Authenticating);
        session
    });
    drop(first);
    assert_ne!(session.state(), Status::Authenticating, "the machine has heard of it");

    let second = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    second.block_on(async {
        let caller = tokio::spawn({
            let session = session.clone();
            async move { session.authorization().await.map(drop) }
        });
        world.pass(seconds(5)).await;
        caller.await.unwrap().unwrap();
        assert_eq!(shown(&session).as_deref(), Some("canary-access-1"));
        // The renewals have moved to the living runtime as well.
        session.authorization().await.unwrap();
        world.pass(seconds(2_900)).await;
        assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
    });
}

#[test]
fn f45_a_runtime_that_is_dropped_during_a_commit_loses_no_token() {
    let world = World::of(Plain::default().refreshing(RefreshSupport::Unknown));
    world.server.state().rotates = true;
    let first = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (session, store) = first.block_on(async {
        let store = Flaky::new(world.store.clone());
        let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
        let session = world.described(&keeper).open().await.unwrap();
        session.authorization().await.unwrap();
        // The refresh is answered; its commit hangs.
        store.hang_after(1);
        let caller = session.clone();
        tokio::spawn(async move { drop(caller.refresh().await) });
        settle().await;
        assert_eq!(world.server.count("refresh"), 1);
        assert_eq!(shown(&session).as_deref(), Some("canary-access-1"), "no commit was attempted");
        (session, store)
    });
    drop(first);
    store.hang_no_more();
    assert_eq!(shown(&session).as_deref(), Some("canary-access-1"), "{:?}", session.status());
    let second = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    second.block_on(async {
        // Whoever comes next is served at once, and writes what was left.
        assert!(session.authorization().await.is_ok());
        settle().await;
        assert!(session.status().saved, "{:?}", session.status());
        assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
        let other = world.session().await;
        assert_eq!(shown(&other), shown(&session));
    });
    assert_eq!(world.server.count("refresh"), 1);
}

#[test]
fn f09_f45_no_token_is_seen_before_its_write_although_the_runtime_has_gone() {
    let world = World::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (session, store) = first.block_on(async {
        let store = Flaky::new(world.store.clone());
        let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
        let session = world.described(&keeper).open().await.unwrap();
        // The mark of the sign-in is written; its tokens wait for the disk when the runtime goes.
        store.hang_after(1);
        drop(session.authorization_within(seconds(0)).await);
        settle().await;
        assert_eq!(world.server.count("sign_in"), 1);
        (session, store)
    });
    drop(first);
    let written = store.n_commits.load(Ordering::SeqCst);
    // Nobody can write it here, so nobody is handed it.
    for _ in 0..3 {
        assert!(session.current().is_none());
    }
    assert_eq!(store.n_commits.load(Ordering::SeqCst), written);
    store.hang_no_more();
    store.failing.store(1, Ordering::SeqCst);
    let second = runtime();
    second.block_on(async {
        // The write is tried and fails: only now the token is handed out, as unsaved.
        session.authorization().await.unwrap();
        assert!(!session.status().saved);
        assert_eq!(store.n_commits.load(Ordering::SeqCst), written + 1);
        world.pass(seconds(5)).await;
        assert!(session.status().saved, "{:?}", session.status());
    });
    assert_eq!(world.server.total(), 1);
}

#[test]
fn f36_f45_a_refusal_whose_runtime_has_gone_is_written_by_whoever_comes_next() {
    let world = World::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (session, store) = first.block_on(async {
        let store = Flaky::new(world.store.clone());
        let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
        let session = world.described(&keeper).open().await.unwrap();
        world.server.refuse_next("sign_in");
        store.hang_after(1);
        drop(session.authorization_within(seconds(0)).await);
        settle().await;
        (session, store)
    });
    drop(first);
    store.hang_no_more();
    let second = runtime();
    second.block_on(async {
        assert!(session.authorization().await.is_err());
        settle().await;
        // Another process does not send the refused password again.
        let other = world.session().await;
        assert_eq!(other.authorization().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    });
    assert_eq!(world.server.count("sign_in"), 1);
}

#[tokio::test]
async fn f40_a_source_that_asks_a_person_is_asked_in_sign_in_only() {
    struct Prompt(std::sync::atomic::AtomicU32);

    #[async_trait::async_trait]
    impl countersign_core::CredentialSource for Prompt {
        async fn credentials(
            &self,
            _: &countersign_core::AccountKey,
        ) -> Result<Credentials, countersign_core::Error> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(Credentials::password("kim", crate::common::PASSWORD.to_owned()))
        }

        fn interactive(&self) -> bool {
            true
        }
    }

    let world = World::new();
    let prompt = std::sync::Arc::new(Prompt(0.into()));
    let keeper: Keeper = world.keeper();
    let session = keeper.session(world.provider.clone(), "kim");
    let session = session.credentials_from(prompt.clone()).open().await.unwrap();
    let error = session.authorization().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsSignIn);
    assert_eq!((prompt.0.load(Ordering::SeqCst), world.server.total()), (0, 0));
    session.sign_in().await.unwrap();
    assert_eq!((prompt.0.load(Ordering::SeqCst), world.server.total()), (1, 1));
    assert!(session.authorization().await.is_ok());
}

#[tokio::test]
async fn f08_nothing_is_sent_under_a_lock_that_does_not_last() {
    let world =
        World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(60) }));
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    // The process is suspended while it writes its mark: the lease runs out meanwhile, and another
    // host takes the lock and the token.
    store.stall_next();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { drop(session.refresh().await) }
    });
    settle().await;
    assert_eq!(world.server.count("refresh"), 0, "the mark comes first");
    world.clock.advance(seconds(600));
    let other = world.session().await;
    other.refresh().await.unwrap();
    store.resume();
    settle().await;
    refresh.await.unwrap();
    assert_eq!(world.server.count("refresh"), 1, "the sleeper sends nothing");
    assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
    assert_eq!(shown(&other), shown(&session));
}

#[tokio::test]
async fn f27_a_writer_whose_lock_was_lost_adopts_what_the_winner_has_written() {
    let world = World::new();
    let (session, store) = flaky(&world).await;
    session.authorization().await.unwrap();
    // A reusable refresh token needs no mark: the exchange is answered, and then the disk stalls.
    store.stall_next();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { drop(session.refresh().await) }
    });
    settle().await;
    assert_eq!(world.server.count("refresh"), 1);
    world.clock.advance(seconds(600));
    let other = world.session().await;
    let winner = other.refresh().await.unwrap().generation();
    store.resume();
    settle().await;
    refresh.await.unwrap();
    // The token that could not be written is served as unsaved, until the next try meets the winner's.
    assert!(session.authorization().await.is_ok());
    world.pass(seconds(30)).await;
    assert_eq!(session.authorization().await.unwrap().generation(), winner);
    assert_eq!(shown(&session), shown(&other));
    assert_eq!(world.server.count("refresh"), 2);
}
