//! The end of one process and the beginning of the next, over one store.

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, Plain, World, at_once, ended, seconds, settle, shown};
use async_trait::async_trait;
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Error, ErrorKind, Fence, Lock, RecordName, RefreshSupport, SessionStore};
use countersign_runtime::{Keeper, MemoryStore, Reason, Session, SessionEventKind, SignOutOutcome};
use countersign_seal::suite::{Over, Through};
use std::time::Duration;
use tokio::task::JoinHandle;

async fn signed_in(world: &World, keeper: &Keeper) -> Session {
    let session = world.described(keeper).open().await.unwrap();
    at_once(async move { session.authorization().await.map(|_| session) }).await.unwrap()
}

/// Somebody who has a token bought.
async fn renewing(session: &Session) -> JoinHandle<Result<(), Error>> {
    let session = session.clone();
    let renewing = tokio::spawn(async move { session.refresh().await.map(drop) });
    settle().await;
    renewing
}

/// A shutdown within ten seconds that has begun.
async fn ending(keeper: &Keeper) -> JoinHandle<bool> {
    let keeper = keeper.clone();
    let ending = tokio::spawn(async move { keeper.shutdown(seconds(10)).await });
    settle().await;
    ending
}

/// A refresh that hangs, and a shutdown that gives it up.
async fn given_up(world: &World) -> (Keeper, Session) {
    let keeper = world.keeper();
    let session = signed_in(world, &keeper).await;
    world.pass(seconds(10)).await;
    world.server.next("refresh", Act::Hang);
    let asking = renewing(&session).await;
    let waiting = session.clone();
    let waiting = async move { waiting.authorization_for(seconds(3_595)).await.map(drop) };
    let waiting = tokio::spawn(waiting);
    settle().await;
    assert_eq!((world.server.count("refresh"), session.state()), (1, Status::Refreshing));
    let ending = ending(&keeper).await;
    world.pass(seconds(8)).await;
    assert_eq!(keeper.figures().under_way, 1, "it has its time");
    assert!(!ending.is_finished() && !waiting.is_finished());
    world.pass(seconds(1)).await;
    assert_eq!(keeper.figures().under_way, 0, "the last second is for letting go");
    assert!(!ended(ending).await, "it was not brought to its end");
    for caller in [asking, waiting] {
        assert!(ended(caller).await.is_err(), "nobody waits for what was given up");
    }
    assert!(shown(&session).is_some(), "the good token is handed out on");
    let asking = session.clone();
    let error = at_once(async move { asking.authorization_for(seconds(3_595)).await }).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Configuration);
    (keeper, session)
}

#[tokio::test]
async fn f28_what_a_shutdown_gives_up_lets_go_of_its_lock_and_the_next_process_goes_on_at_once() {
    let world = World::new();
    given_up(&world).await;
    let next = world.session().await;
    // No time passes: nobody waits for the end of a lease.
    let renewed = at_once(async move { next.refresh().await.unwrap() }).await;
    assert_eq!(renewed.generation().counter, 2);
    assert_eq!(world.server.count("refresh"), 2);
}

#[tokio::test]
async fn f05_a_refresh_that_was_given_up_has_its_mark_and_is_not_sent_again_without_a_grace() {
    let refresh = RefreshSupport::Rotating { grace: seconds(0) };
    let world = World::of(Plain::default().refreshing(refresh));
    world.server.state().rotates = true;
    given_up(&world).await;
    let described = world.described(&world.keeper());
    let next = described.reauthentication(Reauthentication::Manual).open().await.unwrap();
    settle().await;
    assert!(shown(&next).is_some(), "the access token lives on");
    let explained = next.clone();
    let reason = at_once(async move { explained.explain().await.reason }).await;
    assert!(matches!(reason, Reason::LostAnswer { attempt: 1, .. }), "{reason:?}");
    world.pass(seconds(30)).await;
    let refused = at_once(async move { next.refresh().await.unwrap_err() }).await;
    assert_eq!(refused.kind(), ErrorKind::Ambiguous);
    assert_eq!(world.server.count("refresh"), 1, "a spent token is never sent again");
}

