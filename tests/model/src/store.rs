//! A store in memory that may be interrupted around every operation, and can be made to fail.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, ErrorKind, Fence, Lock, RecordName, Revision, SealKeys, SecretBytes,
    SessionStore, StoredRecord,
};
use countersign_runtime::MemoryStore;

use crate::ledger::Ledger;
use crate::pause;

/// The store. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Store {
    inner: MemoryStore,
    ledger: Ledger,
    /// So many writes come to pass, then so many fail.
    fate: Arc<Mutex<(u32, u32)>>,
    n_reads: Arc<AtomicUsize>,
}

impl Store {
    /// Over `inner`; attempts to write are told to `ledger`.
    pub fn new(inner: MemoryStore, ledger: Ledger) -> Self {
        Self { inner, ledger, fate: Arc::default(), n_reads: Arc::default() }
    }

    /// After so many more writes, so many fail.
    pub fn fail_after(&self, well: u32, failing: u32) {
        *self.fate() = (well, failing);
    }

    /// How often it was read.
    pub fn n_reads(&self) -> usize {
        self.n_reads.load(Ordering::Relaxed)
    }

    /// Whether this write comes to pass.
    fn takes_this(&self) -> bool {
        let mut fate = self.fate();
        match *fate {
            (0, 0) => true,
            (0, failing) => {
                *fate = (0, failing - 1);
                false
            }
            (well, failing) => {
                *fate = (well - 1, failing);
                true
            }
        }
    }

    fn fate(&self) -> MutexGuard<'_, (u32, u32)> {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.n_reads.fetch_add(1, Ordering::Relaxed);
        pause().await;
        self.inner.load(name).await
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        self.n_reads.fetch_add(1, Ordering::Relaxed);
        pause().await;
        self.inner.load_many(names).await
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        self.inner.list().await
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        bound: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        pause().await;
        let lock = self.inner.lock(name, lease, bound).await?;
        Ok(Box::new(Held(lock)))
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        pause().await;
        self.ledger.wrote();
        if !self.takes_this() {
            return Err(Error::new(ErrorKind::Store));
        }
        let committed = self.inner.commit(name, expected, fence, bytes).await;
        pause().await;
        committed
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        pause().await;
        self.inner.remove(name, expected).await
    }

    async fn watch(&self) -> Option<RecordName> {
        self.inner.watch().await
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        pause().await;
        self.inner.seal_keys().await
    }
}

/// A lock whose release may be interrupted.
struct Held(Box<dyn Lock>);

#[async_trait]
impl Lock for Held {
    fn fence(&self) -> Fence {
        self.0.fence()
    }

    fn held_for(&self, span: Duration) -> bool {
        self.0.held_for(span)
    }

    async fn renew(&mut self, lease: Duration) -> bool {
        pause().await;
        self.0.renew(lease).await
    }

    async fn release(self: Box<Self>) {
        pause().await;
        self.0.release().await;
    }
}
