//! "Why was I signed out?": every reason, by what has really happened.

use crate::common::{Act, Plain, World, seconds, settle};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Answers, Clock, Credentials, ErrorKind, RefreshSupport};
use countersign_runtime::{Reason, Session};
use serde_json::json;

async fn word(session: &Session) -> &'static str {
    session.explain().await.reason.as_str()
}

/// A session that does not sign in by itself, signed in.
async fn manual(world: &World) -> Session {
    let session = world.manual_session().await;
    session.sign_in().await.unwrap();
    session
}

#[tokio::test]
async fn a_session_that_nobody_has_signed_in_and_one_that_works_say_so() {
    let world = World::new();
    let session = world.manual_session().await;
    assert_eq!(word(&session).await, "never_signed_in");
    session.sign_in().await.unwrap();
    let explanation = session.explain().await;
    assert_eq!(explanation.reason, Reason::SignedIn);
    assert!(explanation.good && explanation.reason.remedy().is_none());
    assert_eq!(explanation.since, Some(world.clock.now()));
    assert!(explanation.next.is_some());
}

#[tokio::test]
async fn f46_who_ended_a_session_and_how_is_told_to_its_siblings_too() {
    let world = World::new();
    let (here, there) = (world.signed_in().await, world.signed_in().await);
    let generation = there.current().map(|shown| shown.generation());
    let at = world.clock.now();
    here.sign_out(seconds(30)).await;
    assert_eq!(here.explain().await.reason, Reason::Revoked { at, generation, here: true });
    assert_eq!(there.explain().await.reason, Reason::Revoked { at, generation, here: false });
    assert_eq!(there.state(), Status::SignedOut, "it is not served from memory either");
}

#[tokio::test]
async fn f46_a_refused_refresh_and_a_lost_one_are_told_apart() {
    let refresh = RefreshSupport::Rotating { grace: seconds(0) };
    for (act, expected) in [
        (Act::Say(400, json!({ "error": "invalid_grant" })), "refresh_refused"),
        (Act::LoseAnswer, "lost_answer"),
    ] {
        let world = World::of(Plain::default().refreshing(refresh));
        world.server.state().rotates = true;
        let session = manual(&world).await;
        world.server.next("refresh", act);
        assert!(session.refresh().await.is_err());
        world.pass(seconds(5)).await;
        let explanation = session.explain().await;
        assert_eq!(explanation.reason.as_str(), expected, "{explanation:?}");
        assert!(explanation.reason.remedy().is_some());
        assert!(explanation.good, "the access token lives on");
        assert!(explanation.transitions.iter().any(|step| step.from == Status::Refreshing));
    }
}

#[tokio::test]
async fn f36_a_refused_password_a_lockout_and_a_full_day_are_told_apart() {
    let world = World::new();
    let session = world.session().await;
    world.server.refuse_next("sign_in");
    assert!(session.authorization().await.is_err());
    let reason = session.explain().await.reason;
    assert!(matches!(reason, Reason::SecretRefused { tries: 1, .. }), "{reason:?}");

    let world = World::new();
    let session = world.session().await;
    let until = world.clock.now().after(seconds(600));
    let locked = json!({ "error": "locked", "until": until.as_millis() });
    world.server.next("sign_in", Act::Say(403, locked));
    assert!(session.authorization().await.is_err());
    assert_eq!(session.explain().await.reason, Reason::LockedOut { until });

    let world = World::new();
    let policy = Reauthentication::Automatic { per_day: 1 };
    let described = world.described(&world.keeper()).reauthentication(policy);
    let session = described.open().await.unwrap();
    session.authorization().await.unwrap();
    world.server.refuse_next("refresh");
    assert!(session.refresh().await.is_err());
    settle().await;
    assert_eq!(session.explain().await.reason, Reason::SignInsUsedUp { count: 1 });
}

#[tokio::test]
async fn f11_an_outage_is_no_end_and_says_when_it_is_tried_again() {
    let world = World::new();
    let session = manual(&world).await;
    world.server.next("refresh", Act::Say(503, json!({})));
    let waiting = session.clone();
    let refresh = tokio::spawn(async move { waiting.refresh().await.is_ok() });
    settle().await;
    let explanation = session.explain().await;
    let Reason::Failing { kind, next } = explanation.reason else { panic!("{explanation:?}") };
    assert_eq!(kind, ErrorKind::TemporarilyUnavailable);
    assert!(next.is_some_and(|next| next > world.clock.now()));
    assert_eq!(explanation.last_error.map(|error| error.kind()), Some(kind));
    world.pass(seconds(5)).await;
    assert!(refresh.await.unwrap(), "and then it works");
    assert_eq!(word(&session).await, "signed_in");
}

#[tokio::test]
async fn f39_a_challenge_says_until_when_it_can_be_answered() {
    let world = World::new();
    let session = world.manual_session().await;
    world.server.next("sign_in", Act::Say(200, json!({ "challenge": "h" })));
    session.sign_in().await.unwrap();
    let until = world.clock.now().after(seconds(180));
    assert_eq!(session.explain().await.reason, Reason::Challenged { until });
    session.answer(Answers::new().with("code", "123456".to_owned())).await.unwrap();
    assert_eq!(word(&session).await, "signed_in");
}

#[tokio::test]
async fn f32_an_explanation_holds_neither_secrets_nor_who_it_is() {
    let world = World::new();
    let secrets = Credentials::password("canary-name", crate::common::PASSWORD.to_owned());
    let described = world.keeper().session(world.provider.clone(), "canary-name");
    let session = described.credentials(secrets).open().await.unwrap();
    session.authorization().await.unwrap();
    world.server.next("refresh", Act::Say(400, json!({ "error": "canary-text" })));
    assert!(session.refresh().await.is_ok(), "it signs in by itself");
    assert!(!format!("{:?}", session.explain().await).contains("canary"));
}
