//! What the tests share: a plain provider, a server that does as it is told, and a world of both.

#![allow(dead_code, reason = "each test file uses its part of this")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]
#![allow(unreachable_pub, reason = "a module of a test is no library")]

pub mod provider;
pub mod server;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Clock, CredentialSource, Credentials, Error};
use countersign_runtime::{
    Keeper, KeeperBuilder, ManualClock, MemoryStore, Session, SessionBuilder,
};
use tokio::task::JoinHandle;

#[allow(unused_imports, reason = "each test file uses its part of this")]
pub use provider::Plain;
#[allow(unused_imports, reason = "each test file uses its part of this")]
pub use server::{Act, Server};

pub const PASSWORD: &str = "canary-password";

/// One provider, one store, one clock; as many hosts as a test wants.
#[derive(Clone)]
pub struct World {
    pub clock: ManualClock,
    pub server: Server,
    pub store: MemoryStore,
    pub provider: Plain,
}

impl World {
    pub fn new() -> Self {
        Self::of(Plain::default())
    }

    pub fn of(provider: Plain) -> Self {
        let clock = ManualClock::default();
        let store = MemoryStore::with_clock(Arc::new(clock.clone())).unwrap();
        Self { server: Server::new(clock.clone()), clock, store, provider }
    }

    pub fn keeper_builder(&self) -> KeeperBuilder {
        Keeper::builder()
            .transport(self.server.clone())
            .store(self.store.clone())
            .clock(self.clock.clone())
            .replica_seed(7)
    }

    pub fn keeper(&self) -> Keeper {
        self.keeper_builder().build().unwrap()
    }

    pub fn described(&self, keeper: &Keeper) -> SessionBuilder {
        keeper
            .session(self.provider.clone(), "kim")
            .credentials(Credentials::password("kim", PASSWORD.to_owned()))
    }

    pub async fn session(&self) -> Session {
        self.described(&self.keeper()).open().await.unwrap()
    }

    pub async fn manual_session(&self) -> Session {
        let described = self.described(&self.keeper());
        described.reauthentication(Reauthentication::Manual).open().await.unwrap()
    }

    /// A session that is signed in.
    pub async fn signed_in(&self) -> Session {
        let session = self.session().await;
        session.authorization().await.unwrap();
        assert_eq!(session.state(), Status::Active);
        session
    }

    /// Lets time pass in small steps, so that everything that falls due gets its turn.
    pub async fn pass(&self, span: Duration) {
        self.pass_by(span, (span / 50).max(Duration::from_millis(500))).await;
    }

    /// The same in steps of `step`; from a minute on they look like a suspended machine.
    pub async fn pass_by(&self, span: Duration, step: Duration) {
        let until = self.clock.monotonic().after(span);
        while self.clock.monotonic() < until {
            self.clock.advance(step.min(until.since(self.clock.monotonic())));
            settle().await;
        }
    }
}

/// Sessions `kim-0` and so on, opened all at once as `describe` has them and then signed in one by one.
pub async fn many_signed_in(
    keeper: &Keeper,
    provider: Plain,
    n: usize,
    describe: impl Fn(SessionBuilder) -> SessionBuilder,
) -> Vec<Session> {
    let secrets = Credentials::new().with_password(PASSWORD.to_owned());
    let source: Arc<dyn CredentialSource> = Arc::new(secrets);
    let names = (0..n).map(|n| format!("kim-{n}"));
    let describe =
        |session: SessionBuilder| describe(session.credentials_from(Arc::clone(&source)));
    let sessions = all_of(keeper.open_many(Arc::new(provider), names, describe).await);
    for session in &sessions {
        session.authorization().await.unwrap();
    }
    sessions
}

/// Every session of many, where each was opened.
pub fn all_of(opened: Result<Vec<Result<Session, Error>>, Error>) -> Vec<Session> {
    opened.unwrap().into_iter().map(Result::unwrap).collect()
}

/// Lets every task run until none can.
pub async fn settle() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

/// What `piece` comes to while no time passes: what waits in vain fails here and does not hang.
pub async fn at_once<T: Send + 'static>(piece: impl Future<Output = T> + Send + 'static) -> T {
    let task = tokio::spawn(piece);
    settle().await;
    ended(task).await
}

/// What a task that must have ended by now has come to.
pub async fn ended<T>(task: JoinHandle<T>) -> T {
    assert!(task.is_finished(), "it still waits for something that has not come");
    task.await.unwrap()
}

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// The token in the header that a session would send now.
pub fn shown(session: &Session) -> Option<String> {
    let authorized = session.current()?;
    let value = authorized.header(&http::header::AUTHORIZATION)?;
    value.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned)
}
