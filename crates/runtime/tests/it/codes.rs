//! Refusals that may mean the one-time code, as the client of `countersign-reqwest` asks about them: one
//! request finds out for all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::common::{Plain, World, settle};
use countersign_core::{Clock, ErrorKind, Monotonic, RefreshSupport, Rejection, Timestamp};
use countersign_reqwest::{Authority, Granted, Need, NextCode, Probe, Refusal};
use countersign_runtime::{ManualClock, Session};
use tokio::task::JoinSet;

const STEP: Duration = Duration::from_secs(30);

/// How a refused request went on.
#[derive(Debug)]
enum Went {
    Probed(Granted, Probe),
    Replayed(Granted),
    OnToReject,
}

/// A session of a provider with codes, and what a request of it has just been refused with.
async fn refused(world: &World) -> (Session, Granted) {
    let session = world.signed_in().await;
    let used = Authority::authorization(&session, Need::default()).await.unwrap();
    (session, used)
}

fn world() -> World {
    World::of(Plain::default().with_codes(STEP).refreshing(RefreshSupport::Absent))
}

/// So many requests that were refused with `used`.
fn wait(session: &Session, used: &Granted, n: usize) -> JoinSet<Went> {
    let mut waiting = JoinSet::new();
    for _ in 0..n {
        let (session, used) = (session.clone(), used.clone());
        waiting.spawn(async move {
            match session.next_code(&used, Need::default()).await.unwrap() {
                NextCode::Probe(granted, probe) => Went::Probed(granted, probe),
                NextCode::Replay(granted) => Went::Replayed(granted),
                NextCode::Token => Went::OnToReject,
            }
        });
    }
    waiting
}

fn to_next_step(world: &World, used: &Granted) {
    world.clock.advance(used.authorization.valid_until().since(world.clock.now()));
}

/// The one that finds out, while all others wait.
async fn probe_of(world: &World, waiting: &mut JoinSet<Went>, used: &Granted) -> (Granted, Probe) {
    settle().await;
    assert!(waiting.try_join_next().is_none(), "nobody is sent again in the same step");
    to_next_step(world, used);
    settle().await;
    let first = waiting.try_join_next().unwrap().unwrap();
    assert!(waiting.try_join_next().is_none(), "one finds out, the others wait");
    match first {
        Went::Probed(granted, probe) => (granted, probe),
        other => panic!("{other:?}"),
    }
}

async fn reject(session: &Session, used: &Granted) {
    let (generation, rejection) = (used.generation, Rejection::TokenOrCode);
    let refusal = Refusal { generation, rejection, replayed: false };
    Authority::reject(session, refusal, Need::default()).await.unwrap();
}

#[tokio::test]
async fn p08_if_the_next_code_is_taken_all_are_replayed_and_nobody_signs_in() {
    let world = world();
    let (session, used) = refused(&world).await;
    let mut waiting = wait(&session, &used, 100);
    let (granted, probe) = probe_of(&world, &mut waiting, &used).await;
    assert_eq!(granted.generation, used.generation);
    let end = used.authorization.valid_until().after(STEP);
    assert_eq!(granted.authorization.valid_until(), end, "the code of the step after");
    session.accepted(&granted);
    drop(probe);
    let mut n = 0;
    while let Some(went) = waiting.join_next().await {
        let Went::Replayed(granted) = went.unwrap() else { panic!("not replayed") };
        assert_eq!(
            (granted.generation, granted.authorization.valid_until()),
            (used.generation, end)
        );
        n += 1;
    }
    assert_eq!((n, world.server.total()), (99, 1));
}

#[tokio::test]
async fn p08_if_the_next_code_is_refused_too_all_join_the_one_sign_in() {
    let world = world();
    let (session, used) = refused(&world).await;
    let mut waiting = wait(&session, &used, 100);
    let (granted, probe) = probe_of(&world, &mut waiting, &used).await;
    let at = world.clock.now();
    reject(&session, &granted).await;
    drop(probe);
    let mut n = 0;
    while let Some(went) = waiting.join_next().await {
        assert!(matches!(went.unwrap(), Went::OnToReject));
        n += 1;
    }
    assert_eq!(n, 99);
    for _ in 0..n {
        reject(&session, &used).await;
    }
    assert_eq!(world.server.count("sign_in"), 2);
    // Who comes later does not begin to wait.
    assert!(matches!(session.next_code(&used, Need::default()).await, Ok(NextCode::Token)));
    assert_eq!((world.clock.now(), world.server.total()), (at, 2));
}

