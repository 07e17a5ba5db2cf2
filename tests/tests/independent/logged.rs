//! The real transport with a list of what went through it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use countersign_core::HttpTransport;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::TransportError;
use countersign_reqwest::Client;

use crate::support::client;

/// Path and status of every exchange. Clones are one.
#[derive(Clone)]
pub(crate) struct Logged {
    client: Client,
    seen: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Logged {
    pub(crate) fn new() -> Self {
        Self { client: client(), seen: Arc::default() }
    }

    pub(crate) fn last(&self) -> Option<(String, u16)> {
        self.seen.lock().unwrap().last().cloned()
    }

    /// How many exchanges there were.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

#[async_trait]
impl HttpTransport for Logged {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let path = request.uri().path().to_owned();
        let response = self.client.send(request).await?;
        self.seen.lock().unwrap().push((path, response.status().as_u16()));
        Ok(response)
    }
}
