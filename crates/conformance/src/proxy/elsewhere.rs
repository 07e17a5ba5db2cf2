//! Where redirects lead: whoever comes here has followed one.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_core::Clock;
use http::{HeaderName, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::operation::Op;
use crate::wire::Stray;

/// Answers 404 to everybody, and notes what they have carried here.
pub(super) fn accept(
    listener: TcpListener,
    clock: Arc<dyn Clock>,
    watched: Vec<HeaderName>,
    strays: &Arc<Mutex<Vec<Stray>>>,
) -> impl Future<Output = ()> + Send + 'static {
    let (watched, strays) = (Arc::new(watched), Arc::clone(strays));
    async move {
        let converse = |stream| converse(stream, Arc::clone(&watched), Arc::clone(&strays));
        super::listen(listener, &*clock, converse).await;
    }
}

async fn converse(
    stream: TcpStream,
    watched: Arc<Vec<HeaderName>>,
    strays: Arc<Mutex<Vec<Stray>>>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (watched, strays) = (Arc::clone(&watched), Arc::clone(&strays));
        async move {
            let stray = stray(&request, &watched);
            // The whole of it, so that the answer is heard.
            let _ = request.into_body().collect().await;
            strays.lock().unwrap_or_else(PoisonError::into_inner).push(stray);
            let mut answer = Response::new(Empty::<Bytes>::new());
            *answer.status_mut() = StatusCode::NOT_FOUND;
            Ok::<_, Infallible>(answer)
        }
    });
    // An error here is a client that has left.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn stray(request: &Request<Incoming>, watched: &[HeaderName]) -> Stray {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let carried = watched.iter().filter(|name| request.headers().contains_key(*name));
    Stray {
        op: Op::Unknown,
        authority: host.unwrap_or_default().to_owned(),
        credential_headers: carried.map(ToString::to_string).collect(),
        body: !request.body().is_end_stream(),
    }
}
