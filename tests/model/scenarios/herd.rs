//! Many callers: one exchange, and each of them hears its end.

use countersign_core::ErrorKind;
use countersign_model::explore::Scenario;
use countersign_model::server::Act;
use serde_json::json;
use shuttle::future::block_on;

use super::{World, ended, scenario};

pub(super) const ALL: &[Scenario] = &[
    scenario("one exchange", one_exchange),
    scenario("one refusal", one_refusal),
    scenario("dropped callers", dropped_callers),
    scenario("panicking transport", panicking_transport),
    scenario("outage", outage),
];

const N: usize = 4;

/// Callers of a session that is signed out cause one sign-in and share its token.
fn one_exchange() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    let callers: Vec<_> = (0..N)
        .map(|_| {
            let caller = world.caller(&session);
            world.runtime.call(async move { caller.authorization().await })
        })
        .collect();
    for caller in callers {
        assert_eq!(ended(caller).unwrap().generation().counter, 1);
    }
    drop((keeper, session));
    let server = world.server.clone();
    world.end();
    // Nobody has renewed what had just come.
    let asked = ["sign_in", "refresh"].map(|path| server.count(path));
    assert_eq!(asked, [1, 0]);
}

/// They share a refusal too, and it is not sent again for those who come late.
fn one_refusal() {
    let world = World::new();
    world.server.state().password = "canary-another".into();
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    let callers: Vec<_> = (0..N)
        .map(|_| {
            let caller = world.caller(&session);
            world.runtime.call(async move { caller.authorization().await })
        })
        .collect();
    for caller in callers {
        let error = ended(caller).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidGrant);
        assert_eq!(error.status(), Some(400));
    }
    assert_eq!(world.server.count("sign_in"), 1);
    drop((keeper, session));
    world.end();
}

/// Callers go at any moment: the exchange goes on, is written, and serves the next one.
fn dropped_callers() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let caller = world.caller(&session);
            world.runtime.call(async move { caller.authorization().await })
        })
        .collect();
    for caller in &callers {
        caller.abort();
    }
    let last = world.caller(&session);
    let found = block_on(last.authorization()).unwrap();
    assert_eq!(found.generation().counter, 1);
    assert_eq!(world.server.count("sign_in"), 1);
    for caller in callers {
        if let Ok(Some(Ok(other))) = block_on(caller) {
            assert_eq!(other.generation(), found.generation());
        }
    }
    // Whoever comes next finds it in the store.
    let other = world.quiet_host();
    let sibling = world.open(&other);
    assert_eq!(sibling.current().unwrap().generation(), found.generation());
    drop((keeper, session, other, sibling, last, found));
    world.end();
}

/// The transport panics: that exchange ends with an error for all who wait, or the next try serves
/// them; the session lives on.
fn panicking_transport() {
    let world = World::new();
    world.server.next("sign_in", Act::Panic);
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let caller = world.caller(&session);
            world.runtime.call(async move { caller.authorization().await })
        })
        .collect();
    world.crank(|| callers.iter().all(|caller| caller.is_finished()));
    for caller in callers {
        match ended(caller) {
            Ok(found) => assert_eq!(found.generation().counter, 1),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Internal),
        }
    }
    assert!(block_on(session.authorization()).is_ok());
    assert_eq!(world.server.count("sign_in"), 2);
    drop((keeper, session));
    world.end();
}

/// The provider is down once: those who wait are served by the next try, which comes when it is due and
/// which nobody hears of by an error.
fn outage() {
    let world = World::new();
    world.server.next("sign_in", Act::Say(503, json!({})));
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let caller = world.caller(&session);
            world.runtime.call(async move { caller.authorization().await })
        })
        .collect();
    world.crank(|| callers.iter().all(|caller| caller.is_finished()));
    for caller in callers {
        assert_eq!(ended(caller).unwrap().generation().counter, 1);
    }
    assert_eq!(world.server.count("sign_in"), 2);
    drop((keeper, session));
    world.end();
}
