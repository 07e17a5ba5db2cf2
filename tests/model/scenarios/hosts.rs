//! Several hosts over one store, and sessions that come and go in one.

use std::time::Duration;

use countersign_core::Clock;
use countersign_model::explore::Scenario;
use countersign_model::steps;
use shuttle::future::block_on;
use shuttle::thread;

use super::{World, ended, scenario};
use crate::Session;

pub(super) const ALL: &[Scenario] = &[
    scenario("two hosts", two_hosts),
    scenario("renewed by itself", renewed_by_itself),
    scenario("standing tasks", standing_tasks),
    scenario("opened as it goes", opened_as_it_goes),
    scenario("a sibling renews", sibling_renews),
];

/// Two hosts renew a token that is spent on use at once: one sends it, both have what it bought.
fn two_hosts() {
    let world = World::rotating();
    let hosts = [world.quiet_host(), world.quiet_host()];
    let sessions = hosts.each_ref().map(|host| world.open(host));
    let signed_in = sessions.each_ref().map(|session| {
        let caller = world.caller(session);
        world.runtime.call(async move { caller.authorization().await })
    });
    let first = signed_in.map(|caller| ended(caller).unwrap());
    assert_eq!(first[0].generation(), first[1].generation());
    assert_eq!(world.server.count("sign_in"), 1);
    let callers = sessions.each_ref().map(|session| {
        let (caller, first) = (world.caller(session), first[0].clone());
        world.runtime.call(async move {
            caller.reject(&first);
            caller.authorization().await
        })
    });
    let second = callers.map(|caller| ended(caller).unwrap());
    assert_eq!(second[0].generation(), second[1].generation());
    assert_eq!(second[0].generation().counter, 2);
    assert_eq!(world.server.count("refresh"), 1);
    drop((hosts, sessions, first, second));
    world.end();
}

/// The standing task renews a token that nobody asks for, whenever it was appointed: also earlier than
/// what it sleeps for already.
fn renewed_by_itself() {
    let world = World::new();
    let keeper = world.host();
    let session = block_on(world.described(&keeper).keep_alive().open()).unwrap();
    block_on(session.authorization()).unwrap();
    // Less than a heartbeat from now on.
    world.server.state().life = Duration::from_secs(20);
    let caller = world.caller(&session);
    let first = session.current().unwrap();
    let refresher = world.runtime.call(async move {
        caller.reject(&first);
        caller.authorization().await.map(drop)
    });
    wait_for(&session, |session| is_renewed(session, 2) && session.current().is_some());
    // Just past the appointed moment, and no further: a heartbeat would find what was forgotten.
    pass_to_the_appointment(&world, &session);
    wait_for(&session, |session| is_renewed(session, 3));
    ended(refresher).unwrap();
    assert_eq!(world.server.count("refresh"), 2);
    drop((keeper, session));
    world.end();
}

/// However many begin at once, one task stands for the appointments of all and one for the hints.
fn standing_tasks() {
    let world = World::new();
    let keeper = world.host();
    let openers = [0, 1].map(|_| {
        let described = world.described(&keeper);
        world.runtime.call(async move {
            let session = described.open().await.unwrap();
            session.authorization().await.unwrap();
            session
        })
    });
    let sessions = openers.map(ended);
    assert!(block_on(sessions[0].close(Duration::from_secs(1))));
    let callers = [0, 1].map(|_| {
        let caller = world.caller(&sessions[0]);
        world.runtime.call(async move {
            caller.session.authorization_for(Duration::from_secs(1)).await.map(drop)
        })
    });
    callers.into_iter().for_each(|caller| ended(caller).unwrap());
    while world.runtime.n_tasks() > 2 {
        // The flight may not have ended quite.
        let before = steps();
        (0..24).for_each(|_| thread::yield_now());
        let n_tasks = world.runtime.n_tasks();
        assert!(steps() != before || n_tasks <= 2, "{n_tasks} tasks stand");
    }
    drop((keeper, sessions));
    world.end();
}

/// A session is opened again at the moment when its last handle goes: it is renewed all the same.
fn opened_as_it_goes() {
    let world = World::new();
    let keeper = world.host();
    let session = block_on(world.described(&keeper).keep_alive().open()).unwrap();
    block_on(session.authorization()).unwrap();
    assert!(block_on(session.close(Duration::from_secs(1))));
    let described = world.described(&keeper).keep_alive();
    let opener = world.runtime.call(async move { described.open().await });
    let going = thread::spawn(move || drop(session));
    let session = ended(opener).unwrap();
    going.join().unwrap();
    pass_to_the_appointment(&world, &session);
    wait_for(&session, |session| is_renewed(session, 2));
    drop((keeper, session));
    world.end();
}

/// A sibling renews while this host follows the store's hints, which may come, come late or not at all:
/// it takes the new token up at the latest when its own is refused, and buys none.
fn sibling_renews() {
    let world = World::rotating();
    let hosts = [world.host(), world.host()];
    let sessions = hosts.each_ref().map(|host| world.open(host));
    block_on(sessions[0].authorization()).unwrap();
    block_on(sessions[1].authorization()).unwrap();
    assert_eq!(world.server.count("sign_in"), 1);
    let first = sessions[0].current().unwrap();
    let callers = sessions.each_ref().map(|session| {
        let (caller, first) = (world.caller(session), first.clone());
        world.runtime.call(async move {
            caller.reject(&first);
            caller.authorization().await
        })
    });
    for caller in callers {
        assert_eq!(ended(caller).unwrap().generation().counter, 2);
    }
    assert_eq!(world.server.count("refresh"), 1);
    drop((hosts, sessions));
    world.end();
}

fn is_renewed(session: &Session, counter: u64) -> bool {
    session.status().generation.is_some_and(|generation| generation.counter >= counter)
}

fn pass_to_the_appointment(world: &World, session: &Session) {
    let (_, at) = session.status().next.unwrap();
    world.clock.advance(at.since(world.clock.now()) + Duration::from_millis(1));
}

/// Waits by the changes of `session`, and by nothing else.
fn wait_for(session: &Session, done: impl Fn(&Session) -> bool) {
    loop {
        let changed = session.changed();
        if done(session) {
            return;
        }
        block_on(changed);
    }
}
