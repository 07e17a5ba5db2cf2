//! The usual call for an authorization: the token is at hand.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use countersign_core::Error;

use crate::session::Session;
use crate::snapshot::Authorized;

/// What comes of it where it is not.
type Obtaining<'a> = Pin<Box<dyn Future<Output = Result<Authorized, Error>> + Send + 'a>>;

/// Gives at once what is at hand; else waits for it.
///
/// Written out, since of an `async fn` the usual case is no part of its caller: a frame for the other one is set up each
/// time, and the answer is moved, which takes as long as all the rest.
pub(crate) struct AtHand<'a> {
    session: &'a Session,
    /// Boxed, so that the future of the usual case is small.
    obtaining: Option<Obtaining<'a>>,
}

impl<'a> AtHand<'a> {
    #[inline]
    pub(crate) const fn new(session: &'a Session) -> Self {
        Self { session, obtaining: None }
    }

    #[cold]
    #[inline(never)]
    fn obtain(&mut self, cx: &mut Context<'_>) -> Poll<Result<Authorized, Error>> {
        let cell = &self.session.0;
        let obtaining = self
            .obtaining
            .get_or_insert_with(|| Box::pin(cell.obtain(Duration::ZERO, cell.settings.deadline)));
        obtaining.as_mut().poll(cx)
    }
}

impl Future for AtHand<'_> {
    type Output = Result<Authorized, Error>;

    // Left to the compiler it is called, and its answer goes by way of memory.
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.obtaining.is_none() {
            let cell = &self.session.0;
            let now = cell.wall.read();
            let shown = cell.snapshot.load();
            if shown.is_hit(now) {
                return Poll::Ready(Ok(Authorized::of(shown)));
            }
            if let Some(shown) = shown.hit_after_all(now) {
                return Poll::Ready(Ok(Authorized::new(shown)));
            }
        }
        self.obtain(cx)
    }
}
