//! Clocks that jump, codes that change, sessions that nobody uses, keepers without a task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::{Act, Plain, World, seconds, settle, shown};
use async_trait::async_trait;
use countersign_core::session::Status;
use countersign_core::{
    Clock, CredentialKind, CredentialKinds, ErrorKind, Monotonic, RefreshSupport, Timestamp,
};
use countersign_runtime::{ManualClock, Session, SessionBuilder, SessionEventKind};
use serde_json::json;

#[tokio::test]
async fn f17_a_wall_clock_that_is_set_back_moves_no_renewal() {
    let world = World::new();
    let session = world.signed_in().await;
    world.clock.set_wall(world.clock.now().before(seconds(86_400)));
    world.pass(seconds(60)).await;
    let left = session.status().expires_at.unwrap().since(world.clock.now());
    assert_eq!(left, seconds(3_600 - 60));
    world.pass(seconds(2_700)).await;
    assert_eq!(world.server.count("refresh"), 1);
    assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
}

#[tokio::test]
async fn f17_a_token_that_is_bought_after_the_clock_was_set_back_is_not_moved_with_older_ones() {
    let world = World::new();
    let session = world.signed_in().await;
    world.clock.set_wall(world.clock.now().before(seconds(86_400)));
    // Nobody has looked at the clocks since.
    session.refresh().await.unwrap();
    world.pass(seconds(60)).await;
    let left = session.status().expires_at.unwrap().since(world.clock.now());
    assert_eq!(left, seconds(3_600 - 60));
    assert_eq!(world.server.count("refresh"), 1);
}

#[tokio::test]
async fn f17_a_token_lives_no_longer_for_a_clock_that_is_set_back_while_it_is_under_way() {
    for is_heard_before in [false, true] {
        let world = World::new();
        let keeper = world.keeper();
        let session = world.described(&keeper).open().await.unwrap();
        session.authorization().await.unwrap();
        world.server.hold();
        let bought = tokio::spawn({
            let session = session.clone();
            async move { session.refresh().await.map(drop) }
        });
        settle().await;
        world.pass(seconds(1)).await;
        world.clock.set_wall(world.clock.now().before(seconds(1_800)));
        world.pass(seconds(2)).await;
        if is_heard_before {
            keeper.tick();
        }
        world.server.open();
        settle().await;
        bought.await.unwrap().unwrap();
        for passed in [3, 63] {
            let left = session.status().expires_at.unwrap().since(world.clock.now());
            assert_eq!(left, seconds(3_600 - passed), "heard before: {is_heard_before}");
            world.pass(seconds(60)).await;
        }
        assert_eq!(world.server.count("refresh"), 1);
    }
}

/// Signs in while the clock is set back by half an hour; the session, and how long ago it was sent.
async fn signs_in_while_set_back(world: &World) -> (Session, Duration) {
    let session = world.session().await;
    world.server.hold();
    let signs_in = tokio::spawn({
        let session = session.clone();
        async move { drop(session.sign_in().await) }
    });
    settle().await;
    world.pass(seconds(1)).await;
    world.clock.set_wall(world.clock.now().before(seconds(1_800)));
    world.pass(seconds(2)).await;
    world.server.open();
    settle().await;
    signs_in.await.unwrap();
    (session, seconds(3))
}

#[tokio::test]
async fn f17_nothing_that_an_answer_says_ends_later_for_a_clock_that_was_set_back_meanwhile() {
    let world = World::new();
    world.server.next("sign_in", Act::Say(200, json!({ "challenge": "canary-handle" })));
    let (session, since) = signs_in_while_set_back(&world).await;
    let challenge = session.pending().unwrap();
    let undisturbed = World::new();
    undisturbed.server.next("sign_in", Act::Say(200, json!({ "challenge": "canary-handle" })));
    let other = undisturbed.session().await;
    drop(other.sign_in().await);
    let whole = other.pending().unwrap().expires_at.since(undisturbed.clock.now());
    assert_eq!(challenge.expires_at.since(world.clock.now()), whole - since);

    // An instant of the server's clock, which was not set.
    let world = World::new();
    let locked = world.clock.now().after(seconds(600)).as_millis();
    let locked = json!({ "error": "locked", "until": locked });
    world.server.next("sign_in", Act::Say(403, locked));
    let (session, since) = signs_in_while_set_back(&world).await;
    assert_eq!(session.state(), Status::LockedOut);
    let (_, until) = session.status().next.unwrap();
    let waits = until.since(world.clock.now());
    let left = seconds(600) - since;
    assert!(waits >= left && waits <= left + seconds(60), "{waits:?}");

    let world = World::new();
    let end = world.clock.now().after(seconds(3_600)).as_millis();
    let tokens = json!({ "access": "canary-access", "expires_at_ms": end });
    world.server.next("sign_in", Act::Say(200, tokens));
    let (session, since) = signs_in_while_set_back(&world).await;
    let ends = session.status().expires_at.unwrap();
    assert_eq!(ends.since(world.clock.now()), seconds(3_600) - since);
}

