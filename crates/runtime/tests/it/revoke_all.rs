//! Ending many sessions at once, and what is told about those that are stored.

use crate::common::store::Flaky;
use crate::common::{Act, PASSWORD, Plain, World, seconds, settle, shown};
use countersign_core::session::Status;
use countersign_core::{
    Clock, Credentials, ErrorKind, RevokeSupport, SecretBytes, SessionStore, StoredKey,
};
use countersign_runtime::{
    Keeper, Remaining, Revocation, RevocationOutcome, Selection, Session, StoredContent,
    StoredSession, StoredState,
};
use countersign_seal::suite::Through;

async fn open(keeper: &Keeper, provider: &Plain, identity: &str) -> Session {
    let secrets = Credentials::password(identity, PASSWORD.to_owned());
    keeper.session(provider.clone(), identity).credentials(secrets).open().await.unwrap()
}

async fn signed_in(keeper: &Keeper, provider: &Plain, identity: &str) -> Session {
    let session = open(keeper, provider, identity).await;
    session.authorization().await.unwrap();
    session
}

fn of<'a>(report: &'a [Revocation], identity: &str) -> &'a Revocation {
    let mine = |one: &&Revocation| {
        one.session.as_ref().is_some_and(|session| session.identity() == identity)
    };
    report.iter().find(mine).unwrap()
}

async fn listed(keeper: &Keeper, identity: &str) -> StoredSession {
    let stored = keeper.stored().await.unwrap();
    let mine = stored.into_iter().find_map(|stored| match stored.content {
        StoredContent::Session(session)
            if stored.key.as_ref().is_some_and(|key| key.identity() == identity) =>
        {
            Some(session)
        }
        _ => None,
    });
    mine.unwrap()
}

#[tokio::test]
async fn f41_all_that_is_open_or_stored_is_revoked_and_siblings_drop_it_by_their_hint() {
    let world = World::new();
    let (here, there) = (world.keeper(), world.keeper());
    let ours = signed_in(&here, &world.provider, "ada").await;
    let theirs = signed_in(&there, &world.provider, "ada").await;
    let stored_only = signed_in(&there, &world.provider, "kim").await;
    drop(signed_in(&there, &world.provider, "lee").await);
    settle().await;
    let provider = world.provider.clone();
    let resolve = |key: &StoredKey| Some(here.session(provider.clone(), key.identity()));
    let report = here.revoke_all(&Selection::All, seconds(60), resolve).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.sessions.len(), 3);
    assert_eq!(world.server.state().revoked.len(), 3);
    assert!(world.server.state().refresh_tokens.is_empty());
    settle().await;
    for session in [ours, theirs, stored_only] {
        assert_eq!(session.state(), Status::SignedOut, "{session:?}");
        assert!(shown(&session).is_none());
        let error = session.authorization().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignedOut);
    }
    let lee = listed(&here, "lee").await;
    assert_eq!(lee.state, StoredState::Revoked);
    // Once more, by somebody who has none of them open: all of them are over.
    let report = world.keeper().revoke_all(&Selection::All, seconds(60), |_| None).await;
    assert!(report.is_complete() && report.sessions.len() == 3);
    assert!(report.sessions.iter().all(|one| one.outcome == RevocationOutcome::AlreadyEnded));
    assert_eq!(world.server.count("revoke"), 3);
}

