//! Auth calls: one request, one bounded answer, nothing in between.

use std::fmt;
use std::future::{poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{Error, ErrorKind, HttpTransport, SecretBuffer, SecretBytes};
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Response, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper_util::client::legacy::connect::{Connection as _, HttpConnector};

use crate::connection::{Connection, Outgoing};
use crate::connector::Connector;
use crate::idle::Limits;
use crate::servers::{Server, Servers};

/// The most that an answer may hold.
const MOST_BODY: usize = 1024 * 1024;

/// So much room is made on the word of the answer alone.
const EXPECTED_BODY: u64 = 16 * 1024;

/// Whoever does not take up a connection in so long is not there; nothing was sent to him.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// So long a connection is kept that nobody uses.
const KEPT_FOR: Duration = Duration::from_secs(90);

/// As good as for ever, and far below what a timer can count.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

const OURS: HeaderValue =
    HeaderValue::from_static(concat!("countersign/", env!("CARGO_PKG_VERSION")));

/// The transport of auth calls over connections of HTTP/1.1 that are kept and used again. Cheap to clone; clones share
/// their connections.
///
/// TLS, name resolution and the time that connecting may take are the connector's. An answer of more than 1 MiB is
/// refused; an answer that is compressed though nobody asked for that is not unpacked. A request is written once more
/// only where a connection that was kept turns out to be closed before any of it was taken up. Whoever gives up waiting
/// closes the connection.
pub struct Transport<C> {
    connector: C,
    servers: Arc<Servers>,
    limits: Limits,
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

impl<C: Connector> Transport<C> {
    /// Over `connector`, which speaks TLS to addresses with https: `hyper_rustls::HttpsConnector`,
    /// `hyper_tls::HttpsConnector`, or one of your own (a tunnel through a proxy, a resolver with rules about
    /// addresses). Of each server any number of connections is kept for 90 seconds after their use, for the tokio runtime
    /// that made them; its timer has to be on.
    pub fn over(connector: C) -> Self {
        let limits = Limits { most: usize::MAX, longest: KEPT_FOR };
        Self { connector, servers: Arc::default(), limits }
    }

    /// The same, keeping at most `most` unused connections of each server, and each for `longest` at most. Shorter than
    /// the server keeps them is best: what is closed there while a request is on its way is a request of which nobody
    /// knows whether it was acted on.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use countersign_hyper::Transport;
    ///
    /// let transport = Transport::plain().keeping(32, Duration::from_secs(20));
    /// # let _ = transport;
    /// ```
    #[must_use]
    pub fn keeping(mut self, most: usize, longest: Duration) -> Self {
        self.limits = Limits { most, longest: longest.min(LONGEST) };
        self
    }

    async fn connect(&self, to: Uri) -> Result<Connection, TransportError> {
        let mut connector = self.connector.clone();
        let unconnected = |cause: Box<dyn std::error::Error + Send + Sync>| {
            TransportError::new(Delivery::NotSent, Reason::Connect).with_source(cause)
        };
        let ready = poll_fn(|context| connector.poll_ready(context)).await;
        ready.map_err(|error| unconnected(error.into()))?;
        let io = connector.call(to).await.map_err(|error| unconnected(error.into()))?;
        let connected = io.connected();
        if connected.is_negotiated_h2() {
            return Err(refused("the connector has agreed on HTTP/2; let it offer HTTP/1.1 alone"));
        }
        if connected.is_proxied() {
            return Err(refused(
                "the connector speaks to a proxy, which would read along; use a tunnel",
            ));
        }
        Connection::over(io).await.map_err(|error| unconnected(error.into()))
    }
}

impl<C: Clone> Clone for Transport<C> {
    fn clone(&self) -> Self {
        let connector = self.connector.clone();
        Self { connector, servers: Arc::clone(&self.servers), limits: self.limits }
    }
}

impl<C> fmt::Debug for Transport<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A connector's own may show what it has in its headers for a proxy.
        f.write_str("Transport")
    }
}

