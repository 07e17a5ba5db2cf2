//! Ends of sessions and keepers, against everything that is under way.

use std::time::Duration;

use countersign_core::{Error, ErrorKind, Operation};

use countersign_model::explore::Scenario;
use shuttle::future::JoinHandle;

use super::{World, ended, scenario};
use crate::{Keeper, SignOutOutcome};

pub(super) const ALL: &[Scenario] = &[
    scenario("sign-out beats refresh", sign_out_beats_refresh),
    scenario("sign-out against sign-in", sign_out_against_sign_in),
    scenario("shutdown", shutdown),
    scenario("shutdown and an operation", shutdown_and_operation),
    scenario("unsaved", unsaved),
    scenario("unsaved and let go", unsaved_and_let_go),
    scenario("changes are heard", changes_are_heard),
];

const BRIEFLY: Duration = Duration::from_secs(10);

/// A sign-out beats a refresh: what was bought meanwhile is revoked, nothing is handed out any more,
/// and everybody hears the truth.
fn sign_out_beats_refresh() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    let first = session.current().unwrap();
    let caller = world.caller(&session);
    let refresher = world.runtime.call(async move {
        caller.reject(&first);
        caller.authorization().await
    });
    let leavers: Vec<_> = (0..2)
        .map(|_| {
            let session = session.clone();
            world.runtime.call(async move { session.sign_out(BRIEFLY).await })
        })
        .collect();
    let mut revoked = 0;
    for leaver in leavers {
        match ended(leaver) {
            SignOutOutcome::Revoked => revoked += 1,
            // It came when all was over.
            end => assert_eq!(end, SignOutOutcome::LocalOnly { valid_until: None }),
        }
        assert!(session.current().is_none());
    }
    assert!(revoked >= 1);
    if let Err(error) = ended(refresher) {
        assert_eq!(error.kind(), ErrorKind::SignedOut);
    }
    assert!(session.current().is_none());
    assert_eq!(world.server.state().alive, Vec::<String>::new());
    drop((keeper, session));
    world.end();
}

/// A sign-in by name follows a sign-out that is under way, or is ended by it; both are told, and what
/// is handed out in the end is what the provider knows.
fn sign_out_against_sign_in() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    let (leaving, coming) = (session.clone(), session.clone());
    let leaver = world.runtime.call(async move { leaving.sign_out(BRIEFLY).await });
    let comer = world.runtime.call(async move { coming.sign_in().await });
    let left = ended(leaver);
    let came = ended(comer);
    assert_eq!(left, SignOutOutcome::Revoked);
    // What is revoked beside is revoked by a task of its own.
    world.runtime.join();
    let newest_lives = world.server.newest_lives();
    match (came, session.current()) {
        (Ok(_), Some(_)) => assert!(newest_lives),
        (Ok(_), None) => assert!(!newest_lives),
        (Err(error), None) => {
            assert_eq!(error.kind(), ErrorKind::SignedOut);
            assert!(!newest_lives);
        }
        (Err(error), Some(_)) => panic!("signed in, and told {error}"),
    }
    drop((keeper, session));
    world.end();
}

/// A keeper is shut down while a caller asks and a token is bought: what is under way is waited for,
/// and nothing begins afterwards.
fn shutdown() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    let first = session.current().unwrap();
    let caller = world.caller(&session);
    let refresher = world.runtime.call(async move {
        caller.reject(&first);
        caller.authorization().await.map(drop)
    });
    shut_down_against(&world, &keeper, refresher);
    drop((keeper, session));
    world.end();
}

/// The same with an operation.
fn shutdown_and_operation() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    let asking = session.clone();
    let operator =
        world.runtime.call(async move { asking.perform(Operation::WhoAmI).await.map(drop) });
    shut_down_against(&world, &keeper, operator);
    drop((keeper, session));
    world.end();
}

fn shut_down_against(world: &World, keeper: &Keeper, other: JoinHandle<Option<Result<(), Error>>>) {
    let (ending, server) = (keeper.clone(), world.server.clone());
    let shut = world.runtime.call(async move {
        assert!(ending.shutdown(BRIEFLY).await);
        server.close();
    });
    ended(shut);
    if let Err(error) = ended(other) {
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    }
}

/// The store fails when tokens are written: they are handed out as unsaved, and written before the
/// keeper or the session says that it is done, whoever still holds the session.
fn unsaved() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    // The mark before the sending is written, the tokens are not.
    let store = world.store.clone();
    store.fail_after(1, 1);
    let caller = world.caller(&session);
    let served = world.runtime.call(async move { caller.authorization().await });
    let reader = world.caller(&session);
    let other = world.runtime.call(async move { reader.authorization().await });
    ended(served).unwrap();
    ended(other).unwrap();
    assert!(!session.status().saved);
    let closing = session.clone();
    let closed = world.runtime.call(async move { closing.close(BRIEFLY).await });
    drop(session);
    let ending = keeper.clone();
    let shut = world.runtime.call(async move { ending.shutdown(BRIEFLY).await });
    world.clock.advance(Duration::from_secs(5));
    ended(closed);
    assert!(ended(shut));
    let other = world.quiet_host();
    let sibling = world.open(&other);
    assert_eq!(sibling.current().unwrap().generation().counter, 1);
    drop((keeper, other, sibling));
    world.end();
}

/// Everybody lets go of a session whose tokens the store has not taken: they are written all the same.
fn unsaved_and_let_go() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    world.store.fail_after(1, 1);
    let caller = world.caller(&session);
    drop(session);
    let served = world.runtime.call(async move { caller.authorization().await.map(drop) });
    ended(served).unwrap();
    world.runtime.join();
    let ending = keeper.clone();
    let shut = world.runtime.call(async move { ending.shutdown(BRIEFLY).await });
    assert!(ended(shut));
    let other = world.quiet_host();
    let sibling = world.open(&other);
    assert!(sibling.current().is_some());
    drop((keeper, other, sibling));
    world.end();
}

/// Whoever waits for a change hears of it.
fn changes_are_heard() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    let watching = session.clone();
    let watcher = world.runtime.call(async move {
        loop {
            let changed = watching.changed();
            if watching.status().good {
                return;
            }
            changed.await;
        }
    });
    let closing = session.clone();
    let caller = world.caller(&session);
    let served = world.runtime.call(async move { caller.authorization().await.map(drop) });
    let closed = world.runtime.call(async move { closing.close(BRIEFLY).await });
    ended(served).unwrap();
    assert!(ended(closed));
    ended(watcher);
    drop((keeper, session));
    world.end();
}
