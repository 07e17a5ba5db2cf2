//! Exchanges whose runtime goes, at any moment.

use std::time::Duration;

use countersign_model::explore::Scenario;
use countersign_model::sync::Runtime;
use shuttle::future::block_on;
use shuttle::thread;

use super::{World, ended, scenario};

pub(super) const ALL: &[Scenario] = &[
    scenario("runtime gone", runtime_gone),
    scenario("runtime gone in a rotation", runtime_gone_in_a_rotation),
    scenario("no runtime left", no_runtime_left),
];

/// Two runtimes, one goes with whatever flies on it: nobody waits for ever, the token is bought again
/// where that is safe, and the session lives on.
fn runtime_gone() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    let doomed = Runtime::new(1);
    let first = {
        let caller = world.caller(&session);
        doomed.call(async move { caller.authorization().await })
    };
    let others: Vec<_> = (0..2)
        .map(|_| {
            let caller = world.caller(&session);
            world.runtime.call(async move { caller.authorization().await })
        })
        .collect();
    let doom = thread::spawn(move || {
        doomed.shut_down();
        doomed
    });
    world.crank(|| first.is_finished() && others.iter().all(|caller| caller.is_finished()));
    let doomed = doom.join().unwrap();
    // Gone with its runtime, or served.
    if let Some(found) = block_on(first).unwrap() {
        found.unwrap();
    }
    for caller in others {
        ended(caller).unwrap();
    }
    // Lost once, at most: the one that is left takes the next one.
    assert!(world.server.count("sign_in") <= 2);
    let closing = session.clone();
    let closed = world.runtime.call(async move { closing.close(Duration::from_secs(60)).await });
    world.crank(|| closed.is_finished());
    assert!(ended(closed));
    doomed.join();
    drop((keeper, session));
    world.end();
}

/// The runtime goes in a refresh whose token is spent on use: it is never sent again.
fn runtime_gone_in_a_rotation() {
    let world = World::rotating();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    let doomed = Runtime::new(1);
    let refused = session.current().unwrap();
    let refresher = {
        let (caller, refused) = (world.caller(&session), refused.clone());
        doomed.call(async move {
            caller.reject(&refused);
            caller.authorization().await
        })
    };
    doomed.shut_down();
    world.crank(|| refresher.is_finished());
    if let Some(found) = block_on(refresher).unwrap() {
        found.unwrap();
    }
    let caller = world.caller(&session);
    let last = world.runtime.call(async move { caller.authorization().await });
    world.crank(|| last.is_finished());
    ended(last).unwrap();
    doomed.join();
    drop((keeper, session, refused));
    world.end();
}

/// There is no runtime at all any more: whoever asks is told, and whoever comes with one is served.
fn no_runtime_left() {
    let world = World::new();
    let doomed = Runtime::new(1);
    let keeper = world.builder().pull().runtime(doomed.handle()).build().unwrap();
    let session = world.open(&keeper);
    doomed.shut_down();
    let outsider = {
        let session = session.clone();
        thread::spawn(move || session.current().is_none())
    };
    let caller = world.caller(&session);
    let served = world.runtime.call(async move { caller.authorization().await });
    world.crank(|| served.is_finished());
    assert!(outsider.join().unwrap() || session.current().is_some());
    ended(served).unwrap();
    doomed.join();
    drop((keeper, session));
    world.end();
}
