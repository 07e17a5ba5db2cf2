//! How late renewals come, as the figures of a keeper tell it.

use std::time::Duration;

use crate::common::{Act, World, many_signed_in, seconds, settle};
use countersign_core::Clock;
use countersign_core::session::Reauthentication;
use countersign_runtime::{Keeper, KeeperBuilder, Session, SessionBuilder};
use countersign_scheduler::{BudgetSettings, LaneLimits};

const SESSIONS: usize = 20;

/// Sessions that are signed in and kept alive.
async fn fleet(world: &World, keeper: &Keeper) -> Vec<Session> {
    many_signed_in(keeper, world.provider.clone(), SESSIONS, SessionBuilder::keep_alive).await
}

/// One exchange in two minutes, after so many at once as sign in.
fn slow(builder: KeeperBuilder) -> KeeperBuilder {
    let limits =
        LaneLimits { interval: seconds(120), burst: SESSIONS as u32, concurrency: u32::MAX };
    builder.budgets(BudgetSettings { limits, ..BudgetSettings::default() })
}

#[tokio::test]
async fn what_a_budget_has_put_off_is_late_from_when_it_was_due_first() {
    let world = World::new();
    let keeper = slow(world.keeper_builder()).build().unwrap();
    let _sessions = fleet(&world, &keeper).await;
    world.pass_by(seconds(3_500), seconds(1)).await;
    let figures = keeper.figures();
    let renewed = world.server.count("refresh") as u64;
    assert!(renewed < SESSIONS as u64 + 10, "{renewed}");
    assert!(figures.outcomes.put_off > 0, "{figures:?}");
    assert_eq!(figures.renewal_lateness.n(), renewed);
    assert!(figures.lateness.most() <= seconds(2), "{:?}", figures.lateness);
    // All are due within six minutes, and the tokens of the lane that were left at their beginning are used up.
    let most = figures.renewal_lateness.most();
    assert!(most >= seconds(120) && most < seconds(1_200), "{most:?}");
}

#[tokio::test]
async fn who_keeps_up_is_late_by_what_an_exchange_takes() {
    let world = World::new();
    let keeper = world.keeper();
    let _sessions = fleet(&world, &keeper).await;
    // The second time they are woken out of their sleep.
    for round in 1..=2 {
        world.pass_by(seconds(2_800), seconds(1)).await;
        let figures = keeper.figures();
        assert_eq!(figures.renewal_lateness.n(), round * SESSIONS as u64);
        assert!(figures.renewal_lateness.most() <= seconds(2), "{figures:?}");
    }
}

#[tokio::test]
async fn an_outage_is_in_it() {
    let world = World::new();
    let keeper = world.keeper();
    let session = world.described(&keeper).keep_alive().open().await.unwrap();
    session.authorization().await.unwrap();
    let due = session.status().next.unwrap().1;
    for _ in 0..4 {
        world.server.next("refresh", Act::LoseRequest);
    }
    for _ in 0..3_600 {
        if session.status().generation.unwrap().counter < 2 {
            world.pass_by(seconds(1), seconds(1)).await;
        }
    }
    let (late, renewed) = (world.clock.now().since(due), keeper.figures().renewal_lateness);
    assert_eq!(renewed.n(), 1);
    let told = renewed.most();
    assert!(
        told > Duration::ZERO && told <= late && late - told <= seconds(1),
        "{told:?} of {late:?}"
    );
}

#[tokio::test]
async fn what_a_caller_wants_early_or_nobody_wanted_is_not() {
    let world = World::new();
    let keeper = world.keeper();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    session.refresh().await.unwrap();
    assert_eq!(keeper.figures().renewal_lateness.n(), 0, "it was not due");
    // Renewed as long as it was used within the life of its token, then left alone.
    world.pass_by(seconds(20_000), seconds(10)).await;
    let before = keeper.figures().renewal_lateness;
    assert!(before.most() <= seconds(11), "{before:?}");
    session.authorization().await.unwrap();
    settle().await;
    let after = keeper.figures().renewal_lateness;
    assert_eq!(after.n(), before.n() + 1);
    assert!(after.most() <= seconds(11), "due with its next use, and not hours before: {after:?}");
}

#[tokio::test]
async fn what_was_due_while_the_machine_slept_is_late_from_then() {
    for is_used in [true, false] {
        let world = World::new();
        let keeper = world.keeper();
        let session = world.described(&keeper).keep_alive().open().await.unwrap();
        session.authorization().await.unwrap();
        if !is_used {
            world.pass_by(seconds(600), seconds(10)).await;
        }
        let due = session.status().next.unwrap().1;
        world.clock.set_wall(world.clock.now().after(seconds(7_200)));
        world.pass_by(seconds(40), seconds(1)).await;
        let renewed = keeper.figures().renewal_lateness;
        let (least, most) = (world.clock.now().since(due) - seconds(40), renewed.most());
        assert_eq!(renewed.n(), 1);
        assert!(most >= least && most <= least + seconds(40), "{most:?} of {least:?}: {is_used}");
    }
}

#[tokio::test]
async fn a_person_is_never_late() {
    let world = World::new();
    let keeper = world.keeper();
    let session = world.described(&keeper).reauthentication(Reauthentication::Manual);
    let session = session.open().await.unwrap();
    for _ in 0..2 {
        session.sign_in().await.unwrap();
        session.authorization().await.unwrap();
        world.server.refuse_next("refresh");
        world.pass_by(seconds(7_200), seconds(30)).await;
        assert!(session.current().is_none(), "nobody signs in by itself");
    }
    assert_eq!(["sign_in", "refresh"].map(|path| world.server.count(path)), [2, 2]);
    assert_eq!(keeper.figures().renewal_lateness.n(), 0);
}

#[tokio::test]
async fn in_pull_mode_nobody_comes_by_himself() {
    let world = World::new();
    let keeper = world.keeper_builder().pull().build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    world.pass_by(seconds(20_000), seconds(30)).await;
    session.authorization().await.unwrap();
    settle().await;
    assert_eq!(world.server.count("refresh"), 1);
    assert_eq!(keeper.figures().renewal_lateness.n(), 0);
}