#[tokio::test]
async fn f17_a_refresh_token_that_is_kept_ends_no_later_for_a_clock_that_was_set_back() {
    let month = seconds(30 * 86_400);
    for is_set_back in [false, true] {
        let mut provider = Plain::default();
        provider.capabilities.fallback_lifetimes.refresh = Some(month);
        let world = World::of(provider);
        let session = world.signed_in().await;
        world.server.hold();
        let bought = tokio::spawn({
            let session = session.clone();
            async move { session.refresh().await.map(drop) }
        });
        settle().await;
        if is_set_back {
            world.clock.set_wall(world.clock.now().before(seconds(1_800)));
        }
        world.server.open();
        settle().await;
        bought.await.unwrap().unwrap();
        for passed in [0, 60] {
            let end = session.status().refresh_expires_at.unwrap();
            assert_eq!(end.since(world.clock.now()), month - seconds(passed), "{is_set_back}");
            world.pass(seconds(60)).await;
        }
    }
}

#[tokio::test]
async fn f18_after_a_suspend_what_is_overdue_is_done_at_once() {
    let world = World::new();
    let session = world.signed_in().await;
    settle().await;
    // The machine slept for two hours and its monotonic clock with it.
    world.clock.set_wall(world.clock.now().after(seconds(7_200)));
    assert!(session.current().is_none(), "it ended meanwhile");
    settle().await;
    assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
    let other = world.described(&world.keeper()).open().await.unwrap();
    world.clock.set_wall(world.clock.now().after(seconds(3_000)));
    world.pass(seconds(40)).await;
    assert_eq!(world.server.count("refresh"), 2, "the heartbeat has seen it");
    drop(other);
}

#[tokio::test]
async fn p08_a_code_is_made_anew_in_every_step_and_the_token_stays() {
    let world = World::of(Plain::default().with_codes(seconds(30)));
    let session = world.signed_in().await;
    let code = async || {
        let authorized = session.authorization().await.unwrap();
        let otp = authorized.headers().iter().find(|(name, _)| name == "otp").unwrap();
        (otp.1.to_str().unwrap().to_owned(), authorized.generation(), authorized.valid_until())
    };
    let (first, generation, until) = code().await;
    assert_eq!(code().await.0, first);
    world.clock.advance(until.since(world.clock.now()));
    let (second, same, later) = code().await;
    assert_ne!(first, second);
    assert_eq!((same, later), (generation, until.after(seconds(30))));
    assert_eq!(world.server.total(), 1);
}

#[tokio::test]
async fn f38_two_sign_ins_of_an_account_use_two_code_steps() {
    let mut provider = Plain::default().refreshing(RefreshSupport::Absent);
    provider.capabilities.sign_in_code = Some(seconds(30));
    provider.capabilities.credentials =
        CredentialKinds::new([CredentialKind::Password, CredentialKind::TotpSecret], []);
    let world = World::of(provider);
    let described = |keeper: &countersign_runtime::Keeper| {
        let secrets =
            countersign_core::Credentials::password("kim", crate::common::PASSWORD.to_owned());
        let secrets = secrets.with_totp_secret("canary-secret".to_owned());
        keeper.session(world.provider.clone(), "kim").credentials(secrets)
    };
    let session = described(&world.keeper()).open().await.unwrap();
    session.authorization().await.unwrap();
    session.reject(session.authorization().await.unwrap().generation());
    settle().await;
    assert_eq!(world.server.count("sign_in"), 1, "the code of this step is used up");
    assert!(session.current().is_none());
    world.pass(seconds(31)).await;
    assert_eq!(world.server.count("sign_in"), 2);
    assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
}

