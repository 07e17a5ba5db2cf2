//! A store over another one: for tests that count, hold back, refuse or change what a store is asked.

use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, Fence, Lock, RecordName, Revision, SealKeys, SecretBytes, SessionStore,
    StoredRecord,
};

/// What is done otherwise than by the store below; whatever is not named goes there as it is.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use async_trait::async_trait;
/// use countersign_core::{Error, RecordName, SessionStore};
/// use countersign_seal::suite::{Over, Through};
///
/// /// Counts how often the records are listed.
/// struct Counting<S>(S, AtomicUsize);
///
/// #[async_trait]
/// impl<S: SessionStore> Over for Counting<S> {
///     fn below(&self) -> &dyn SessionStore {
///         &self.0
///     }
///
///     async fn list(&self) -> Result<Vec<RecordName>, Error> {
///         self.1.fetch_add(1, Ordering::Relaxed);
///         self.0.list().await
///     }
/// }
///
/// fn counted(store: impl SessionStore) -> impl SessionStore {
///     Through(Counting(store, AtomicUsize::new(0)))
/// }
/// ```
#[async_trait]
pub trait Over: Send + Sync {
    /// The store below.
    fn below(&self) -> &dyn SessionStore;

    /// In the place of [`SessionStore::load`].
    ///
    /// # Errors
    /// Those of the store; so with all methods.
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.below().load(name).await
    }

    /// In the place of [`SessionStore::load_many`], which the driver reads by.
    ///
    /// # Errors
    /// See [`Over::load`].
    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        self.below().load_many(names).await
    }

    /// In the place of [`SessionStore::list`].
    ///
    /// # Errors
    /// See [`Over::load`].
    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        self.below().list().await
    }

    /// In the place of [`SessionStore::lock`].
    ///
    /// # Errors
    /// See [`Over::load`].
    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        self.below().lock(name, lease, wait).await
    }

    /// In the place of [`SessionStore::commit`].
    ///
    /// # Errors
    /// See [`Over::load`].
    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        self.below().commit(name, expected, fence, bytes).await
    }

    /// In the place of [`SessionStore::remove`].
    ///
    /// # Errors
    /// See [`Over::load`].
    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.below().remove(name, expected).await
    }

    /// In the place of [`SessionStore::set_aside`].
    ///
    /// # Errors
    /// See [`Over::load`].
    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.below().set_aside(name, expected).await
    }

    /// In the place of [`SessionStore::watch`].
    async fn watch(&self) -> Option<RecordName> {
        self.below().watch().await
    }

    /// In the place of [`SessionStore::place`].
    fn place(&self, name: &RecordName) -> String {
        self.below().place(name)
    }

    /// In the place of [`SessionStore::seal_keys`].
    ///
    /// # Errors
    /// See [`Over::load`].
    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.below().seal_keys().await
    }
}

/// [`Over`] as a store.
#[derive(Clone, Debug)]
pub struct Through<T>(pub T);

#[async_trait]
impl<T: Over> SessionStore for Through<T> {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.0.load(name).await
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        self.0.load_many(names).await
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        self.0.list().await
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        self.0.lock(name, lease, wait).await
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        self.0.commit(name, expected, fence, bytes).await
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.0.remove(name, expected).await
    }

    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.0.set_aside(name, expected).await
    }

    async fn watch(&self) -> Option<RecordName> {
        self.0.watch().await
    }

    fn place(&self, name: &RecordName) -> String {
        self.0.place(name)
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.0.seal_keys().await
    }
}
