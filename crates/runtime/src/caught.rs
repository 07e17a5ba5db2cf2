//! A panic of somebody else's code, caught where a future meets it.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The code behind a future has panicked; the future is not polled again.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Runs `future` to its end or to its panic.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        // Whatever the panic has left in disorder is dropped with the future.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(end)) => Poll::Ready(Ok(end)),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}
