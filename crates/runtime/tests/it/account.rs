//! What one exchange must not do to the account, the tokens and the
//! credentials of others.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, Plain, World, seconds, settle};
use countersign_core::session::Status;
use countersign_core::{
    AccountKey, Answers, Clock, CredentialKind, CredentialKinds, CredentialSource, Credentials,
    Error, ErrorKind, LockoutRule, Operation, RefreshSupport, SecretString,
};
use countersign_runtime::{Keeper, Session, SessionEventKind, SignOutOutcome};
use countersign_seal::suite::Through;
use serde_json::json;

fn password(text: &str) -> Credentials {
    Credentials::password("kim", text.to_owned())
}

async fn without_source(world: &World) -> (Keeper, Session) {
    let keeper = world.keeper();
    let session = keeper.session(world.provider.clone(), "kim").open().await.unwrap();
    (keeper, session)
}

#[tokio::test]
async fn f48_a_refresh_says_nothing_about_which_password_holds() {
    let world = World::new();
    let session = world.signed_in().await;
    world.server.next("change_password", Act::LoseAnswer);
    let new_password = SecretString::new("canary-new-password");
    let change = Operation::ChangePassword { new_password };
    let error = session.perform(change).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    session.refresh().await.unwrap();
    session.sign_in().await.unwrap();
    let sent = world.server.state().seen["sign_in"].clone();
    assert_eq!(sent[1], json!({ "password": "canary-new-password" }));
}

#[tokio::test]
async fn f48_a_sign_in_without_the_password_says_nothing_about_which_one_holds() {
    let world = World::of(Plain { judges_no_password: true, ..Plain::default() });
    let session = world.signed_in().await;
    world.server.next("change_password", Act::Say(504, json!({})));
    let new_password = SecretString::new("canary-new-password");
    let change = Operation::ChangePassword { new_password };
    assert_eq!(session.perform(change).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    let mut events = session.events();
    world.server.next("sign_in", Act::Say(200, json!({ "challenge": "h1" })));
    session.sign_in().await.unwrap();
    session.answer(Answers::code("123456".to_owned())).await.unwrap();
    assert_eq!(session.state(), Status::Active);
    while let Some(event) = events.try_recv() {
        let told = matches!(event.kind, SessionEventKind::PasswordSettled { .. });
        assert!(!told, "nobody has looked at a password");
    }
    // Whoever signs in with the password finds out.
    let mut judging = world.clone();
    judging.provider.judges_no_password = false;
    judging.session().await.sign_in().await.unwrap();
    let sent = world.server.state().seen["sign_in"].clone();
    let told = |password: &str| json!({ "password": password });
    assert_eq!(sent[2..], [told("canary-new-password"), told(crate::common::PASSWORD)]);
}

#[tokio::test]
async fn p10_a_refresh_does_not_lift_the_lockout_of_the_account() {
    let world = World::new();
    let session = world.signed_in().await;
    let end = world.clock.now().after(seconds(600));
    let locked = json!({ "error": "locked", "until": end.as_millis() });
    world.server.next("sign_in", Act::Say(403, locked));
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    session.refresh().await.unwrap();
    let other = world.session().await;
    let error = other.sign_in().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccountLocked);
    assert_eq!(world.server.count("sign_in"), 2, "nobody signs in before the lock ends");
}

#[tokio::test]
async fn f37_a_lockout_does_not_keep_a_session_from_refreshing_whose_token_is_over() {
    let world = World::new();
    let session = world.signed_in().await;
    for _ in 0..3 {
        world.server.next("refresh", Act::Say(503, json!({})));
    }
    world.clock.advance(seconds(3_601));
    settle().await;
    assert_eq!(session.state(), Status::BackingOff);
    let end = world.clock.now().after(seconds(6_000));
    let locked = json!({ "error": "locked", "until": end.as_millis() });
    world.server.next("sign_in", Act::Say(403, locked));
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    world.pass(seconds(600)).await;
    assert!(session.authorization().await.is_ok(), "{:?}", session.status());
    assert_eq!(world.server.count("sign_in"), 2, "nobody signs in before the lock ends");
}