/// Where a sign-in follows by itself, nothing else would say why it had to.
#[tokio::test]
async fn f05_a_doubt_is_told_also_where_a_sign_in_follows_by_itself() {
    for (grace, doubts) in [(0, 1), (3600, 0)] {
        let refresh = RefreshSupport::Rotating { grace: seconds(grace) };
        let world = World::of(Plain::default().refreshing(refresh));
        world.server.state().rotates = true;
        given_up(&world).await;
        let next = world.session().await;
        let mut events = next.events();
        let renewed = next.clone();
        at_once(async move { renewed.refresh().await.unwrap() }).await;
        let mut told = Vec::new();
        while let Some(event) = events.try_recv() {
            told.push(event.kind);
        }
        let in_doubt = |kind: &&SessionEventKind| matches!(kind, SessionEventKind::RefreshInDoubt);
        assert_eq!(told.iter().filter(in_doubt).count(), doubts, "grace {grace}: {told:?}");
        assert_eq!(world.server.count("sign_in"), 1 + doubts, "grace {grace}");
    }
}

#[tokio::test]
async fn f07_what_comes_in_time_is_committed_and_adopted_by_the_next_process_without_an_exchange() {
    let world = World::new();
    let keeper = world.keeper();
    let session = signed_in(&world, &keeper).await;
    world.server.hold();
    renewing(&session).await;
    let ending = ending(&keeper).await;
    assert!(!ending.is_finished());
    world.server.open();
    settle().await;
    assert!(ended(ending).await);
    let next = world.session().await;
    assert_eq!(next.current().unwrap().generation().counter, 2);
    assert_eq!(world.server.total(), 2);
}

#[tokio::test]
async fn nothing_is_sent_after_a_shutdown_that_gave_something_up() {
    for refresh in [
        RefreshSupport::Reusable,
        RefreshSupport::Rotating { grace: seconds(0) },
        RefreshSupport::Rotating { grace: seconds(60) },
        RefreshSupport::Unknown,
    ] {
        nothing_is_sent(World::of(Plain::default().refreshing(refresh))).await;
    }
}

async fn nothing_is_sent(world: World) {
    let (keeper, session) = given_up(&world).await;
    let leaving = session.clone();
    let left = at_once(async move { leaving.sign_out(seconds(30)).await }).await;
    assert_eq!(left, SignOutOutcome::Unconfirmed);
    let asking = session.clone();
    let closed = at_once(async move { asking.authorization().await.map(drop) }).await;
    assert!(closed.is_err());
    world.pass(seconds(4_000)).await;
    let asked = ["sign_in", "refresh", "revoke"].map(|path| world.server.count(path));
    assert_eq!((asked, keeper.figures().under_way), ([1, 1, 0], 0));
}

#[tokio::test]
async fn f09_a_shutdown_tries_once_more_what_the_store_has_not_taken_and_says_whether_it_did() {
    for mended in [true, false] {
        let world = World::new();
        let store = Flaky::new(world.store.clone());
        let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
        let session = signed_in(&world, &keeper).await;
        store.failing.store(u32::MAX, Ordering::SeqCst);
        let renewed = renewing(&session).await;
        assert!(ended(renewed).await.is_ok() && !session.status().saved);
        if mended {
            store.failing.store(0, Ordering::SeqCst);
        }
        let ending = ending(&keeper).await;
        assert_eq!(ended(ending).await, mended, "and it waits for nothing");
        let next = world.session().await;
        let found = next.current().unwrap().generation().counter;
        assert_eq!(found, if mended { 2 } else { 1 });
    }
}

/// A store whose locks are never quite released.
#[derive(Clone)]
struct Clinging(MemoryStore);

struct Clung(Box<dyn Lock>);

#[async_trait]
impl Lock for Clung {
    fn fence(&self) -> Fence {
        self.0.fence()
    }

    fn held_for(&self, span: Duration) -> bool {
        self.0.held_for(span)
    }

    async fn renew(&mut self, lease: Duration) -> bool {
        self.0.renew(lease).await
    }

    async fn release(self: Box<Self>) {
        std::future::pending().await
    }
}

#[async_trait]
impl Over for Clinging {
    fn below(&self) -> &dyn SessionStore {
        &self.0
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        Ok(Box::new(Clung(self.0.lock(name, lease, wait).await?)))
    }
}

