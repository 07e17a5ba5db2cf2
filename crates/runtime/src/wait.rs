//! Waiting for one thing or for the end of a time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use countersign_core::{Clock, Monotonic};
use pin_project_lite::pin_project;

/// What ended a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waited<T> {
    /// What was waited for.
    Came(T),
    /// The time.
    Over,
}

/// Waits for `thing`, at most until `until`.
pub(crate) const fn wait<'a, F: Future>(
    clock: &'a dyn Clock,
    thing: F,
    until: Monotonic,
) -> Wait<'a, F> {
    Wait { thing, clock, until, over: None }
}

pin_project! {
    /// A future of its own, since an `async fn` has room for what it is given twice, and waits lie in waits.
    pub(crate) struct Wait<'a, F> {
        #[pin]
        thing: F,
        clock: &'a dyn Clock,
        until: Monotonic,
        // Made when the thing is not there at once: most are.
        over: Option<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>,
    }
}

impl<F: Future> Future for Wait<'_, F> {
    type Output = Waited<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(came) = this.thing.poll(cx) {
            return Poll::Ready(Waited::Came(came));
        }
        let (clock, until) = (*this.clock, *this.until);
        let over = this.over.get_or_insert_with(|| clock.sleep_until(until));
        ready!(over.as_mut().poll(cx));
        Poll::Ready(Waited::Over)
    }
}