#[tokio::test]
async fn f36_a_refresh_does_not_make_a_refused_password_worth_sending_again() {
    let world = World::new();
    let session = world.signed_in().await;
    world.server.state().password = "another".into();
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    session.refresh().await.unwrap();
    // The refresh token ends; the session may not fall back on what was refused.
    world.server.state().refresh_tokens.clear();
    world.clock.advance(seconds(3_601));
    assert!(session.authorization_within(seconds(0)).await.is_err());
    settle().await;
    assert_eq!(world.server.count("sign_in"), 2);
}

#[tokio::test]
async fn credentials_for_one_time_outlive_the_refresh_that_was_under_way() {
    let world = World::new();
    let (_keeper, session) = without_source(&world).await;
    session.sign_in_with(password(crate::common::PASSWORD)).await.unwrap();
    world.server.hold();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    settle().await;
    let sign_in = tokio::spawn({
        let session = session.clone();
        async move { session.sign_in_with(password(crate::common::PASSWORD)).await.map(drop) }
    });
    settle().await;
    world.server.open();
    drop(refresh.await.unwrap());
    sign_in.await.unwrap().unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
}

#[tokio::test]
async fn f37_a_mistyped_password_does_not_cost_a_live_refresh_token() {
    let world = World::new();
    let (_keeper, session) = without_source(&world).await;
    session.sign_in_with(password(crate::common::PASSWORD)).await.unwrap();
    world.clock.advance(seconds(3_601));
    assert!(session.sign_in_with(password("mistyped")).await.is_err());
    session.authorization().await.unwrap();
    assert_eq!(world.server.count("refresh"), 1);
}

#[tokio::test]
async fn p18_a_refusal_that_may_be_something_else_is_tried_again_slowly() {
    let world = World::new();
    let session = world.signed_in().await;
    let gateway = json!({ "error": "invalid_grant", "possible": true });
    world.server.next("refresh", Act::Say(403, gateway.clone()));
    world.server.next("refresh", Act::Say(403, gateway));
    session.reject(session.authorization().await.unwrap().generation());
    world.pass(seconds(20)).await;
    assert_eq!(world.server.count("refresh"), 1, "a gateway's bad minute ends no session");
}

#[tokio::test]
async fn f05_an_error_of_the_server_after_a_rotation_leaves_the_outcome_unknown() {
    let grace = seconds(0);
    let world = World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace }));
    world.server.state().rotates = true;
    let session = world.signed_in().await;
    world.server.next("refresh", Act::Say(500, json!({})));
    session.reject(session.authorization().await.unwrap().generation());
    world.pass(seconds(60)).await;
    let sent = world.server.state().seen["refresh"].clone();
    let distinct: BTreeSet<_> = sent.iter().map(|body| body["refresh"].to_string()).collect();
    assert_eq!(distinct.len(), sent.len(), "a token that may be spent was sent again");
}

#[tokio::test]
async fn f05_a_doubtful_refusal_of_a_replay_does_not_forget_that_the_token_may_be_spent() {
    let grace = seconds(60);
    let world = World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace }));
    world.server.state().rotates = true;
    let session = world.signed_in().await;
    world.server.next("refresh", Act::LoseAnswer);
    let gateway = json!({ "error": "invalid_grant", "possible": true });
    world.server.next("refresh", Act::Say(403, gateway));
    for _ in 0..40 {
        world.server.next("refresh", Act::LoseRequest);
    }
    session.reject(session.authorization().await.unwrap().generation());
    world.pass(seconds(65)).await;
    let inside = world.server.count("refresh");
    world.pass(seconds(1_000)).await;
    let late = world.server.state().seen["refresh"][inside..].to_vec();
    let spent = json!({ "refresh": "canary-refresh-1" });
    assert!(!late.contains(&spent), "a token that may be spent was sent after its grace");
}

