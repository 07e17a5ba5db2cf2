//! Hints of a store, and what is told about waits.

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, World, seconds, settle, shown};
use countersign_core::{Clock, Credentials, Error, ErrorKind, RecordName, SessionStore};
use countersign_runtime::{Keeper, MemoryStore, Session, SessionEventKind};
use countersign_seal::suite::{Over, Through};
use serde_json::json;
use tokio::sync::mpsc;

async fn of(keeper: &Keeper, world: &World, identity: &str) -> Session {
    let secrets = Credentials::password(identity, crate::common::PASSWORD.to_owned());
    let described = keeper.session(world.provider.clone(), identity).credentials(secrets);
    described.open().await.unwrap()
}

#[tokio::test]
async fn f45_hints_reach_sessions_that_were_opened_after_others_had_gone() {
    let world = World::new();
    let (here, there) = (world.keeper(), world.keeper());
    for identity in ["kim", "lee"] {
        // As many sessions as before, and another one.
        let (ours, theirs) =
            (of(&here, &world, identity).await, of(&there, &world, identity).await);
        theirs.authorization().await.unwrap();
        settle().await;
        assert_eq!(shown(&ours), shown(&theirs), "{identity}");
        assert!(shown(&ours).is_some());
    }
}

#[test]
fn f45_hints_are_followed_again_after_their_runtime_has_gone() {
    let world = World::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (keeper, session) = first.block_on(async {
        let keeper = world.keeper();
        let session = world.described(&keeper).open().await.unwrap();
        session.authorization().await.unwrap();
        settle().await;
        (keeper, session)
    });
    drop(first);
    let second = runtime();
    second.block_on(async {
        drop(of(&keeper, &world, "lee").await);
        settle().await;
        world.clock.advance(seconds(2));
        let sibling = world.session().await;
        sibling.refresh().await.unwrap();
        settle().await;
        assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
    });
}

#[tokio::test]
async fn p10_a_lockout_that_is_waited_out_is_not_told_as_capped() {
    let world = World::new();
    let session = world.session().await;
    let mut events = session.events();
    let until = world.clock.now().after(seconds(3_600)).as_millis();
    world.server.next("sign_in", Act::Say(403, json!({ "error": "locked", "until": until })));
    let error = session.authorization().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccountLocked);
    world.pass(seconds(3_500)).await;
    assert_eq!(world.server.total(), 1);
    let capped = |kind: &SessionEventKind| matches!(kind, SessionEventKind::WaitCapped { .. });
    assert!(!std::iter::from_fn(|| events.try_recv()).any(|event| capped(&event.kind)));
    world.pass(seconds(200)).await;
    assert_eq!(world.server.total(), 2, "it resumes by itself");
}

#[tokio::test]
async fn nothing_new_is_begun_after_a_shutdown_by_any_way() {
    let world = World::new();
    let keeper = world.keeper();
    let session = world.described(&keeper).keep_alive().open().await.unwrap();
    session.authorization().await.unwrap();
    assert!(keeper.shutdown(seconds(1)).await);
    let closed = Some(ErrorKind::Configuration);
    let kind = |error: Error| error.kind();
    assert_eq!(session.sign_in().await.err().map(kind), closed);
    assert_eq!(session.refresh().await.err().map(kind), closed);
    let operation = countersign_core::Operation::WhoAmI;
    assert_eq!(session.perform(operation).await.err().map(kind), closed);
    session.reject(session.current().unwrap().generation());
    keeper.tick();
    assert!(session.current().is_none());
    assert!(session.authorization_within(seconds(0)).await.is_err());
    world.pass(seconds(4_000)).await;
    assert_eq!(world.server.total(), 1);
}