// Without `async_trait`: its future would have room for the request three times, and each exchange has it allocated.
impl<C: Connector> HttpTransport for Transport<C> {
    fn send<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Sent> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let addressed = match self.addressed(request) {
            Ok(addressed) => addressed,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        Box::pin(async move {
            // Rare are the others, and boxed so that they do not weigh on every exchange.
            let Some(mut connection) = addressed.server.idle.take() else {
                return Box::pin(self.send_over_a_new_one(addressed)).await;
            };
            let Addressed { server, request } = addressed;
            let answer = connection.begin(request);
            let came = connection.answered(pin!(answer)).await;
            match came {
                Ok(answer) => {
                    let answer = read(&mut connection, answer).await?;
                    server.idle.keep(connection, self.limits);
                    Ok(answer)
                }
                Err(failed) => {
                    let request = unsent(failed)?;
                    Box::pin(self.send_over_a_new_one(Addressed { server, request })).await
                }
            }
        })
    }
}

type Sent = Result<HttpResponse, TransportError>;

/// A request as it is sent, and to whom.
struct Addressed {
    server: Arc<Server>,
    request: Outgoing,
}

impl<C: Connector> Transport<C> {
    fn addressed(&self, request: HttpRequest) -> Result<Addressed, TransportError> {
        let server = self.servers.of(request.uri()).map_err(forbidden)?;
        // Shared with the adapter's request, and wiped with the last holder.
        let body = |body: SecretBytes| Full::new(body.expose_shared());
        let mut request = request.into_inner().map(body);
        // As a server that is no proxy is asked (RFC 9112 §3.2.1).
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        let headers = request.headers_mut();
        headers.entry(USER_AGENT).or_insert(OURS);
        headers.entry(HOST).or_insert_with(|| server.host.clone());
        Ok(Addressed { server, request })
    }

    async fn send_over_a_new_one(&self, Addressed { server, request }: Addressed) -> Sent {
        let mut connection = self.connect(server.address.clone()).await?;
        let answer = connection.begin(request);
        let came = connection.answered(pin!(answer)).await;
        let answer = match came {
            Ok(answer) => answer,
            Err(failed) if failed.message().is_some() => {
                let error = TransportError::new(Delivery::NotSent, Reason::Connect);
                return Err(error.with_source(failed.into_error()));
            }
            Err(failed) => return Err(lost(failed)),
        };
        let answer = read(&mut connection, answer).await?;
        server.idle.keep(connection, self.limits);
        Ok(answer)
    }
}

/// The whole of `answer`, if it is not too large.
async fn read(connection: &mut Connection, answer: Response<Incoming>) -> Sent {
    let (head, mut body) = answer.into_parts();
    let too_large = || TransportError::new(Delivery::Unknown, Reason::BodyTooLarge);
    let announced = body.size_hint().exact();
    if announced.is_some_and(|length| length > MOST_BODY as u64) {
        return Err(too_large());
    }
    let expected = announced.map_or(0, |length| length.min(EXPECTED_BODY));
    let mut whole = SecretBuffer::with_capacity(usize::try_from(expected).unwrap_or_default());
    let mut length = 0;
    while let Some(frame) = connection.until(pin!(body.frame())).await {
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

/// The request, if none of it was written.
fn unsent(mut failed: TrySendError<Outgoing>) -> Result<Outgoing, TransportError> {
    failed.take_message().ok_or_else(|| lost(failed))
}

fn lost(failed: TrySendError<Outgoing>) -> TransportError {
    let error = TransportError::new(Delivery::Unknown, Reason::Interrupted);
    error.with_source(failed.into_error())
}

fn forbidden(error: Error) -> TransportError {
    TransportError::new(Delivery::NotSent, Reason::Forbidden).with_source(error)
}

fn refused(why: &'static str) -> TransportError {
    let error = Error::new(ErrorKind::Configuration).hint(why);
    TransportError::new(Delivery::NotSent, Reason::Connect).with_source(error)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::connection::Connection;

    /// Each exchange has it allocated, and its bytes moved.
    #[tokio::test]
    async fn the_future_of_an_exchange_is_small() {
        let transport = Transport::plain();
        let request = || HttpRequest::new(Method::GET, "http://127.0.0.1:1/").unwrap();
        let server = transport.servers.of(request().uri()).unwrap();
        let (io, _other) = tokio::io::duplex(64);
        let connection = Connection::over(hyper_util::rt::TokioIo::new(io)).await.unwrap();
        server.idle.keep(connection, transport.limits);
        let size = size_of_val(&*transport.send(request()));
        assert!(size <= 1_024, "{size}");
    }
}
