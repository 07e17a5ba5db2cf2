//! A challenge that nobody answers in time.

use crate::common::{Act, World, seconds, settle, shown};
use countersign_core::session::Status;
use countersign_core::{Answers, ErrorKind};
use countersign_runtime::SignIn;
use serde_json::json;

#[tokio::test]
async fn f39_a_challenge_that_is_over_says_so_and_begins_again_from_the_first_factor() {
    let world = World::new();
    let session = world.manual_session().await;
    world.server.next("sign_in", Act::Say(200, json!({ "challenge": "canary-handle" })));
    assert!(matches!(session.sign_in().await.unwrap(), SignIn::Challenge(_)));
    world.clock.advance(seconds(180));
    let error = session.answer(Answers::code("123456".to_owned())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChallengeExpired);
    assert_eq!(world.server.count("answer"), 0, "nothing is sent that must be refused");
    assert_eq!((session.state(), session.pending().is_none()), (Status::ReauthRequired, true));
    let error = session.authorization().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChallengeExpired, "not a wrong password");
    assert!(matches!(session.sign_in().await.unwrap(), SignIn::Complete));
    assert_eq!(world.server.count("sign_in"), 2);
}

#[tokio::test]
async fn f39_a_challenge_beside_a_good_token_ends_without_a_word_to_those_who_use_it() {
    let world = World::new();
    let session = world.signed_in().await;
    world.server.next("sign_in", Act::Say(200, json!({ "challenge": "canary-handle" })));
    assert!(matches!(session.sign_in().await.unwrap(), SignIn::Challenge(_)));
    world.pass(seconds(200)).await;
    settle().await;
    assert_eq!((session.state(), session.pending().is_none()), (Status::Active, true));
    assert_eq!(shown(&session).as_deref(), Some("canary-access-1"));
    let last = session.status().last_error.map(|error| error.kind());
    assert!(last.is_none() || last == Some(ErrorKind::ChallengeExpired), "{last:?}");
}