#[test]
fn f45_who_only_uses_a_good_token_has_hints_followed_again_after_their_runtime_has_gone() {
    let world = World::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (keeper, session) = first.block_on(async {
        let keeper = world.keeper();
        let session = world.described(&keeper).open().await.unwrap();
        session.authorization().await.unwrap();
        settle().await;
        (keeper, session)
    });
    drop(first);
    runtime().block_on(async {
        let fresh = session.authorization().await.unwrap();
        settle().await;
        let sibling = world.session().await;
        let renewed = sibling.refresh().await.unwrap();
        settle().await;
        let shown = session.current().unwrap();
        assert_eq!(shown.generation(), renewed.generation());
        assert!(shown.generation().counter > fresh.generation().counter);
        // And the way of the usual case is short again: nothing is due and nobody is asked.
        assert_eq!(world.server.total(), 2);
        drop(keeper);
    });
}

/// A store whose hints come when the test says so.
struct Hinting<S = MemoryStore> {
    store: S,
    hints: tokio::sync::Mutex<mpsc::UnboundedReceiver<RecordName>>,
}

#[async_trait::async_trait]
impl<S: SessionStore> Over for Hinting<S> {
    fn below(&self) -> &dyn SessionStore {
        &self.store
    }

    async fn watch(&self) -> Option<RecordName> {
        self.hints.lock().await.recv().await
    }
}

#[tokio::test]
async fn f03_a_siblings_write_that_comes_beside_an_own_one_is_adopted_by_one_hint() {
    let world = World::new();
    let (tell, hear) = mpsc::unbounded_channel();
    let store = Hinting { store: world.store.clone(), hints: tokio::sync::Mutex::new(hear) };
    let here = world.keeper_builder().store(Through(store)).build().unwrap();
    let ours = world.described(&here).open().await.unwrap();
    ours.authorization().await.unwrap();
    settle().await;
    // Another write of ours, and one of a sibling, before any hint has come.
    ours.refresh().await.unwrap();
    let theirs = world.session().await.refresh().await.unwrap();
    for name in world.store.list().await.unwrap() {
        tell.send(name).unwrap();
    }
    settle().await;
    assert_eq!(ours.current().unwrap().generation(), theirs.generation());
    assert_eq!(world.server.total(), 3);
}

#[tokio::test]
async fn f09_what_the_store_has_not_taken_is_written_when_a_hint_shows_that_it_is_back() {
    let world = World::new();
    let (tell, hear) = mpsc::unbounded_channel();
    let flaky = Flaky::new(world.store.clone());
    let (store, hints) = (Through(flaky.clone()), tokio::sync::Mutex::new(hear));
    let keeper = world.keeper_builder().store(Through(Hinting { store, hints })).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    settle().await;
    // The mark comes through, the tokens do not, nor do the next tries.
    world.server.hold();
    let renewing = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await }
    });
    settle().await;
    flaky.failing.store(100, Ordering::SeqCst);
    world.server.open();
    renewing.await.unwrap().unwrap();
    world.pass(seconds(600)).await;
    assert!(!session.status().saved);
    let before = flaky.n_commits.load(Ordering::SeqCst);
    flaky.failing.store(0, Ordering::SeqCst);
    settle().await;
    assert!(!session.status().saved, "the next try is far away");
    for name in world.store.list().await.unwrap() {
        tell.send(name).unwrap();
    }
    settle().await;
    assert!(session.status().saved, "no time has passed");
    assert_eq!(flaky.n_commits.load(Ordering::SeqCst), before + 1);
    let sibling = world.session().await;
    assert_eq!(sibling.current().unwrap().generation(), session.current().unwrap().generation());
}

#[tokio::test]
async fn f03_siblings_adopt_although_their_follower_was_busy_when_the_store_was_written() {
    let world = World::new();
    let (here, there) = (world.keeper(), world.keeper());
    let identities = ["ada", "kim", "lee", "sam"];
    let mut ours = Vec::new();
    for identity in identities {
        ours.push(of(&here, &world, identity).await);
    }
    settle().await;
    // All of them at once: whoever follows one hint hears of the others afterwards.
    let mut tasks = Vec::new();
    for identity in identities {
        let session = of(&there, &world, identity).await;
        tasks
            .push(tokio::spawn(async move { session.authorization().await.unwrap().generation() }));
    }
    let mut theirs = Vec::new();
    for task in tasks {
        theirs.push(task.await.unwrap());
    }
    settle().await;
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours.current().map(|shown| shown.generation()), Some(theirs), "{ours:?}");
    }
}
