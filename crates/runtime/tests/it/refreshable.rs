//! The refresh token of an idle session, which its provider ends when nobody has used it for long.

use std::time::Duration;

use crate::common::{Plain, World, seconds};
use countersign_core::{Clock, RefreshSupport};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn f18_an_idle_refresh_token_is_used_in_the_last_quarter_of_its_life_and_by_an_appointment() {
    let refresh = RefreshSupport::Rotating { grace: seconds(60) };
    let mut provider = Plain::default().refreshing(refresh);
    provider.capabilities.fallback_lifetimes.refresh = Some(4 * HOUR);
    let world = World::of(provider);
    world.server.state().rotates = true;
    world.server.state().life = seconds(600);
    let keeper = world.keeper();
    let session = world.described(&keeper).keep_refreshable().open().await.unwrap();
    session.authorization().await.unwrap();
    // Renewed once since it was used within the life of its token; then nobody is there.
    world.pass_by(seconds(1_200), seconds(20)).await;
    let mut used_at = Vec::new();
    let mut seen = world.server.count("refresh");
    assert_eq!((seen, session.status().good), (1, false));
    let ends_at = session.status().refresh_expires_at.unwrap();
    assert_eq!(keeper.figures().appointed, 1);
    let (_, appointed) = session.planned().next.unwrap();
    assert!(appointed < ends_at.before(HOUR), "a quarter before its end");
    while used_at.len() < 3 {
        let end = session.status().refresh_expires_at.unwrap();
        assert!(world.clock.now() < end, "the refresh token has ended");
        world.pass_by(seconds(20), seconds(20)).await;
        let n = world.server.count("refresh");
        if n > seen {
            used_at.push(end.since(world.clock.now()));
            seen = n;
        }
    }
    for left in used_at {
        assert!((HOUR..HOUR * 7 / 4).contains(&left), "{left:?} before its end");
    }
    assert_eq!(world.server.count("sign_in"), 1);
}
