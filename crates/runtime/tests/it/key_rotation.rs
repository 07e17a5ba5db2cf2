//! Keys that are added to a store while programs run: they are read again where a record asks for them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{World, seconds};
use async_trait::async_trait;
use countersign_core::session::Status;
use countersign_core::{Credentials, Error, SealKeys, SecretBytes, SessionStore};
use countersign_runtime::{Keeper, MemoryStore, Session, StoredContent};
use countersign_seal::suite::{Over, Through};
use countersign_seal::{SealedFacts, Sealer, reseal};

/// A store whose keys can be changed.
#[derive(Clone)]
struct Rotated {
    store: MemoryStore,
    keys: Arc<Mutex<SealKeys>>,
    n_read: Arc<AtomicU32>,
}

fn key(fill: u8) -> SecretBytes {
    SecretBytes::new(vec![fill; 32])
}

impl Rotated {
    fn of(world: &World) -> Self {
        let keys = Arc::new(Mutex::new(SealKeys::new(1, key(1))));
        Self { store: world.store.clone(), keys, n_read: Arc::default() }
    }

    /// Puts a key in front, and seals every record with it.
    async fn rotate(&self, keys: SealKeys) {
        *self.keys.lock().unwrap() = keys.clone();
        let done = reseal(&self.store, &Sealer::new(keys).unwrap()).await.unwrap();
        assert!(done.is_complete() && done.anew == 2, "{done:?}");
    }

    async fn sealed_with(&self) -> Vec<u32> {
        let mut ids = Vec::new();
        for name in self.store.list().await.unwrap() {
            let there = self.store.load(&name).await.unwrap().unwrap();
            ids.push(SealedFacts::of(there.bytes.expose_bytes()).unwrap().key);
        }
        ids
    }

    fn n_read(&self) -> u32 {
        self.n_read.load(Ordering::SeqCst)
    }

    fn keeper(&self, world: &World) -> Keeper {
        world.keeper_builder().store(Through(self.clone())).build().unwrap()
    }
}

#[async_trait]
impl Over for Rotated {
    fn below(&self) -> &dyn SessionStore {
        &self.store
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.n_read.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok(self.keys.lock().unwrap().clone())
    }
}

async fn opened(world: &World, keeper: &Keeper, who: &str) -> Session {
    let described = keeper.session(world.provider.clone(), who);
    described
        .credentials(Credentials::password(who, crate::common::PASSWORD.to_owned()))
        .open()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_program_that_runs_takes_up_a_key_that_was_added() {
    let world = World::new();
    let store = Rotated::of(&world);
    let keeper = store.keeper(&world);
    let session = opened(&world, &keeper, "kim").await;
    session.authorization().await.unwrap();
    store.rotate(SealKeys::new(2, key(2)).also(1, key(1))).await;
    session.refresh().await.unwrap();
    assert_eq!((store.sealed_with().await, store.n_read()), (vec![2, 2], 2));
    session.refresh().await.unwrap();
    assert_eq!(store.n_read(), 2, "they are known now");

    // Who lists the store too.
    let other = store.keeper(&world);
    other.stored().await.unwrap();
    store.rotate(SealKeys::new(3, key(3)).also(2, key(2)).also(1, key(1))).await;
    let listed = other.stored().await.unwrap();
    assert!(listed.iter().all(|s| !matches!(s.content, StoredContent::Unreadable(_))));
}

#[tokio::test]
async fn a_key_that_was_added_is_taken_up_where_many_are_opened_at_once() {
    let world = World::new();
    let store = Rotated::of(&world);
    let first = store.keeper(&world);
    opened(&world, &first, "kim").await.authorization().await.unwrap();
    let keeper = store.keeper(&world);
    opened(&world, &keeper, "lee").await;
    store.rotate(SealKeys::new(2, key(2)).also(1, key(1))).await;
    let provider = Arc::new(world.provider.clone());
    let many = keeper.open_many(provider, ["lee", "kim"], |session| session).await.unwrap();
    let states: Vec<_> = many.iter().map(|one| one.as_ref().unwrap().state()).collect();
    assert_eq!(states, [Status::SignedOut, Status::Active]);
}

#[tokio::test]
async fn a_key_that_is_nowhere_is_looked_for_once_by_all_who_miss_it() {
    let world = World::new();
    let store = Rotated::of(&world);
    let keeper = store.keeper(&world);
    let mut sessions = Vec::new();
    for who in ["kim", "robin", "sam"] {
        sessions.push(opened(&world, &keeper, who).await);
    }
    let first = sessions.first().unwrap();
    first.authorization().await.unwrap();
    let known = store.keys.lock().unwrap().clone();
    store.rotate(SealKeys::new(9, key(9)).also(1, key(1))).await;
    *store.keys.lock().unwrap() = known;
    let before = store.n_read();
    let tries: Vec<_> = (0..8).map(|_| first.refresh()).collect();
    for end in futures_util::future::join_all(tries).await {
        assert_eq!(end.unwrap_err().code(), Some("unknown_key"));
    }
    assert_eq!(first.refresh().await.unwrap_err().code(), Some("unknown_key"));
    assert_eq!(store.n_read(), before + 1);
    // Served meanwhile; and looked for again later.
    first.authorization().await.unwrap();
    world.clock.advance(seconds(10));
    *store.keys.lock().unwrap() = SealKeys::new(9, key(9)).also(1, key(1));
    first.refresh().await.unwrap();
    assert_eq!(store.n_read(), before + 2);
}

#[tokio::test]
async fn keys_of_another_store_are_not_taken() {
    let world = World::new();
    let store = Rotated::of(&world);
    let keeper = store.keeper(&world);
    let session = opened(&world, &keeper, "kim").await;
    session.authorization().await.unwrap();
    store.rotate(SealKeys::new(2, key(2)).also(1, key(1))).await;
    *store.keys.lock().unwrap() = SealKeys::new(2, key(2)).also(1, key(7));
    assert_eq!(session.refresh().await.unwrap_err().code(), Some("unknown_key"));
    assert_eq!(store.sealed_with().await, [2, 2], "nothing was written under another name");
}

/// The readers of a new key know it before anybody seals with it: that it is in front by now they learn from what
/// others have sealed.
#[tokio::test]
async fn a_program_that_knows_a_key_already_seals_with_it_once_others_do() {
    let world = World::new();
    let store = Rotated::of(&world);
    *store.keys.lock().unwrap() = SealKeys::new(1, key(1)).also(2, key(2));
    let keeper = store.keeper(&world);
    let session = opened(&world, &keeper, "kim").await;
    session.authorization().await.unwrap();
    assert_eq!((store.sealed_with().await, store.n_read()), (vec![1, 1], 1));
    store.rotate(SealKeys::new(2, key(2)).also(1, key(1))).await;
    session.refresh().await.unwrap();
    crate::common::settle().await;
    assert_eq!(store.n_read(), 2, "it has read them again");
    session.sign_in().await.unwrap();
    assert_eq!(store.sealed_with().await, [2, 2]);
    session.refresh().await.unwrap();
    assert_eq!(store.n_read(), 2, "and has no reason to do so any more");
}
