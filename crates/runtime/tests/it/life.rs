//! The life of a session as its user sees it: refusals, sign-out, secrets that change.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Act, Plain, World, ended, seconds, settle, shown};
use async_trait::async_trait;
use countersign_core::session::Status;
use countersign_core::{
    AccountKey, Answers, Clock, CredentialSource, Credentials, Error, ErrorKind, Operation,
    Recovery, RefreshSupport, RevokeSupport, SecretString,
};
use countersign_runtime::{Keeper, Session, SessionEventKind, SignIn, SignOutOutcome};
use serde_json::json;

#[tokio::test]
async fn f21_a_late_refusal_of_an_old_token_costs_nothing() {
    let world = World::new();
    let session = world.signed_in().await;
    let old = session.authorization().await.unwrap().generation();
    session.reject(old);
    let new = session.authorization().await.unwrap().generation();
    assert_ne!(old, new);
    for _ in 0..10 {
        session.reject(old);
    }
    settle().await;
    assert_eq!(session.authorization().await.unwrap().generation(), new);
    assert_eq!((world.server.count("refresh"), world.server.total()), (1, 2));
}

#[tokio::test]
async fn f22_a_refused_generation_is_not_handed_out_while_its_successor_is_bought() {
    let world = World::new();
    let session = world.signed_in().await;
    world.server.hold();
    session.reject(session.authorization().await.unwrap().generation());
    settle().await;
    assert!(session.current().is_none());
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.authorization().await.unwrap().generation().counter }
    });
    settle().await;
    assert!(!caller.is_finished());
    world.server.open();
    assert_eq!(caller.await.unwrap(), 2);
}

#[tokio::test]
async fn f23_f53_an_api_that_always_refuses_does_not_cost_an_exchange_a_request() {
    let world = World::new();
    let session = world.signed_in().await;
    let mut errors = 0;
    for _ in 0..50 {
        match session.authorization_within(seconds(0)).await {
            Ok(authorized) => session.reject(authorized.generation()),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidToken, "{error}");
                errors += 1;
            }
        }
        settle().await;
    }
    assert_eq!(world.server.count("refresh"), 1);
    assert!(errors > 40, "{errors}");
}

#[tokio::test]
async fn f26_a_listener_that_asks_the_session_is_not_under_its_lock() {
    let world = World::new();
    let session = world.session().await;
    let mut events = session.events();
    let listener = tokio::spawn({
        let session = session.clone();
        async move {
            let mut n = 0;
            while let Some(event) = events.recv().await {
                drop(session.status());
                n += 1;
                if matches!(event.kind, SessionEventKind::Published { .. }) {
                    break;
                }
            }
            session.authorization().await.unwrap();
            n
        }
    });
    session.authorization().await.unwrap();
    assert!(listener.await.unwrap() > 1);
}

#[tokio::test]
async fn f35_a_sign_out_beats_the_refresh_that_is_under_way() {
    let world = World::new();
    let session = world.signed_in().await;
    world.server.hold();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    settle().await;
    let sign_out = tokio::spawn({
        let session = session.clone();
        async move { session.sign_out(seconds(10)).await }
    });
    settle().await;
    assert!(session.current().is_none(), "nothing is handed out from the word go");
    world.server.open();
    assert_eq!(sign_out.await.unwrap(), SignOutOutcome::Revoked);
    assert!(refresh.await.unwrap().is_err());
    assert_eq!(session.authorization().await.unwrap_err().kind(), ErrorKind::SignedOut);
    assert!(world.server.state().refresh_tokens.is_empty(), "nothing lives on");
    // Another process does not bring it back either.
    let other = world.session().await;
    assert_eq!(other.authorization().await.unwrap_err().kind(), ErrorKind::SignedOut);
}

