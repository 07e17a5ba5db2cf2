//! Auth calls: one request, one bounded answer, nothing in between.

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{HttpTransport, SecretBuffer};

use crate::client::Client;

/// The most that an answer may hold after decompression.
const MOST_BODY: usize = 1024 * 1024;

/// So much room is made on the word of the answer alone.
const EXPECTED_BODY: u64 = 16 * 1024;

const POLICY: &str = "the client's policy does not allow this address";

const PROXY_FOR_LOOPBACK: &str = "a proxy of the environment would be asked for loopback; set NO_PROXY, \
                                  or build the client with no_proxy()";

#[async_trait]
impl HttpTransport for Client {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let forbidden = || TransportError::new(Delivery::NotSent, Reason::Forbidden);
        let address = self.address(request.uri());
        let address = address.map_err(|error| forbidden().with_source(error))?;
        if !self.permits(&address.origin) {
            return Err(forbidden().with_source(POLICY));
        }
        let http = self
            .for_auth(&address.origin)
            .ok_or_else(|| forbidden().with_source(PROXY_FOR_LOOPBACK))?
            .map_err(|error| forbidden().with_source(error))?;

        let (parts, body) = request.into_inner().into_parts();
        let mut request = reqwest::Request::new(parts.method, address.url.clone());
        *request.headers_mut() = parts.headers;
        if !body.is_empty() {
            // Shared with the adapter's request, and wiped with the last holder.
            *request.body_mut() = Some(body.expose_shared().into());
        }
        drop(body);

        let mut response = http.execute(request).await.map_err(|error| {
            let reason = match (error.is_connect(), error.is_timeout()) {
                (_, true) => Reason::TimedOut,
                (true, false) => Reason::Connect,
                (false, false) => Reason::Interrupted,
            };
            let delivery = if error.is_connect() || error.is_builder() {
                Delivery::NotSent
            } else {
                Delivery::Unknown
            };
            TransportError::new(delivery, reason).with_source(error.without_url())
        })?;

        let too_large = || TransportError::new(Delivery::Unknown, Reason::BodyTooLarge);
        if response.content_length().is_some_and(|length| length > MOST_BODY as u64) {
            return Err(too_large());
        }
        let expected = response.content_length().map_or(0, |length| length.min(EXPECTED_BODY));
        let mut body = SecretBuffer::with_capacity(usize::try_from(expected).unwrap_or_default());
        let mut length = 0;
        while let Some(chunk) = response.chunk().await.map_err(interrupted)? {
            length += chunk.len();
            if length > MOST_BODY {
                return Err(too_large());
            }
            body.push(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(HttpResponse::new(response.status(), headers, body.finish()))
    }
}

fn interrupted(error: reqwest::Error) -> TransportError {
    let reason = if error.is_timeout() { Reason::TimedOut } else { Reason::Interrupted };
    TransportError::new(Delivery::Unknown, reason).with_source(error.without_url())
}
