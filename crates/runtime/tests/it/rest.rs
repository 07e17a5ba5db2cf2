//! Sessions that are put to rest when nobody uses them.

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, PASSWORD, Plain, World, at_once, seconds, settle, shown};
use countersign_core::Credentials;
use countersign_core::session::{Reauthentication, Status};
use countersign_runtime::{Keeper, KeeperBuilder, Session, SessionBuilder};
use countersign_seal::suite::Through;
use serde_json::json;

fn described(keeper: &Keeper, provider: &Plain, identity: &str) -> SessionBuilder {
    let secrets = Credentials::password(identity, PASSWORD.to_owned());
    keeper.session(provider.clone(), identity).credentials(secrets)
}

async fn signed_in(keeper: &Keeper, world: &World, identity: &str) -> Session {
    let session = described(keeper, &world.provider, identity).open().await.unwrap();
    session.authorization().await.unwrap();
    session
}

fn resting<const N: usize>(sessions: [&Session; N]) -> [bool; N] {
    sessions.map(|session| session.status().resting)
}

/// A keeper that looks when it is told to, and puts whoever may be to rest.
fn looking(builder: KeeperBuilder) -> Keeper {
    builder.pull().evict_idle(seconds(100), 0).build().unwrap()
}

async fn look(world: &World, keeper: &Keeper) {
    world.clock.advance(seconds(25));
    keeper.tick();
    settle().await;
}

#[tokio::test]
async fn who_is_idle_is_put_to_rest_and_taken_up_again_without_an_exchange() {
    let world = World::new();
    let keeper = world.keeper_builder().evict_idle(seconds(600), usize::MAX).build().unwrap();
    let idle = signed_in(&keeper, &world, "idle").await;
    let used = signed_in(&keeper, &world, "used").await;
    let alive = described(&keeper, &world.provider, "alive").keep_alive();
    let alive = alive.open().await.unwrap();
    alive.authorization().await.unwrap();
    let refreshable = described(&keeper, &world.provider, "refreshable").keep_refreshable();
    let refreshable = refreshable.open().await.unwrap();
    refreshable.authorization().await.unwrap();
    assert_eq!(keeper.figures().appointed, 4);
    for _ in 0..14 {
        world.pass(seconds(60)).await;
        assert!(!used.status().resting);
        used.authorization().await.unwrap();
    }
    assert_eq!(resting([&idle, &alive, &refreshable]), [true, false, false]);
    assert_eq!((keeper.n_loaded(), keeper.n_sessions()), (3, 4), "handles stay");
    assert_eq!(keeper.figures().appointed, 3, "nothing of it is left in the queue");
    let before = world.server.total();
    assert_eq!(idle.authorization().await.unwrap().generation().counter, 1);
    assert_eq!(world.server.total(), before, "no exchange");
    assert!(!idle.status().resting);
    assert!(idle.status().next.is_some(), "and its renewal is appointed again");
    // Rested over the end of its token, it is renewed when it is used.
    world.pass(seconds(4_000)).await;
    assert!(idle.status().resting);
    assert_eq!(idle.authorization().await.unwrap().generation().counter, 2);
}

#[tokio::test]
async fn beyond_the_greatest_number_the_least_recently_used_rest() {
    let world = World::new();
    let keeper = world.keeper_builder().evict_idle(seconds(3_000), 2).build().unwrap();
    let mut sessions = Vec::new();
    for n in 0..4 {
        sessions.push(signed_in(&keeper, &world, &format!("user-{n}")).await);
        world.pass(seconds(60)).await;
    }
    world.pass(seconds(700)).await;
    let first: Vec<bool> = sessions.iter().map(|session| session.status().resting).collect();
    assert_eq!(first, [true, true, false, false]);
    sessions[0].authorization().await.unwrap();
    world.pass(seconds(800)).await;
    let then: Vec<bool> = sessions.iter().map(|session| session.status().resting).collect();
    assert_eq!(then, [false, true, true, false]);
}

#[tokio::test]
async fn where_the_least_recently_used_cannot_rest_the_next_one_does() {
    let world = World::new();
    let keeper = world.keeper_builder().pull().evict_idle(seconds(3_000), 2).build().unwrap();
    let alive = described(&keeper, &world.provider, "alive").keep_alive().open().await.unwrap();
    alive.authorization().await.unwrap();
    world.clock.advance(seconds(60));
    let older = signed_in(&keeper, &world, "older").await;
    world.clock.advance(seconds(60));
    let newer = signed_in(&keeper, &world, "newer").await;
    keeper.tick();
    assert_eq!(resting([&alive, &older, &newer]), [false, true, false]);
}

#[tokio::test]
async fn sessions_are_looked_at_in_a_quarter_of_the_time_and_no_more_often() {
    let world = World::new();
    let keeper = looking(world.keeper_builder());
    let session = signed_in(&keeper, &world, "kim").await;
    keeper.tick();
    assert!(session.status().resting);
    session.authorization().await.unwrap();
    world.clock.advance(seconds(24));
    keeper.tick();
    assert!(!session.status().resting);
    world.clock.advance(seconds(1));
    keeper.tick();
    assert!(session.status().resting);
}

