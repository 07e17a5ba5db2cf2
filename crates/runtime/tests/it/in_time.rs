//! What is built or stored too slowly is not sent too late, and holds nobody for ever.

use std::sync::mpsc;

use crate::common::store::{Flaky, Silent};
use crate::common::{PASSWORD, Plain, World, seconds, settle, shown};
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::session::Reauthentication;
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Credentials, Error, ErrorKind, Operation,
    Outcome, ProviderId, Realm, RefreshSupport, SecretString, SessionStore, TokenSet, Verdict,
};
use countersign_runtime::{Keeper, ManualClock, Selection, Session, SignOutOutcome};
use countersign_seal::suite::Through;

/// Its requests cost milliseconds, or so long that the process was stopped meanwhile.
#[derive(Debug)]
struct Costly {
    plain: Plain,
    stopped: Option<ManualClock>,
}

impl AuthProvider for Costly {
    fn id(&self) -> ProviderId {
        self.plain.id()
    }

    fn realm(&self) -> &Realm {
        self.plain.realm()
    }

    fn capabilities(&self) -> &Capabilities {
        self.plain.capabilities()
    }

    fn computes(&self, _: &Operation) -> bool {
        self.stopped.is_none()
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        if let Some(clock) = &self.stopped {
            clock.advance(seconds(600));
        }
        self.plain.request(operation, ambient)
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        self.plain.interpret(operation, response, ambient)
    }

    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        self.plain.authorize(tokens, ambient)
    }

    fn rejects(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        self.plain.rejects(head, body)
    }
}

async fn costly(world: &World, keeper: &Keeper, stopped: Option<ManualClock>) -> Session {
    let provider = Costly { plain: world.provider.clone(), stopped };
    let credentials = Credentials::password("kim", PASSWORD.to_owned());
    keeper.session(provider, "kim").credentials(credentials).open().await.unwrap()
}

#[test]
fn f08_f27_a_request_that_queued_beyond_its_deadline_is_not_sent() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let world = World::new();
        let keeper = world.keeper();
        let session = costly(&world, &keeper, None).await;
        let (free, busy) = mpsc::channel::<()>();
        let thread = tokio::task::spawn_blocking(move || busy.recv());
        drop(session.authorization_within(seconds(0)).await);
        settle().await;
        world.clock.advance(seconds(31));
        settle().await;
        let error = session.status().last_error.unwrap();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        // Now there is a thread: what it builds has nowhere to go.
        drop(free);
        assert!(thread.await.unwrap().is_err(), "the sender has gone");
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        settle().await;
        assert_eq!(world.server.total(), 0, "it was sent after its time");
        world.pass(seconds(5)).await;
        session.authorization().await.unwrap();
        assert_eq!(world.server.total(), 1);
    });
}

#[tokio::test]
async fn f08_f27_a_process_that_was_stopped_while_it_built_sends_nothing() {
    let world = World::new();
    let session = costly(&world, &world.keeper(), Some(world.clock.clone())).await;
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
    assert_eq!(world.server.total(), 0, "the lease was over");
    assert!(session.status().last_error.is_some());
}

#[tokio::test]
async fn f12_f48_an_operation_against_a_store_that_hangs_ends_and_sends_nothing() {
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    store.hang_after(0);
    let change = tokio::spawn({
        let session = session.clone();
        let new_password = SecretString::new("canary-new-password");
        async move { session.perform(Operation::ChangePassword { new_password }).await }
    });
    settle().await;
    world.pass(seconds(300)).await;
    assert!(change.is_finished(), "it waits for the store");
    assert_eq!(change.await.unwrap().unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(world.server.count("change_password"), 0);
    // The lock is free again.
    store.hang_no_more();
    session.refresh().await.unwrap();
}

#[tokio::test]
async fn f08_f18_an_answer_that_came_while_the_process_was_stopped_is_not_lost() {
    let world =
        World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(0) }));
    world.server.state().rotates = true;
    let session = world.signed_in().await;
    world.server.hold();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    settle().await;
    assert_eq!(world.server.count("refresh"), 1);
    // Stopped for a minute: the deadline has passed, and the answer is read a moment after that is seen.
    world.clock.advance(seconds(60));
    settle().await;
    world.server.open();
    settle().await;
    // The caller's own time is over as well.
    assert_eq!(refresh.await.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(shown(&session).as_deref(), Some("canary-access-2"));
    assert_eq!((world.server.count("sign_in"), world.server.count("refresh")), (1, 1));
}

#[tokio::test]
async fn f28_whoever_waits_in_vain_is_told_who_holds_the_lock() {
    let world = World::new();
    let session = world.signed_in().await;
    let sealer = countersign_seal::Sealer::new(world.store.seal_keys().await.unwrap()).unwrap();
    let name = sealer.name(&session.account().digest());
    let held = world.store.lock(&name, seconds(600), seconds(1)).await.unwrap();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    settle().await;
    world.pass(seconds(40)).await;
    assert!(refresh.is_finished());
    let error = refresh.await.unwrap().unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let told = format!("{error}: {cause}");
    assert!(told.contains("holds the account's lock"), "{told}");
    held.release().await;
}

#[tokio::test]
async fn f04_whom_nothing_helps_takes_up_the_sign_in_of_a_sibling() {
    let world = World::new();
    let host = async || {
        let keeper =
            world.keeper_builder().store(Through(Silent(world.store.clone()))).build().unwrap();
        let described = world.described(&keeper);
        described.reauthentication(Reauthentication::Manual).open().await.unwrap()
    };
    let one = host().await;
    one.sign_in().await.unwrap();
    world.server.refuse_next("refresh");
    assert!(one.refresh().await.is_err());
    assert!(one.authorization().await.is_ok(), "the good token is served on");
    world.clock.advance(seconds(4_000));
    assert_eq!(one.authorization().await.unwrap_err().kind(), ErrorKind::InvalidGrant);
    // Somebody signs in elsewhere, by name; this store does not tell of it.
    let two = host().await;
    two.sign_in().await.unwrap();
    world.clock.advance(seconds(2));
    one.authorization().await.unwrap();
    assert_eq!(shown(&one), shown(&two));
    assert_eq!(world.server.count("sign_in"), 2);
}

/// Who wants to wait for ever says so, and is not told that a store panics.
#[tokio::test]
async fn f49_no_setting_of_a_time_is_too_long() {
    let most = std::time::Duration::MAX;
    let world = World::new();
    let keeper = world.keeper_builder().exchange_deadline(most).leeway(seconds(0));
    let keeper = keeper.build().unwrap();
    let session = world.described(&keeper).deadline(most).open().await.unwrap();
    session.authorization().await.unwrap();
    session.refresh().await.unwrap();
    let new_password = SecretString::new("canary-new-password");
    session.perform(Operation::ChangePassword { new_password }).await.unwrap();
    session.authorization_within(most).await.unwrap();
    assert_eq!(session.sign_out(most).await, SignOutOutcome::Revoked);
    assert!(keeper.revoke_all(&Selection::All, most, |_| None).await.store_error.is_none());
    assert!(session.close(most).await);
    assert!(keeper.shutdown(most).await);
}
