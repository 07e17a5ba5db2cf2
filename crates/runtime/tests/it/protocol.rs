//! Moments between a look and a deed, each found by the model of the driver (`tests/model`) and held
//! open here.

use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::store::{Flaky, Silent};
use crate::common::{World, seconds, settle};
use async_trait::async_trait;
use countersign_core::{
    Answers, Clock, Credentials, ErrorKind, Monotonic, RefreshSupport, Timestamp,
};
use countersign_runtime::{ManualClock, Session, SignIn, SignOutOutcome};
use countersign_seal::suite::Through;
use futures_util::FutureExt;
use serde_json::json;

const NEW: &str = "canary-new-password";

/// Something that happens on another thread, from its beginning to its end.
type Happening = Box<dyn FnOnce() + Send>;

/// A clock at whose n-th reading something happens: where the driver reads it, others may come between.
#[derive(Clone)]
struct Interrupted {
    clock: ManualClock,
    next: Arc<Mutex<Option<(u32, Happening)>>>,
}

impl Interrupted {
    fn new(clock: ManualClock) -> Self {
        Self { clock, next: Arc::default() }
    }

    fn at_reading(&self, n: u32, happening: impl FnOnce() + Send + 'static) {
        *self.next.lock().unwrap() = Some((n, Box::new(happening)));
    }

    /// Whether it has happened.
    fn is_over(&self) -> bool {
        self.next.lock().unwrap().is_none()
    }

    fn read(&self) {
        let due = {
            let mut next = self.next.lock().unwrap();
            match &mut *next {
                Some((0, _)) => next.take(),
                Some((n, _)) => {
                    *n -= 1;
                    None
                }
                None => None,
            }
        };
        if let Some((_, happening)) = due {
            thread::spawn(happening).join().unwrap();
        }
    }
}

#[async_trait]
impl Clock for Interrupted {
    fn now(&self) -> Timestamp {
        self.read();
        self.clock.now()
    }

    fn monotonic(&self) -> Monotonic {
        self.read();
        self.clock.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.clock.sleep_until(deadline).await;
    }
}

/// Runs `piece` on a runtime of its own, to the end of all that it causes.
fn elsewhere<F: Future>(session: Session, piece: impl FnOnce(Session) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        drop(piece(session.clone()).await);
        assert!(session.close(seconds(1)).await);
    });
}

/// Before a caller asks for an exchange it reads the clock so often; later readings are under the
/// session's mutex, where nobody comes between.
const READINGS_OF_A_CALLER: u32 = 10;

/// The same where an exchange is asked for by name.
const READINGS_BY_NAME: u32 = 3;

#[tokio::test]
async fn f01_whoever_looked_too_early_does_not_buy_a_second_token() {
    for n in 0..READINGS_OF_A_CALLER {
        let world = World::new();
        let clock = Interrupted::new(world.clock.clone());
        let keeper = world.keeper_builder().clock(clock.clone()).pull().build().unwrap();
        let session = world.described(&keeper).open().await.unwrap();
        let other = session.clone();
        clock.at_reading(n, move || {
            elsewhere(other, async |session| session.authorization().await.unwrap());
        });
        session.authorization().await.unwrap();
        settle().await;
        assert!(clock.is_over());
        assert_eq!(world.server.total(), 1, "interrupted at reading {n}");
    }
}

#[tokio::test]
async fn credentials_for_one_time_outlive_the_news_of_a_refresh() {
    for n in 0..READINGS_BY_NAME {
        let world = World::new();
        let clock = Interrupted::new(world.clock.clone());
        let keeper = world.keeper_builder().clock(clock.clone()).pull().build().unwrap();
        let session = world.described(&keeper).open().await.unwrap();
        session.authorization().await.unwrap();
        world.server.state().password = NEW.into();
        let other = session.clone();
        clock.at_reading(n, move || {
            elsewhere(other, async |session| session.refresh().await);
        });
        let came = session.sign_in_with(Credentials::password("kim", NEW.to_owned())).await;
        assert!(matches!(came, Ok(SignIn::Complete)), "interrupted at reading {n}: {came:?}");
        assert!(clock.is_over());
    }
}

