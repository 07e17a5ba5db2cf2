//! What an account must be spared is not forgotten because its record is gone from the store: whoever remembers it
//! writes it again, and whoever does not asks a person (decision 32).

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, Plain, World, seconds, settle};
use countersign_core::session::Status;
use countersign_core::{
    Clock, Committed, CredentialKind, CredentialKinds, Credentials, Error, ErrorKind, RecordName,
    Recovery, Revision, SessionStore, StoredRecord,
};
use countersign_runtime::{Reason, Session};
use countersign_seal::suite::Through;
use countersign_seal::{Found, SealedFacts, Sealer};
use serde_json::json;

const SESSION: u8 = 1;
const ACCOUNT: u8 = 2;

/// The only record of a kind, if there is one.
async fn only(world: &World, kind: u8) -> Option<(RecordName, StoredRecord)> {
    let mut found = Vec::new();
    for name in world.store.list().await.unwrap() {
        let there = world.store.load(&name).await.unwrap().unwrap();
        if SealedFacts::of(there.bytes.expose_bytes()).unwrap().kind == kind {
            found.push((name, there));
        }
    }
    assert!(found.len() <= 1);
    found.pop()
}

/// Takes it out of the store, as nobody should.
async fn lose(world: &World, kind: u8) -> (RecordName, StoredRecord) {
    let (name, there) = only(world, kind).await.unwrap();
    assert!(world.store.remove(&name, there.revision).await.unwrap());
    (name, there)
}

/// Another session of the same account, in another keeper unless `beside` is one of this.
async fn client(world: &World, beside: Option<&countersign_runtime::Keeper>, of: &str) -> Session {
    let mut provider = world.provider.clone();
    provider.realm.client = of.into();
    let keeper = beside.cloned().unwrap_or_else(|| world.keeper());
    let secrets = Credentials::password("kim", crate::common::PASSWORD.to_owned());
    keeper.session(provider, "kim").credentials(secrets).open().await.unwrap()
}

