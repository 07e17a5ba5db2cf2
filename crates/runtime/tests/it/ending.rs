//! A sign-out that cannot be brought to its end: what the next process finds.

use crate::common::store::Flaky;
use crate::common::{Act, PASSWORD, World, at_once, ended, seconds, settle, shown};
use countersign_core::session::Status;
use countersign_core::{Credentials, ErrorKind, StoredKey};
use countersign_runtime::{Keeper, RevocationOutcome, Selection, Session, SignOutOutcome};
use countersign_scheduler::{BudgetSettings, LaneLimits};
use countersign_seal::suite::Through;
use tokio::task::JoinHandle;

async fn signed_in(world: &World, keeper: &Keeper) -> Session {
    let session = world.described(keeper).open().await.unwrap();
    at_once(async move { session.authorization().await.map(|_| session) }).await.unwrap()
}

/// A sign-out of two seconds that has begun.
async fn leaving(session: &Session) -> JoinHandle<SignOutOutcome> {
    let session = session.clone();
    let leaving = tokio::spawn(async move { session.sign_out(seconds(2)).await });
    settle().await;
    leaving
}

async fn shut_down(world: &World, keeper: &Keeper) -> bool {
    let keeper = keeper.clone();
    let ending = tokio::spawn(async move { keeper.shutdown(seconds(5)).await });
    settle().await;
    world.pass(seconds(5)).await;
    ended(ending).await
}

/// The next process, which finds that the session was ended and begins nothing by itself.
async fn finds_the_end(world: &World) -> Session {
    let next = world.session().await;
    settle().await;
    assert_eq!((next.state(), shown(&next)), (Status::SignedOut, None));
    let asking = next.clone();
    let error = at_once(async move { asking.authorization().await.unwrap_err() }).await;
    assert_eq!(error.kind(), ErrorKind::SignedOut);
    assert_eq!((world.server.count("sign_in"), world.server.count("refresh")), (1, 0));
    next
}

/// The session's exchange is under way, and its answer never comes.
async fn hang_in_a_refresh(world: &World, session: &Session) {
    world.server.next("refresh", Act::Hang);
    let session = session.clone();
    tokio::spawn(async move { session.refresh().await.map(drop) });
    settle().await;
}

#[tokio::test]
async fn f41_what_a_hanging_revocation_ends_is_ended_for_everybody_before_it_is_answered() {
    let world = World::new();
    let session = signed_in(&world, &world.keeper()).await;
    world.server.next("revoke", Act::Hang);
    leaving(&session).await;
    assert_eq!(world.server.count("revoke"), 1);
    // The process is killed here, for all that the next one knows.
    finds_the_end(&world).await;
}

#[tokio::test]
async fn f41_a_revocation_that_was_given_up_can_be_made_by_the_next_process() {
    let world = World::new();
    let keeper = world.keeper();
    let session = signed_in(&world, &keeper).await;
    world.server.next("revoke", Act::Hang);
    let leaving = leaving(&session).await;
    world.pass(seconds(2)).await;
    assert_eq!(ended(leaving).await, SignOutOutcome::Unconfirmed);
    assert!(!shut_down(&world, &keeper).await);
    let next = finds_the_end(&world).await;
    assert!(world.server.state().revoked.is_empty());
    let again = next.clone();
    let told = at_once(async move { again.sign_out(seconds(2)).await }).await;
    assert_eq!(told, SignOutOutcome::Revoked);
    assert_eq!(world.server.state().refresh_tokens, Vec::<String>::new(), "it has the token still");
    // Once it is answered, nothing is kept.
    let told = at_once(async move { next.sign_out(seconds(2)).await }).await;
    assert_eq!(told, SignOutOutcome::LocalOnly { valid_until: None });
    assert_eq!(world.server.count("revoke"), 2);
    finds_the_end(&world).await;
}

#[tokio::test]
async fn f41_a_sign_out_that_waits_for_a_siblings_lock_is_written_when_its_time_is_over() {
    let world = World::new();
    let sibling = signed_in(&world, &world.keeper()).await;
    let keeper = world.keeper();
    let session = signed_in(&world, &keeper).await;
    // The sibling holds the account's lock, and its answer never comes.
    hang_in_a_refresh(&world, &sibling).await;
    let leaving = leaving(&session).await;
    world.pass(seconds(2)).await;
    assert_eq!(ended(leaving).await, SignOutOutcome::Unconfirmed);
    assert!(!shut_down(&world, &keeper).await);
    let next = world.session().await;
    assert_eq!((next.state(), shown(&next)), (Status::SignedOut, None));
    assert_eq!(world.server.count("revoke"), 0);
}

