//! A proxy of this machine between a real client and a service: what the client meets are bytes on a socket.
//!
//! The client speaks plain HTTP to a loopback address; from there the request goes on through another
//! transport, which does the TLS to the service. Where to is kept beside the request under a number, and the
//! number alone, which nobody can guess, travels in a header, which the proxy takes out. Each answer ends its connection.

mod bytes;
mod elsewhere;
mod errand;
mod play;
mod serve;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{Clock, HttpTransport};
use http::{HeaderName, HeaderValue, Method, Uri};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use self::errand::{Errand, Errands, Wanted};
use crate::fault::Fault;
use crate::operation::Op;
use crate::way::Way;
use crate::wire::Stray;

/// Under which number the proxy finds what is to become of a request.
const NUMBER: HeaderName = HeaderName::from_static("x-conformance-errand");

/// Where the system has no connection to give, it is asked again after this.
const PAUSE: Duration = Duration::from_millis(20);

/// A proxy that listens. It ends when it is dropped, and with it every connection.
///
/// ```no_run
/// # async fn example(
/// #     client: std::sync::Arc<dyn countersign_core::HttpTransport>,
/// #     clock: std::sync::Arc<dyn countersign_core::Clock>,
/// # ) -> std::io::Result<()> {
/// use countersign_conformance::Proxy;
///
/// // `client` is what your users send with; it meets the faults. The second goes on to the service.
/// let proxy = Proxy::open(client.clone(), client, clock, &[]).await?;
/// # drop(proxy);
/// # Ok(())
/// # }
/// ```
pub struct Proxy {
    client: Arc<dyn HttpTransport>,
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Bound and never listening: nothing can be reached there.
    closed: (SocketAddr, TcpSocket),
    strays: Arc<Mutex<Vec<Stray>>>,
    tasks: [JoinHandle<()>; 2],
}

/// What every connection needs.
struct Shared {
    onward: Arc<dyn HttpTransport>,
    clock: Arc<dyn Clock>,
    errands: Errands,
    /// Where redirects lead.
    elsewhere: SocketAddr,
}

impl Proxy {
    /// Listens on two free ports of 127.0.0.1: as the proxy, and as the place where redirects lead.
    ///
    /// `client` meets the faults, `onward` takes requests to the service; they may be one. `watched` are the
    /// headers with credentials, as the adapter claims them. Must be called on a runtime with IO, whose tasks
    /// serve it.
    ///
    /// # Errors
    /// What the system says if there is no socket.
    pub async fn open(
        client: Arc<dyn HttpTransport>,
        onward: Arc<dyn HttpTransport>,
        clock: Arc<dyn Clock>,
        watched: &[HeaderName],
    ) -> io::Result<Self> {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (listener, trap) = (TcpListener::bind(free).await?, TcpListener::bind(free).await?);
        let socket = TcpSocket::new_v4()?;
        socket.bind(free)?;
        let closed = (socket.local_addr()?, socket);
        let strays: Arc<Mutex<Vec<Stray>>> = Arc::default();
        let (address, elsewhere) = (listener.local_addr()?, trap.local_addr()?);
        let watching = elsewhere::accept(trap, Arc::clone(&clock), watched.to_vec(), &strays);
        let shared = Shared { onward, clock, errands: Errands::default(), elsewhere };
        let shared = Arc::new(shared);
        let tasks =
            [tokio::spawn(serve::accept(Arc::clone(&shared), listener)), tokio::spawn(watching)];
        Ok(Self { client, shared, address, closed, strays, tasks })
    }

    /// Sends `request` to `address` in the place of its own, and has `wanted` done about it there.
    async fn through(
        &self,
        address: SocketAddr,
        request: HttpRequest,
        wanted: Wanted,
        op: Op,
    ) -> Result<HttpResponse, TransportError> {
        let forbidden = || TransportError::new(Delivery::NotSent, Reason::Forbidden);
        let mut inner = request.into_inner();
        let path = inner.uri().path_and_query().map_or("/", |path| path.as_str());
        let local: Uri = format!("http://{address}{path}").parse().map_err(|_| forbidden())?;
        let to = std::mem::replace(inner.uri_mut(), local);
        let errand = Arc::new(Errand::new(op, to, wanted));
        let number = self.shared.errands.add(&errand);
        inner.headers_mut().insert(NUMBER, HeaderValue::from(number));
        let end = self.client.send(inner.into()).await;
        self.shared.errands.done(number);
        // That the service itself could not be reached is not hidden behind what the client saw of that.
        end.map_err(|met| errand.failed().unwrap_or(met))
    }
}

#[async_trait]
impl Way for Proxy {
    async fn send(
        &self,
        op: Op,
        request: HttpRequest,
        fault: Option<&Fault>,
    ) -> Result<HttpResponse, TransportError> {
        let address = match fault {
            Some(Fault::Refuse) => self.closed.0,
            _ => self.address,
        };
        self.through(address, request, Wanted::Sent(fault.cloned()), op).await
    }

    async fn replay(&self, op: Op, kept: Option<usize>) -> Result<HttpResponse, TransportError> {
        let address = format!("http://{}/", self.address);
        let request = HttpRequest::new(Method::GET, &address).map_err(|error| {
            TransportError::new(Delivery::NotSent, Reason::Forbidden).with_source(error)
        })?;
        self.through(self.address, request, Wanted::Replayed(kept), op).await
    }

    fn strays(&self) -> Vec<Stray> {
        self.strays.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Takes connections, each in a task of its own that ends with this one.
async fn listen<F>(listener: TcpListener, clock: &dyn Clock, converse: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(converse(stream))),
            // Out of descriptors, most likely: connections end meanwhile.
            Err(_) => clock.sleep_until(clock.monotonic().after(PAUSE)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}
