//! The usual call for an authorization: the token is at hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use countersign_core::Error;

use crate::obtain::is_handed_out;
use crate::session::Session;
use crate::snapshot::{Authorized, Snapshot};
use crate::sync::Guard;

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

/// Out of line and by value: whoever drops it where it stands keeps it in memory for that.
#[cold]
#[inline(never)]
fn let_go(over: Guard<Option<Arc<Snapshot>>>) {
    drop(over);
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
            if is_handed_out(&shown, now) {
                return Poll::Ready(Ok(Authorized::of(shown)));
            }
            let_go(shown);
        }
        self.obtain(cx)
    }
}
