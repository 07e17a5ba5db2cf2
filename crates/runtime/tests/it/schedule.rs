//! The dry run: what a keeper does by itself, and within which bounds any other does it.

use std::sync::Arc;

use countersign_core::session::{Purpose, Status};
use countersign_core::{AuthProvider, Clock, RefreshSupport};
use countersign_runtime::{Planned, Session};
use serde_json::json;

use crate::common::{Act, Plain, World, all_of, seconds, settle};

/// The session as a replica of this number opens it.
async fn seen_by(world: &World, replica: u64) -> Planned {
    let keeper = world.keeper_builder().replica_seed(replica).build().unwrap();
    world.described(&keeper).open().await.unwrap().planned()
}

#[tokio::test]
async fn f02_every_replica_renews_in_the_window_that_each_of_them_tells() {
    let world = World::new();
    world.signed_in().await;
    let first = seen_by(&world, 0).await;
    let (earliest, latest) = first.window.unwrap();
    let end = first.expires_at.unwrap();
    // A tenth of an hour, up to the last quarter of it.
    assert_eq!((end.since(latest), latest.since(earliest).as_secs()), (seconds(900), 359));
    assert_eq!(first.survives_at_worst(), seconds(900));
    let mut instants = Vec::new();
    for replica in 0..40 {
        let planned = seen_by(&world, replica).await;
        let (purpose, at) = planned.next.unwrap();
        assert!(matches!(purpose, Purpose::Renew { .. }), "{planned:?}");
        assert_eq!(planned.window, first.window, "replica {replica}");
        assert!(at >= earliest && at <= latest, "replica {replica} renews at {at}");
        assert!(planned.survives() >= planned.survives_at_worst());
        instants.push(at);
    }
    instants.sort_unstable();
    instants.dedup();
    assert_eq!(instants.len(), 40);
    assert_eq!(seen_by(&world, 3).await, seen_by(&world, 3).await);

    // Whoever takes it up in the middle of the window cannot be earlier than that, and what is overdue is due at once.
    world.clock.set_wall(latest.before(seconds(100)));
    let planned = seen_by(&world, 0).await;
    assert_eq!(planned.window, Some((world.clock.now(), latest)));
    world.clock.set_wall(latest.after(seconds(100)));
    let planned = seen_by(&world, 0).await;
    assert_eq!(planned.window, Some((world.clock.now(), world.clock.now())));
    assert_eq!(planned.survives_at_worst(), seconds(800));
}

#[tokio::test]
async fn who_sleeps_tells_the_same_window_and_sleeps_on() {
    let world = World::new();
    world.signed_in().await;
    let keeper = world.keeper();
    let session = world.described(&keeper).open().await.unwrap();
    // Whoever has been handed a token is awake.
    assert!(session.current().is_some());
    let awake = session.planned();
    let keeper = world.keeper();
    let provider: Arc<dyn AuthProvider> = Arc::new(Plain::default());
    let open = all_of(keeper.open_many(provider, ["kim"], |session| session).await);
    assert_eq!(keeper.schedule(), [awake]);
    assert_eq!(open.iter().map(Session::planned).collect::<Vec<_>>(), [awake]);
}

#[tokio::test]
async fn what_is_for_one_keeper_alone_to_say_has_no_window() {
    let world = World::new();
    let session = world.signed_in().await;
    let keeper = world.keeper_builder().read_only().build().unwrap();
    let reader = world.described(&keeper).open().await.unwrap();
    assert_eq!((reader.planned().window, reader.planned().survives_at_worst()), (None, seconds(0)));

    world.server.next("refresh", Act::Say(503, json!({})));
    let refreshing = session.clone();
    tokio::spawn(async move { refreshing.refresh().await.is_ok() });
    settle().await;
    let planned = session.planned();
    assert!(matches!(planned.next, Some((Purpose::Retry { .. }, _))), "{planned:?}");
    assert_eq!((planned.window, planned.survives_at_worst()), (None, seconds(0)));

    // Nobody uses it: the next renewal is of its refresh token, hours after the end of its token.
    let mut provider = Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(60) });
    provider.capabilities.fallback_lifetimes.refresh = Some(seconds(4 * 3_600));
    let world = World::of(provider);
    world.server.state().rotates = true;
    let session = world.described(&world.keeper()).keep_refreshable().open().await.unwrap();
    session.authorization().await.unwrap();
    world.pass_by(seconds(7_200), seconds(20)).await;
    let planned = session.planned();
    assert!(planned.next.unwrap().1 > planned.expires_at.unwrap(), "{planned:?}");
    assert_eq!((planned.window, planned.survives_at_worst()), (None, seconds(0)));
}

#[tokio::test]
async fn p10_the_end_of_a_lockout_has_the_spread_of_all_who_wait_for_it() {
    let world = World::new();
    let until = world.clock.now().after(seconds(300));
    let session = world.session().await;
    let locked = json!({ "error": "locked", "until": until.as_millis() });
    world.server.next("sign_in", Act::Say(403, locked));
    assert!(session.authorization().await.is_err());
    assert_eq!(session.state(), Status::LockedOut);
    let planned = session.planned();
    let (earliest, latest) = planned.window.unwrap();
    assert_eq!((earliest, latest.since(until).as_secs()), (until, 4));
    let (_, at) = planned.next.unwrap();
    assert!(at >= earliest && at <= latest);
    assert_eq!(planned.survives_at_worst(), seconds(0));
}
