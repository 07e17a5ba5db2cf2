//! Sessions that are opened without reading, in bulk, and put to rest when nobody uses them.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::store::Flaky;
use common::{Act, PASSWORD, Plain, World, seconds, settle, shown};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{
    Committed, Credentials, Error, Fence, Lock, RecordName, Revision, SealKeys, SecretBytes,
    SessionStore, StoredRecord,
};
use countersign_runtime::{Keeper, MemoryStore, Session, SessionBuilder};
use serde_json::json;

/// Counts how often it is read.
#[derive(Clone)]
struct Counting {
    store: MemoryStore,
    reads: Arc<AtomicUsize>,
}

impl Counting {
    fn of(world: &World) -> Self {
        Self { store: world.store.clone(), reads: Arc::default() }
    }

    fn taken(&self) -> usize {
        self.reads.swap(0, Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl SessionStore for Counting {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.load(name).await
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.store.load_many(names).await
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        self.store.list().await
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        self.store.lock(name, lease, wait).await
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        self.store.commit(name, expected, fence, bytes).await
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.store.remove(name, expected).await
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.store.seal_keys().await
    }
}

fn described(keeper: &Keeper, provider: &Plain, identity: &str) -> SessionBuilder {
    let secrets = Credentials::password(identity, PASSWORD.to_owned());
    keeper.session(provider.clone(), identity).credentials(secrets)
}

async fn signed_in(keeper: &Keeper, world: &World, identity: &str) -> Session {
    let session = described(keeper, &world.provider, identity).open().await.unwrap();
    session.authorization().await.unwrap();
    session
}

#[tokio::test]
async fn a_session_that_is_opened_lazily_reads_with_its_first_use_once_for_all_callers() {
    let world = World::new();
    drop(signed_in(&world.keeper(), &world, "kim").await);
    let store = Counting::of(&world);
    let keeper = world.keeper_builder().store(store.clone()).build().unwrap();
    let described = described(&keeper, &world.provider, "kim");
    let session = described.reauthentication(Reauthentication::Manual).open_lazily().unwrap();
    assert_eq!((store.taken(), keeper.n_loaded()), (0, 0));
    assert!(session.status().resting);
    let callers = (0..100).map(|_| {
        let session = session.clone();
        tokio::spawn(async move { session.authorization().await.is_ok() })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert!(caller.await.unwrap());
    }
    assert_eq!((store.taken(), keeper.n_loaded()), (1, 1));
    assert!(!session.status().resting);
    assert_eq!(world.server.total(), 1, "no exchange");
    // Callers that cannot wait have it read for the next one.
    let other = countersign_lazily(&keeper, &world).await;
    assert!(other.current().is_none());
    settle().await;
    assert!(other.status().state == Status::SignedOut && !other.status().resting);
}

async fn countersign_lazily(keeper: &Keeper, world: &World) -> Session {
    let described = described(keeper, &world.provider, "lee");
    described.reauthentication(Reauthentication::Manual).open_lazily().unwrap()
}

#[tokio::test]
async fn who_is_idle_is_put_to_rest_and_taken_up_again_without_an_exchange() {
    let world = World::new();
    let keeper = world.keeper_builder().evict_idle(seconds(600), usize::MAX).build().unwrap();
    let idle = signed_in(&keeper, &world, "idle").await;
    let used = signed_in(&keeper, &world, "used").await;
    let kept = described(&keeper, &world.provider, "kept").keep_alive().open().await.unwrap();
    kept.authorization().await.unwrap();
    for _ in 0..14 {
        world.pass(seconds(60)).await;
        used.authorization().await.unwrap();
    }
    let resting = [&idle, &used, &kept].map(|session| session.status().resting);
    assert_eq!(resting, [true, false, false]);
    assert_eq!(keeper.n_loaded(), 2);
    assert_eq!(keeper.n_sessions(), 3, "handles stay");
    // Nothing of it is left in the queue: it is not renewed.
    let before = world.server.total();
    assert_eq!(idle.authorization().await.unwrap().generation().counter, 1);
    assert_eq!(world.server.total(), before, "no exchange");
    assert!(!idle.status().resting);
    assert!(idle.status().next.is_some(), "and its renewal is appointed again");
    // Rested over the end of its token, it is renewed when it is used.
    world.pass(seconds(4_000)).await;
    assert!(idle.status().resting);
    assert_eq!(idle.authorization().await.unwrap().generation().counter, 2);
}

#[tokio::test]
async fn beyond_the_greatest_number_the_least_recently_used_rest() {
    let world = World::new();
    let keeper = world.keeper_builder().evict_idle(seconds(3_000), 2).build().unwrap();
    let mut sessions = Vec::new();
    for n in 0..4 {
        sessions.push(signed_in(&keeper, &world, &format!("user-{n}")).await);
        world.pass(seconds(60)).await;
    }
    world.pass(seconds(700)).await;
    sessions[0].authorization().await.unwrap();
    world.pass(seconds(800)).await;
    let resting: Vec<bool> = sessions.iter().map(|session| session.status().resting).collect();
    assert_eq!(resting.iter().filter(|resting| **resting).count(), 2, "{resting:?}");
    assert!(!resting[0], "it was used last: {resting:?}");
}

#[tokio::test]
async fn f09_what_is_unsaved_under_way_waiting_or_refused_is_never_put_to_rest() {
    let rest = seconds(100);
    // Unsaved.
    let world = World::new();
    let flaky = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(flaky.clone()).evict_idle(rest, 0).build().unwrap();
    let session = described(&keeper, &world.provider, "kim").open().await.unwrap();
    session.authorization().await.unwrap();
    flaky.failing.store(u32::MAX, Ordering::SeqCst);
    assert!(session.refresh().await.is_ok());
    assert!(!session.status().saved);
    world.pass(seconds(300)).await;
    assert_eq!(session.current().unwrap().generation().counter, 2);
    flaky.failing.store(0, Ordering::SeqCst);
    world.pass(seconds(300)).await;
    assert!(session.status().resting, "once it is saved it may");

    // Under way, then waiting for its next try.
    let world = World::new();
    let keeper = world.keeper_builder().evict_idle(rest, 0).build().unwrap();
    let session = signed_in(&keeper, &world, "kim").await;
    world.server.next("refresh", Act::Say(503, json!({})));
    world.server.hold();
    let renewing = session.clone();
    tokio::spawn(async move { drop(renewing.refresh().await) });
    settle().await;
    keeper.tick();
    assert_eq!(session.state(), Status::Refreshing);
    world.server.open();
    settle().await;
    world.clock.advance(seconds(101));
    keeper.tick();
    let status = session.status();
    assert!(!status.resting, "{status:?}");

    // Refused by the API: what is in the store is the refused token.
    let world = World::new();
    let keeper = world.keeper_builder().evict_idle(rest, 0).build().unwrap();
    let described = described(&keeper, &world.provider, "kim");
    let session = described.reauthentication(Reauthentication::Manual).open().await.unwrap();
    session.sign_in().await.unwrap();
    for _ in 0..4 {
        world.server.next("refresh", Act::Say(503, json!({})));
    }
    session.reject(session.current().unwrap().generation());
    settle().await;
    world.clock.advance(seconds(101));
    keeper.tick();
    assert!(!session.status().resting);
    assert!(shown(&session).is_none(), "the refused token does not come back");
}

#[tokio::test]
async fn p08_a_session_with_codes_has_them_again_after_its_rest() {
    let world = World::of(Plain::default().with_codes(seconds(30)));
    let keeper = world.keeper_builder().evict_idle(seconds(100), 0).build().unwrap();
    let secrets = Credentials::password("kim", PASSWORD.to_owned())
        .with_totp_secret("canary-totp".to_owned());
    let described = keeper.session(world.provider.clone(), "kim").credentials(secrets);
    let session = described.open().await.unwrap();
    session.authorization().await.unwrap();
    world.pass(seconds(200)).await;
    assert!(session.status().resting);
    let again = session.authorization().await.unwrap();
    assert!(again.header(&http::HeaderName::from_static("otp")).is_some());
    assert_eq!(world.server.total(), 1);
}
