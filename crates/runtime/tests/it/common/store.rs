//! Stores over the one in memory that count, hold back and fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, ErrorKind, Fence, RecordName, Recovery, Revision, SecretBytes, SessionStore,
    StoredRecord,
};
use countersign_runtime::MemoryStore;
use countersign_seal::suite::Over;
use tokio::sync::Notify;

/// A store whose readings are counted, and whose readings and writes can be made to fail, to wait or to
/// panic.
#[derive(Clone)]
pub struct Flaky {
    pub store: MemoryStore,
    /// How many of the next writes fail.
    pub failing: Arc<AtomicU32>,
    pub panicking: Arc<AtomicU32>,
    /// Every write fails in a way that no retry helps.
    pub read_only: Arc<AtomicBool>,
    pub n_commits: Arc<AtomicU32>,
    pub n_reads: Arc<AtomicU32>,
    /// How many of the next writes are done, and their answer is lost.
    pub losing: Arc<AtomicU32>,
    /// Their answer does not come at all.
    pub hangs_after_losing: Arc<AtomicBool>,
    /// How many of the next readings fail.
    pub failing_reads: Arc<AtomicU32>,
    /// After so many writes the next ones hang.
    hanging: Arc<AtomicI64>,
    stalled: Arc<AtomicU32>,
    stalled_reads: Arc<AtomicU32>,
    resumed: Arc<Notify>,
}

impl Flaky {
    pub fn new(store: MemoryStore) -> Self {
        Self {
            store,
            failing: Arc::default(),
            panicking: Arc::default(),
            read_only: Arc::default(),
            n_commits: Arc::default(),
            n_reads: Arc::default(),
            losing: Arc::default(),
            hangs_after_losing: Arc::default(),
            failing_reads: Arc::default(),
            hanging: Arc::new(i64::MAX.into()),
            stalled: Arc::default(),
            stalled_reads: Arc::default(),
            resumed: Arc::default(),
        }
    }

    /// The next write waits until [`Flaky::resume`].
    pub fn stall_next(&self) {
        self.stalled.store(1, Ordering::SeqCst);
    }

    /// The next reading waits until [`Flaky::resume`].
    pub fn stall_next_read(&self) {
        self.stalled_reads.store(1, Ordering::SeqCst);
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

    /// How often it was read since this was last asked.
    pub fn reads(&self) -> u32 {
        self.n_reads.swap(0, Ordering::SeqCst)
    }

    fn takes_one(counter: &AtomicU32) -> bool {
        counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
    }

    async fn read(&self) -> Result<(), Error> {
        self.n_reads.fetch_add(1, Ordering::SeqCst);
        // Whoever comes meanwhile must find that somebody reads.
        tokio::task::yield_now().await;
        if Self::takes_one(&self.stalled_reads) {
            self.resumed.notified().await;
        }
        match Self::takes_one(&self.failing_reads) {
            true => Err(Error::new(ErrorKind::Store)),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Over for Flaky {
    fn below(&self) -> &dyn SessionStore {
        &self.store
    }

    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.read().await?;
        self.store.load(name).await
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        self.read().await?;
        self.store.load_many(names).await
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
        let done = self.store.commit(name, expected, fence, bytes).await;
        if !Self::takes_one(&self.losing) {
            return done;
        }
        if self.hangs_after_losing.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Err(Error::new(ErrorKind::Store))
    }
}

/// A store that tells of no change, as files do not.
#[derive(Clone)]
pub struct Silent<S>(pub S);

#[async_trait]
impl<S: SessionStore> Over for Silent<S> {
    fn below(&self) -> &dyn SessionStore {
        &self.0
    }

    async fn watch(&self) -> Option<RecordName> {
        None
    }
}