#[tokio::test]
async fn an_idle_session_is_not_renewed_until_somebody_uses_it() {
    let world = World::new();
    let session = world.signed_in().await;
    // Used within the life of its token: renewed once more. Then nobody uses it.
    world.pass(seconds(9_000)).await;
    let renewed = world.server.count("refresh");
    assert!(renewed <= 2, "{renewed}");
    world.pass(seconds(20_000)).await;
    assert_eq!(world.server.count("refresh"), renewed);
    session.authorization().await.unwrap();
    assert_eq!(world.server.count("refresh"), renewed + 1);
}

#[tokio::test]
async fn a_session_that_dozes_is_roused_by_its_first_user_without_a_wait() {
    let world = World::new();
    let session = world.signed_in().await;
    let mut passed = 0;
    while session.status().next.is_some() {
        world.pass(seconds(100)).await;
        passed += 100;
        assert!(passed < 12_000, "nobody has used it for long");
    }
    assert_eq!((session.status().good, world.server.count("refresh")), (true, 1));
    world.server.hold();
    assert_eq!(session.authorization().await.unwrap().generation().counter, 2);
    settle().await;
    assert_eq!(world.server.count("refresh"), 2, "and it is renewed again");
    world.server.open();
    settle().await;
    assert_eq!(session.authorization().await.unwrap().generation().counter, 3);
}

#[tokio::test]
async fn a_session_that_is_kept_alive_is_renewed_although_nobody_uses_it() {
    let world = World::new();
    let described = world.described(&world.keeper()).keep_alive();
    let session = described.open().await.unwrap();
    session.authorization().await.unwrap();
    world.pass(seconds(20_000)).await;
    assert!(world.server.count("refresh") >= 5, "{}", world.server.count("refresh"));
}

#[tokio::test]
async fn a_keeper_in_pull_mode_has_no_task_and_its_callers_do_what_is_due() {
    let world = World::new();
    let keeper = world.keeper_builder().pull().build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    let metrics = tokio::runtime::Handle::current().metrics();
    session.authorization().await.unwrap();
    settle().await;
    assert_eq!(metrics.num_alive_tasks(), 0);
    world.pass(seconds(3_000)).await;
    assert_eq!(world.server.count("refresh"), 0);
    keeper.tick();
    settle().await;
    assert_eq!(world.server.count("refresh"), 1);
    world.pass(seconds(3_500)).await;
    // In the advisory window the caller gets what is good, and begins what is due.
    world.server.hold();
    assert_eq!(session.authorization().await.unwrap().generation().counter, 2);
    settle().await;
    world.server.open();
    settle().await;
    assert_eq!(session.authorization().await.unwrap().generation().counter, 3);
    assert!(session.close(seconds(1)).await);
}

#[tokio::test]
async fn a_keeper_shuts_down_after_what_is_under_way() {
    let world = World::new();
    let keeper = world.keeper();
    let session = world.described(&keeper).open().await.unwrap();
    world.server.hold();
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.authorization().await.map(drop) }
    });
    settle().await;
    let down = tokio::spawn({
        let keeper = keeper.clone();
        async move { keeper.shutdown(seconds(10)).await }
    });
    settle().await;
    assert!(!down.is_finished());
    world.server.open();
    assert!(down.await.unwrap());
    caller.await.unwrap().unwrap();
    assert!(session.authorization().await.is_ok(), "what is good is handed out");
    session.reject(session.authorization().await.unwrap().generation());
    settle().await;
    let refused = session.authorization().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert_eq!(world.server.total(), 1, "nothing new is begun");
    let late = world.described(&keeper).open().await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Configuration);
    settle().await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test]
async fn what_a_sibling_has_renewed_is_taken_up_by_a_hint_of_the_store() {
    let world = World::new();
    let one = world.signed_in().await;
    let two = world.session().await;
    settle().await;
    one.refresh().await.unwrap();
    settle().await;
    assert_eq!(shown(&two).as_deref(), Some("canary-access-2"));
    one.sign_out(seconds(1)).await;
    settle().await;
    assert_eq!(two.state(), Status::SignedOut);
}

