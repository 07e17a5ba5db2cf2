//! Requests that wait for the next one-time code, as the client of `countersign-reqwest` asks for it.

#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{Plain, World, seconds, settle};
use countersign_core::{Clock, Rejection};
use countersign_reqwest::{Authority, Need, Refusal};

#[tokio::test]
async fn p08_requests_that_wait_for_the_next_code_hear_at_once_that_it_is_the_token() {
    let world = World::of(Plain::default().with_codes(seconds(30)));
    let session = world.signed_in().await;
    let need = Need::default();
    let used = Authority::authorization(&session, need).await.unwrap();
    let before = world.clock.now();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (session, used) = (session.clone(), used.clone());
        waiting.spawn(async move { session.next_code(&used, need).await.unwrap().generation });
    }
    settle().await;
    assert!(waiting.try_join_next().is_none());
    // One that was refused in two steps says so.
    let (generation, rejection) = (used.generation, Rejection::TokenOrCode);
    let refusal = Refusal { generation, rejection, replayed: false };
    Authority::reject(&session, refusal, need).await.unwrap();
    while let Some(next) = waiting.join_next().await {
        assert_eq!(next.unwrap().counter, 2);
    }
    // Who comes later does not begin to wait.
    assert_eq!(session.next_code(&used, need).await.unwrap().generation.counter, 2);
    assert_eq!((world.clock.now(), world.server.total()), (before, 2));
}

#[tokio::test]
async fn p08_the_next_code_is_that_of_the_next_step() {
    let world = World::of(Plain::default().with_codes(seconds(30)));
    let session = world.signed_in().await;
    let used = Authority::authorization(&session, Need::default()).await.unwrap();
    let waiting = tokio::spawn({
        let (session, used) = (session.clone(), used.clone());
        async move { session.next_code(&used, Need::default()).await.unwrap() }
    });
    settle().await;
    assert!(!waiting.is_finished());
    world.clock.advance(used.authorization.valid_until().since(world.clock.now()));
    let next = waiting.await.unwrap();
    assert_eq!(next.generation, used.generation);
    let end = used.authorization.valid_until().after(seconds(30));
    assert_eq!(next.authorization.valid_until(), end);
}