#[tokio::test]
async fn f41_a_sign_out_answers_what_is_true() {
    let mut provider = Plain::default();
    provider.capabilities.revoke = RevokeSupport::None;
    let world = World::of(provider);
    let session = world.signed_in().await;
    let end = session.status().expires_at;
    let outcome = session.sign_out(seconds(1)).await;
    assert_eq!(outcome, SignOutOutcome::LocalOnly { valid_until: end });

    let world = World::new();
    let session = world.signed_in().await;
    world.server.next("revoke", Act::LoseAnswer);
    assert_eq!(session.sign_out(seconds(1)).await, SignOutOutcome::Unconfirmed);
    assert_eq!(session.state(), Status::SignedOut);
    session.sign_in().await.unwrap();
    assert_eq!(session.state(), Status::Active);

    // A token that the provider surely does not know needs no revocation; one that it may not know may live.
    for (possible, end) in [(false, SignOutOutcome::Revoked), (true, SignOutOutcome::Unconfirmed)] {
        let world = World::new();
        let session = world.signed_in().await;
        let said = json!({ "error": "invalid_grant", "possible": possible });
        world.server.next("revoke", Act::Say(403, said));
        assert_eq!(session.sign_out(seconds(1)).await, end, "{possible}");
    }
}

#[tokio::test]
async fn f41_f42_who_has_signed_out_without_the_lock_sees_the_next_sign_in_of_a_sibling() {
    let world = World::new();
    let session = world.signed_in().await;
    let other = world.session().await;
    assert!(other.authorization().await.is_ok());
    // The account's lock is in other hands for as long as anybody waits for it.
    world.server.hold();
    let busy = tokio::spawn({
        let other = other.clone();
        async move { other.refresh().await.map(drop) }
    });
    settle().await;
    let sign_out = tokio::spawn({
        let session = session.clone();
        async move { session.sign_out(seconds(600)).await }
    });
    settle().await;
    world.pass(seconds(26)).await;
    world.server.open();
    settle().await;
    // What the sibling may have bought is not known here.
    assert_eq!(ended(sign_out).await, SignOutOutcome::Unconfirmed);
    let _ = busy.await.unwrap();
    world.pass(seconds(5)).await;
    assert_eq!(other.authorization().await.unwrap_err().kind(), ErrorKind::SignedOut);
    assert_eq!(session.authorization().await.unwrap_err().kind(), ErrorKind::SignedOut);

    other.sign_in().await.unwrap();
    world.pass(seconds(5)).await;
    assert!(session.authorization().await.is_ok(), "{:?}", session.status());
    assert_eq!(shown(&session), shown(&other));
}

#[tokio::test]
async fn f36_a_refused_password_is_not_sent_again_by_anyone_who_shares_the_store() {
    let world = World::new();
    world.server.state().password = "another".into();
    let session = world.session().await;
    for _ in 0..5 {
        let error = session.authorization().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidGrant);
    }
    let other = world.session().await;
    assert_eq!(other.authorization().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    world.pass(seconds(7_200)).await;
    assert_eq!(world.server.total(), 1);
    // By name it is sent, once.
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    assert_eq!(world.server.total(), 2);
}

/// A source whose secret can be changed from outside.
#[derive(Clone, Default)]
struct Rotating(Arc<Mutex<String>>, Arc<AtomicBool>);

#[async_trait]
impl CredentialSource for Rotating {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        if self.1.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Credentials));
        }
        Ok(Credentials::password("kim", self.0.lock().unwrap().clone()))
    }
}

