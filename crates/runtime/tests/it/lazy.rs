//! Sessions that are opened without reading the store: their first use reads it, once for all who wait.

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Plain, World, at_once, ended, seconds, settle};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{AccountKey, CredentialSource, Credentials, Error, ErrorKind};
use countersign_runtime::{Keeper, Session, SignOutOutcome};
use countersign_seal::suite::Through;

/// A store in which the session of `world` is signed in, and a keeper that has read nothing of it.
async fn stored(world: &World) -> (Flaky, Keeper) {
    drop(world.signed_in().await);
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    (store, keeper)
}

fn opened(world: &World, keeper: &Keeper) -> Session {
    let described = world.described(keeper);
    described.reauthentication(Reauthentication::Manual).open_lazily().unwrap()
}

#[tokio::test]
async fn nothing_is_read_before_the_first_use_which_reads_once_for_all_callers() {
    let world = World::new();
    let (store, keeper) = stored(&world).await;
    let session = opened(&world, &keeper);
    settle().await;
    assert_eq!((store.reads(), keeper.n_loaded()), (0, 0));
    assert!(session.status().resting);
    let callers = (0..100).map(|_| {
        let session = session.clone();
        tokio::spawn(async move { session.authorization().await.is_ok() })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert!(caller.await.unwrap());
    }
    assert_eq!((store.reads(), keeper.n_loaded()), (1, 1));
    assert!(!session.status().resting);
    assert_eq!(world.server.total(), 1, "no exchange");
}

#[tokio::test]
async fn f07_a_caller_whose_time_is_over_while_it_reads_for_all_fails_alone() {
    let world = World::new();
    let (store, keeper) = stored(&world).await;
    let session = opened(&world, &keeper);
    store.stall_next_read();
    let hasty = {
        let session = session.clone();
        tokio::spawn(async move { session.authorization_within(seconds(1)).await })
    };
    settle().await;
    let patient = tokio::spawn(async move { session.authorization().await });
    world.pass(seconds(2)).await;
    assert!(hasty.await.unwrap().is_err());
    assert!(patient.await.unwrap().is_ok(), "it reads for itself");
}

#[tokio::test]
async fn who_cannot_wait_has_it_read_for_the_next_one_and_begins_no_exchange_meanwhile() {
    let world = World::new();
    let (store, keeper) = stored(&world).await;
    let session = world.described(&keeper).open_lazily().unwrap();
    store.stall_next_read();
    for _ in 0..3 {
        assert!(session.current().is_none());
        settle().await;
    }
    assert_eq!((store.reads(), keeper.figures().under_way), (1, 0));
    store.resume();
    settle().await;
    assert_eq!(session.current().unwrap().generation().counter, 1);
    assert_eq!((store.reads(), world.server.total()), (0, 1));
    // Where the store holds nothing, the next one has a sign-in begun.
    let described = keeper.session(world.provider.clone(), "lee");
    let secrets = Credentials::password("lee", crate::common::PASSWORD.to_owned());
    let other = described.credentials(secrets).open_lazily().unwrap();
    assert!(other.current().is_none());
    settle().await;
    assert_eq!((other.state(), other.status().resting), (Status::SignedOut, false));
    assert!(other.current().is_none());
    settle().await;
    assert!(other.current().is_some());
}

#[tokio::test]
async fn a_reading_that_fails_is_told_to_all_who_wait_for_it_and_the_next_one_reads_again() {
    let world = World::new();
    let (store, keeper) = stored(&world).await;
    let session = opened(&world, &keeper);
    store.stall_next_read();
    store.failing_reads.store(1, Ordering::SeqCst);
    let callers = [0; 3].map(|_| {
        let session = session.clone();
        tokio::spawn(async move { session.authorization().await.map(drop) })
    });
    settle().await;
    store.resume();
    settle().await;
    for caller in callers {
        assert_eq!(ended(caller).await.unwrap_err().kind(), ErrorKind::Store);
    }
    assert_eq!(store.reads(), 1);
    assert!(session.status().resting);
    assert!(at_once(async move { session.authorization().await.is_ok() }).await);
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn where_the_caller_who_reads_goes_away_another_one_reads() {
    let world = World::new();
    let (store, keeper) = stored(&world).await;
    let session = opened(&world, &keeper);
    store.stall_next_read();
    let callers = [0; 2].map(|_| {
        let session = session.clone();
        tokio::spawn(async move { session.authorization().await.map(drop) })
    });
    settle().await;
    assert_eq!(store.reads(), 1);
    let [first, second] = callers;
    first.abort();
    settle().await;
    ended(second).await.unwrap();
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn a_store_that_does_not_answer_holds_nobody_for_longer_than_his_deadline() {
    let world = World::new();
    let (store, keeper) = stored(&world).await;
    let session = opened(&world, &keeper);
    store.stall_next_read();
    let caller = session.clone();
    let caller = tokio::spawn(async move { caller.authorization().await.map(drop) });
    settle().await;
    let beside = session.clone();
    let beside =
        tokio::spawn(async move { beside.authorization_within(seconds(5)).await.map(drop) });
    settle().await;
    world.pass(seconds(6)).await;
    assert_eq!(ended(beside).await.unwrap_err().kind(), ErrorKind::Store);
    assert!(!caller.is_finished());
    world.pass(seconds(25)).await;
    assert_eq!(ended(caller).await.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(store.reads(), 1);
    assert!(at_once(async move { session.authorization().await.is_ok() }).await);
}

#[tokio::test]
async fn what_is_asked_for_by_name_is_done_with_what_the_store_holds() {
    let world = World::new();
    let (_, keeper) = stored(&world).await;
    let session = opened(&world, &keeper);
    let renewed = at_once(async move { session.refresh().await.unwrap() }).await;
    assert_eq!(renewed.generation().counter, 2);
    drop((renewed, keeper));
    let keeper = world.keeper();
    let session = opened(&world, &keeper);
    let ended = at_once(async move { session.sign_out(seconds(30)).await }).await;
    assert_eq!(ended, SignOutOutcome::Revoked);
    let asked = ["sign_in", "refresh", "revoke"].map(|path| world.server.count(path));
    assert_eq!(asked, [1, 1, 1]);
}

#[tokio::test]
async fn f21_what_was_refused_before_it_was_read_is_not_handed_out() {
    let world = World::new();
    let (_, keeper) = stored(&world).await;
    let refused = world.session().await.current().unwrap().generation();
    let session = opened(&world, &keeper);
    session.reject(refused);
    let next = at_once(async move { session.authorization().await.unwrap() }).await;
    assert_eq!(next.generation().counter, 2);
}

/// A source of the user that panics.
#[derive(Clone, Debug)]
struct Panics;

#[async_trait::async_trait]
impl CredentialSource for Panics {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        panic!("canary: the source panics")
    }
}

#[tokio::test]
async fn f12_a_source_that_panics_at_the_first_reading_takes_no_caller_with_it() {
    let world = World::of(Plain::default().with_codes(seconds(30)));
    let (_, keeper) = stored(&world).await;
    let described = keeper.session(world.provider.clone(), "kim").credentials(Panics);
    let session = described.open_lazily().unwrap();
    assert!(at_once(async move { session.authorization().await.is_ok() }).await);
}

#[tokio::test]
async fn f12_nobody_opens_or_explains_for_ever_over_a_store_that_hangs() {
    let world = World::new();
    let (store, keeper) = stored(&world).await;
    let session = opened(&world, &keeper);
    store.stall_next_read();
    let explaining = tokio::spawn(async move { session.explain().await });
    settle().await;
    world.pass(seconds(80)).await;
    assert_eq!(ended(explaining).await.store_error.unwrap().kind(), ErrorKind::Store);
    store.stall_next_read();
    let provider = std::sync::Arc::new(world.provider.clone());
    let opening = tokio::spawn(async move {
        let described = keeper.open_many(provider, ["lee"], |session| session);
        described.await.map(drop)
    });
    settle().await;
    world.pass(seconds(80)).await;
    assert_eq!(ended(opening).await.unwrap_err().kind(), ErrorKind::Store);
}
