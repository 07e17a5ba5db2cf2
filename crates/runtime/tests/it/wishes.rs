//! What a user asks for by name, and what comes of it beside the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::store::Flaky;
use crate::common::{Act, PASSWORD, Plain, World, seconds, settle, shown};
use countersign_core::session::Reauthentication;
use countersign_core::{
    AccountKey, CredentialSource, Credentials, Error, ErrorKind, Operation, RefreshSupport,
    RevokeSupport,
};
use countersign_seal::suite::Through;
use serde_json::json;

#[tokio::test]
async fn f41_a_second_sign_in_by_name_revokes_what_it_replaces() {
    let world = World::new();
    let session = world.signed_in().await;
    session.sign_in().await.unwrap();
    settle().await;
    let revoked = world.server.state().revoked.clone();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["refresh"], "canary-refresh-1");
    assert_eq!(world.server.state().refresh_tokens, ["canary-refresh-2"]);
    assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
    session.refresh().await.unwrap();
}

#[tokio::test]
async fn f41_nothing_is_revoked_that_is_not_replaced_for_good() {
    // The new tokens are not in the store.
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    world.server.hold();
    let again = tokio::spawn({
        let session = session.clone();
        async move { session.sign_in().await.map(drop) }
    });
    settle().await;
    store.failing.store(1, Ordering::SeqCst);
    world.server.open();
    again.await.unwrap().unwrap();
    settle().await;
    assert!(!session.status().saved);
    assert_eq!(world.server.count("revoke"), 0);

    // A sign-in by itself replaces what is over anyway; a provider that cannot revoke is not asked to.
    let mut provider = Plain::default();
    provider.capabilities.revoke = RevokeSupport::None;
    for (provider, by_name) in
        [(Plain::default().refreshing(RefreshSupport::Absent), false), (provider, true)]
    {
        let world = World::of(provider);
        let session = world.signed_in().await;
        if by_name {
            session.sign_in().await.unwrap();
        } else {
            world.clock.advance(seconds(3_700));
            session.authorization().await.unwrap();
        }
        settle().await;
        assert_eq!((world.server.count("sign_in"), world.server.count("revoke")), (2, 0));
    }
}

/// A password that a person types, and a client secret that lies in a file.
#[derive(Clone, Default)]
struct Prompt {
    asked: Arc<AtomicU32>,
}

#[async_trait::async_trait]
impl CredentialSource for Prompt {
    async fn credentials(&self, account: &AccountKey) -> Result<Credentials, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.at_hand(account).await?.with_password(PASSWORD.to_owned()))
    }

    async fn at_hand(&self, _: &AccountKey) -> Result<Credentials, Error> {
        Ok(Credentials::new().with_client_secret("canary-client-secret".to_owned()))
    }

    fn interactive(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn f40_in_the_background_an_interactive_source_gives_what_needs_no_person() {
    let (world, prompt) = (World::new(), Prompt::default());
    let described = world.keeper().session(world.provider.clone(), "kim");
    let session = described.credentials(prompt.clone()).open().await.unwrap();
    session.sign_in().await.unwrap();
    session.refresh().await.unwrap();
    world.clock.advance(seconds(3_700));
    session.authorization().await.unwrap();
    for sent in &world.server.state().seen["refresh"] {
        assert_eq!(sent["client_secret"], "canary-client-secret");
    }
    assert_eq!(world.server.count("refresh"), 2);
    assert_eq!(prompt.asked.load(Ordering::SeqCst), 1, "nobody is asked in the background");
}

#[tokio::test]
async fn f44_who_opens_a_session_again_with_another_source_is_asked_from_then_on() {
    let world = World::of(Plain::default().refreshing(RefreshSupport::Absent));
    let keeper = world.keeper();
    let described = || keeper.session(world.provider.clone(), "kim");
    // Without a source nothing comes by itself.
    let first = described().open().await.unwrap();
    assert_eq!(first.authorization().await.unwrap_err().kind(), ErrorKind::NeedsSignIn);
    let wrong = Credentials::password("kim", "canary-old".to_owned());
    let second = described().credentials(wrong).open().await.unwrap();
    assert_eq!(second.authorization().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    let right = Credentials::password("kim", PASSWORD.to_owned());
    let third = described().credentials(right).open().await.unwrap();
    third.sign_in().await.unwrap();
    assert!(first.authorization().await.is_ok(), "they are one session");
    // What was said of the policy stays, and an opening that names nothing changes nothing.
    let manual = described().reauthentication(Reauthentication::Manual).open().await.unwrap();
    drop(described().open().await.unwrap());
    world.clock.advance(seconds(3_700));
    assert_eq!(manual.authorization().await.unwrap_err().kind(), ErrorKind::NeedsSignIn);
    first.sign_in().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 3);
}

#[tokio::test]
async fn p22_what_an_operation_has_learned_is_kept() {
    let world = World::new();
    let session = world.signed_in().await;
    world.server.next("who_am_i", Act::Say(200, json!({ "user": "canary-user" })));
    session.perform(Operation::WhoAmI).await.unwrap();
    let other = world.session().await;
    other.refresh().await.unwrap();
    let sent = world.server.state().seen["refresh"].last().unwrap().clone();
    assert_eq!(sent["user"], "canary-user");
}

#[tokio::test]
async fn f45_a_caller_that_cannot_wait_starts_what_a_dead_runtime_has_left() {
    let world = World::new();
    let session = tokio::task::spawn_blocking({
        let world = world.clone();
        move || {
            let first = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let session = first.block_on(async {
                let session = world.session().await;
                world.server.next("sign_in", Act::Hang);
                drop(session.authorization_within(seconds(0)).await);
                settle().await;
                session
            });
            drop(first);
            session
        }
    });
    let session = session.await.unwrap();
    assert!(session.current().is_none());
    world.clock.advance(seconds(5));
    assert!(session.current().is_none());
    settle().await;
    assert_eq!(shown(&session).as_deref(), Some("canary-access-1"));
}

#[tokio::test]
async fn p22_a_refresh_asks_the_source_although_other_credentials_wait_for_their_sign_in() {
    let world = World::new();
    let password = Credentials::password("kim", PASSWORD.to_owned());
    let secrets = password.clone().with_client_secret("canary-client-secret".to_owned());
    let described = world.keeper().session(world.provider.clone(), "kim").credentials(secrets);
    let session = described.open().await.unwrap();
    session.authorization().await.unwrap();
    let (_, came) = tokio::join!(session.refresh(), session.sign_in_with(password));
    came.unwrap();
    let sent = world.server.state().seen["refresh"].clone();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["client_secret"], "canary-client-secret");
}
