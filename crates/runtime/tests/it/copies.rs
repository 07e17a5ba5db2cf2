//! What readers get is written beside the exchanges, and holds none of them up.

use crate::common::{World, at_once, seconds, settle};
use async_trait::async_trait;
use countersign_core::{
    Committed, Error, ErrorKind, Fence, RecordName, Revision, SealKeys, SecretBytes, SessionStore,
};
use countersign_runtime::{Keeper, MemoryStore};
use countersign_seal::SealedFacts;
use countersign_seal::suite::{Over, Through};

const FOR_READERS: u8 = 3;

/// A store that takes no record for readers: another set of rights, or a replica that refuses.
#[derive(Clone)]
struct Closed {
    store: MemoryStore,
    for_readers: bool,
}

#[async_trait]
impl Over for Closed {
    fn below(&self) -> &dyn SessionStore {
        &self.store
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let kind = SealedFacts::of(bytes.expose_bytes()).unwrap().kind;
        if kind == FOR_READERS {
            return Err(Error::new(ErrorKind::Store));
        }
        self.store.commit(name, expected, fence, bytes).await
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        let key = |fill| SecretBytes::new(vec![fill; 32]);
        let keys = SealKeys::new(1, key(1));
        Ok(if self.for_readers { keys.also_for_readers(2, key(2)) } else { keys })
    }
}

fn keeper(world: &World, for_readers: bool, workers: usize) -> Keeper {
    let store = Through(Closed { store: world.store.clone(), for_readers });
    world.keeper_builder().store(store).workers(workers).build().unwrap()
}

/// A session of which readers have nothing, opened anew.
async fn behind(world: &World, workers: usize) -> Keeper {
    let first = world.described(&keeper(world, false, 8)).open().await.unwrap();
    first.authorization().await.unwrap();
    keeper(world, true, workers)
}

#[tokio::test]
async fn f45_a_keeper_that_is_shut_down_waits_for_no_copy_that_pauses() {
    let world = World::new();
    let keeper = behind(&world, 8).await;
    let _session = world.described(&keeper).open().await.unwrap();
    settle().await;
    world.pass(seconds(7)).await;
    assert!(at_once(async move { keeper.shutdown(seconds(10)).await }).await);
}

#[tokio::test]
async fn copies_that_cannot_be_written_keep_nobody_from_being_renewed() {
    let world = World::new();
    let keeper = behind(&world, 1).await;
    let session = world.described(&keeper).keep_alive().open().await.unwrap();
    settle().await;
    assert_eq!(keeper.figures().under_way, 0);
    let before = session.status().generation.unwrap().counter;
    world.pass_by(seconds(3_000), seconds(20)).await;
    assert_eq!(session.status().generation.unwrap().counter, before + 1);
}
