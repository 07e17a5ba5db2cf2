//! What a shutdown gives up.

use std::time::Duration;

use countersign_core::RefreshSupport;
use countersign_model::explore::Scenario;
use countersign_model::provider::Plain;
use countersign_model::server::Act;

use super::{World, ended, scenario};
use crate::SignOutOutcome;

pub(super) const ALL: &[Scenario] = &[
    scenario("given up", given_up),
    scenario("given up before a sign-in", given_up_before_a_sign_in),
    scenario("given up and taken over", given_up_and_taken_over),
];

const BRIEFLY: Duration = Duration::from_secs(10);

/// An exchange hangs while callers ask and leave, and its keeper is shut down: everybody comes back, whatever
/// the refresh is like, and nothing is sent any more.
fn given_up() {
    let refresh = RefreshSupport::Rotating { grace: Duration::from_secs(60) };
    let world = World::of(Plain::default().refreshing(refresh));
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    world.server.next("refresh", Act::Hang);
    let first = session.current().unwrap();
    let caller = world.caller(&session);
    let asker = world.runtime.call(async move {
        caller.reject(&first);
        caller.authorization().await.map(drop)
    });
    let renewing = session.clone();
    let renewer = world.runtime.call(async move { renewing.refresh().await.map(drop) });
    let leaving = session.clone();
    let leaver = world.runtime.call(async move {
        countersign_model::pause().await;
        leaving.sign_out(Duration::from_secs(3600)).await
    });
    let (ending, server) = (keeper.clone(), world.server.clone());
    let shut = world.runtime.call(async move {
        if !ending.shutdown(BRIEFLY).await {
            // What ends a session goes out on where nothing had to be given up.
            server.close();
        }
    });
    world.crank(|| shut.is_finished());
    ended(shut);
    // Nobody needs time for it: what will not come is not waited for.
    for caller in [asker, renewer] {
        drop(ended(caller));
    }
    let left = ended(leaver);
    assert!(matches!(left, SignOutOutcome::Unconfirmed | SignOutOutcome::Revoked), "{left:?}");
    drop((keeper, session));
    world.end();
}

/// A revocation hangs and a sign-in is to follow it, when the keeper is shut down: both come back.
fn given_up_before_a_sign_in() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    world.server.next("revoke", Act::Hang);
    let leaving = session.clone();
    let leaver =
        world.runtime.call(async move { leaving.sign_out(Duration::from_secs(3600)).await });
    let coming = session.clone();
    let comer = world.runtime.call(async move { coming.sign_in().await.map(drop) });
    let ending = keeper.clone();
    let shut = world.runtime.call(async move { ending.shutdown(BRIEFLY).await });
    world.crank(|| shut.is_finished());
    if ended(shut) {
        // It was over before they came: their own time ends what hangs.
        world.crank(|| comer.is_finished() && leaver.is_finished());
    }
    drop(ended(comer));
    ended(leaver);
    drop((keeper, session));
    world.end();
}

/// A keeper gives a refresh up, and the next one begins over the same store: it has the lock at once, and the
/// token is spent once.
fn given_up_and_taken_over() {
    let world = World::rotating();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    world.server.next("refresh", Act::Hang);
    let renewing = session.clone();
    let renewer = world.runtime.call(async move { renewing.refresh().await.map(drop) });
    let ending = keeper.clone();
    let shut = world.runtime.call(async move { ending.shutdown(BRIEFLY).await });
    world.crank(|| shut.is_finished());
    if !ended(shut) {
        // What begins after that is given up at once.
        let late = session.clone();
        let left = ended(world.runtime.call(async move { late.sign_out(BRIEFLY).await }));
        assert_eq!((left, world.server.count("revoke")), (SignOutOutcome::Unconfirmed, 0));
    }
    ended(renewer).unwrap_err();
    let other = world.quiet_host();
    let next = world.open(&other);
    let caller = world.caller(&next);
    // No time passes: nobody waits for the end of a lease.
    let served = world.runtime.call(async move { caller.session.sign_in().await.map(drop) });
    ended(served).unwrap();
    assert!(world.server.count("refresh") <= 1);
    drop((keeper, session, other, next));
    world.end();
}