#[tokio::test]
async fn f41_what_has_no_provider_here_is_forgotten_and_told_never_skipped() {
    let world = World::new();
    let keeper = world.keeper();
    let expires_at =
        signed_in(&keeper, &world.provider, "kim").await.current().unwrap().expires_at();
    let valid_until = Some(expires_at);
    for described in [None, Some("somebody-else")] {
        let report = keeper
            .revoke_all(&Selection::All, seconds(60), |_| {
                described.map(|name| keeper.session(world.provider.clone(), name))
            })
            .await;
        let kim = of(&report.sessions, "kim");
        if described.is_none() {
            assert_eq!(kim.outcome, RevocationOutcome::LocalOnly { valid_until });
            assert_eq!(kim.access, Remaining::Until(expires_at));
            assert_eq!(kim.refresh, Remaining::Unknown, "the provider was not asked");
            let error = kim.error.as_ref().unwrap();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(!report.is_complete());
        } else {
            assert_eq!(kim.outcome, RevocationOutcome::AlreadyEnded);
            assert_eq!(kim.refresh, Remaining::Unknown, "nobody has asked the provider yet");
            assert!(!report.is_complete());
        }
    }
    assert_eq!(world.server.count("revoke"), 0);
    let session = open(&keeper, &world.provider, "kim").await;
    assert_eq!(session.authorization().await.unwrap_err().kind(), ErrorKind::SignedOut);
}

#[tokio::test]
async fn f41_a_provider_that_cannot_revoke_and_one_that_does_not_answer_are_told_apart() {
    let mut provider = Plain::default();
    provider.capabilities.revoke = RevokeSupport::None;
    let world = World::of(provider);
    let keeper = world.keeper();
    let kim = signed_in(&keeper, &world.provider, "kim").await;
    let end = kim.current().unwrap().expires_at();
    let report = keeper.revoke_all(&Selection::All, seconds(60), |_| None).await;
    let one = of(&report.sessions, "kim");
    assert_eq!(one.outcome, RevocationOutcome::LocalOnly { valid_until: Some(end) });
    assert_eq!((one.access, one.refresh), (Remaining::Until(end), Remaining::Unknown));

    let world = World::new();
    let keeper = world.keeper();
    let kim = signed_in(&keeper, &world.provider, "kim").await;
    let end = kim.current().unwrap().expires_at();
    world.server.next("revoke", Act::LoseAnswer);
    let report = keeper.revoke_all(&Selection::All, seconds(60), |_| None).await;
    let one = of(&report.sessions, "kim");
    assert_eq!(one.outcome, RevocationOutcome::Unconfirmed);
    assert_eq!(one.access, Remaining::Until(end));
    assert!(one.error.is_some());
    assert_eq!(kim.state(), Status::SignedOut, "it is forgotten here all the same");
    assert_eq!(listed(&keeper, "kim").await.state, StoredState::SignedOut);
}

#[tokio::test]
async fn f34_a_selection_ends_what_it_names_and_nothing_else() {
    let world = World::new();
    let mut other = world.provider.clone();
    other.realm.client = "other".into();
    let keeper = world.keeper();
    let mut sessions = Vec::new();
    for (provider, identity) in
        [(&world.provider, "ada"), (&other, "ada"), (&world.provider, "kim")]
    {
        sessions.push(signed_in(&keeper, provider, identity).await);
    }
    let nobody = |_: &StoredKey| None;
    let report = keeper.revoke_all(&Selection::provider("another"), seconds(60), nobody).await;
    assert!(report.sessions.is_empty());
    let account = Selection::account(sessions[0].account());
    let report = keeper.revoke_all(&account, seconds(60), nobody).await;
    assert_eq!(report.sessions.len(), 2, "whatever the client");
    let states = sessions.iter().map(Session::state).collect::<Vec<_>>();
    assert_eq!(states, [Status::SignedOut, Status::SignedOut, Status::Active]);
    let plain = Selection::provider("plain");
    let report = keeper.revoke_all(&plain, seconds(60), nobody).await;
    assert_eq!(of(&report.sessions, "kim").outcome, RevocationOutcome::Revoked);
}

