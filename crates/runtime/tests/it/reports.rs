//! What is told once: short lives, tokens that were over when they came, clocks too far apart; and
//! limits that a provider documents.

use crate::common::{Act, Server, World, seconds, settle};
use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::TransportError;
use countersign_core::{Clock, HttpTransport};
use countersign_runtime::{Events, SessionEventKind};
use serde_json::json;

fn told(events: &mut Events, of: impl Fn(&SessionEventKind) -> bool) -> usize {
    std::iter::from_fn(|| events.try_recv()).filter(|event| of(&event.kind)).count()
}

#[tokio::test]
async fn f13_a_life_under_two_minutes_is_told_once() {
    let world = World::new();
    world.server.state().life = seconds(90);
    let session = world.session().await;
    let mut events = session.events();
    for _ in 0..3 {
        session.sign_in().await.unwrap();
    }
    let short = |kind: &SessionEventKind| matches!(kind, SessionEventKind::ShortLived { life } if *life == seconds(90));
    assert_eq!(told(&mut events, short), 1);

    let usual = World::new().session().await;
    let mut events = usual.events();
    usual.authorization().await.unwrap();
    assert_eq!(told(&mut events, |kind| matches!(kind, SessionEventKind::ShortLived { .. })), 0);
}

#[tokio::test]
async fn f13_f17_a_token_that_was_over_when_it_came_is_told_once() {
    let world = World::new();
    let session = world.session().await;
    let mut events = session.events();
    let over = |kind: &SessionEventKind| matches!(kind, SessionEventKind::BornExpired);
    // A server whose clock is behind dates the end before the sending.
    let end = world.clock.now().before(seconds(600)).as_millis();
    for _ in 0..2 {
        let answer = json!({ "access": "canary-access-0", "expires_at_ms": end });
        world.server.next("sign_in", Act::Say(200, answer));
        session.sign_in().await.unwrap();
    }
    assert_eq!(told(&mut events, over), 1);

    // Nobody has filled the field in.
    let unsaid = World::new();
    let answer = json!({ "access": "canary-access-0", "expires_at_ms": 0 });
    unsaid.server.next("sign_in", Act::Say(200, answer));
    let session = unsaid.session().await;
    let mut events = session.events();
    session.sign_in().await.unwrap();
    assert_eq!(told(&mut events, over), 0);

    // The answer took longer than the token lives.
    let slow = World::new();
    slow.server.state().life = seconds(5);
    let session = slow.session().await;
    let mut events = session.events();
    slow.server.hold();
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
    slow.clock.advance(seconds(10));
    slow.server.open();
    settle().await;
    assert_eq!(told(&mut events, over), 1);
}

/// A server whose clock shows an hour more than the test's.
struct HourAhead(Server);

#[async_trait]
impl HttpTransport for HourAhead {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let answer = self.0.send(request).await?;
        let mut headers = answer.headers().clone();
        headers.insert("date", "Mon, 21 Sep 2026 15:13:20 GMT".parse().unwrap());
        Ok(HttpResponse::new(answer.status(), headers, answer.body().clone()))
    }
}

#[tokio::test]
async fn f17_a_skew_beyond_what_is_made_up_for_is_told_once_per_origin() {
    let world = World::new();
    let transport = HourAhead(world.server.clone());
    let keeper = world.keeper_builder().transport(transport).build().unwrap();
    let mut events = keeper.events();
    let skewed = |kind: &SessionEventKind| matches!(kind, SessionEventKind::SkewTooLarge { millis } if (3_599_000..3_602_000).contains(millis));
    let kim = world.described(&keeper).open().await.unwrap();
    kim.sign_in().await.unwrap();
    assert_eq!(told(&mut events, skewed), 0, "one sample is none");
    kim.sign_in().await.unwrap();
    kim.sign_in().await.unwrap();
    let lee = keeper.session(world.provider.clone(), "lee");
    let secrets =
        countersign_core::Credentials::password("lee", crate::common::PASSWORD.to_owned());
    let lee = lee.credentials(secrets).open().await.unwrap();
    lee.sign_in().await.unwrap();
    assert_eq!(told(&mut events, skewed), 1);
}

#[tokio::test]
async fn p15_auth_calls_beyond_a_documented_limit_wait_for_their_turn() {
    let world = World::new();
    let keeper = world.keeper();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..30 {
        let name = format!("kim-{n}");
        let secrets =
            countersign_core::Credentials::password(&name, crate::common::PASSWORD.to_owned());
        let described = keeper.session(world.provider.clone(), &name).credentials(secrets);
        let described = described.auth_limit(20, seconds(60)).deadline(seconds(600));
        let session = described.open().await.unwrap();
        callers.spawn(async move { session.authorization().await.map(drop) });
    }
    settle().await;
    let mut sent = vec![world.server.total()];
    assert!((1..=10).contains(&sent[0]), "{sent:?}");
    for _ in 0..300 {
        world.clock.advance(seconds(1));
        settle().await;
        sent.push(world.server.total());
    }
    for minute in sent.windows(61) {
        assert!(minute[60] - minute[0] <= 20, "{sent:?}");
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap().unwrap();
    }
    assert_eq!(world.server.total(), 30);
}
