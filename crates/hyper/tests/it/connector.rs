//! A connector that is looked at, and whose connections can be made to end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use tower_service::Service;

type Plain = <HttpConnector as Service<Uri>>::Response;
type Failed = <HttpConnector as Service<Uri>>::Error;

/// Connects in the plain.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: HttpConnector,
    state: Arc<State>,
    says: fn(Connected) -> Connected,
}

struct State {
    made: AtomicUsize,
    open: AtomicUsize,
    /// The first connection ends when it is read for the so manieth time after its first answer.
    ends_at: AtomicUsize,
}

impl Connector {
    pub(crate) fn new() -> Self {
        Self::that_says(|connected| connected)
    }

    /// Its connections say what `says` makes of nothing.
    pub(crate) fn that_says(says: fn(Connected) -> Connected) -> Self {
        let ends_at = AtomicUsize::new(usize::MAX);
        let state = Arc::new(State { made: 0.into(), open: 0.into(), ends_at });
        Self { inner: HttpConnector::new(), state, says }
    }

    /// The first connection ends when it has been read `reads` times since its first answer came.
    pub(crate) fn first_ends_after(self, reads: usize) -> Self {
        self.state.ends_at.store(reads, Ordering::SeqCst);
        self
    }

    pub(crate) fn made(&self) -> usize {
        self.state.made.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }
}

impl Service<Uri> for Connector {
    type Response = Watched;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Watched, Failed>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, state, says) = (self.inner.call(uri), Arc::clone(&self.state), self.says);
        Box::pin(async move {
            let plain = connecting.await?;
            let number = state.made.fetch_add(1, Ordering::SeqCst);
            state.open.fetch_add(1, Ordering::SeqCst);
            let ends_at = match number {
                0 => state.ends_at.load(Ordering::SeqCst),
                _ => usize::MAX,
            };
            Ok(Watched { plain, state, says, ends_at, reads: None })
        })
    }
}

/// One of its connections.
pub(crate) struct Watched {
    plain: Plain,
    state: Arc<State>,
    says: fn(Connected) -> Connected,
    ends_at: usize,
    /// Since its first answer came.
    reads: Option<usize>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.state.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connection for Watched {
    fn connected(&self) -> Connected {
        (self.says)(Connected::new())
    }
}

impl Read for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let ends_at = self.ends_at;
        if let Some(reads) = &mut self.reads {
            *reads += 1;
            if *reads > ends_at {
                return Poll::Ready(Ok(()));
            }
        }
        ready!(Pin::new(&mut self.plain).poll_read(context, into))?;
        self.reads.get_or_insert(0);
        Poll::Ready(Ok(()))
    }
}

impl Write for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.plain).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.plain).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.plain).poll_shutdown(context)
    }
}
