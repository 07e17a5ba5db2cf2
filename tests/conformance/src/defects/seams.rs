//! The seams at which a defect sits, as wrappers that hand on what a defect does not touch.
//!
//! A defect implements one of these traits, or [`Engine`] itself, and overrides the one method that
//! it breaks. It knows nothing of the suite.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::transport::TransportError;
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Committed, Error, Fence, HttpTransport,
    Lock, Operation, Outcome, ProviderId, Realm, RecordName, Revision, SealKeys, SecretBytes,
    SessionStore, StoredRecord, TokenSet, Verdict,
};

/// A broken adapter: the real one is at hand.
pub(crate) trait BrokenAdapter: Clone + Send + Sync + 'static {
    /// What it claims.
    fn capabilities(&self, real: &Capabilities) -> Capabilities {
        real.clone()
    }

    /// See [`AuthProvider::request`].
    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        real.request(operation, ambient)
    }

    /// See [`AuthProvider::interpret`].
    fn interpret(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        real.interpret(operation, response, ambient)
    }

    /// See [`AuthProvider::authorize`].
    fn authorize(
        &self,
        real: &dyn AuthProvider,
        tokens: &TokenSet,
        ambient: &Ambient<'_>,
    ) -> Result<Authorization, Error> {
        real.authorize(tokens, ambient)
    }

    /// See [`AuthProvider::rejects`].
    fn rejects(
        &self,
        real: &dyn AuthProvider,
        head: &ResponseHead<'_>,
        body: Option<&[u8]>,
    ) -> Verdict {
        real.rejects(head, body)
    }
}

/// A broken way to the server.
#[async_trait]
pub(crate) trait BrokenTransport: Clone + Send + Sync + 'static {
    /// See [`HttpTransport::send`].
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError>;
}

/// A broken store.
#[async_trait]
pub(crate) trait BrokenStore: Clone + Send + Sync + 'static {
    /// See [`SessionStore::load`].
    async fn load(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
    ) -> Result<Option<StoredRecord>, Error> {
        real.load(name).await
    }

    /// See [`SessionStore::lock`].
    async fn lock(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        real.lock(name, lease, wait).await
    }

    /// See [`SessionStore::commit`].
    async fn commit(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        real.commit(name, expected, fence, bytes).await
    }
}

/// An engine with this adapter.
pub(crate) fn adapter(defect: impl BrokenAdapter) -> Arc<dyn Engine> {
    Arc::new(WithAdapter(defect))
}

/// An engine with this transport.
pub(crate) fn transport(defect: impl BrokenTransport) -> Arc<dyn Engine> {
    Arc::new(WithTransport(defect))
}

/// An engine with this store.
pub(crate) fn store(defect: impl BrokenStore) -> Arc<dyn Engine> {
    Arc::new(WithStore(defect))
}

struct WithAdapter<D>(D);

impl<D: BrokenAdapter> Engine for WithAdapter<D> {
    fn provider(&self, real: Arc<dyn AuthProvider>) -> Arc<dyn AuthProvider> {
        let capabilities = self.0.capabilities(real.capabilities());
        Arc::new(Adapter { defect: self.0.clone(), capabilities, real })
    }
}

struct WithTransport<D>(D);

impl<D: BrokenTransport> Engine for WithTransport<D> {
    fn transport(&self, real: Arc<dyn HttpTransport>) -> Arc<dyn HttpTransport> {
        Arc::new(Transport { defect: self.0.clone(), real })
    }
}

struct WithStore<D>(D);

impl<D: BrokenStore> Engine for WithStore<D> {
    fn store(&self, real: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
        Arc::new(Store { defect: self.0.clone(), real })
    }
}

struct Adapter<D> {
    defect: D,
    capabilities: Capabilities,
    real: Arc<dyn AuthProvider>,
}

impl<D> fmt::Debug for Adapter<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.real.fmt(f)
    }
}

impl<D: BrokenAdapter> AuthProvider for Adapter<D> {
    fn id(&self) -> ProviderId {
        self.real.id()
    }

    fn realm(&self) -> &Realm {
        self.real.realm()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        self.defect.request(&*self.real, operation, ambient)
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        self.defect.interpret(&*self.real, operation, response, ambient)
    }

    fn without_answer(&self, operation: &Operation, ambient: &Ambient<'_>) -> Option<Outcome> {
        self.real.without_answer(operation, ambient)
    }

    fn proves_password(&self, operation: &Operation, outcome: &Outcome) -> bool {
        self.real.proves_password(operation, outcome)
    }

    fn computes(&self, operation: &Operation) -> bool {
        self.real.computes(operation)
    }

    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        self.defect.authorize(&*self.real, tokens, ambient)
    }

    fn rejects(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        self.defect.rejects(&*self.real, head, body)
    }
}

struct Transport<D> {
    defect: D,
    real: Arc<dyn HttpTransport>,
}

#[async_trait]
impl<D: BrokenTransport> HttpTransport for Transport<D> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.defect.send(&*self.real, request).await
    }
}

struct Store<D> {
    defect: D,
    real: Arc<dyn SessionStore>,
}

#[async_trait]
impl<D: BrokenStore> SessionStore for Store<D> {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.defect.load(&*self.real, name).await
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        self.real.list().await
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        self.defect.lock(&*self.real, name, lease, wait).await
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        self.defect.commit(&*self.real, name, expected, fence, bytes).await
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.real.remove(name, expected).await
    }

    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.real.set_aside(name, expected).await
    }

    async fn watch(&self) -> Option<RecordName> {
        self.real.watch().await
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.real.seal_keys().await
    }
}