#[tokio::test]
async fn f47_an_unattended_session_comes_back_after_its_password_was_changed() {
    let world = World::new();
    let source = Rotating::default();
    *source.0.lock().unwrap() = "canary-old".into();
    let keeper = world.keeper();
    let session = keeper.session(world.provider.clone(), "kim").keep_alive();
    let session = session.credentials(source.clone()).open().await.unwrap();
    assert_eq!(session.authorization().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    world.pass(seconds(1_300)).await;
    assert_eq!(world.server.total(), 1, "the same secret is not sent twice");
    *source.0.lock().unwrap() = crate::common::PASSWORD.into();
    world.pass(seconds(700)).await;
    assert_eq!(shown(&session).as_deref(), Some("canary-access-1"));
    assert_eq!(world.server.total(), 2);
}

#[tokio::test]
async fn f47_an_unattended_session_comes_back_after_a_lockout() {
    let world = World::new();
    let end = world.clock.now().after(seconds(600));
    let locked = json!({ "error": "locked", "until": end.as_millis() });
    world.server.next("sign_in", Act::Say(403, locked));
    let session = world.session().await;
    let error = session.authorization().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccountLocked);
    assert_eq!(error.recovery(), Recovery::WaitUntil(end));
    // Nobody who shares the store tries before the end, not even by name.
    let other = world.session().await;
    assert_eq!(other.sign_in().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    world.pass(seconds(590)).await;
    assert_eq!(world.server.total(), 1);
    world.pass(seconds(20)).await;
    assert_eq!(session.state(), Status::Active);
}

async fn after_a_lost_change(world: &World, old: &str) -> (Keeper, Session) {
    let source = Rotating::default();
    *source.0.lock().unwrap() = old.into();
    let keeper = world.keeper();
    let session = keeper.session(world.provider.clone(), "kim");
    let session = session.credentials(source).open().await.unwrap();
    session.authorization().await.unwrap();
    let change =
        Operation::ChangePassword { new_password: SecretString::new("canary-new-password") };
    let error = session.perform(change).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
    (keeper, session)
}

#[tokio::test]
async fn f48_a_lost_change_of_password_that_happened_is_settled_by_the_new_one() {
    let world = World::new();
    world.server.next("change_password", Act::LoseAnswer);
    let (_keeper, session) = after_a_lost_change(&world, crate::common::PASSWORD).await;
    let mut events = session.events();
    session.sign_in().await.unwrap();
    assert_eq!(settled(&mut events), Some(true));
    let sent: Vec<_> = world.server.state().seen["sign_in"].clone();
    assert_eq!(sent[1], json!({ "password": "canary-new-password" }));
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn f48_a_lost_change_of_password_that_did_not_happen_is_settled_by_the_old_one() {
    let world = World::new();
    world.server.next("change_password", Act::Say(504, json!({})));
    let (_keeper, session) = after_a_lost_change(&world, crate::common::PASSWORD).await;
    let mut events = session.events();
    session.sign_in().await.unwrap();
    assert_eq!(settled(&mut events), Some(false));
    assert_eq!(world.server.count("sign_in"), 3, "one with the new, one with the old");
    session.sign_in().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 4);
}

#[tokio::test]
async fn f48_a_change_that_the_pool_behind_the_provider_could_not_finish_stays_open() {
    let world = World::new();
    world.server.next("change_password", Act::Say(401, json!({ "error": "pool_fails" })));
    let (_keeper, session) = after_a_lost_change(&world, crate::common::PASSWORD).await;
    world.server.state().password = "canary-new-password".into();
    let mut events = session.events();
    session.sign_in().await.unwrap();
    assert_eq!(settled(&mut events), Some(true));
}

#[tokio::test]
async fn f48_a_change_at_a_wrong_address_leaves_nothing_open() {
    let world = World::new();
    let session = world.signed_in().await;
    for status in [301, 404, 405] {
        world.server.next("change_password", Act::Say(status, json!({ "error": "no_such_path" })));
        let new_password = SecretString::new("canary-new-password");
        let change = Operation::ChangePassword { new_password };
        assert_eq!(session.perform(change).await.unwrap_err().kind(), ErrorKind::Protocol);
    }
    session.sign_in().await.unwrap();
    let sent = world.server.state().seen["sign_in"].clone();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1], json!({ "password": crate::common::PASSWORD }));
}

#[tokio::test]
async fn f48_if_neither_password_holds_the_caller_is_asked() {
    let world = World::new();
    world.server.next("change_password", Act::Say(504, json!({})));
    let (_keeper, session) = after_a_lost_change(&world, crate::common::PASSWORD).await;
    world.server.state().password = "third".into();
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    assert_eq!(world.server.count("sign_in"), 3);
    let right = Credentials::password("kim", "third".to_owned());
    session.sign_in_with(right).await.unwrap();
}

