//! What is built or stored too slowly is not sent too late, and holds nobody for ever.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::sync::mpsc;

use common::store::Flaky;
use common::{PASSWORD, Plain, World, seconds, settle};
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Credentials, Error, ErrorKind, Operation,
    Outcome, ProviderId, Realm, SecretString, TokenSet, Verdict,
};
use countersign_runtime::{Keeper, ManualClock, Session};

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
    let keeper = world.keeper_builder().store(store.clone()).build().unwrap();
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
