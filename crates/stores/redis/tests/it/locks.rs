//! Locks: leases, fences, and what becomes of those that nobody let go.

use std::time::Duration;

use countersign_core::{Committed, Recovery, Revision, SessionStore};

use super::server::Server;
use super::{LEASE, assert_says, bytes, name, put, text};

const NOT: Duration = Duration::ZERO;
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn f03_a_lock_excludes_other_machines_and_its_holder_is_named() {
    let Some(server) = Server::start(&[]) else { return };
    let (one, two) = (server.builder().holder("api-3").build().unwrap(), server.store());
    let lock = one.lock(&name(1), LEASE, NOT).await.unwrap();
    let error = two.lock(&name(1), LEASE, SHORT).await.err().unwrap();
    assert_says(
        &error,
        "locked",
        "in use by api-3; try again when it is done, at the latest in 30 s",
    );
    assert_eq!(error.recovery(), Recovery::Retry);
    lock.release().await;
    two.lock(&name(1), LEASE, NOT).await.unwrap().release().await;
}

#[tokio::test]
async fn a_holder_says_nothing_that_could_steer_a_terminal() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.builder().holder("\u{1b}[2Jx".repeat(40)).build().unwrap();
    let _lock = store.lock(&name(1), LEASE, NOT).await.unwrap();
    let error = store.lock(&name(1), LEASE, NOT).await.err().unwrap().to_string();
    assert!(error.contains("in use by ??2Jx??2Jx") && error.len() < 200, "{error:?}");
}

#[tokio::test]
async fn f27_a_lease_ends_by_itself_and_its_holder_writes_nothing_after_the_next() {
    let Some(server) = Server::start(&[]) else { return };
    let (one, two) = (server.store(), server.store());
    let revision = put(&one, &name(1), Revision::NONE, "before").await;
    let lost = one.lock(&name(2), SHORT, NOT).await.unwrap();
    assert!(lost.held_for(NOT) && !lost.held_for(SHORT));
    let lock = two.lock(&name(2), LEASE, LEASE).await.unwrap();
    assert!(lock.fence().number() > lost.fence().number());
    assert!(!lost.held_for(NOT), "who lost it still believes to hold it");

    let late = one.commit(&name(1), revision, Some(lost.fence()), bytes("late")).await.unwrap();
    assert!(matches!(late, Committed::Lost(Some(record)) if record.revision == revision));
    lost.release().await;
    let error = one.lock(&name(2), LEASE, NOT).await.err().unwrap();
    assert_says(&error, "locked", "in use by process");
    let held = two.commit(&name(1), revision, Some(lock.fence()), bytes("held")).await.unwrap();
    assert!(matches!(held, Committed::Done(_)), "letting go of a lost lock took the next one away");
    assert_eq!(text(&one, &name(1)).await.as_deref(), Some("held"));
}

#[tokio::test]
async fn f27_a_lease_that_ended_and_was_not_taken_is_renewed_and_one_that_was_taken_is_not() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let mut lock = store.lock(&name(1), SHORT, NOT).await.unwrap();
    let next = store.lock(&name(1), Duration::from_millis(1), LEASE).await.unwrap();
    assert!(!lock.renew(LEASE).await, "another one has it");
    let mut next = next;
    assert!(next.renew(LEASE).await, "nobody has it");
    assert!(next.held_for(LEASE / 2));
    let error = store.lock(&name(1), LEASE, NOT).await.err().unwrap();
    assert_says(&error, "locked", "in use by process");
}

#[tokio::test]
async fn f28_a_lock_that_is_dropped_is_free_for_others_too() {
    let Some(server) = Server::start(&[]) else { return };
    let (one, two) = (server.store(), server.store());
    drop(one.lock(&name(1), LEASE, NOT).await.unwrap());
    // Another machine waits no longer than it takes to tell the server, far less than the lease.
    two.lock(&name(1), LEASE, LEASE / 3).await.unwrap().release().await;
}

#[tokio::test]
async fn a_taking_that_was_given_up_holds_nobody_back() {
    let Some(server) = Server::start(&[]) else { return };
    let (one, two) = (server.store(), server.store());
    let held = one.lock(&name(1), LEASE, NOT).await.unwrap();
    let waiting = tokio::spawn({
        let store = two.clone();
        async move { store.lock(&name(1), LEASE, LEASE).await.map(drop) }
    });
    while !server.dump().contains("lock:") {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    held.release().await;
    one.lock(&name(1), LEASE, LEASE / 3).await.unwrap().release().await;
}

#[tokio::test]
async fn f27_a_fence_that_the_server_has_forgotten_writes_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let lock = store.lock(&name(1), LEASE, NOT).await.unwrap();
    let _: redis::Value = server.says("FLUSHALL");
    let end = store.commit(&name(1), Revision::NONE, Some(lock.fence()), bytes("late")).await;
    assert!(matches!(end.unwrap(), Committed::Lost(None)));
    let old = lock.fence().number();
    let next = server.store().lock(&name(1), LEASE, NOT).await.unwrap();
    assert!(next.fence().number() > old, "a fencing number was given twice");
}