#[tokio::test]
async fn who_rests_is_not_woken_by_hints_and_takes_up_what_a_sibling_has_bought() {
    let world = World::new();
    let keeper = world.keeper_builder().evict_idle(seconds(100), usize::MAX).build().unwrap();
    let session = signed_in(&keeper, &world, "kim").await;
    world.pass(seconds(200)).await;
    assert!(session.status().resting);
    let renewed = world.session().await.refresh().await.unwrap();
    settle().await;
    assert_eq!(keeper.n_loaded(), 0);
    assert_eq!(session.authorization().await.unwrap().generation(), renewed.generation());
    assert_eq!(world.server.total(), 2, "no exchange of its own");
}

#[tokio::test]
async fn who_is_used_stays_awake_although_no_state_changes() {
    let world = World::new();
    let keeper = world.keeper_builder().pull().evict_idle(seconds(100), usize::MAX);
    let keeper = keeper.build().unwrap();
    let [used, idle] = [signed_in(&keeper, &world, "used"), signed_in(&keeper, &world, "idle")];
    let (used, idle) = (used.await, idle.await);
    for _ in 0..12 {
        assert!(used.current().is_some());
        look(&world, &keeper).await;
        assert!(!used.status().resting);
    }
    assert!(idle.status().resting);
}

#[tokio::test]
async fn f09_what_the_store_has_not_taken_is_neither_put_to_rest_nor_let_go() {
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    let keeper = looking(world.keeper_builder().store(Through(store.clone())));
    let session = signed_in(&keeper, &world, "kim").await;
    store.failing.store(u32::MAX, Ordering::SeqCst);
    assert!(session.refresh().await.is_ok());
    for _ in 0..12 {
        look(&world, &keeper).await;
        assert_eq!((session.status().resting, session.status().saved), (false, false));
        assert_eq!(session.current().unwrap().generation().counter, 2);
    }
    drop(session);
    look(&world, &keeper).await;
    assert_eq!(keeper.n_sessions(), 1, "nobody holds it but its keeper");
    store.failing.store(0, Ordering::SeqCst);
    for _ in 0..12 {
        look(&world, &keeper).await;
    }
    assert_eq!(keeper.n_sessions(), 0, "once it is saved it may go");
    let next = world.session().await;
    assert_eq!(next.current().unwrap().generation().counter, 2);
}

/// A refresh that was asked for by somebody who has gone.
async fn renew(session: &Session) {
    let asking = session.clone();
    let caller = tokio::spawn(async move { drop(asking.refresh().await) });
    settle().await;
    caller.abort();
    settle().await;
}

#[tokio::test]
async fn f09_an_exchange_under_way_keeps_its_session_awake() {
    let world = World::new();
    let keeper = looking(world.keeper_builder());
    let session = signed_in(&keeper, &world, "kim").await;
    world.server.hold();
    renew(&session).await;
    look(&world, &keeper).await;
    assert_eq!((session.state(), session.status().resting), (Status::Refreshing, false));
    world.server.open();
    settle().await;
    assert_eq!(session.current().unwrap().generation().counter, 2);
    look(&world, &keeper).await;
    assert!(session.status().resting);
}

#[tokio::test]
async fn f09_a_session_that_waits_for_its_next_try_stays_awake_and_tries_again() {
    let world = World::new();
    let keeper = looking(world.keeper_builder());
    world.server.next("refresh", Act::Say(503, json!({})));
    let session = signed_in(&keeper, &world, "kim").await;
    renew(&session).await;
    assert_eq!(session.state(), Status::Degraded);
    look(&world, &keeper).await;
    assert!(!session.status().resting);
    assert_eq!(session.current().unwrap().generation().counter, 2);
}

#[tokio::test]
async fn f09_what_was_refused_by_the_api_does_not_come_back_out_of_the_store() {
    let world = World::new();
    let keeper = looking(world.keeper_builder());
    let described = world.described(&keeper).reauthentication(Reauthentication::Manual);
    let session = described.open().await.unwrap();
    session.sign_in().await.unwrap();
    for _ in 0..4 {
        world.server.next("refresh", Act::Say(503, json!({})));
    }
    session.reject(session.current().unwrap().generation());
    settle().await;
    look(&world, &keeper).await;
    assert!(!session.status().resting);
    assert!(shown(&session).is_none());
}

#[tokio::test]
async fn f21_a_refusal_that_comes_while_the_session_rests_is_not_forgotten() {
    let world = World::new();
    let keeper = looking(world.keeper_builder());
    let session = signed_in(&keeper, &world, "kim").await;
    let presented = session.current().unwrap().generation();
    look(&world, &keeper).await;
    assert!(session.status().resting);
    session.reject(presented);
    let next = at_once(async move { session.authorization().await.unwrap() }).await;
    assert_eq!(next.generation().counter, 2);
}

#[tokio::test]
async fn p08_a_session_with_codes_has_them_again_after_its_rest() {
    let world = World::of(Plain::default().with_secret_codes(seconds(30)));
    let keeper = world.keeper_builder().evict_idle(seconds(100), 0).build().unwrap();
    let secrets = Credentials::password("kim", PASSWORD.to_owned())
        .with_totp_secret("canary-totp".to_owned());
    let described = keeper.session(world.provider.clone(), "kim").credentials(secrets);
    let session = described.open().await.unwrap();
    session.authorization().await.unwrap();
    world.pass(seconds(200)).await;
    assert!(session.status().resting);
    let again = session.authorization().await.unwrap();
    assert!(again.header(&http::HeaderName::from_static("otp")).is_some());
    assert_eq!(world.server.total(), 1);
}
