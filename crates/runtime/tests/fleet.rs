//! Many sessions of one keeper: opened in bulk, renewed within their budget, asleep when nobody asks.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{PASSWORD, Plain, World, settle};
use countersign_core::session::Status;
use countersign_core::{AuthProvider, CredentialSource, Credentials};
use countersign_runtime::{Keeper, Session};
use countersign_scheduler::{BudgetSettings, LaneLimits};

const MANY: usize = 300;

async fn opened(world: &World, keeper: &Keeper) -> Vec<Session> {
    let provider: Arc<dyn AuthProvider> = Arc::new(Plain::default());
    let source: Arc<dyn CredentialSource> =
        Arc::new(Credentials::new().with_password(PASSWORD.to_owned()));
    let names = (0..MANY).map(|n| format!("kim-{n}"));
    let describe = |session: countersign_runtime::SessionBuilder| {
        session.credentials_from(Arc::clone(&source)).keep_alive()
    };
    let sessions = keeper.open_many(provider, names, describe).await.unwrap();
    assert_eq!((sessions.len(), keeper.n_sessions()), (MANY, MANY));
    for session in &sessions {
        session.authorization().await.unwrap();
    }
    assert_eq!(world.server.count("sign_in"), MANY);
    sessions
}

#[tokio::test]
async fn who_is_due_beyond_the_budget_is_parked_and_renewed_without_asking_twice() {
    let world = World::new();
    let limits = LaneLimits { interval: Duration::ZERO, burst: u32::MAX, concurrency: 2 };
    let budgets = BudgetSettings { limits, ..BudgetSettings::default() };
    let keeper = world.keeper_builder().budgets(budgets).build().unwrap();
    let sessions = opened(&world, &keeper).await;
    let planned = keeper.schedule();
    assert!(planned.is_sorted_by_key(|planned| planned.next.map(|(_, at)| at)));
    assert!(planned.iter().all(|planned| planned.survives() >= Duration::from_secs(600)));

    world.pass(Duration::from_secs(3_000)).await;
    settle().await;
    let figures = keeper.figures();
    assert_eq!(world.server.count("refresh"), MANY, "{figures:?}");
    assert_eq!((figures.outcomes.put_off, figures.outcomes.tokens), (0, 2 * MANY as u64));
    assert_eq!((figures.queue_depth, figures.under_way), (0, 0));
    assert_eq!((figures.appointed, figures.lateness.n()), (MANY, MANY as u64));
    assert!(sessions.iter().all(|session| session.state() == Status::Active));
}

#[tokio::test]
async fn sessions_that_slept_are_opened_from_the_store_and_hand_out_their_tokens() {
    let world = World::new();
    let keeper = world.keeper();
    let before: Vec<_> =
        opened(&world, &keeper).await.iter().map(|s| s.status().generation).collect();
    drop(keeper);

    let keeper = world.keeper();
    let provider: Arc<dyn AuthProvider> = Arc::new(Plain::default());
    let names = (0..MANY).map(|n| format!("kim-{n}"));
    let sessions = keeper.open_many(provider, names, |session| session).await.unwrap();
    let after: Vec<_> = sessions.iter().map(|s| s.status().generation).collect();
    assert_eq!(after, before);
    for session in &sessions {
        let authorized = session.current().unwrap();
        assert_eq!(Some(authorized.generation()), session.status().generation);
        let token = authorized.access_token().secret().expose().to_owned();
        assert_eq!(common::shown(session), Some(token), "the header is made of it");
    }
    assert_eq!((world.server.count("sign_in"), world.server.count("refresh")), (MANY, 0));
}