#[tokio::test]
async fn a_lock_that_is_not_let_go_in_time_does_not_keep_a_shutdown() {
    let world = World::new();
    drop(world.signed_in().await);
    let store = Through(Clinging(world.store.clone()));
    let keeper = world.keeper_builder().store(store).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    world.server.next("refresh", Act::Hang);
    let asking = renewing(&session).await;
    let ending = ending(&keeper).await;
    world.pass(seconds(9)).await;
    assert_eq!(keeper.figures().under_way, 1, "it is being let go of");
    world.pass(seconds(1)).await;
    assert!(!ended(ending).await);
    assert_eq!(keeper.figures().under_way, 0, "and is left to its lease");
    assert!(ended(asking).await.is_err());
    // Dropped, it is free for the next one in this store.
    let next = world.session().await;
    let renewed = at_once(async move { next.refresh().await.unwrap() }).await;
    assert_eq!(renewed.generation().counter, 2);
}

#[tokio::test]
async fn f07_a_write_that_is_given_up_is_left_to_nobody_and_its_mark_tells_the_next_process() {
    let refresh = RefreshSupport::Rotating { grace: seconds(0) };
    let world = World::of(Plain::default().refreshing(refresh));
    world.server.state().rotates = true;
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = signed_in(&world, &keeper).await;
    world.server.hold();
    let asking = renewing(&session).await;
    // The mark is written; what comes after the answer is not.
    store.stall_next();
    world.server.open();
    settle().await;
    let ending = ending(&keeper).await;
    world.pass(seconds(10)).await;
    assert!(!ended(ending).await);
    // What was bought is in memory only, and serves those who are here.
    ended(asking).await.unwrap();
    assert_eq!((shown(&session).is_some(), session.status().saved), (true, false));
    let written = store.n_commits.load(Ordering::SeqCst);
    store.resume();
    keeper.tick();
    world.pass(seconds(60)).await;
    assert_eq!(store.n_commits.load(Ordering::SeqCst), written, "nothing is written any more");
    let described = world.described(&world.keeper());
    let next = described.reauthentication(Reauthentication::Manual).open().await.unwrap();
    let refused = at_once(async move { next.refresh().await.unwrap_err() }).await;
    assert_eq!(refused.kind(), ErrorKind::Ambiguous);
    assert_eq!(world.server.count("refresh"), 1, "a spent token is never sent again");
}

#[tokio::test]
async fn a_revocation_of_what_was_replaced_is_given_up_too() {
    let world = World::new();
    let keeper = world.keeper();
    let session = signed_in(&world, &keeper).await;
    world.server.next("revoke", Act::Hang);
    let coming = session.clone();
    at_once(async move { coming.sign_in().await.map(drop) }).await.unwrap();
    assert_eq!((world.server.count("revoke"), keeper.figures().under_way), (1, 1));
    let ending = ending(&keeper).await;
    world.pass(seconds(10)).await;
    assert!(!ended(ending).await);
    assert_eq!(keeper.figures().under_way, 0);
    assert!(shown(&session).is_some());
}

#[tokio::test]
async fn a_sign_in_that_was_to_follow_what_is_given_up_is_told_so() {
    let world = World::new();
    let keeper = world.keeper();
    let session = signed_in(&world, &keeper).await;
    world.server.next("revoke", Act::Hang);
    let leaving = session.clone();
    let leaving = tokio::spawn(async move { leaving.sign_out(seconds(60)).await });
    settle().await;
    let coming = session.clone();
    let coming = tokio::spawn(async move { coming.sign_in().await.map(drop) });
    settle().await;
    let ending = ending(&keeper).await;
    world.pass(seconds(10)).await;
    assert!(!ended(ending).await);
    assert_eq!(ended(leaving).await, SignOutOutcome::Unconfirmed);
    assert_eq!(ended(coming).await.unwrap_err().kind(), ErrorKind::Configuration);
    assert_eq!(world.server.count("sign_in"), 1);
}

#[tokio::test]
async fn who_has_asked_hears_of_a_failure_at_once_where_no_next_try_will_come() {
    let world = World::new();
    let keeper = world.keeper();
    let session = signed_in(&world, &keeper).await;
    world.server.hold();
    world.server.next("refresh", Act::Say(503, serde_json::json!({})));
    let asking = renewing(&session).await;
    let ending = ending(&keeper).await;
    world.server.open();
    settle().await;
    assert!(ended(ending).await);
    let failed = ended(asking).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::TemporarilyUnavailable);
}