#[tokio::test]
async fn f50_an_absurd_wait_is_capped_and_the_cap_is_told() {
    let world = World::new();
    let session = world.session().await;
    let mut events = session.events();
    let absurd = world.clock.now().after(seconds(9_999_999)).as_millis();
    world.server.next("sign_in", Act::Say(429, json!({ "until": absurd })));
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
    let capped = std::iter::from_fn(|| events.try_recv())
        .find_map(|event| match event.kind {
            SessionEventKind::WaitCapped { until } => Some(until),
            _ => None,
        })
        .unwrap();
    assert_eq!(capped.since(world.clock.now()), seconds(900));
    world.pass(seconds(890)).await;
    assert_eq!(world.server.total(), 1);
    world.pass(seconds(30)).await;
    assert_eq!(session.state(), Status::Active);
}

#[tokio::test]
async fn f05_an_exchange_that_hangs_ends_at_its_deadline() {
    let world = World::new();
    let session = world.session().await;
    world.server.next("sign_in", Act::Hang);
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
    assert_eq!(session.state(), Status::Authenticating);
    world.pass(seconds(35)).await;
    assert_eq!(world.server.count("sign_in"), 2);
    assert_eq!(session.state(), Status::Active);
}

/// A hundred days in which nobody uses the session, and one use at their end: sign-ins and refreshes.
async fn idle_for_a_hundred_days(
    moves: bool,
    keep: impl Fn(SessionBuilder) -> SessionBuilder,
) -> [usize; 2] {
    let refresh = RefreshSupport::Rotating { grace: seconds(60) };
    let mut provider = Plain::default().refreshing(refresh);
    // An idle limit of thirty days.
    provider.capabilities.fallback_lifetimes.refresh = Some(seconds(30 * 86_400));
    let world = World::of(provider);
    world.server.state().rotates = moves;
    let session = keep(world.described(&world.keeper())).open().await.unwrap();
    session.authorization().await.unwrap();
    for _ in 0..100 * 24 {
        world.clock.advance(seconds(3_600));
        for _ in 0..60 {
            tokio::task::yield_now().await;
        }
    }
    session.authorization().await.unwrap();
    ["sign_in", "refresh"].map(|path| world.server.count(path))
}

#[tokio::test]
async fn f18_an_idle_refresh_token_is_used_before_its_idle_limit_only_if_that_is_wanted() {
    let [sign_ins, refreshes] = idle_for_a_hundred_days(true, |usual| usual).await;
    assert_eq!(sign_ins, 2, "it was left alone, and its refresh token has ended");
    assert!(refreshes <= 2, "{refreshes}: as long as it was used within the life of its token");
    let [sign_ins, refreshes] =
        idle_for_a_hundred_days(true, SessionBuilder::keep_refreshable).await;
    assert_eq!(sign_ins, 1, "the refresh token lives on");
    assert!((4..=7).contains(&refreshes), "{refreshes}: once in twenty-nine days, beside its uses");
    let [sign_ins, refreshes] = idle_for_a_hundred_days(true, SessionBuilder::keep_alive).await;
    assert_eq!(sign_ins, 1);
    assert!(refreshes > 2_000, "{refreshes}: once in every life of an access token");
    // An end that does not move is tried once and not again.
    let [sign_ins, refreshes] =
        idle_for_a_hundred_days(false, SessionBuilder::keep_refreshable).await;
    assert_eq!(sign_ins, 2);
    assert!(refreshes <= 3, "{refreshes}");
}

/// A clock whose reader is stopped for three seconds after a look at the wall, when it is told to.
#[derive(Clone)]
struct Stopping(ManualClock, Arc<AtomicBool>);

#[async_trait]
impl Clock for Stopping {
    fn now(&self) -> Timestamp {
        let wall = self.0.now();
        if self.1.swap(false, Ordering::SeqCst) {
            self.0.advance(seconds(3));
        }
        wall
    }

    fn monotonic(&self) -> Monotonic {
        self.0.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.0.sleep_until(deadline).await;
    }
}

#[tokio::test]
async fn f17_who_is_stopped_between_two_clocks_takes_that_for_no_jump() {
    let world = World::new();
    let stops = Arc::new(AtomicBool::new(false));
    let clock = Stopping(world.clock.clone(), Arc::clone(&stops));
    let keeper = world.keeper_builder().clock(clock).pull().build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    let end = session.authorization().await.unwrap().expires_at();
    world.pass(seconds(10)).await;
    keeper.tick();
    stops.store(true, Ordering::SeqCst);
    keeper.tick();
    assert!(!stops.load(Ordering::SeqCst));
    world.pass(seconds(10)).await;
    keeper.tick();
    assert_eq!(session.authorization().await.unwrap().expires_at(), end);
}
