//! A panic of somebody else's code, caught where a future meets it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// The code behind a future has panicked; the future is not polled again.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Runs `future` to its end or to its panic.
pub(crate) const fn caught<F: Future>(future: F) -> Caught<F> {
    Caught { future }
}

pin_project! {
    pub(crate) struct Caught<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Whatever the panic has left in disorder is dropped with the future.
        match catch_unwind(AssertUnwindSafe(|| self.project().future.poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(end)) => Poll::Ready(Ok(end)),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    }
}
