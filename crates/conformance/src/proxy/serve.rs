//! One connection of the client: its request is read as any server reads it, and answered in bytes of our own.

use std::sync::{Arc, Mutex, PoisonError};

use countersign_core::SecretBytes;
use countersign_core::http::HttpRequest;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};

use super::errand::Errand;
use super::{NUMBER, Shared, bytes, play};

/// No request of an adapter is longer.
const LONGEST: usize = 1024 * 1024;

pub(super) async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let clock = Arc::clone(&shared.clock);
    super::listen(listener, &*clock, |stream| converse(Arc::clone(&shared), stream)).await;
}

/// The end of a connection, as hyper wants it told.
#[derive(Debug)]
struct Over;

impl std::fmt::Display for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer was written beside")
    }
}

impl std::error::Error for Over {}

async fn converse(shared: Arc<Shared>, stream: TcpStream) {
    // Each piece that is written is one that is sent.
    let _ = stream.set_nodelay(true);
    let (read, write) = stream.into_split();
    let write = Arc::new(Mutex::new(Some(write)));
    let service = service_fn(move |request| {
        let (shared, write) = (Arc::clone(&shared), Arc::clone(&write));
        let write = write.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            if let Some(write) = write {
                answer(&shared, request, write).await;
            }
            Err::<Response<Empty<Bytes>>, Over>(Over)
        }
    });
    // What hyper itself would write goes nowhere: a cut in the middle of a status line is not in its words.
    let io = TokioIo::new(tokio::io::join(read, tokio::io::sink()));
    let _ = http1::Builder::new().serve_connection(io, service).await;
}

async fn answer(shared: &Shared, request: Request<Incoming>, mut write: OwnedWriteHalf) {
    let number = request.headers().get(NUMBER).and_then(|value| value.to_str().ok());
    let errand = number.and_then(|text| shared.errands.take(text.parse().ok()?));
    // Who has no number of ours is a stranger on this machine: the connection ends.
    let Some(errand) = errand else { return };
    let Some(request) = read(request, &errand).await else { return };
    // Whoever has gone reads nothing.
    let _ = play::play(shared, &errand, request, &mut write).await;
    let _ = write.shutdown().await;
}

/// The request as the adapter has built it, as far as it has come through the client.
async fn read(request: Request<Incoming>, errand: &Errand) -> Option<HttpRequest> {
    let (mut parts, body) = request.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.ok()?.to_bytes();
    parts.uri = errand.to.clone();
    parts.headers.remove(NUMBER);
    parts.headers.remove(header::HOST);
    // The way onward says itself what it can unpack.
    parts.headers.remove(header::ACCEPT_ENCODING);
    bytes::without_hops(&mut parts.headers);
    Some(Request::from_parts(parts, SecretBytes::copy_from(&body)).into())
}