#[tokio::test]
async fn f48_a_change_with_a_certain_end_leaves_nothing_open() {
    let world = World::new();
    let session = world.signed_in().await;
    let mut events = session.events();
    let change = |new: &str| Operation::ChangePassword { new_password: SecretString::new(new) };
    session.perform(change("canary-second")).await.unwrap();
    assert_eq!(settled(&mut events), Some(true));
    let refused = session.perform(change("canary-third")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidGrant, "the old password is no longer right");
    assert_eq!(settled(&mut events), Some(false));
    let unsupported = session.perform(Operation::ForgotPassword).await.unwrap_err();
    assert_eq!(unsupported.kind(), ErrorKind::Unsupported);
}

fn settled(events: &mut countersign_runtime::Events) -> Option<bool> {
    std::iter::from_fn(|| events.try_recv()).find_map(|event| match event.kind {
        SessionEventKind::PasswordSettled { new } => Some(new),
        _ => None,
    })
}

#[tokio::test]
async fn f51_a_challenge_is_answered_on_another_host_and_by_one_of_them() {
    let world = World::new();
    world.server.next("sign_in", Act::Say(200, json!({ "challenge": "canary-handle" })));
    let one = world.session().await;
    assert!(matches!(one.sign_in().await.unwrap(), SignIn::Challenge(_)));
    assert_eq!(one.state(), Status::Challenged);
    let two = world.session().await;
    assert_eq!(two.pending().unwrap().name.as_ref(), "PROOF");
    let wrong = two.answer(Answers::new()).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidRequest);
    two.answer(Answers::code("123456".to_owned())).await.unwrap();
    assert!(one.answer(Answers::code("123456".to_owned())).await.is_err());
    assert_eq!(world.server.count("answer"), 1);
    assert_eq!(shown(&two).as_deref(), Some("canary-access-1"));
}

#[tokio::test]
async fn f03_two_hosts_redeem_a_rotating_token_once() {
    let grace = seconds(0);
    let world = World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace }));
    world.server.state().rotates = true;
    let one = world.signed_in().await;
    let two = world.session().await;
    world.clock.advance(seconds(3_601));
    let (a, b) = tokio::join!(one.authorization(), two.authorization());
    assert_eq!(a.unwrap().generation(), b.unwrap().generation());
    assert_eq!((world.server.count("refresh"), world.server.count("sign_in")), (1, 1));
}

#[tokio::test]
async fn f05_a_spent_token_whose_answer_was_lost_is_replayed_inside_its_grace_only() {
    for (grace, refreshes, sign_ins) in [(seconds(60), 2, 1), (seconds(0), 1, 2)] {
        let world = World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace }));
        let session = world.signed_in().await;
        world.server.next("refresh", Act::LoseAnswer);
        world.clock.advance(seconds(3_601));
        drop(session.authorization_within(seconds(0)).await);
        world.pass(seconds(10)).await;
        assert_eq!(session.state(), Status::Active, "{:?}", session.status().transitions);
        let counts = (world.server.count("refresh"), world.server.count("sign_in"));
        assert_eq!(counts, (refreshes, sign_ins), "grace {grace:?}");
    }
}

#[tokio::test]
async fn f44_the_source_is_asked_before_every_sign_in_and_its_failure_is_told() {
    let world = World::new();
    let source = Rotating::default();
    *source.0.lock().unwrap() = crate::common::PASSWORD.into();
    let keeper = world.keeper();
    let described = || keeper.session(world.provider.clone(), "kim").credentials(source.clone());
    let session = described().open().await.unwrap();
    source.1.store(true, Ordering::SeqCst);
    let error = session.authorization_within(seconds(0)).await;
    settle().await;
    assert!(error.is_err());
    assert_eq!(session.status().last_error.unwrap().kind(), ErrorKind::Credentials);
    assert_eq!(world.server.total(), 0);
    assert_eq!(described().open().await.unwrap_err().kind(), ErrorKind::Credentials);
}

#[tokio::test]
async fn a_session_opened_without_what_its_provider_needs_says_so_at_once() {
    let world = World::new();
    let keeper = world.keeper();
    let described = keeper.session(world.provider.clone(), "kim");
    let error = described.credentials(Credentials::new()).open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert!(error.to_string().contains("`password` is missing"), "{error}");
}
