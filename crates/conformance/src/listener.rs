//! A store as one process has it: all processes of a case share the records, and each hears by itself which
//! of them have changed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, Fence, Lock, RecordName, Revision, SealKeys, SecretBytes, SessionStore,
    StoredRecord,
};
use countersign_runtime::MemoryStore;

use crate::shelf::Shelf;

/// The store of the case, with a place of its own among the changes.
pub(crate) struct Listener {
    store: Arc<dyn SessionStore>,
    shelf: Shelf,
    place: MemoryStore,
}

impl Listener {
    /// Who reads and writes by `store`, and hears what is written on `shelf` from now on.
    pub(crate) fn new(store: Arc<dyn SessionStore>, shelf: Shelf) -> Self {
        let place = shelf.memory();
        Self { store, shelf, place }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

#[async_trait]
impl SessionStore for Listener {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.store.load(name).await
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        self.store.load_many(names).await
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
        self.store.commit(name, expected, fence, bytes).await
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.store.remove(name, expected).await
    }

    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.store.set_aside(name, expected).await
    }

    async fn watch(&self) -> Option<RecordName> {
        let name = self.place.watch().await;
        match self.shelf.is_deaf() {
            true => std::future::pending().await,
            false => name,
        }
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.store.seal_keys().await
    }
}
