//! The socket shell: a simulator behind a loopback address, in real time.

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::body::{self, Body};
use crate::reply::Reply;
use crate::simulator::Simulator;
use crate::wire;

/// The largest request body that is read.
const REQUEST_LIMIT: usize = 16 * 1024 * 1024;

/// A simulator behind a socket. It ends when this is dropped.
pub struct Running {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The address with its port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops listening and ends every connection.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // A cancelled task is what was asked for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Simulator {
    /// Serves on a free port of 127.0.0.1, in real time, on the current tokio runtime.
    ///
    /// # Errors
    /// What the system says if no socket can be opened.
    pub async fn serve(&self) -> io::Result<Running> {
        self.serve_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Serves on this address, which must be a loopback one.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for another address; else what the system says.
    pub async fn serve_on(&self, addr: SocketAddr) -> io::Result<Running> {
        if !addr.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a simulator listens on a loopback address only",
            ));
        }
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let task = tokio::spawn(accept(self.clone(), listener));
        Ok(Running { addr, task })
    }
}

async fn accept(simulator: Simulator, listener: TcpListener) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(simulator.clone(), stream));
            }
            // Out of descriptors, most likely: connections end meanwhile.
            Err(_) => pause(Duration::from_millis(20)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(simulator: Simulator, stream: TcpStream) {
    // Answers are small and awaited: without this they wait for an acknowledgement of the head.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(simulator.clone(), request));
    // An error here is a client that left or a fault that was asked for.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    simulator: Simulator,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let (head, incoming) = request.into_parts();
    let Ok(collected) = Limited::new(incoming, REQUEST_LIMIT).collect().await else {
        return Ok(wire::empty(StatusCode::PAYLOAD_TOO_LARGE).map(body::whole));
    };
    let request = Request::from_parts(head, collected.to_bytes());
    match simulator.handle(&request, now_ms()) {
        Reply::Cut | Reply::Refuse => Err(Dropped),
        Reply::Delayed { after, response } => {
            pause(after).await;
            Ok(response.map(body::whole))
        }
        Reply::Flood { head, chunk, total } => Ok(head.map(|()| body::flood(chunk, total))),
        Reply::Gated { gate, response } => {
            gate.released().await;
            Ok(response.map(body::whole))
        }
        Reply::Hang => never(pending::<Infallible>().await),
        Reply::Response(response) => Ok(response.map(body::whole)),
        Reply::Slow { chunk, every, response } => {
            Ok(response.map(|bytes| body::slow(bytes, chunk, every)))
        }
        Reply::Truncated { mut response } => {
            let length = response.body().len().max(1);
            response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            Ok(response.map(body::truncated))
        }
    }
}

fn never(never: Infallible) -> Result<Response<Body>, Dropped> {
    match never {}
}

/// Makes hyper end the connection without an answer.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped on demand")
    }
}

impl std::error::Error for Dropped {}

#[expect(clippy::disallowed_methods, reason = "a socket is real: its slowness passes in real time")]
pub(super) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the socket shell reads the real time"
)]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
