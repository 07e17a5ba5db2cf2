//! The HTTP client, made when something is first sent: a token that is fresh needs none.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{Error, HttpTransport};
use countersign_reqwest::Client;

/// How long a connection may take to come about. How long an exchange may take is the engine's.
const CONNECT: Duration = Duration::from_secs(10);

/// A client that does not exist before its first use: no certificates are read, no socket is opened.
/// Clones are one client.
#[derive(Clone, Debug, Default)]
pub(crate) struct LazyTransport(Arc<OnceLock<Client>>);

impl LazyTransport {
    /// The client, made now if there is none yet.
    pub(crate) fn client(&self) -> Result<&Client, Error> {
        if self.0.get().is_none() {
            let made = Client::lazy(|| reqwest::Client::builder().connect_timeout(CONNECT))?;
            // Somebody else was faster: then theirs is used.
            let _ = self.0.set(made);
        }
        self.0.get().ok_or_else(|| Error::new(countersign_core::ErrorKind::Internal))
    }
}

#[async_trait]
impl HttpTransport for LazyTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let client = self.client().map_err(|error| {
            TransportError::new(Delivery::NotSent, Reason::Connect).with_source(error)
        })?;
        client.send(request).await
    }
}
