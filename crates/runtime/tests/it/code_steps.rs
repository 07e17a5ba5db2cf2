//! A time-based code is not used twice (F38): not by the answer to a challenge either, which an adapter
//! may complete with a code of its own.

use crate::common::{Act, Plain, World, seconds, settle};
use countersign_core::session::Status;
use countersign_core::{
    Answers, Clock, CredentialKind, CredentialKinds, Credentials, ErrorKind, Recovery, SecretString,
};
use countersign_runtime::{Session, SignIn};
use serde_json::json;

const STEP: u64 = 30;

fn provider(follows: bool) -> Plain {
    let mut provider = Plain::default();
    provider.capabilities.sign_in_code = Some(seconds(STEP));
    provider.capabilities.sign_in_code_follows = follows;
    provider.capabilities.credentials =
        CredentialKinds::new([CredentialKind::Password, CredentialKind::TotpSecret], []);
    provider
}

/// A host with a session of the same account; another `client` is another session.
async fn host(world: &World, client: &str) -> Session {
    let mut provider = world.provider.clone();
    provider.realm.client = client.into();
    let secrets = Credentials::password("kim", crate::common::PASSWORD.to_owned());
    let secrets = secrets.with_totp_secret("canary-secret".to_owned());
    world.keeper().session(provider, "kim").credentials(secrets).open().await.unwrap()
}

async fn challenged(world: &World, session: &Session) {
    let challenge = json!({ "challenge": "canary-handle", "wants": "new_password" });
    world.server.next("sign_in", Act::Say(200, challenge));
    assert!(matches!(session.sign_in().await.unwrap(), SignIn::Challenge(_)));
}

fn answers() -> Answers {
    Answers::new().with("new_password", SecretString::new(crate::common::PASSWORD))
}

#[tokio::test]
async fn f38_an_answer_waits_for_the_step_after_the_one_that_a_sibling_has_used() {
    let world = World::of(provider(true));
    let (ours, sibling) = (host(&world, "ours").await, host(&world, "sibling").await);
    challenged(&world, &ours).await;
    sibling.sign_in().await.unwrap();
    let answering = tokio::spawn({
        let ours = ours.clone();
        async move { ours.answer(answers()).await }
    });
    settle().await;
    assert_eq!(world.server.count("answer"), 0, "the sibling has used the code of this step");
    assert_eq!(ours.state(), Status::Challenged);
    // Who only wants a token does not take the answer away.
    let wanting = ours.clone();
    drop(tokio::spawn(async move { wanting.authorization().await.map(drop) }));
    world.pass(seconds(STEP)).await;
    assert!(matches!(answering.await.unwrap(), Ok(SignIn::Complete)));
    assert_eq!((world.server.count("answer"), ours.state()), (1, Status::Active));
    // And its own step is used up for the sibling.
    let again = tokio::spawn(async move { sibling.sign_in().await });
    settle().await;
    assert_eq!(world.server.count("sign_in"), 2);
    world.pass(seconds(STEP)).await;
    again.await.unwrap().unwrap();
    assert_eq!(world.server.count("sign_in"), 3);
}

#[tokio::test]
async fn f38_an_answer_whose_challenge_ends_before_the_next_step_is_told_so() {
    let world = World::of(provider(true));
    let (ours, sibling) = (host(&world, "ours").await, host(&world, "sibling").await);
    challenged(&world, &ours).await;
    // It lives for three minutes; a step of the provider takes thirty seconds.
    world.clock.advance(seconds(175));
    sibling.sign_in().await.unwrap();
    let error = ours.answer(answers()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CodeMismatch);
    assert_eq!((world.server.count("answer"), ours.pending().is_some()), (0, true));
}

#[tokio::test]
async fn f38_a_sign_in_that_was_asked_for_something_else_first_has_used_no_code() {
    for (follows, sent) in [(true, 1), (false, 0)] {
        let world = World::of(provider(follows));
        let session = host(&world, "ours").await;
        challenged(&world, &session).await;
        let answering = tokio::spawn(async move { session.answer(answers()).await });
        settle().await;
        assert_eq!(world.server.count("answer"), sent, "the code follows: {follows}");
        world.pass(seconds(STEP)).await;
        assert!(matches!(answering.await.unwrap(), Ok(SignIn::Complete)));
    }
}

/// Lets the clock stand at the very beginning of a step.
fn at_the_beginning_of_a_step(world: &World) {
    let into = world.clock.now().as_millis().rem_euclid(STEP as i64 * 1000);
    world.clock.advance(seconds(STEP) - std::time::Duration::from_millis(into as u64));
}

#[tokio::test]
async fn f38_a_sign_in_whose_next_code_comes_with_its_deadline_is_told_so_and_the_next_one_joins_it()
 {
    let world = World::of(provider(false));
    let (ours, sibling) = (host(&world, "ours").await, host(&world, "sibling").await);
    at_the_beginning_of_a_step(&world);
    sibling.sign_in().await.unwrap();
    world.server.hold();
    let asking = tokio::spawn({
        let ours = ours.clone();
        async move { ours.sign_in().await }
    });
    settle().await;
    world.pass(seconds(STEP)).await;
    let error = asking.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CodeMismatch);
    assert!(matches!(error.recovery(), Recovery::WaitUntil(_)), "{error:?}");
    let again = tokio::spawn(async move { ours.sign_in().await });
    settle().await;
    world.server.open();
    assert!(matches!(again.await.unwrap(), Ok(SignIn::Complete)));
    assert_eq!(world.server.count("sign_in"), 2);
}

#[tokio::test]
async fn f38_a_sign_in_whose_second_try_does_not_end_in_time_is_told_why_it_came_to_that() {
    let world = World::of(provider(false));
    let (ours, sibling) = (host(&world, "ours").await, host(&world, "sibling").await);
    at_the_beginning_of_a_step(&world);
    sibling.sign_in().await.unwrap();
    world.clock.advance(seconds(1));
    world.server.next("sign_in", Act::Hang);
    let asking = tokio::spawn(async move { ours.sign_in().await });
    settle().await;
    world.pass(seconds(STEP)).await;
    assert_eq!(world.server.count("sign_in"), 2);
    let error = asking.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CodeMismatch);
}
