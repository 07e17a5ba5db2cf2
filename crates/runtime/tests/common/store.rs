//! A store whose writes can be made to fail or to panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, ErrorKind, Fence, Lock, RecordName, Recovery, Revision, SealKeys,
    SecretBytes, SessionStore, StoredRecord,
};
use countersign_runtime::MemoryStore;

#[derive(Clone)]
pub struct Flaky {
    pub store: MemoryStore,
    /// How many of the next writes fail.
    pub failing: Arc<AtomicU32>,
    pub panicking: Arc<AtomicU32>,
    /// Every write fails in a way that no retry helps.
    pub read_only: Arc<AtomicBool>,
    pub n_commits: Arc<AtomicU32>,
    /// After so many writes the next ones hang.
    hanging: Arc<std::sync::atomic::AtomicI64>,
    stalled: Arc<AtomicU32>,
    resumed: Arc<tokio::sync::Notify>,
}

impl Flaky {
    pub fn new(store: MemoryStore) -> Self {
        Self {
            store,
            failing: Arc::default(),
            panicking: Arc::default(),
            read_only: Arc::default(),
            n_commits: Arc::default(),
            hanging: Arc::new(i64::MAX.into()),
            stalled: Arc::default(),
            resumed: Arc::default(),
        }
    }

    /// The next write waits until [`Flaky::resume`].
    pub fn stall_next(&self) {
        self.stalled.store(1, Ordering::SeqCst);
    }

    pub fn resume(&self) {
        self.resumed.notify_one();
    }

    pub fn hang_after(&self, n: i64) {
        self.hanging.store(n, Ordering::SeqCst);
    }

    pub fn hang_no_more(&self) {
        self.hanging.store(i64::MAX, Ordering::SeqCst);
    }

    fn takes_one(counter: &AtomicU32) -> bool {
        counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
    }
}

#[async_trait]
impl SessionStore for Flaky {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.store.load(name).await
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        self.store.list().await
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        self.store.lock(name, lease, wait).await
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        self.n_commits.fetch_add(1, Ordering::SeqCst);
        if self.hanging.fetch_sub(1, Ordering::SeqCst) <= 0 {
            std::future::pending::<()>().await;
        }
        if Self::takes_one(&self.stalled) {
            self.resumed.notified().await;
        }
        assert!(!Self::takes_one(&self.panicking), "canary: the store panics");
        if self.read_only.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Store).with_recovery(Recovery::GiveUp));
        }
        if Self::takes_one(&self.failing) {
            return Err(Error::new(ErrorKind::Store));
        }
        self.store.commit(name, expected, fence, bytes).await
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.store.remove(name, expected).await
    }

    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.store.set_aside(name, expected).await
    }

    async fn watch(&self) -> Option<RecordName> {
        self.store.watch().await
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.store.seal_keys().await
    }
}
