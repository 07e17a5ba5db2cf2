//! One connection, driven by whoever uses it: it has no task of its own, and an exchange wakes nobody but its caller.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, Write};
use tokio::task::coop::unconstrained;

use crate::idle::Watched;

/// What is sent.
pub(crate) type Outgoing = Request<Full<Bytes>>;

/// The connection wakes the caller: whoever waits for what comes over it need not be told twice.
const SILENT: &Waker = Waker::noop();

pub(crate) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// What reads and writes, until it has ended.
    io: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    /// Who hears of its end while nobody uses it.
    pub(crate) watched: Option<Watched>,
}

impl Connection {
    /// A connection that speaks HTTP/1.1 over `io`.
    pub(crate) async fn over(
        io: impl Read + Write + Unpin + Send + 'static,
    ) -> hyper::Result<Self> {
        let (requests, io) = handshake(io).await?;
        Ok(Self { requests, io: Some(Box::pin(io)), watched: None })
    }

    /// Whether another request can go over it, as far as is known. Of an end that has come since, whoever begins one
    /// hears: what has come is read before anything is written.
    pub(crate) fn is_ready(&self) -> bool {
        self.io.is_some() && self.requests.is_ready()
    }

    /// The same by what has come meanwhile; of an end that comes later `waker` hears.
    pub(crate) fn is_open(&mut self, waker: &Waker) -> bool {
        self.drive(&mut Context::from_waker(waker));
        self.is_ready()
    }

    /// Begins to send `request`: what comes of it is the head of the answer, and comes with [`Connection::answered`].
    /// An error has the request with it if none of it was written.
    pub(crate) fn begin(
        &mut self,
        request: Outgoing,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Outgoing>>> + Send + use<>
    {
        // Its turns are not counted: it comes by the connection's, which are.
        unconstrained(self.requests.try_send_request(request))
    }

    /// Writes and reads until there is the `answer` to what was begun.
    pub(crate) fn answered<F: Future>(
        &mut self,
        mut answer: Pin<&mut F>,
    ) -> impl Future<Output = F::Output> {
        poll_fn(move |context| {
            self.drive(context);
            answer.as_mut().poll(&mut Context::from_waker(SILENT))
        })
    }

    /// Reads until there is `something` of an answer, if it did not come together with what was read before.
    pub(crate) fn until<F: Future>(
        &mut self,
        mut something: Pin<&mut F>,
    ) -> impl Future<Output = F::Output> {
        poll_fn(move |context| {
            let mut silent = Context::from_waker(SILENT);
            if let Poll::Ready(came) = something.as_mut().poll(&mut silent) {
                return Poll::Ready(came);
            }
            self.drive(context);
            something.as_mut().poll(&mut silent)
        })
    }

    fn drive(&mut self, context: &mut Context<'_>) {
        let ended = self.io.as_mut().is_some_and(|io| io.as_mut().poll(context).is_ready());
        if ended {
            // Why is told to whoever waits for an answer.
            self.io = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::task::{coop::consume_budget, yield_now};
    use tokio::time::sleep;

    use super::*;

    /// Tokio has a task wait that has done much in its turn: what it then waits for must not be missed.
    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a socket is waited for, and no session")]
    async fn an_answer_is_heard_however_much_the_task_has_done_before() {
        for done in 0..=128 {
            let (ours, mut theirs) = duplex(4_096);
            let mut connection = Connection::over(TokioIo::new(ours)).await.unwrap();
            let request = Request::get("/").header("host", "x").body(Full::default()).unwrap();
            let answer = std::pin::pin!(connection.begin(request));
            let mut until = std::pin::pin!(connection.answered(answer));
            yield_now().await;
            poll_fn(|context| {
                assert!(until.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            let last = b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n";
            theirs.write_all(last).await.unwrap();
            yield_now().await;
            let mut left = done;
            let answered = poll_fn(|context| {
                while left > 0 {
                    left -= 1;
                    let _turn = std::pin::pin!(consume_budget()).poll(context);
                }
                until.as_mut().poll(context)
            });
            // Not by `timeout`, which looks for the answer once more at its end.
            let answer = tokio::select! {
                biased;
                () = sleep(Duration::from_secs(20)) => panic!("after {done} nobody has heard of it"),
                answer = answered => answer,
            };
            assert_eq!(answer.unwrap().status().as_u16(), 204, "{done}");
        }
    }
}