#[tokio::test]
async fn f50_revocations_ask_for_leave_like_everybody() {
    let world = World::new();
    let keeper = world.keeper();
    let mut sessions = Vec::new();
    for n in 0..6 {
        let identity = format!("user-{n}");
        let secrets = Credentials::password(&identity, PASSWORD.to_owned());
        let described = keeper.session(world.provider.clone(), &identity).credentials(secrets);
        // Two at once after a rest, and one in ten seconds.
        let session = described.auth_limit(4, seconds(40)).open().await.unwrap();
        let waiting = session.clone();
        let signing_in =
            tokio::spawn(async move { waiting.authorization_within(seconds(300)).await.is_ok() });
        world.pass(seconds(30)).await;
        assert!(signing_in.await.unwrap());
        sessions.push(session);
    }
    world.pass(seconds(60)).await;
    let ended =
        tokio::spawn(
            async move { keeper.revoke_all(&Selection::All, seconds(300), |_| None).await },
        );
    settle().await;
    let at_once = world.server.count("revoke");
    assert!((1..=2).contains(&at_once), "{at_once} at once");
    assert!(sessions.iter().all(|session| shown(session).is_none()), "nothing is handed out");
    world.pass(seconds(120)).await;
    let report = ended.await.unwrap();
    let revoked = report.sessions.iter().filter(|one| one.outcome == RevocationOutcome::Revoked);
    // Who finds no leave within the deadline of an exchange says so.
    assert_eq!(revoked.count(), world.server.count("revoke"));
    assert!(world.server.count("revoke") >= 3);
    assert_eq!(report.sessions.len(), 6);
}

#[tokio::test]
async fn f46_a_listing_tells_what_is_stored_and_no_secret() {
    let world = World::new();
    let keeper = world.keeper();
    let kim = signed_in(&keeper, &world.provider, "kim").await;
    let told = listed(&keeper, "kim").await;
    assert_eq!(told.state, StoredState::Good);
    assert_eq!(told.generation, kim.current().map(|shown| shown.generation()));
    assert_eq!(told.expires_at, kim.status().expires_at);
    assert!(told.refreshable && told.open_here && told.journal.is_none());
    drop(kim);
    let told = listed(&keeper, "kim").await;
    assert!(!told.open_here);
    world.clock.advance(seconds(4_000));
    assert_eq!(listed(&keeper, "kim").await.state, StoredState::Refreshable);
    // What nobody can open is listed too.
    let name = countersign_core::RecordName::from_hash([9; 16]);
    let rubbish = SecretBytes::copy_from(b"canary-rubbish");
    let none = countersign_core::Revision::NONE;
    drop(world.store.commit(&name, none, None, rubbish).await.unwrap());
    let stored = keeper.stored().await.unwrap();
    let damaged = stored.iter().find(|stored| stored.record == name).unwrap();
    let StoredContent::Unreadable(error) = &damaged.content else { panic!("{damaged:?}") };
    assert_eq!(error.code(), Some("damaged"));
    assert!(!format!("{stored:?}").contains("canary"));
    // And nobody knows whose it is when all are revoked.
    let report = keeper.revoke_all(&Selection::All, seconds(60), |_| None).await;
    let unknown = report.sessions.iter().find(|one| one.record.as_ref() == Some(&name)).unwrap();
    assert_eq!(unknown.outcome, RevocationOutcome::Failed);
    assert!(unknown.session.is_none() && !report.is_complete());
    assert!(world.clock.now() > countersign_core::Timestamp::UNIX_EPOCH);
}

#[tokio::test]
async fn f41_a_store_that_takes_no_tombstone_is_told() {
    let world = World::new();
    let flaky = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(flaky.clone())).build().unwrap();
    let kim = signed_in(&keeper, &world.provider, "kim").await;
    flaky.failing.store(u32::MAX, std::sync::atomic::Ordering::SeqCst);
    let report = keeper.revoke_all(&Selection::All, seconds(60), |_| None).await;
    let one = of(&report.sessions, "kim");
    assert_eq!(one.outcome, RevocationOutcome::Unconfirmed, "{report:?}");
    assert!(!report.is_complete());
    assert!(shown(&kim).is_none());
}
