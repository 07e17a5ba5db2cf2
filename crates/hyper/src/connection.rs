//! One connection, driven by whoever uses it: it has no task of its own, and an exchange wakes nobody but its caller.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, Write};

/// What is sent.
pub(crate) type Outgoing = Request<Full<Bytes>>;

pub(crate) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// What reads and writes, until it has ended.
    io: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
}

impl Connection {
    /// A connection that speaks HTTP/1.1 over `io`.
    pub(crate) async fn over(
        io: impl Read + Write + Unpin + Send + 'static,
    ) -> hyper::Result<Self> {
        let (requests, io) = handshake(io).await?;
        Ok(Self { requests, io: Some(Box::pin(io)) })
    }

    /// Whether another request can go over it. Reads what has come meanwhile, which may be its end; of an end that comes
    /// later `waker` hears.
    pub(crate) fn is_open(&mut self, waker: &Waker) -> bool {
        self.drive(&mut Context::from_waker(waker));
        self.io.is_some() && self.requests.is_ready()
    }

    /// Sends `request` and reads the head of its answer. An error has the request with it if none of it was written.
    pub(crate) async fn answer(
        &mut self,
        request: Outgoing,
    ) -> Result<Response<Incoming>, TrySendError<Outgoing>> {
        let mut answer = pin!(self.requests.try_send_request(request));
        self.until(|context| answer.as_mut().poll(context)).await
    }

    /// The next piece of `body`, which came over this connection.
    pub(crate) async fn frame(&mut self, body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
        self.until(|context| Pin::new(&mut *body).poll_frame(context)).await
    }

    /// Reads and writes until there is something.
    async fn until<T>(&mut self, mut something: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        poll_fn(|context| {
            // It comes over the connection alone, which wakes the caller: it need not be told twice.
            let mut silent = Context::from_waker(Waker::noop());
            if let Poll::Ready(came) = something(&mut silent) {
                return Poll::Ready(came);
            }
            self.drive(context);
            something(&mut silent)
        })
        .await
    }

    fn drive(&mut self, context: &mut Context<'_>) {
        let ended = self.io.as_mut().is_some_and(|io| io.as_mut().poll(context).is_ready());
        if ended {
            // Why is told to whoever waits for an answer.
            self.io = None;
        }
    }
}
