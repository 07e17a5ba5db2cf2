//! The end of one process and the beginning of the next, over one store.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{Act, Plain, World, seconds, settle, shown};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Clock, ErrorKind, RefreshSupport};
use countersign_runtime::{Reason, SessionStatus};

/// A refresh that hangs, and a shutdown that gives it up.
async fn given_up(world: &World) -> SessionStatus {
    let keeper = world.keeper();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    world.server.next("refresh", Act::Hang);
    let (renewing, waiting) = (session.clone(), session.clone());
    tokio::spawn(async move { drop(renewing.refresh().await) });
    settle().await;
    assert_eq!((world.server.count("refresh"), session.state()), (1, Status::Refreshing));
    let begun = world.clock.monotonic();
    let ending = tokio::spawn(async move { keeper.shutdown(seconds(10)).await });
    settle().await;
    world.pass(seconds(10)).await;
    assert!(!ending.await.unwrap(), "it was not brought to its end");
    assert!(world.clock.monotonic().since(begun) <= seconds(10));
    assert!(shown(&session).is_some(), "the good token is handed out on");
    let error = waiting.authorization_for(seconds(3_595)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "nobody waits for what was given up");
    session.status()
}

#[tokio::test]
async fn f28_what_a_shutdown_gives_up_lets_go_of_its_lock_and_the_next_process_goes_on_at_once() {
    let world = World::new();
    given_up(&world).await;
    let next = world.session().await;
    let refresh = tokio::spawn({
        let next = next.clone();
        async move { next.refresh().await.map(|shown| shown.generation().counter) }
    });
    // No time passes: nobody waits for the end of a lease.
    settle().await;
    assert!(refresh.is_finished());
    assert_eq!(refresh.await.unwrap().unwrap(), 2);
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
    let reason = next.explain().await.reason;
    assert!(matches!(reason, Reason::LostAnswer { attempt: 1, .. }), "{reason:?}");
    world.pass(seconds(30)).await;
    assert_eq!(next.refresh().await.unwrap_err().kind(), ErrorKind::Ambiguous);
    assert_eq!(world.server.count("refresh"), 1, "a spent token is never sent again");
}

#[tokio::test]
async fn f07_what_comes_in_time_is_committed_and_adopted_by_the_next_process_without_an_exchange() {
    let world = World::new();
    let keeper = world.keeper();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    world.server.hold();
    let renewing = session.clone();
    tokio::spawn(async move { drop(renewing.refresh().await) });
    settle().await;
    let ending = tokio::spawn(async move { keeper.shutdown(seconds(10)).await });
    settle().await;
    world.server.open();
    settle().await;
    assert!(ending.await.unwrap());
    let next = world.session().await;
    assert_eq!(next.current().unwrap().generation().counter, 2);
    assert_eq!(world.server.total(), 2);
}