#[tokio::test]
async fn f41_a_sign_out_behind_a_hanging_refresh_is_written_when_its_time_is_over() {
    let world = World::new();
    let keeper = world.keeper();
    let session = signed_in(&world, &keeper).await;
    hang_in_a_refresh(&world, &session).await;
    let leaving = leaving(&session).await;
    world.pass(seconds(2)).await;
    assert_eq!(ended(leaving).await, SignOutOutcome::Unconfirmed);
    assert!(!shut_down(&world, &keeper).await);
    let next = world.session().await;
    assert_eq!((next.state(), shown(&next)), (Status::SignedOut, None));
}

#[test]
fn f41_f45_a_sign_out_whose_runtime_has_gone_is_made_by_whoever_comes_next() {
    let world = World::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let keeper = first.block_on(async {
        let sibling = signed_in(&world, &world.keeper()).await;
        let keeper = world.keeper();
        let session = signed_in(&world, &keeper).await;
        // It waits for the lock that the sibling holds when the runtime goes, and its last handle.
        world.server.next("refresh", Act::Hang);
        tokio::spawn(async move { sibling.refresh().await.map(drop) });
        settle().await;
        leaving(&session).await;
        assert_eq!(session.state(), Status::Revoking);
        keeper
    });
    drop(first);
    runtime().block_on(async {
        let password = Credentials::password("lee", PASSWORD.to_owned());
        let other = keeper.session(world.provider.clone(), "lee").credentials(password);
        let other = other.open().await.unwrap();
        other.authorization().await.unwrap();
        world.pass(seconds(60)).await;
        assert_eq!(world.server.state().revoked.len(), 1);
        let next = world.session().await;
        assert_eq!((next.state(), shown(&next)), (Status::SignedOut, None));
    });
    assert_eq!(keeper.figures().under_way, 0);
}

#[tokio::test]
async fn a_sign_out_that_comes_after_the_end_of_its_keeper_writes_nothing() {
    let world = World::new();
    let keeper = world.keeper();
    let session = signed_in(&world, &keeper).await;
    hang_in_a_refresh(&world, &session).await;
    assert!(!shut_down(&world, &keeper).await);
    let late = session.clone();
    let told = at_once(async move { late.sign_out(seconds(2)).await }).await;
    assert_eq!(told, SignOutOutcome::Unconfirmed);
    world.pass(seconds(60)).await;
    assert_eq!(world.session().await.state(), Status::Active);
}

#[tokio::test]
async fn f41_to_end_everything_revokes_also_what_a_sign_out_has_left() {
    let world = World::new();
    let keeper = world.keeper();
    let session = signed_in(&world, &keeper).await;
    world.server.next("revoke", Act::Hang);
    leaving(&session).await;
    assert!(!shut_down(&world, &keeper).await);
    for (outcome, revoked) in
        [(RevocationOutcome::Revoked, 1), (RevocationOutcome::AlreadyEnded, 1)]
    {
        let next = world.keeper();
        let described = world.clone();
        let report = at_once(async move {
            let resolve = |_: &StoredKey| Some(described.described(&next));
            next.revoke_all(&Selection::All, seconds(10), resolve).await
        });
        assert_eq!(report.await.sessions[0].outcome, outcome);
        assert_eq!(world.server.state().revoked.len(), revoked);
    }
}

#[tokio::test]
async fn f41_the_last_wish_is_the_one_that_stays() {
    let world = World::new();
    let session = signed_in(&world, &world.keeper()).await;
    world.server.hold();
    let first = leaving(&session).await;
    let coming = session.clone();
    let coming = tokio::spawn(async move { coming.sign_in().await.map(drop) });
    settle().await;
    let second = leaving(&session).await;
    world.server.open();
    settle().await;
    assert_eq!((session.state(), shown(&session)), (Status::SignedOut, None));
    assert_eq!(world.server.count("sign_in"), 1);
    assert_eq!(ended(first).await, SignOutOutcome::Revoked);
    assert_eq!(ended(second).await, SignOutOutcome::Revoked);
    assert_eq!(ended(coming).await.unwrap_err().kind(), ErrorKind::SignedOut);
}

/// One place and no more: what was admitted is what revokes.
#[tokio::test]
async fn f41_f50_a_sign_out_that_takes_over_an_exchange_needs_no_second_leave() {
    let world = World::new();
    let limits = LaneLimits { interval: seconds(0), burst: 8, concurrency: 1 };
    let budgets = BudgetSettings { limits, ..BudgetSettings::default() };
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().budgets(budgets).store(Through(store.clone()));
    let session = signed_in(&world, &keeper.build().unwrap()).await;
    store.stall_next_read();
    let renewing = session.clone();
    tokio::spawn(async move { renewing.refresh().await.map(drop) });
    settle().await;
    let leaving = leaving(&session).await;
    store.resume();
    settle().await;
    assert_eq!(ended(leaving).await, SignOutOutcome::Revoked);
    assert_eq!((world.server.count("refresh"), world.server.count("revoke")), (0, 1));
}