#[tokio::test]
async fn credentials_for_one_time_are_sent_after_a_sign_in_that_has_taken_others() {
    let world = World::new();
    world.server.state().password = NEW.into();
    let session = world.session().await;
    world.server.hold();
    let (first, second) = (session.clone(), session.clone());
    let first = tokio::spawn(async move { first.sign_in().await });
    settle().await;
    let given = Credentials::password("kim", NEW.to_owned());
    let second = tokio::spawn(async move { second.sign_in_with(given).await });
    settle().await;
    world.server.open();
    assert!(matches!(second.await.unwrap(), Ok(SignIn::Complete)));
    assert!(matches!(first.await.unwrap(), Ok(SignIn::Complete)));
    assert_eq!(world.server.count("sign_in"), 2);
}

#[tokio::test]
async fn f51_an_answer_that_comes_too_late_is_told_so_at_once() {
    for n in 0..READINGS_BY_NAME {
        let world = World::new();
        let clock = Interrupted::new(world.clock.clone());
        let keeper = world.keeper_builder().clock(clock.clone()).pull().build().unwrap();
        let session = world.described(&keeper).open().await.unwrap();
        world
            .server
            .next("sign_in", crate::common::Act::Say(200, json!({ "challenge": "canary-handle" })));
        assert!(matches!(session.sign_in().await.unwrap(), SignIn::Challenge(_)));
        let other = session.clone();
        clock.at_reading(n, move || {
            elsewhere(other, async |session| {
                session.answer(Answers::code("123456".to_owned())).await
            });
        });
        let late = session.clone();
        let late =
            tokio::spawn(async move { late.answer(Answers::code("123456".to_owned())).await });
        settle().await;
        assert!(late.is_finished(), "interrupted at reading {n}");
        match late.await.unwrap() {
            Ok(end) => assert!(matches!(end, SignIn::Complete)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ChallengeExpired),
        }
        assert_eq!(world.server.count("answer"), 1);
        assert!(clock.is_over());
    }
}

#[tokio::test]
async fn f41_a_sign_out_hears_its_own_end_and_not_that_of_the_next_one() {
    let world = World::new();
    let session = world.signed_in().await;
    let mut first = Box::pin(session.sign_out(seconds(10)));
    assert!(first.as_mut().now_or_never().is_none());
    settle().await;
    let second = session.sign_out(seconds(10)).await;
    assert_eq!(second, SignOutOutcome::LocalOnly { valid_until: None });
    assert_eq!(first.await, SignOutOutcome::Revoked);
}

#[tokio::test]
async fn a_change_between_the_call_and_the_wait_is_heard() {
    let world = World::of(crate::common::Plain::default().refreshing(RefreshSupport::Reusable));
    let session = world.signed_in().await;
    let changed = session.changed();
    session.reject(session.current().unwrap().generation());
    assert!(changed.now_or_never().is_some());
}

#[tokio::test]
async fn f36_f41_credentials_for_one_time_outlive_the_end_of_the_session_before() {
    let world = World::new();
    let session = world.signed_in().await;
    world.server.state().password = NEW.into();
    world.server.hold();
    let leaving = session.clone();
    let leaving = tokio::spawn(async move { leaving.sign_out(seconds(10)).await });
    settle().await;
    let given = Credentials::password("kim", NEW.to_owned());
    let coming = session.clone();
    let coming = tokio::spawn(async move { coming.sign_in_with(given).await });
    settle().await;
    world.server.open();
    assert!(matches!(coming.await.unwrap(), Ok(SignIn::Complete)));
    assert_eq!(leaving.await.unwrap(), SignOutOutcome::Revoked);
    let sent = world.server.state().seen["sign_in"].clone();
    assert_eq!(sent[1..], [json!({ "password": NEW })]);
}

/// The same where a sibling has ended it, and a refresh is the first to see that.
#[tokio::test]
async fn f36_credentials_for_one_time_outlive_the_end_that_a_sibling_has_made() {
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    let silent = Through(Silent(Through(store.clone())));
    let keeper = world.keeper_builder().store(silent).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    world.session().await.sign_out(seconds(10)).await;
    world.server.state().password = NEW.into();
    store.stall_next_read();
    let renewing = session.clone();
    tokio::spawn(async move { renewing.refresh().await.map(drop) });
    settle().await;
    let given = Credentials::password("kim", NEW.to_owned());
    let coming = tokio::spawn(async move { session.sign_in_with(given).await });
    settle().await;
    store.resume();
    assert!(matches!(coming.await.unwrap(), Ok(SignIn::Complete)));
    let sent = world.server.state().seen["sign_in"].clone();
    assert_eq!(sent[1..], [json!({ "password": NEW })]);
}
