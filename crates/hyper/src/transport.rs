//! Auth calls: one request, one bounded answer, nothing in between.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{HttpTransport, SecretBuffer, SecretBytes};
use http::HeaderValue;
use http::header::USER_AGENT;
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Builder, Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::origins::Origins;

/// The most that an answer may hold.
const MOST_BODY: usize = 1024 * 1024;

/// So much room is made on the word of the answer alone.
const EXPECTED_BODY: u64 = 16 * 1024;

/// Whoever does not take up a connection in so long is not there; nothing was sent to him.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const OURS: HeaderValue =
    HeaderValue::from_static(concat!("countersign/", env!("CARGO_PKG_VERSION")));

/// The transport of auth calls over one pool of hyper's connections. Cheap to clone.
///
/// TLS, name resolution, proxies and the time that connecting may take are the connector's. An answer of
/// more than 1 MiB is refused; an answer that is compressed though nobody asked for that is not unpacked. A request
/// is written once more only where the pool's connection turns out to be closed before any of it was taken up.
pub struct Transport<C> {
    http: Client<C, Full<Bytes>>,
    origins: std::sync::Arc<Origins>,
}

impl Transport<HttpConnector> {
    /// For plain http to loopback: a gateway or agent on the same host, and tests. An address with https finds no
    /// connection; see [`Transport::over`].
    ///
    /// ```
    /// let transport = countersign_hyper::Transport::plain();
    /// # let _ = transport;
    /// ```
    pub fn plain() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self::over(connector)
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Transport<C> {
    /// Over `connector`, which speaks TLS to addresses with https: `hyper_rustls::HttpsConnector`,
    /// `hyper_tls::HttpsConnector`, or one of your own (a tunnel through a proxy, a resolver with rules about
    /// addresses). Connections are kept as hyper-util usually does.
    pub fn over(connector: C) -> Self {
        Self::with(&Client::builder(TokioExecutor::new()), connector)
    }

    /// The same with settings of your own: how many idle connections are kept for a host and how long, sizes of
    /// buffers, HTTP/2.
    ///
    /// ```
    /// use countersign_hyper::Transport;
    /// use hyper_util::client::legacy::{Client, connect::HttpConnector};
    /// use hyper_util::rt::TokioExecutor;
    ///
    /// let mut settings = Client::builder(TokioExecutor::new());
    /// settings.pool_max_idle_per_host(32);
    /// let transport = Transport::with(&settings, HttpConnector::new());
    /// # let _ = transport;
    /// ```
    pub fn with(settings: &Builder, connector: C) -> Self {
        let mut settings = settings.clone();
        settings.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
        Self { http: settings.build(connector), origins: Default::default() }
    }
}

impl<C: Clone> Clone for Transport<C> {
    fn clone(&self) -> Self {
        Self { http: self.http.clone(), origins: self.origins.clone() }
    }
}

impl<C> fmt::Debug for Transport<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A connector's own may show what it has in its headers for a proxy.
        f.write_str("Transport")
    }
}

#[async_trait]
impl<C: Connect + Clone + Send + Sync + 'static> HttpTransport for Transport<C> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.origins.check(request.uri()).map_err(|error| {
            TransportError::new(Delivery::NotSent, Reason::Forbidden).with_source(error)
        })?;
        // Shared with the adapter's request, and wiped with the last holder.
        let body = |body: SecretBytes| Full::new(body.expose_shared());
        let mut request = request.into_inner().map(body);
        request.headers_mut().entry(USER_AGENT).or_insert(OURS);

        let answer = self.http.request(request).await.map_err(unanswered)?;
        let (head, mut body) = answer.into_parts();
        let too_large = || TransportError::new(Delivery::Unknown, Reason::BodyTooLarge);
        let announced = body.size_hint().exact();
        if announced.is_some_and(|length| length > MOST_BODY as u64) {
            return Err(too_large());
        }
        let expected = announced.map_or(0, |length| length.min(EXPECTED_BODY));
        let mut whole = SecretBuffer::with_capacity(usize::try_from(expected).unwrap_or_default());
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                TransportError::new(Delivery::Unknown, Reason::Interrupted).with_source(error)
            })?;
            // Trailers say nothing that an adapter would read.
            let Ok(chunk) = frame.into_data() else { continue };
            length += chunk.len();
            if length > MOST_BODY {
                return Err(too_large());
            }
            whole.push(&chunk);
        }
        Ok(HttpResponse::new(head.status, head.headers, whole.finish()))
    }
}

fn unanswered(error: Error) -> TransportError {
    let (delivery, reason) = match error.is_connect() {
        true => (Delivery::NotSent, Reason::Connect),
        false => (Delivery::Unknown, Reason::Interrupted),
    };
    TransportError::new(delivery, reason).with_source(error)
}
