//! Keepers that only read, and stores that turn out to take no writes.

use std::time::Duration;

use crate::common::store::Flaky;
use crate::common::{Act, World, at_once, seconds, settle, shown};
use countersign_core::session::Status;
use countersign_core::{
    Clock, Committed, Error, ErrorKind, Fence, Lock, Operation, RecordName, Recovery, Revision,
    SealKeys, SecretBytes, SessionStore,
};
use countersign_runtime::{Keeper, KeeperBuilder, Session, SignOutOutcome};
use countersign_seal::suite::{Over, Through};

/// A store with keys of its own and no hints, or one that takes no writes.
#[derive(Clone)]
struct Shelf {
    store: Through<Flaky>,
    keys: SealKeys,
    hints: bool,
    locked_away: bool,
}

fn denied() -> Error {
    let cause = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    Error::new(ErrorKind::Store).with_recovery(Recovery::GiveUp).with_source(cause)
}

#[async_trait::async_trait]
impl Over for Shelf {
    fn below(&self) -> &dyn SessionStore {
        &self.store
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        if self.locked_away {
            return Err(denied());
        }
        self.store.lock(name, lease, wait).await
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        if self.locked_away {
            return Err(denied());
        }
        self.store.commit(name, expected, fence, bytes).await
    }

    async fn watch(&self) -> Option<RecordName> {
        if self.hints { self.store.watch().await } else { None }
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        Ok(self.keys.clone())
    }
}

fn key(fill: u8) -> SecretBytes {
    SecretBytes::new(vec![fill; 32])
}

fn whole() -> SealKeys {
    SealKeys::new(1, key(1)).also_for_readers(2, key(2))
}

fn shelf(world: &World, keys: SealKeys, hints: bool) -> Shelf {
    let store = Through(Flaky::new(world.store.clone()));
    Shelf { store, keys, hints, locked_away: false }
}

fn writer(world: &World) -> Keeper {
    world.keeper_builder().store(Through(shelf(world, whole(), false))).build().unwrap()
}

async fn reader(world: &World, keys: SealKeys, hints: bool) -> Session {
    let keeper = world.keeper_builder().store(Through(shelf(world, keys, hints))).read_only();
    let keeper = keeper.build().unwrap();
    keeper.session(world.provider.clone(), "kim").open().await.unwrap()
}

/// A keeper that renews when it is told to.
fn renewer(world: &World) -> Keeper {
    world.keeper_builder().store(Through(shelf(world, whole(), false))).pull().build().unwrap()
}

/// A keeper that only reads a store that tells of no change, and that store, whose readings are counted.
fn poller(world: &World) -> (KeeperBuilder, Flaky) {
    let shelf = shelf(world, whole(), false);
    let Through(counted) = shelf.store.clone();
    (world.keeper_builder().store(Through(shelf)).read_only(), counted)
}

async fn opened(world: &World, keeper: KeeperBuilder) -> (Keeper, Session) {
    let keeper = keeper.build().unwrap();
    let session = keeper.session(world.provider.clone(), "kim").open().await.unwrap();
    (keeper, session)
}

fn counter(session: &Session) -> u64 {
    session.status().generation.unwrap().counter
}

fn asked(world: &World) -> [usize; 4] {
    ["sign_in", "refresh", "revoke", "who_am_i"].map(|path| world.server.count(path))
}

