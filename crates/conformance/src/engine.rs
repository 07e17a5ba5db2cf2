//! How the parts that the driver takes are put together: the place where an engine can be broken.
//!
//! The suite knows an engine by this trait alone. [`Unbroken`] hands every part on as it is; a defect
//! overrides one method and wraps one part. Neither knows of the other.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::TransportError;
use countersign_core::{
    AuthProvider, Clock, CredentialSource, HttpTransport, Monotonic, SessionStore, Timestamp,
};
use countersign_runtime::{KeeperBuilder, SessionBuilder};

/// The parts of an engine, each as the suite gives it and as the driver gets it.
///
/// Each method is called once a process (a keeper), but [`Engine::store`], which is called once a
/// case: the processes of a case share one store.
pub trait Engine: Send + Sync {
    /// The adapter.
    fn provider(&self, adapter: Arc<dyn AuthProvider>) -> Arc<dyn AuthProvider> {
        adapter
    }

    /// The way to the server.
    fn transport(&self, transport: Arc<dyn HttpTransport>) -> Arc<dyn HttpTransport> {
        transport
    }

    /// Where sessions are kept.
    fn store(&self, store: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
        store
    }

    /// The time.
    fn clock(&self, clock: Arc<dyn Clock>) -> Arc<dyn Clock> {
        clock
    }

    /// Where credentials come from.
    fn source(&self, source: Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource> {
        source
    }

    /// The keeper, last of all: its settings, and the filter on the stream of effects.
    fn keeper(&self, builder: KeeperBuilder) -> KeeperBuilder {
        builder
    }

    /// The session, last of all.
    fn session(&self, builder: SessionBuilder) -> SessionBuilder {
        builder
    }
}

/// The engine as it is shipped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unbroken;

impl Engine for Unbroken {}

/// A part that is behind a pointer, as a value.
#[derive(Clone)]
pub(crate) struct Shared<T: ?Sized>(pub(crate) Arc<T>);

impl<T: ?Sized> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

#[async_trait]
impl HttpTransport for Shared<dyn HttpTransport> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.0.send(request).await
    }
}

#[async_trait]
impl Clock for Shared<dyn Clock> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Monotonic {
        self.0.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.0.sleep_until(deadline).await;
    }
}
