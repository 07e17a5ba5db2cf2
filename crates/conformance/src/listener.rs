//! A store as one process has it: all processes of a case share the records, and each hears by itself which
//! of them have changed.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use countersign_core::{RecordName, SessionStore};
use countersign_runtime::MemoryStore;
use countersign_seal::suite::Over;

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
impl Over for Listener {
    fn below(&self) -> &dyn SessionStore {
        &*self.store
    }

    async fn watch(&self) -> Option<RecordName> {
        let name = self.place.watch().await;
        match self.shelf.is_deaf() {
            true => std::future::pending().await,
            false => name,
        }
    }
}