#[tokio::test]
async fn a_keeper_that_only_reads_hands_out_what_others_buy_and_does_nothing_else() {
    for keys in [whole(), SealKeys::for_readers(2, key(2))] {
        let world = World::new();
        let ours = reader(&world, keys, false).await;
        let error = ours.authorization().await.unwrap_err();
        assert_eq!((error.kind(), error.recovery()), (ErrorKind::NeedsSignIn, Recovery::Retry));
        let theirs = world.described(&writer(&world)).keep_alive().open().await.unwrap();
        theirs.authorization().await.unwrap();
        // Who has just looked and found nothing does not look again at once.
        world.clock.advance(seconds(2));
        let first = ours.authorization().await.unwrap();
        assert!(ours.status().read_only && !theirs.status().read_only);
        for end in [ours.refresh().await.err(), ours.sign_in().await.err()] {
            assert_eq!(end.unwrap().kind(), ErrorKind::Unsupported);
        }
        let performed = ours.perform(Operation::WhoAmI).await;
        assert_eq!(performed.unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(asked(&world), [1, 0, 0, 0]);
        // An hour goes by: the writer renews, the reader finds it without being asked.
        for _ in 0..60 {
            world.pass_by(seconds(60), seconds(10)).await;
            assert!(ours.authorization().await.is_ok());
        }
        let next = ours.authorization().await.unwrap();
        assert_eq!(next.generation(), theirs.current().unwrap().generation());
        assert!(next.generation().counter > first.generation().counter);
        assert_eq!(asked(&world), [1, 1, 0, 0]);
        // A refused token is not handed out again, and the writer's next one is.
        ours.reject(next.generation());
        assert!(ours.authorization().await.is_err());
        theirs.refresh().await.unwrap();
        world.clock.advance(seconds(2));
        assert!(ours.authorization().await.is_ok());
        theirs.sign_out(seconds(30)).await;
        world.clock.advance(seconds(2));
        ours.load().await.unwrap();
        assert_eq!(ours.sign_out(seconds(1)).await, SignOutOutcome::Unconfirmed);
        assert!(shown(&ours).is_none());
        assert_eq!(asked(&world), [1, 2, 1, 0]);
    }
}

#[tokio::test]
async fn readers_keys_open_no_refresh_token_and_a_hint_is_followed_at_once() {
    let world = World::new();
    let ours = reader(&world, SealKeys::for_readers(2, key(2)), true).await;
    let theirs = world.described(&writer(&world)).open().await.unwrap();
    theirs.authorization().await.unwrap();
    settle().await;
    assert_eq!(shown(&ours), shown(&theirs));
    assert!(shown(&ours).is_some());
    assert!(ours.status().refresh_expires_at.is_none());
    theirs.refresh().await.unwrap();
    settle().await;
    assert_eq!(shown(&ours), shown(&theirs));
    theirs.sign_out(seconds(30)).await;
    settle().await;
    assert_eq!(ours.state(), Status::SignedOut);
    assert_eq!(ours.authorization().await.unwrap_err().kind(), ErrorKind::SignedOut);
    // Without the right to read alone, readers' keys are not enough.
    let keeper = world.keeper_builder().store(Through(shelf(
        &world,
        SealKeys::for_readers(2, key(2)),
        false,
    )));
    let described = keeper.build().unwrap().session(world.provider.clone(), "kim");
    assert_eq!(described.open().await.unwrap_err().code(), Some("readers_only"));
}

#[tokio::test]
async fn f30_a_store_that_may_not_be_written_is_served_from_and_the_status_says_so() {
    let world = World::new();
    let theirs = world.described(&writer(&world)).keep_alive().open().await.unwrap();
    theirs.authorization().await.unwrap();
    let closed = Shelf { locked_away: true, ..shelf(&world, whole(), false) };
    let keeper = world.keeper_builder().store(Through(closed)).build().unwrap();
    let ours = world.described(&keeper).keep_alive().open().await.unwrap();
    assert_eq!(shown(&ours), shown(&theirs));
    assert!(!ours.status().read_only, "nothing was written yet");
    for _ in 0..120 {
        world.pass_by(seconds(60), seconds(10)).await;
        assert!(ours.authorization().await.is_ok(), "{:?}", ours.status());
    }
    assert!(ours.status().read_only);
    assert_eq!(shown(&ours), shown(&theirs));
    assert_eq!(world.server.count("sign_in"), 1, "it has sent nothing itself");
    assert!(world.clock.now() > theirs.status().issued_at.unwrap());
}

#[tokio::test]
async fn the_next_token_is_found_by_looking_every_half_minute_before_the_end_and_no_longer() {
    let world = World::new();
    let theirs = world.described(&renewer(&world)).open().await.unwrap();
    theirs.authorization().await.unwrap();
    let (keeper, store) = poller(&world);
    let (_keeper, ours) = opened(&world, keeper).await;
    // Used once: nobody asks from here on.
    ours.authorization().await.unwrap();
    store.reads();
    world.pass_by(seconds(2_000), seconds(10)).await;
    assert_eq!(store.reads(), 0, "the token is young");
    world.pass_by(seconds(1_300), seconds(10)).await;
    let looks = store.reads();
    assert!((15..=60).contains(&looks), "{looks} in the last part of an hour's token");
    theirs.refresh().await.unwrap();
    world.pass_by(seconds(40), seconds(10)).await;
    assert_eq!(counter(&ours), 2);
    store.reads();
    world.pass_by(seconds(600), seconds(10)).await;
    assert_eq!(store.reads(), 0, "the next token is young");
    // Nobody uses it, and nobody renews it: after its end nobody looks.
    world.pass_by(seconds(3_200), seconds(10)).await;
    store.reads();
    world.pass_by(seconds(600), seconds(10)).await;
    assert_eq!(store.reads(), 0, "its token is over");
    assert_eq!(asked(&world), [1, 1, 0, 0]);
}

#[tokio::test]
async fn a_reader_in_use_whose_token_ends_leaves_looking_to_those_who_ask() {
    let world = World::new();
    let theirs = world.described(&renewer(&world)).open().await.unwrap();
    theirs.authorization().await.unwrap();
    let (keeper, store) = poller(&world);
    let (_keeper, ours) = opened(&world, keeper).await;
    for _ in 0..59 {
        world.pass_by(seconds(60), seconds(10)).await;
        ours.authorization().await.unwrap();
    }
    world.pass_by(seconds(90), seconds(10)).await;
    store.reads();
    world.pass_by(seconds(300), seconds(10)).await;
    assert_eq!(store.reads(), 0);
    // However many ask at one time, they read once.
    for _ in 0..20 {
        let ours = ours.clone();
        let found = at_once(async move { ours.authorization().await.map(drop) }).await;
        assert_eq!(found.unwrap_err().kind(), ErrorKind::NeedsSignIn);
    }
    assert_eq!(store.reads(), 1);
    world.clock.advance(seconds(1));
    let asking = ours.clone();
    assert!(at_once(async move { asking.authorization().await.is_err() }).await);
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn who_cannot_wait_has_a_reader_look_for_the_next_one() {
    let world = World::new();
    let (keeper, _) = poller(&world);
    let (_keeper, ours) = opened(&world, keeper).await;
    let theirs = world.described(&renewer(&world)).open().await.unwrap();
    theirs.authorization().await.unwrap();
    world.clock.advance(seconds(2));
    assert!(ours.current().is_none());
    settle().await;
    assert_eq!(shown(&ours), shown(&theirs));
    assert!(shown(&ours).is_some());
    // Nobody has used it for a life of its token, so it dozes; its next user has it look.
    world.pass_by(seconds(3_000), seconds(10)).await;
    theirs.refresh().await.unwrap();
    world.pass_by(seconds(40), seconds(10)).await;
    assert_eq!(counter(&ours), 2);
    world.pass_by(seconds(3_000), seconds(10)).await;
    theirs.refresh().await.unwrap();
    world.pass_by(seconds(300), seconds(10)).await;
    assert_eq!(counter(&ours), 2, "it dozes");
    assert_eq!(ours.current().unwrap().generation().counter, 2, "the good one, at once");
    settle().await;
    assert_eq!(counter(&ours), 3);
    assert_eq!(asked(&world), [1, 2, 0, 0]);
}

#[tokio::test]
async fn a_reader_without_a_task_of_its_own_looks_when_it_is_told_to() {
    let world = World::new();
    let theirs = world.described(&renewer(&world)).open().await.unwrap();
    theirs.authorization().await.unwrap();
    let (keeper, store) = poller(&world);
    let (keeper, ours) = opened(&world, keeper.pull()).await;
    store.reads();
    keeper.tick();
    settle().await;
    assert_eq!(store.reads(), 0, "the token is young");
    world.clock.advance(seconds(3_000));
    theirs.refresh().await.unwrap();
    keeper.tick();
    settle().await;
    assert_eq!((store.reads(), counter(&ours)), (1, 2));
    assert_eq!(asked(&world), [1, 1, 0, 0]);
}

#[tokio::test]
async fn what_readers_get_is_written_again_where_that_failed_and_fails_no_exchange() {
    let world = World::new();
    let shelf = shelf(&world, whole(), false);
    let Through(flaky) = shelf.store.clone();
    let keeper = world.keeper_builder().store(Through(shelf)).build().unwrap();
    let theirs = world.described(&keeper).open().await.unwrap();
    theirs.authorization().await.unwrap();
    settle().await;
    let ours = reader(&world, SealKeys::for_readers(2, key(2)), true).await;
    // The session is written, and what readers get of it hangs.
    flaky.hang_after(1);
    let renewing = theirs.clone();
    at_once(async move { renewing.refresh().await.map(drop) }).await.unwrap();
    assert!(theirs.status().saved);
    assert_eq!((counter(&theirs), counter(&ours)), (2, 1));
    flaky.hang_no_more();
    // Nobody uses it, and it is made up for.
    world.pass(seconds(180)).await;
    assert_eq!((counter(&ours), world.server.count("refresh")), (2, 1));
}

#[tokio::test]
async fn what_readers_did_not_get_from_a_process_that_died_they_get_from_the_next_one() {
    for ends in [false, true] {
        let world = World::new();
        let first = world.described(&writer(&world)).open().await.unwrap();
        first.authorization().await.unwrap();
        settle().await;
        let ours = reader(&world, SealKeys::for_readers(2, key(2)), true).await;
        // One that writes no more than the session's own record, as if it had died after that.
        let alone = shelf(&world, SealKeys::new(1, key(1)), false);
        let alone = world.keeper_builder().store(Through(alone)).build().unwrap();
        let alone = world.described(&alone).open().await.unwrap();
        if ends {
            alone.sign_out(seconds(30)).await;
        } else {
            alone.refresh().await.unwrap();
        }
        settle().await;
        assert_eq!(counter(&ours), 1);
        let before = asked(&world);
        let next = world.described(&writer(&world)).open().await.unwrap();
        settle().await;
        assert_eq!(ours.state(), next.state());
        assert_eq!(shown(&ours), shown(&next));
        assert_eq!(shown(&ours).is_none(), ends);
        assert_eq!(asked(&world), before, "nothing is sent");
    }
}

#[tokio::test]
async fn f41_readers_hear_of_an_end_before_the_provider_has_answered() {
    let world = World::new();
    let theirs = world.described(&writer(&world)).open().await.unwrap();
    theirs.authorization().await.unwrap();
    settle().await;
    let ours = reader(&world, SealKeys::for_readers(2, key(2)), true).await;
    world.server.next("revoke", Act::Hang);
    let leaving = theirs.clone();
    tokio::spawn(async move { leaving.sign_out(seconds(30)).await });
    settle().await;
    assert_eq!((world.server.count("revoke"), theirs.state()), (1, Status::Revoking));
    assert_eq!((ours.state(), shown(&ours)), (Status::SignedOut, None));
}

#[tokio::test]
async fn f41_readers_hear_of_an_end_that_was_written_without_the_lock() {
    for shut_down in [false, true] {
        let world = World::new();
        let keeper = writer(&world);
        let theirs = world.described(&keeper).open().await.unwrap();
        theirs.authorization().await.unwrap();
        let sibling = world.described(&writer(&world)).open().await.unwrap();
        settle().await;
        let ours = reader(&world, SealKeys::for_readers(2, key(2)), true).await;
        // The sibling has the account's lock.
        world.server.next("refresh", Act::Hang);
        tokio::spawn(async move { sibling.refresh().await.map(drop) });
        settle().await;
        let leaving = theirs.clone();
        tokio::spawn(async move { leaving.sign_out(seconds(60)).await });
        settle().await;
        if shut_down {
            tokio::spawn(async move { keeper.shutdown(seconds(5)).await });
            settle().await;
            world.pass(seconds(5)).await;
        } else {
            // It waits so long for a lock.
            world.pass(seconds(25)).await;
            assert_eq!(theirs.state(), Status::SignedOut);
        }
        assert_eq!((ours.state(), shown(&ours)), (Status::SignedOut, None), "{shut_down}");
    }
}
