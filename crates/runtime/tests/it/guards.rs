//! What one process has found out holds for all that share the store; and what is sent under a lock is
//! sent while it is held.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::store::Flaky;
use crate::common::{Act, PASSWORD, Plain, World, seconds, settle, shown};
use countersign_core::session::Reauthentication;
use countersign_core::{
    Clock, Committed, CredentialKind, CredentialKinds, Credentials, Error, ErrorKind, Fence, Lock,
    Operation, RecordName, RefreshSupport, Revision, SecretBytes, SessionStore,
};
use countersign_runtime::MemoryStore;
use countersign_seal::suite::{Over, Through};
use serde_json::json;

#[tokio::test]
async fn f27_f36_a_password_that_one_process_saw_refused_is_sent_by_no_other() {
    let world = World::new();
    world.server.state().password = "another".into();
    let (here, there) = (world.session().await, world.session().await);
    assert_eq!(here.authorization().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    let told = there.authorization().await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::InvalidGrant);
    assert_eq!(world.server.count("sign_in"), 1);
}

#[tokio::test]
async fn f27_p10_a_lockout_that_one_process_met_holds_all() {
    let world = World::new();
    let (here, there) = (world.session().await, world.session().await);
    let until = world.clock.now().after(seconds(600)).as_millis();
    world.server.next("sign_in", Act::Say(403, json!({ "error": "locked", "until": until })));
    assert_eq!(here.authorization().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    assert_eq!(there.authorization().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    world.pass(seconds(590)).await;
    assert_eq!(world.server.count("sign_in"), 1);
    world.pass(seconds(20)).await;
    assert!(there.authorization().await.is_ok() && here.authorization().await.is_ok());
    assert_eq!(world.server.count("sign_in"), 2, "one of them, once");
}

#[tokio::test]
async fn f17_p10_a_lockout_holds_for_who_has_read_of_it_by_a_clock_that_was_wrong() {
    let world = World::new();
    let until = world.clock.now().after(seconds(600)).as_millis();
    world.server.next("sign_in", Act::Say(403, json!({ "error": "locked", "until": until })));
    let first = world.session().await;
    assert_eq!(first.sign_in().await.unwrap_err().kind(), ErrorKind::AccountLocked);
    drop(first);
    let right = world.clock.now();
    world.clock.set_wall(right.before(seconds(30 * 86_400)));
    let session = world.session().await;
    world.clock.set_wall(right.after(seconds(1)));
    let told = session.authorization().await.unwrap_err();
    assert_eq!((told.kind(), world.server.count("sign_in")), (ErrorKind::AccountLocked, 1));
}

#[tokio::test]
async fn f27_f38_a_code_step_that_one_process_used_is_not_used_by_another() {
    let mut provider = Plain::default().refreshing(RefreshSupport::Absent);
    let kinds = [CredentialKind::Password, CredentialKind::TotpSecret];
    provider.capabilities.credentials = CredentialKinds::new(kinds, []);
    provider.capabilities.sign_in_code = Some(seconds(30));
    let world = World::of(provider);
    // Another client of the account has tokens of its own.
    let mut other = world.provider.clone();
    other.realm.client = "other".into();
    let keepers = [world.keeper(), world.keeper()];
    let secrets = Credentials::password("kim", PASSWORD.to_owned())
        .with_totp_secret("canary-totp".to_owned());
    let mut sessions = Vec::new();
    for (keeper, provider) in keepers.iter().zip([world.provider.clone(), other]) {
        let described = keeper.session(provider, "kim").credentials(secrets.clone());
        sessions.push(described.open().await.unwrap());
    }
    sessions[0].authorization().await.unwrap();
    let second = sessions[1].clone();
    let waiting = tokio::spawn(async move { second.authorization().await.is_ok() });
    settle().await;
    assert_eq!(world.server.count("sign_in"), 1, "it waits for the next step");
    world.pass(seconds(31)).await;
    assert!(waiting.await.unwrap());
    assert_eq!(world.server.count("sign_in"), 2);
}

#[tokio::test]
async fn f27_p16_the_refreshes_of_all_processes_count_against_one_budget() {
    let mut provider = Plain::default();
    provider.capabilities.refresh_budget = Some(2);
    let world = World::of(provider);
    let (here, there) = (world.signed_in().await, world.signed_in().await);
    for session in [&here, &there] {
        world.clock.advance(seconds(10));
        session.refresh().await.unwrap();
        settle().await;
    }
    world.clock.advance(seconds(10));
    here.refresh().await.unwrap();
    let counts = ["refresh", "sign_in"].map(|path| world.server.count(path));
    assert_eq!(counts, [2, 2], "the third is a sign-in");
}

#[tokio::test]
async fn f27_f37_the_sign_ins_of_all_processes_count_against_one_day() {
    let world = World::new();
    let policy = Reauthentication::Automatic { per_day: 1 };
    let mut sessions = Vec::new();
    let keepers = [world.keeper(), world.keeper()];
    for keeper in &keepers {
        let described = world.described(keeper).reauthentication(policy);
        sessions.push(described.open().await.unwrap());
    }
    sessions[0].authorization().await.unwrap();
    settle().await;
    world.server.state().refresh_tokens.clear();
    world.clock.advance(seconds(3_700));
    assert!(sessions[1].authorization().await.is_err());
    assert_eq!(world.server.count("sign_in"), 1);
    for _ in 0..48 {
        world.pass(seconds(1_800)).await;
    }
    let next_day = sessions[1].authorization().await;
    assert!(next_day.is_ok(), "{next_day:?} {:?}", sessions[1].status());
}

/// Notes for how long locks are taken.
#[derive(Clone)]
struct Noting {
    store: MemoryStore,
    leases: Arc<Mutex<Vec<Duration>>>,
}

#[async_trait::async_trait]
impl Over for Noting {
    fn below(&self) -> &dyn SessionStore {
        &self.store
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        self.leases.lock().unwrap().push(lease);
        self.store.lock(name, lease, wait).await
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        assert!(fence.is_some(), "every write is fenced");
        self.store.commit(name, expected, fence, bytes).await
    }
}

#[tokio::test]
async fn f27_every_lease_is_at_least_twice_as_long_as_an_exchange_and_every_write_is_fenced() {
    let world = World::new();
    let store = Noting { store: world.store.clone(), leases: Arc::default() };
    let deadline = seconds(20);
    let keeper = world.keeper_builder().store(Through(store.clone())).exchange_deadline(deadline);
    let session = world.described(&keeper.build().unwrap()).open().await.unwrap();
    session.authorization().await.unwrap();
    session.refresh().await.unwrap();
    let new_password = "canary-new-password".to_owned().into();
    session.perform(Operation::ChangePassword { new_password }).await.unwrap();
    session.sign_out(seconds(30)).await;
    let leases = store.leases.lock().unwrap().clone();
    assert!(leases.len() >= 4, "{leases:?}");
    assert!(leases.iter().all(|lease| *lease >= deadline * 2), "{leases:?}");
}

#[tokio::test]
async fn f08_the_refresh_token_is_read_last_under_the_lock() {
    let refresh = RefreshSupport::Rotating { grace: seconds(0) };
    let world = World::of(Plain::default().refreshing(refresh));
    world.server.state().rotates = true;
    // No hints: only what is read under the lock tells.
    let quiet = |world: &World| {
        let store = Noting { store: world.store.clone(), leases: Arc::default() };
        world.keeper_builder().store(Through(store)).build().unwrap()
    };
    let (here, there) = (quiet(&world), quiet(&world));
    let ours = world.described(&here).open().await.unwrap();
    ours.authorization().await.unwrap();
    let theirs = world.described(&there).open().await.unwrap();
    // The sibling has the lock and is about to spend the refresh token that both hold.
    world.server.hold();
    let first = theirs.clone();
    let first = tokio::spawn(async move { first.refresh().await.is_ok() });
    settle().await;
    let second = ours.clone();
    let second = tokio::spawn(async move { second.refresh().await.is_ok() });
    settle().await;
    assert_eq!(world.server.count("refresh"), 1);
    world.server.open();
    assert!(first.await.unwrap() && second.await.unwrap());
    assert_eq!(world.server.count("refresh"), 1, "what it had decided with is spent by now");
    assert_eq!(shown(&ours), shown(&theirs));
}

#[tokio::test]
async fn f08_a_new_password_is_not_sent_under_a_lock_that_was_lost_while_it_was_stored() {
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    store.stall_next();
    let changing = session.clone();
    let new_password = "canary-new-password".to_owned().into();
    let changing = tokio::spawn(async move {
        changing.perform(Operation::ChangePassword { new_password }).await.map(drop)
    });
    settle().await;
    // The process sleeps for ten minutes over that write, and another one takes the account.
    world.clock.advance(seconds(600));
    world.session().await.refresh().await.unwrap();
    store.resume();
    settle().await;
    let error = changing.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert_eq!(world.server.count("change_password"), 0);
}