#[tokio::test]
async fn f41_a_sign_out_during_a_sign_in_revokes_the_session_that_was_there_too() {
    let world = World::new();
    let session = world.signed_in().await;
    world.server.hold();
    let sign_in = tokio::spawn({
        let session = session.clone();
        async move { session.sign_in().await.map(drop) }
    });
    settle().await;
    let sign_out = tokio::spawn({
        let session = session.clone();
        async move { session.sign_out(seconds(10)).await }
    });
    settle().await;
    world.server.open();
    assert_eq!(sign_out.await.unwrap(), SignOutOutcome::Revoked);
    assert!(sign_in.await.unwrap().is_err());
    settle().await;
    assert!(world.server.state().refresh_tokens.is_empty(), "`Revoked`, and one lives on");
}

#[tokio::test]
async fn f09_an_unsaved_token_is_saved_also_if_its_last_handle_goes() {
    let world = World::of(Plain::default());
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    world.server.hold();
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
    store.failing.store(1, Ordering::SeqCst);
    world.server.open();
    settle().await;
    assert!(!session.status().saved);
    drop(session);
    world.pass(seconds(120)).await;
    let other = world.session().await;
    other.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 1);
}

#[tokio::test]
async fn an_operation_takes_credentials_for_one_time_where_the_session_has_none() {
    let world = World::new();
    let (_keeper, session) = without_source(&world).await;
    let typed = || password(crate::common::PASSWORD);
    session.sign_in_with(typed()).await.unwrap();
    let change = || Operation::ChangePassword { new_password: SecretString::new("canary-next") };
    let missing = session.perform(change()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Credentials);
    assert_eq!(world.server.count("change_password"), 0);
    session.perform_with(change(), typed()).await.unwrap();
    assert_eq!(world.server.state().password, "canary-next");
    let forgotten = session.perform(change()).await.unwrap_err();
    assert_eq!(forgotten.kind(), ErrorKind::Credentials, "they were for one time");
}

#[tokio::test]
async fn f34_a_sign_in_by_itself_that_comes_back_for_somebody_else_is_not_taken() {
    let world = World::of(Plain::default().refreshing(RefreshSupport::Absent));
    let session = world.session().await;
    let answer = |subject: &str, access: &str| {
        let answer = json!({ "subject": subject, "access": access, "expires_in_ms": 3_600_000 });
        Act::Say(200, answer)
    };
    world.server.next("sign_in", answer("kim-1", "canary-access-kim"));
    session.authorization().await.unwrap();
    world.server.next("sign_in", answer("lee-2", "canary-access-lee"));
    world.clock.advance(seconds(4_000));
    let error = session.authorization_within(seconds(0)).await.unwrap_err();
    settle().await;
    let last = session.status().last_error.map_or(error.kind(), |error| error.kind());
    assert_eq!(last, ErrorKind::SubjectMismatch);
    assert!(session.current().is_none());
    // The account behind an identity may change where somebody signs in by name.
    world.server.next("sign_in", answer("lee-2", "canary-access-lee"));
    session.sign_in().await.unwrap();
    assert_eq!(session.authorization().await.unwrap().subject(), Some("lee-2"));
}

/// Asks a person for the password, unless it lies at hand.
struct Asking {
    at_hand: bool,
}

#[async_trait::async_trait]
impl CredentialSource for Asking {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        Ok(password(crate::common::PASSWORD))
    }

    fn interactive(&self) -> bool {
        true
    }

    async fn at_hand(&self, account: &AccountKey) -> Result<Credentials, Error> {
        if self.at_hand {
            return self.credentials(account).await;
        }
        Ok(Credentials::new())
    }
}

#[tokio::test]
async fn f40_what_is_at_hand_serves_what_asks_nobody_and_a_sign_in_by_itself_asks_nobody_either() {
    for at_hand in [true, false] {
        let world = World::new();
        let keeper = world.keeper();
        let described = keeper.session(world.provider.clone(), "kim");
        let session = described.credentials(Asking { at_hand }).open().await.unwrap();
        let needs_a_person = session.authorization().await.unwrap_err();
        assert_eq!(needs_a_person.kind(), ErrorKind::NeedsSignIn);
        assert_eq!(world.server.count("sign_in"), 0);
        session.sign_in().await.unwrap();
        let change = Operation::ChangePassword { new_password: SecretString::new("canary-next") };
        let changed = session.perform(change).await;
        assert_eq!(changed.is_ok(), at_hand, "{changed:?}");
    }
}

