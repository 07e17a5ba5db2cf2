//! Where a case keeps its sessions: in memory, with what can go wrong there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, ErrorKind, Fence, Lock, RecordName, Revision, SealKeys, SecretBytes,
    SessionStore, StoredRecord,
};
use countersign_runtime::MemoryStore;

use crate::bench::Bench;
use crate::fault::{Gate, Times};

/// A store that does what it should until it is told otherwise. Clones are the same store.
#[derive(Clone)]
pub(crate) struct Shelf(Arc<Inner>);

struct Inner {
    memory: MemoryStore,
    faults: Mutex<Faults>,
}

#[derive(Default)]
struct Faults {
    held_read: Option<Gate>,
    held_write: Option<Gate>,
    failing_writes: Option<Times>,
    deaf: bool,
    loose: bool,
}

impl Shelf {
    pub(crate) fn new(memory: MemoryStore) -> Self {
        Self(Arc::new(Inner { memory, faults: Mutex::default() }))
    }

    pub(crate) fn hold_read(&self) -> Gate {
        let gate = Gate::new();
        self.faults().held_read = Some(gate.clone());
        gate
    }

    pub(crate) fn hold_write(&self) -> Gate {
        let gate = Gate::new();
        self.faults().held_write = Some(gate.clone());
        gate
    }

    pub(crate) fn fail_writes(&self, times: Times) {
        self.faults().failing_writes = Some(times);
    }

    pub(crate) fn deafen(&self) {
        self.faults().deaf = true;
    }

    pub(crate) fn loosen(&self) {
        self.faults().loose = true;
    }

    /// The records, for who listens.
    pub(crate) fn memory(&self) -> MemoryStore {
        self.0.memory.clone()
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.faults().deaf
    }

    pub(crate) fn clear(&self) {
        *self.faults() = Faults::default();
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.0.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fails_now(&self) -> bool {
        let mut faults = self.faults();
        match &mut faults.failing_writes {
            None | Some(Times::Next(0)) => false,
            Some(Times::Next(left)) => {
                *left -= 1;
                true
            }
            Some(Times::Always) => true,
        }
    }
}

impl Bench {
    /// Holds the next reading of the store: it is done, and its result comes when the gate opens.
    pub fn hold_read(&self) -> Gate {
        self.0.shelf.hold_read()
    }

    /// Holds the next writing to the store: it is done when the gate opens.
    pub fn hold_write(&self) -> Gate {
        self.0.shelf.hold_write()
    }

    /// Lets writings to the store fail, so many times; [`Bench::all_well`] ends it.
    pub fn writes_fail(&self, times: Times) {
        self.mark("writes will fail");
        self.0.shelf.fail_writes(times);
    }

    /// From now on the store tells no process of what another has written.
    pub fn without_hints(&self) {
        self.0.shelf.deafen();
    }

    /// From now on the store's locks keep nobody out, as on a network file system that knows none.
    pub fn without_locks(&self) {
        self.0.shelf.loosen();
    }
}

#[async_trait]
impl SessionStore for Shelf {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        let mut found = self.load_many(std::slice::from_ref(name)).await?;
        Ok(found.pop().flatten())
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        let found = self.0.memory.load_many(names).await?;
        let gate = self.faults().held_read.take();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        Ok(found)
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        self.0.memory.list().await
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        let loose = self.faults().loose;
        match loose {
            true => Ok(Box::new(Loose(Fence::new(name.clone(), 0)))),
            false => self.0.memory.lock(name, lease, wait).await,
        }
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let gate = self.faults().held_write.take();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        if self.fails_now() {
            return Err(Error::new(ErrorKind::Store).hint("the disk of this case is full"));
        }
        // Who was never locked out can show no lock.
        let fence = fence.filter(|fence| fence.number() > 0);
        self.0.memory.commit(name, expected, fence, bytes).await
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.0.memory.remove(name, expected).await
    }

    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.0.memory.set_aside(name, expected).await
    }

    /// Each process listens by itself: see [`crate::listener`].
    async fn watch(&self) -> Option<RecordName> {
        None
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.0.memory.seal_keys().await
    }
}

/// A lock that keeps nobody out, as of a network file system that knows none.
struct Loose(Fence);

#[async_trait]
impl Lock for Loose {
    fn fence(&self) -> Fence {
        self.0.clone()
    }

    fn held_for(&self, _: Duration) -> bool {
        true
    }

    async fn renew(&mut self, _: Duration) -> bool {
        true
    }

    async fn release(self: Box<Self>) {}
}
