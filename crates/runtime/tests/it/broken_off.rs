//! What a process leaves that dies in the middle, and what the next one makes of it. `cargo xtask torture points`
//! does the same with real processes, at every step.

use crate::common::{Act, World, seconds, settle, shown};
use countersign_core::session::{Effect, Write};
use countersign_core::{Answers, ErrorKind, KeyDigest, Operation, SecretString, StoredKey};
use countersign_runtime::{
    EffectFilter, Keeper, RevocationOutcome, Selection, Session, SignIn, SignOutOutcome,
    StoredContent, StoredState,
};
use serde_json::json;

/// The process dies before its last write of an end.
struct DiesBeforeTheTombstone;

impl EffectFilter for DiesBeforeTheTombstone {
    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        match effect {
            Effect::Commit(_, Write::Tombstone) => Vec::new(),
            other => vec![other],
        }
    }
}

/// A session whose process has died while it ended it: the provider has revoked its tokens.
async fn end_broken_off(world: &World) {
    let dying = world.keeper_builder().effect_filter(DiesBeforeTheTombstone).build().unwrap();
    let session = world.described(&dying).open().await.unwrap();
    session.authorization().await.unwrap();
    let ending = tokio::spawn(async move { session.sign_out(seconds(60)).await });
    settle().await;
    assert_eq!(world.server.count("revoke"), 1);
    ending.abort();
}

async fn state(keeper: &Keeper) -> StoredState {
    let stored = keeper.stored().await.unwrap();
    let session = stored.iter().find_map(|stored| match &stored.content {
        StoredContent::Session(session) => Some(session.state),
        _ => None,
    });
    session.unwrap()
}

#[tokio::test]
async fn f41_an_end_that_breaks_off_is_an_end_and_whoever_ends_it_again_has_it_revoked() {
    let world = World::new();
    end_broken_off(&world).await;
    let next = world.session().await;
    assert_eq!(next.authorization().await.unwrap_err().kind(), ErrorKind::SignedOut);
    assert_eq!(world.server.count("sign_in"), 1, "nobody brings it back");
    let keeper = world.keeper();
    assert_eq!(state(&keeper).await, StoredState::SignedOut, "nobody has confirmed it");
    let resolve = |_: &StoredKey| Some(world.described(&keeper));
    let report = keeper.revoke_all(&Selection::All, seconds(60), resolve).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.sessions[0].outcome, RevocationOutcome::Revoked);
    assert_eq!(world.server.count("revoke"), 2);
    assert_eq!(state(&keeper).await, StoredState::Revoked);
    // What is confirmed stays so, whoever ends it once more.
    let end = world.session().await.sign_out(seconds(60)).await;
    assert_eq!(end, SignOutOutcome::LocalOnly { valid_until: None });
    assert_eq!(state(&keeper).await, StoredState::Revoked);
}

#[tokio::test]
async fn f41_what_has_no_provider_here_is_buried_though_its_end_broke_off() {
    let world = World::new();
    end_broken_off(&world).await;
    let keeper = world.keeper();
    let report = keeper.revoke_all(&Selection::All, seconds(60), |_| None).await;
    let local = matches!(report.sessions[0].outcome, RevocationOutcome::LocalOnly { .. });
    assert!(local && !report.is_complete(), "{report:?}");
    let report = keeper.revoke_all(&Selection::All, seconds(60), |_| None).await;
    assert_eq!(report.sessions[0].outcome, RevocationOutcome::AlreadyEnded);
}

#[tokio::test]
async fn f41_a_sign_in_after_an_end_that_broke_off_revokes_what_was_left() {
    for challenged in [false, true] {
        let world = World::new();
        end_broken_off(&world).await;
        if challenged {
            let asked = json!({ "challenge": "canary-handle", "wants": "code" });
            world.server.next("sign_in", Act::Say(200, asked));
        }
        let next = world.session().await;
        let signed_in = next.sign_in().await.unwrap();
        settle().await;
        assert_eq!(world.server.count("revoke"), 2, "challenged: {challenged}");
        if challenged {
            assert!(matches!(signed_in, SignIn::Challenge(_)));
            let third = world.session().await;
            third.authorization().await.unwrap_err();
            assert_eq!(shown(&third), None, "the old tokens come back with no challenge");
            next.answer(Answers::code("123456".to_owned())).await.unwrap();
        }
        assert_eq!(shown(&next).unwrap(), "canary-access-2");
        assert_eq!(world.server.count("revoke"), 2);
    }
}

fn change() -> Operation {
    Operation::ChangePassword { new_password: SecretString::new("canary-new-password") }
}

/// The sign-in that finds out which password holds, after a change that was given up halfway.
async fn changed(world: &World, act: Act) -> Session {
    let session = world.signed_in().await;
    world.server.next("change_password", act);
    session.perform(change()).await.unwrap_err();
    session
}

#[tokio::test]
async fn f48_the_old_password_goes_at_once_where_no_code_goes_with_it() {
    let mut world = World::new();
    // It takes codes, and this account has none.
    world.provider.capabilities.sign_in_code = Some(seconds(30));
    let session = changed(&world, Act::Say(504, json!({}))).await;
    session.sign_in().await.unwrap();
    assert_eq!(
        world.server.count("sign_in"),
        3,
        "the first; the new one is refused, the old holds"
    );
}

#[tokio::test]
async fn f36_whoever_holds_a_password_that_was_changed_is_told_what_helps() {
    let world = World::new();
    let session = world.signed_in().await;
    session.perform(change()).await.unwrap();
    drop(session);
    // The next process has the old one from its source, and nothing to renew with.
    world.server.state().refresh_tokens.clear();
    let next = world.session().await;
    let error = next.refresh().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidGrant, Some("refused_before")));
    assert!(error.to_string().contains("have the source give the right ones"), "{error}");
    assert_eq!(world.server.count("sign_in"), 1, "it was not sent");
}