fn assert_missing(error: &Error, name: &RecordName) {
    assert_eq!((error.kind(), error.recovery()), (ErrorKind::Store, Recovery::GiveUp), "{error}");
    assert_eq!(error.code(), Some("guards_missing"), "{error}");
    let command = format!("`countersign sessions forget {} --guards`", &name.as_str()[..8]);
    for part in [name.as_str(), "is gone", "bring it back", &command] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn f36_a_process_that_knows_of_a_refused_password_writes_it_down_again() {
    let world = World::new();
    world.server.state().password = "another".into();
    let keeper = world.keeper();
    let session = world.described(&keeper).open().await.unwrap();
    assert_eq!(session.authorization().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    lose(&world, ACCOUNT).await;

    // Another client of the account in this process has never read it itself.
    let beside = client(&world, Some(&keeper), "beside").await;
    assert_eq!(beside.authorization().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    assert!(only(&world, ACCOUNT).await.is_some(), "it is there again, under the lock");
    // So that every other process knows it.
    let elsewhere = client(&world, None, "elsewhere").await;
    assert_eq!(elsewhere.authorization().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    assert_eq!(world.server.count("sign_in"), 1);
}

/// By itself, with no caller that could cause it: a session that cannot sign in looks again.
#[tokio::test]
async fn f36_it_is_written_again_by_the_next_look_of_the_session_that_met_it() {
    let world = World::new();
    world.server.state().password = "another".into();
    let session = world.session().await;
    session.authorization().await.unwrap_err();
    lose(&world, ACCOUNT).await;
    world.pass_by(seconds(7200), seconds(30)).await;
    assert!(only(&world, ACCOUNT).await.is_some());
    assert_eq!(world.server.count("sign_in"), 1);
}

#[tokio::test]
async fn a_lockout_is_waited_out_although_its_record_is_gone() {
    let world = World::new();
    let until = world.clock.now().after(seconds(600)).as_millis();
    world.server.next("sign_in", Act::Say(401, json!({ "error": "locked", "until": until })));
    let keeper = world.keeper();
    let session = world.described(&keeper).open().await.unwrap();
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    lose(&world, ACCOUNT).await;
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    let beside = client(&world, Some(&keeper), "beside").await;
    assert_eq!(beside.sign_in().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    let elsewhere = world.session().await;
    assert_eq!(elsewhere.sign_in().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    assert_eq!(world.server.count("sign_in"), 1);
    world.pass(seconds(700)).await;
    session.authorization().await.unwrap();
}

/// What it had in mind before it fell asleep others may have added to since.
#[tokio::test]
async fn f36_what_a_session_at_rest_remembers_is_not_written_for_what_is_gone() {
    let world = World::new();
    let keeper = world.keeper();
    let session = world.described(&keeper).keep_alive().open().await.unwrap();
    session.authorization().await.unwrap();
    world.pass_by(seconds(200), seconds(20)).await;
    let (name, _) = lose(&world, ACCOUNT).await;
    let renewed = world.server.count("refresh");
    world.pass_by(seconds(3_600), seconds(30)).await;
    assert!(world.server.count("refresh") > renewed, "it is renewed all the same");
    assert!(world.store.load(&name).await.unwrap().is_none());
}

#[tokio::test]
async fn f38_a_code_of_this_step_is_not_used_again_because_its_record_is_gone() {
    let mut provider = Plain::default();
    provider.capabilities.sign_in_code = Some(seconds(30));
    provider.capabilities.credentials =
        CredentialKinds::new([CredentialKind::Password, CredentialKind::TotpSecret], []);
    let world = World::of(provider);
    let secrets = Credentials::password("kim", crate::common::PASSWORD.to_owned());
    let secrets = secrets.with_totp_secret("canary-secret".to_owned());
    let described = world.keeper().session(world.provider.clone(), "kim").credentials(secrets);
    let session = described.open().await.unwrap();
    session.sign_in().await.unwrap();
    lose(&world, ACCOUNT).await;
    let again = tokio::spawn(async move { session.sign_in().await.map(drop) });
    settle().await;
    assert_eq!(world.server.count("sign_in"), 1, "it waits for the next step");
    world.pass(seconds(30)).await;
    again.await.unwrap().unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
}

#[tokio::test]
async fn guards_that_are_gone_hold_every_sign_in_of_a_process_that_does_not_know_them() {
    let world = World::new();
    drop(world.signed_in().await);
    let (name, there) = lose(&world, ACCOUNT).await;

    // Served, renewed, and told.
    let session = world.session().await;
    session.authorization().await.unwrap();
    session.refresh().await.unwrap();
    let told = session.explain().await;
    assert_eq!(told.reason, Reason::SignedIn);
    assert_missing(&told.guards_error.unwrap(), &name);
    assert_missing(&session.sign_in().await.unwrap_err(), &name);
    world.server.state().refresh_tokens.clear();
    session.reject(session.current().unwrap().generation());
    assert_missing(&session.authorization().await.unwrap_err(), &name);
    assert_eq!(session.state(), Status::ReauthRequired);
    assert_eq!(session.explain().await.reason, Reason::GuardsUnreadable);
    assert!(only(&world, ACCOUNT).await.is_none(), "nobody writes another one by himself");
    assert_eq!(world.server.count("sign_in"), 1);

    // Brought back, as from a backup.
    let end = world.store.commit(&name, Revision::NONE, None, there.bytes).await.unwrap();
    assert!(matches!(end, Committed::Done(_)));
    world.clock.advance(seconds(1));
    session.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
}

#[tokio::test]
async fn a_person_has_lost_guards_begun_anew() {
    let world = World::new();
    drop(world.signed_in().await);
    let (name, _) = lose(&world, ACCOUNT).await;
    let session = world.session().await;
    assert_missing(&session.sign_in().await.unwrap_err(), &name);
    assert!(session.forget_guards().await.unwrap());
    assert!(only(&world, ACCOUNT).await.is_some(), "an empty one is there");
    session.sign_in().await.unwrap();
    assert!(session.explain().await.guards_error.is_none());
    // The other sessions of the account, in every process, go on too.
    world.session().await.sign_in().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 3);
}

/// What a process remembers is forgotten too where a person has said so, in whichever process.
#[tokio::test]
async fn f36_what_a_person_has_forgotten_is_not_written_again_from_memory() {
    let world = World::new();
    world.server.state().password = "another".into();
    let session = world.session().await;
    session.authorization().await.unwrap_err();
    world.server.state().password = crate::common::PASSWORD.into();
    assert!(world.session().await.forget_guards().await.unwrap());
    // It looks again by itself, under the lock, and finds that nothing holds it back.
    world.pass_by(seconds(1200), seconds(30)).await;
    session.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
}

/// No new failure for the ordinary way.
#[tokio::test]
async fn a_store_that_is_empty_or_was_emptied_is_begun_as_ever() {
    let world = World::new();
    assert!(!world.session().await.forget_guards().await.unwrap(), "there was nothing");
    drop(world.signed_in().await);
    for kind in [SESSION, ACCOUNT] {
        lose(&world, kind).await;
    }
    world.session().await.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
    // A session alone that is gone is one sign-in away.
    lose(&world, SESSION).await;
    world.session().await.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 3);
}

/// A writer of before knows no mark: what it has written is taken as it was.
#[tokio::test]
async fn a_session_that_says_nothing_of_its_account_is_believed() {
    let world = World::new();
    drop(world.signed_in().await);
    let sealer = Sealer::new(world.store.seal_keys().await.unwrap()).unwrap();
    let marked = async |mark: bool| {
        let (name, there) = only(&world, SESSION).await.unwrap();
        let found = sealer.open_found(&name, there.bytes.expose_bytes()).unwrap();
        let Found::Session(key, mut record) = found else { panic!("it is one") };
        let was = std::mem::replace(&mut record.guarded, mark);
        let sealed = sealer.seal_session_of(&key, &record).unwrap();
        world.store.commit(&name, there.revision, None, sealed).await.unwrap();
        was
    };
    assert!(marked(false).await);
    lose(&world, ACCOUNT).await;
    let session = world.session().await;
    session.sign_in().await.unwrap();
    assert!(marked(true).await, "the next write of this version says it");
}

/// What does not weigh is remembered by sessions alone, also where the store takes it at the second try only.
#[tokio::test]
async fn guards_that_are_gone_and_could_not_be_written_at_once_are_written_later() {
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    lose(&world, ACCOUNT).await;
    store.failing.store(1, Ordering::SeqCst);
    session.refresh().await.unwrap();
    assert_eq!(store.failing.load(Ordering::SeqCst), 0, "it has tried");
    assert!(only(&world, ACCOUNT).await.is_none());
    world.server.state().refresh_tokens.clear();
    session.reject(session.current().unwrap().generation());
    session.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
    assert!(only(&world, ACCOUNT).await.is_some());
}
