//! The smallest protocols, each of two tasks: every schedule of them is tried.

use std::sync::Arc;
use std::time::Duration;

use countersign_model::explore::Scenario;
use shuttle::future::{block_on, spawn};
use shuttle::thread;

use super::{World, scenario};
use crate::Session;

pub(super) const ALL: &[Scenario] = &[
    scenario("a refusal and a hit", refusal_and_hit),
    scenario("a refusal and new headers", refusal_and_headers),
    scenario("a change and a waiter", change_and_waiter),
    scenario("a landing and whoever waits for quiet", landing_and_quiet),
];

/// Whoever begins to look when the refusal has returned finds nothing.
fn refusal_and_hit() {
    let session = Session::fixed("canary-token").unwrap();
    let generation = session.0.hit(Duration::ZERO).unwrap().generation();
    let reader = {
        let session = session.clone();
        thread::spawn(move || session.0.hit(Duration::ZERO).is_some())
    };
    session.reject(generation);
    assert!(session.0.hit(Duration::ZERO).is_none());
    reader.join().unwrap();
    assert!(session.0.hit(Duration::ZERO).is_none());
}

/// New headers for an old token do not bring it back.
fn refusal_and_headers() {
    let session = Session::fixed("canary-token").unwrap();
    let old = session.0.snapshot.load_full().unwrap();
    let now = session.0.shared.clock.now();
    let maker = {
        let (session, old) = (session.clone(), Arc::clone(&old));
        thread::spawn(move || session.0.represent(&old, now).map(drop))
    };
    session.reject(old.generation());
    maker.join().unwrap().unwrap();
    assert!(session.0.snapshot.load_full().is_none());
}

/// Whoever has called before the change hears of it, wherever he is.
fn change_and_waiter() {
    let session = Session::fixed("canary-token").unwrap();
    let generation = session.0.hit(Duration::ZERO).unwrap().generation();
    let watching = session.clone();
    let waiter = spawn(async move {
        let changed = watching.changed();
        if watching.status().good {
            assert!(!changed.await.good);
        }
    });
    session.reject(generation);
    block_on(waiter).unwrap();
}

/// The last landing ends the wait.
fn landing_and_quiet() {
    let world = World::new();
    let shared = world.quiet_host().0;
    shared.took_off();
    let deadline = shared.clock.monotonic().after(Duration::from_secs(3600));
    let waiting = Arc::clone(&shared);
    let waiter = spawn(async move { waiting.quiet(deadline).await });
    shared.landed();
    assert!(block_on(waiter).unwrap());
}
