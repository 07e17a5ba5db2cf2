//! What is done to all sessions of a keeper is done a portion at a time: others on the thread have their turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{PASSWORD, Plain, World, many_signed_in, seconds, settle};
use countersign_core::session::{Effect, Event};
use countersign_core::{Clock, Credentials, KeyDigest, Monotonic, Timestamp};
use countersign_runtime::{
    EffectFilter, Keeper, KeeperBuilder, ManualClock, Session, SessionBuilder,
};
use countersign_scheduler::{BudgetSettings, LaneLimits};

/// So many that they are dozens of portions.
const MANY: usize = 2_000;

/// As many as are looked at before others have their turn.
const PORTION: usize = 64;

const DAY: Duration = Duration::from_secs(86_400);

/// Counts how often anybody was told that the clock was set.
#[derive(Clone, Default)]
struct Told(Arc<AtomicUsize>);

impl Told {
    fn n(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    async fn first(&self) {
        while self.n() == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets others have their turns until about half of all have been told.
    async fn half(&self) {
        while self.n() < MANY / 2 {
            tokio::task::yield_now().await;
        }
        assert!(self.n() < MANY - 2 * PORTION, "{}", self.n());
    }
}

impl EffectFilter for Told {
    fn event(&self, _: KeyDigest, event: &Event) {
        if let Event::ClockJumped(_) = event {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        vec![effect]
    }
}

/// Counts how often it is asked for the time.
#[derive(Clone)]
struct Asked(ManualClock, Arc<AtomicUsize>);

#[async_trait::async_trait]
impl Clock for Asked {
    fn now(&self) -> Timestamp {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.now()
    }

    fn monotonic(&self) -> Monotonic {
        self.0.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.0.sleep_until(deadline).await;
    }
}

fn unbounded(builder: KeeperBuilder) -> KeeperBuilder {
    let concurrency = u32::try_from(MANY).unwrap();
    let limits = LaneLimits { interval: Duration::ZERO, burst: u32::MAX, concurrency };
    builder.workers(MANY).budgets(BudgetSettings { limits, ..BudgetSettings::default() })
}

async fn signed_in(builder: KeeperBuilder) -> (Keeper, Vec<Session>) {
    opened(builder, SessionBuilder::keep_alive).await
}

async fn opened(
    builder: KeeperBuilder,
    keep: impl Fn(SessionBuilder) -> SessionBuilder,
) -> (Keeper, Vec<Session>) {
    let keeper = unbounded(builder).build().unwrap();
    let sessions = many_signed_in(&keeper, Plain::default(), MANY, keep).await;
    settle().await;
    (keeper, sessions)
}

/// How much `count` grows from one turn of another task to the next, at most.
async fn most_in_one_go(count: impl Fn() -> usize, act: impl FnOnce()) -> usize {
    let (mut before, mut most) = (count(), 0);
    act();
    for _ in 0..500 {
        tokio::task::yield_now().await;
        let now = count();
        most = most.max(now.abs_diff(before));
        before = now;
    }
    most
}

fn left(world: &World, session: &Session) -> Duration {
    session.status().expires_at.unwrap().since(world.clock.now())
}

fn set_back(world: &World, by: Duration) {
    world.clock.set_wall(world.clock.now().before(by));
}

#[tokio::test]
async fn f17_all_hear_that_the_clock_was_set_back_a_portion_at_a_time() {
    let (world, told) = (World::new(), Told::default());
    let (_keeper, sessions) = signed_in(world.keeper_builder().effect_filter(told.clone())).await;
    let most = most_in_one_go(
        || told.n(),
        || {
            set_back(&world, DAY);
            world.clock.advance(seconds(30));
        },
    );
    let most = most.await;
    assert_eq!(told.n(), MANY);
    assert!(most <= PORTION, "{most}");
    assert!(sessions.iter().all(|session| left(&world, session) == seconds(3_570)));
}

#[tokio::test]
async fn f17_a_clock_that_is_set_again_meanwhile_moves_everybody_by_both() {
    let (world, told) = (World::new(), Told::default());
    let (_keeper, sessions) = signed_in(world.keeper_builder().effect_filter(told.clone())).await;
    set_back(&world, DAY);
    world.clock.advance(seconds(30));
    told.half().await;
    set_back(&world, seconds(7_000));
    settle().await;
    assert!(sessions.iter().all(|session| left(&world, session) == seconds(3_570)));
    assert!(told.n() < 2 * MANY, "whoever had not heard of the first hears of both at once");
}

#[tokio::test]
async fn f17_who_goes_or_comes_meanwhile_is_none_of_those_who_are_moved() {
    let (world, told) = (World::new(), Told::default());
    let (keeper, mut sessions) =
        signed_in(world.keeper_builder().effect_filter(told.clone())).await;
    set_back(&world, DAY);
    world.clock.advance(seconds(30));
    told.half().await;
    // Their numbers are those of the next who come, and no walk has come to them.
    drop(sessions.split_off(MANY - PORTION));
    for n in 0..PORTION {
        let name = format!("new-{n}");
        let described = keeper.session(Plain::default(), &name);
        let secrets = Credentials::password(name, PASSWORD.to_owned());
        sessions.push(described.credentials(secrets).open_lazily().unwrap());
    }
    settle().await;
    assert_eq!(told.n(), MANY - PORTION);
    for session in &sessions[MANY - PORTION..] {
        session.authorization().await.unwrap();
    }
    settle().await;
    let (old, new) = sessions.split_at(MANY - PORTION);
    assert!(old.iter().all(|session| left(&world, session) == seconds(3_570)));
    assert!(new.iter().all(|session| left(&world, session) == seconds(3_600)));
}

#[tokio::test]
async fn f17_what_is_bought_before_the_walk_has_come_by_is_not_moved_with_what_it_replaces() {
    let (world, told) = (World::new(), Told::default());
    let (_keeper, sessions) = signed_in(world.keeper_builder().effect_filter(told.clone())).await;
    set_back(&world, DAY);
    world.clock.advance(seconds(30));
    told.first().await;
    let last = sessions.last().unwrap();
    last.refresh().await.unwrap();
    assert!(told.n() < MANY, "the walk has not come to its end: {}", told.n());
    settle().await;
    assert_eq!((told.n(), left(&world, last)), (MANY, seconds(3_600)));
    assert_eq!(world.server.count("refresh"), 1, "nor has it ended");
}

#[tokio::test]
async fn f17_what_a_sibling_has_bought_since_is_not_moved_with_what_it_replaces() {
    let (world, told) = (World::new(), Told::default());
    let (_keeper, sessions) = signed_in(world.keeper_builder().effect_filter(told.clone())).await;
    let name = format!("kim-{}", MANY - 1);
    let sibling = world.keeper();
    let described = sibling.session(Plain::default(), &name);
    let secrets = Credentials::password(name, PASSWORD.to_owned());
    let theirs = described.credentials(secrets).open().await.unwrap();
    set_back(&world, DAY);
    world.clock.advance(seconds(30));
    told.first().await;
    let renewed = theirs.refresh().await.unwrap();
    let ours = sessions.last().unwrap();
    while ours.status().generation != Some(renewed.generation()) {
        tokio::task::yield_now().await;
    }
    assert!(told.n() < MANY, "the walk has not come to its end: {}", told.n());
    settle().await;
    assert_eq!((told.n(), left(&world, ours)), (MANY, seconds(3_600)));
    assert_eq!(world.server.count("refresh"), 1, "nor has it ended");
}

#[tokio::test]
async fn f18_after_a_suspend_all_are_appointed_anew_a_portion_at_a_time() {
    let world = World::new();
    let asked = Asked(world.clock.clone(), Arc::default());
    let (keeper, _sessions) = signed_in(world.keeper_builder().clock(asked.clone())).await;
    let sleep = |span| {
        world.clock.set_wall(world.clock.now().after(span));
        world.clock.advance(seconds(30));
    };
    let count = || asked.1.load(Ordering::SeqCst);
    let begun = count();
    let most = most_in_one_go(count, || sleep(seconds(60))).await;
    let all = count() - begun;
    assert!(all >= MANY && most <= 4 * PORTION, "{most} of {all}");
    // The timer stood still: it would have rung 50 minutes later.
    sleep(seconds(3_000));
    settle().await;
    settle().await;
    assert_eq!(world.server.count("refresh"), MANY, "{:?}", keeper.figures());
}

#[tokio::test]
async fn f17_without_a_task_a_caller_or_a_tick_tells_them_all() {
    let (world, told) = (World::new(), Told::default());
    let builder = world.keeper_builder().pull().effect_filter(told.clone());
    let (keeper, sessions) = signed_in(builder).await;
    set_back(&world, DAY);
    sessions[0].refresh().await.unwrap();
    let most = most_in_one_go(
        || told.n(),
        || {
            let asking = sessions[0].clone();
            tokio::spawn(async move { drop(asking.authorization_for(DAY).await) });
        },
    );
    let most = most.await;
    assert_eq!(told.n(), MANY);
    assert!(most <= PORTION, "{most}");
    set_back(&world, DAY);
    keeper.tick();
    assert_eq!(told.n(), 2 * MANY);
    assert!(sessions.iter().all(|session| left(&world, session) == seconds(3_600)));
}

#[tokio::test]
async fn who_may_rest_is_put_to_rest_a_portion_at_a_time() {
    let world = World::new();
    // Both by the time that nobody has used them, and by their number.
    for (after, at_most, rest) in [(seconds(3_000), MANY, MANY), (DAY, MANY / 4, MANY * 3 / 4)] {
        let builder = world.keeper_builder().evict_idle(after, at_most);
        let keeper = unbounded(builder).build().unwrap();
        let sessions = many_signed_in(&keeper, Plain::default(), MANY, |session| session).await;
        settle().await;
        for session in &sessions {
            // The first look of all may have come by already.
            session.load().await.unwrap();
        }
        assert_eq!(keeper.n_loaded(), MANY);
        // One sweep takes the mark of the use back, and the next one finds none.
        let mut most = 0;
        while keeper.n_loaded() == MANY {
            let pause = || world.clock.advance(after / 4);
            most = most.max(most_in_one_go(|| keeper.n_loaded(), pause).await);
        }
        assert_eq!(keeper.n_loaded(), MANY - rest);
        assert!(most <= PORTION, "{most}");
        drop(sessions);
    }
}

#[tokio::test]
async fn renewals_that_are_left_out_are_looked_at_a_portion_at_a_time() {
    let world = World::new();
    let (keeper, _sessions) = opened(world.keeper_builder(), |usual| usual).await;
    // Used within the lives of their first tokens, and not since.
    world.pass_by(seconds(2_800), seconds(50)).await;
    assert_eq!(world.server.count("refresh"), MANY);
    let woken = || usize::try_from(keeper.figures().lateness.n()).unwrap();
    for _ in 0..500 {
        if woken() < MANY + MANY / 2 {
            world.pass_by(seconds(10), seconds(10)).await;
        }
    }
    let before = woken();
    let most = most_in_one_go(woken, || world.clock.advance(seconds(50))).await;
    assert!(woken() > before + 3 * PORTION, "{} were due", woken() - before);
    assert!(most <= PORTION, "{most} in one go");
    assert_eq!(world.server.count("refresh"), MANY);
}