#[tokio::test]
async fn f48_a_password_whose_fate_is_not_known_gives_way_to_no_other_one() {
    let world = World::new();
    let session = world.signed_in().await;
    let change = |new: &str| Operation::ChangePassword { new_password: SecretString::new(new) };
    world.server.next("change_password", Act::LoseAnswer);
    let lost = session.perform(change("canary-first")).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Ambiguous);
    let refused = session.perform(change("canary-second")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Ambiguous);
    assert_eq!(world.server.count("change_password"), 1, "the second was not sent");
    session.sign_in().await.unwrap();
    assert_eq!(world.server.state().password, "canary-first");
    let old = session.perform_with(change("canary-second"), password("canary-first")).await;
    old.unwrap();
}

/// A form that is sent twice, or two processes: the second one has looked before the first one wrote.
#[tokio::test]
async fn f48_of_two_changes_at_once_the_second_gives_way_to_the_unknown_fate_of_the_first() {
    let world = World::new();
    let (here, there, sibling) =
        (world.signed_in().await, world.session().await, world.session().await);
    world.server.hold();
    let renewing = tokio::spawn(async move { sibling.refresh().await.map(drop) });
    settle().await;
    let change = |session: &Session, new: &str| {
        let change = Operation::ChangePassword { new_password: SecretString::new(new) };
        let session = session.clone();
        tokio::spawn(async move { session.perform(change).await.unwrap_err().kind() })
    };
    // Both wait for the lock that the sibling holds.
    let first = change(&here, "canary-first");
    settle().await;
    let second = change(&there, "canary-second");
    settle().await;
    assert_eq!(world.server.count("change_password"), 0);
    world.server.next("change_password", Act::LoseAnswer);
    world.server.open();
    settle().await;
    renewing.await.unwrap().unwrap();
    assert_eq!(first.await.unwrap(), ErrorKind::Ambiguous);
    assert_eq!(second.await.unwrap(), ErrorKind::Ambiguous);
    assert_eq!(world.server.count("change_password"), 1, "the second was not sent");
    there.sign_in().await.unwrap();
    assert_eq!(world.server.state().password, "canary-first");
}

#[tokio::test]
async fn p21_nothing_but_a_refused_password_brings_a_lockout_nearer() {
    let mut provider = Plain::default();
    provider.capabilities.lockout =
        LockoutRule::Doubling { free: 5, first: seconds(1), most: seconds(900) };
    provider.capabilities.credentials =
        CredentialKinds::new([CredentialKind::Password], [CredentialKind::TotpSecret]);
    let world = World::of(provider);
    let session = world.session().await;
    for n in 0..6 {
        world.server.next("sign_in", Act::Say(400, json!({ "error": "bad_code" })));
        let other = password(crate::common::PASSWORD).with_totp_secret(format!("canary-{n}"));
        let error = session.sign_in_with(other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CodeMismatch);
    }
    session.sign_in().await.unwrap();
    // A password that a change has put out of date was never sent.
    for n in 0..6 {
        let old = world.server.state().password.clone();
        let new_password = SecretString::new(format!("canary-new-{n}"));
        let change = Operation::ChangePassword { new_password };
        session.perform_with(change, password(&old)).await.unwrap();
    }
    let now = password("canary-new-5");
    session.sign_in_with(now.clone()).await.unwrap();
    for n in 0..5 {
        let error = session.sign_in_with(password(&format!("canary-wrong-{n}"))).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidGrant);
    }
    let error = session.sign_in_with(now).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccountLocked);
}

#[tokio::test]
async fn f36_f47_credentials_that_were_given_during_a_lockout_are_not_kept() {
    let world = World::new();
    let session = world.session().await;
    let end = world.clock.now().after(seconds(600));
    let locked = json!({ "error": "locked", "until": end.as_millis() });
    world.server.next("sign_in", Act::Say(403, locked));
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    let told = session.sign_in_with(password("canary-mistyped")).await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::AccountLocked);
    world.pass(seconds(620)).await;
    let sent = world.server.state().seen["sign_in"].clone();
    assert_eq!(sent[1..], [json!({ "password": crate::common::PASSWORD })]);
    assert_eq!(session.state(), Status::Active);
}