#[tokio::test]
async fn p08_a_probe_that_goes_away_leaves_its_place_to_the_next_one() {
    let world = world();
    let (session, used) = refused(&world).await;
    let mut waiting = wait(&session, &used, 3);
    drop(probe_of(&world, &mut waiting, &used).await);
    for _ in 0..2 {
        // Nobody has said anything, so it is not known; the next step has begun already.
        let Went::Probed(granted, _probe) = waiting.join_next().await.unwrap().unwrap() else {
            panic!("somebody must find out")
        };
        settle().await;
        assert!(waiting.try_join_next().is_none());
        assert_eq!(granted.generation, used.generation);
    }
    assert_eq!(world.server.total(), 1);
}

#[tokio::test]
async fn p08_requests_that_are_not_sent_again_sign_in_only_after_two_codes_were_refused() {
    let world = world();
    let (session, first) = refused(&world).await;
    for _ in 0..10 {
        session.suspect(&first);
    }
    settle().await;
    assert_eq!((world.server.total(), session.current_generation()), (1, Some(first.generation)));
    // It was taken in the next step: the refusal after that is a new one.
    to_next_step(&world, &first);
    let second = Authority::authorization(&session, Need::default()).await.unwrap();
    session.accepted(&second);
    to_next_step(&world, &second);
    let third = Authority::authorization(&session, Need::default()).await.unwrap();
    session.suspect(&third);
    settle().await;
    assert_eq!((world.server.total(), session.current_generation()), (1, Some(first.generation)));
    to_next_step(&world, &third);
    let fourth = Authority::authorization(&session, Need::default()).await.unwrap();
    session.suspect(&fourth);
    settle().await;
    assert_ne!(session.current_generation(), Some(first.generation), "two steps in a row");
}

#[tokio::test]
async fn p08_requests_with_no_time_for_the_next_code_find_a_dead_token_out_too() {
    let world = world();
    let (session, first) = refused(&world).await;
    let soon = || Some(world.clock.monotonic().after(Duration::from_secs(1)));
    let hurried = |used: Granted| {
        let (session, need) = (session.clone(), Need { deadline: soon(), ..Need::default() });
        async move { session.next_code(&used, need).await.map(drop).map_err(|error| error.kind()) }
    };
    assert_eq!(hurried(first.clone()).await, Err(ErrorKind::TimedOut));
    settle().await;
    assert_eq!(session.current_generation(), Some(first.generation), "it may be the code");
    to_next_step(&world, &first);
    let second = Authority::authorization(&session, Need::default()).await.unwrap();
    assert_eq!(hurried(second).await, Err(ErrorKind::TimedOut));
    settle().await;
    assert_ne!(session.current_generation(), Some(first.generation), "two steps in a row");
    assert_eq!(world.server.count("sign_in"), 2);
}

/// The wall clock is read as late as it is told; the monotonic one is not. So behaves the coarse clock
/// of a system, by some milliseconds that are never the same.
#[derive(Clone)]
struct Lagging(ManualClock, Arc<AtomicU64>);

#[async_trait::async_trait]
impl Clock for Lagging {
    fn now(&self) -> Timestamp {
        self.0.now().before(Duration::from_millis(self.1.load(Ordering::SeqCst)))
    }

    fn monotonic(&self) -> Monotonic {
        self.0.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.0.sleep_until(deadline).await;
    }
}

#[tokio::test]
async fn p08_a_wall_clock_that_lags_does_not_show_the_refused_code_again() {
    let world = world();
    let lag = Arc::new(AtomicU64::new(0));
    let clock = Lagging(world.clock.clone(), lag.clone());
    let keeper = world.keeper_builder().clock(clock).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    let used = Authority::authorization(&session, Need::default()).await.unwrap();
    let mut waiting = wait(&session, &used, 1);
    settle().await;
    lag.store(8, Ordering::SeqCst);
    to_next_step(&world, &used);
    settle().await;
    assert!(waiting.try_join_next().is_none(), "the wall clock still shows the old step");
    world.clock.advance(Duration::from_millis(10));
    let Some(Ok(Went::Probed(granted, _))) = waiting.join_next().await else { panic!("no probe") };
    assert!(granted.authorization.valid_until() > used.authorization.valid_until());
}
