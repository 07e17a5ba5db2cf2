//! What is handed out while it is replaced, refused and reported.

use std::time::Duration;

use countersign_model::explore::Scenario;
use shuttle::future::block_on;
use shuttle::thread;

use super::{World, ended, scenario};

pub(super) const ALL: &[Scenario] = &[
    scenario("refused while read", refused_while_read),
    scenario("read to its end", read_to_its_end),
    scenario("headers of an old token", headers_of_an_old_token),
];

/// A generation is refused by several at once while others read: nobody who begins to ask afterwards
/// gets it, it costs one refresh, and a late report of it costs none.
fn refused_while_read() {
    let world = World::rotating();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    let first = session.current().unwrap();
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let caller = world.caller(&session);
            thread::spawn(move || {
                for _ in 0..3 {
                    caller.current();
                }
            })
        })
        .collect();
    let rejecters: Vec<_> = (0..2)
        .map(|_| {
            let (caller, first) = (world.caller(&session), first.clone());
            world.runtime.call(async move {
                caller.reject(&first);
                caller.authorization().await
            })
        })
        .collect();
    for rejecter in rejecters {
        assert_eq!(ended(rejecter).unwrap().generation().counter, 2);
    }
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    session.reject(first.generation());
    let last = block_on(world.caller(&session).authorization()).unwrap();
    assert_eq!(last.generation().counter, 2);
    assert_eq!(world.server.count("refresh"), 1);
    drop((keeper, session, first, last));
    world.end();
}

/// Time passes the end of the token while it is read: nobody gets it then, and somebody buys another.
fn read_to_its_end() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    world.clock.advance(Duration::from_secs(3500));
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let caller = world.caller(&session);
            world.runtime.call(async move {
                for _ in 0..2 {
                    // An exchange may run out of time here; what counts is what is handed out.
                    drop(caller.authorization().await);
                }
            })
        })
        .collect();
    let clock = world.clock.clone();
    let time = thread::spawn(move || {
        for _ in 0..6 {
            clock.advance(Duration::from_secs(20));
            thread::yield_now();
        }
    });
    time.join().unwrap();
    world.crank(|| callers.iter().all(|caller| caller.is_finished()));
    callers.into_iter().for_each(ended);
    let caller = world.caller(&session);
    let last = world.runtime.call(async move { caller.authorization().await });
    world.crank(|| last.is_finished());
    assert!(ended(last).unwrap().generation().counter >= 2);
    drop((keeper, session));
    world.end();
}

/// Headers are made anew in every time step, by whoever asks, while the token is replaced: an old one
/// never comes back.
fn headers_of_an_old_token() {
    let world = World::with_codes();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    let first = session.current().unwrap();
    world.clock.advance(Duration::from_secs(31));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let caller = world.caller(&session);
            thread::spawn(move || {
                caller.current();
                caller.current();
            })
        })
        .collect();
    let caller = world.caller(&session);
    caller.reject(&first);
    let found = block_on(caller.authorization()).unwrap();
    assert_eq!(found.generation().counter, 2);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    // Whatever the readers have put in the place of the old headers is not the old token.
    assert_eq!(caller.current().unwrap().generation().counter, 2);
    drop((keeper, session, first, found, caller));
    world.end();
}
