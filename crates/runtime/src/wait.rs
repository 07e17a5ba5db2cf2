//! Waiting for one thing or for the end of a time.

use std::pin::pin;

use countersign_core::{Clock, Monotonic};
use futures_util::future::{Either, select};

/// What ended a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waited<T> {
    /// What was waited for.
    Came(T),
    /// The time.
    Over,
}

/// Waits for `thing`, at most until `until`.
pub(crate) async fn wait<F: Future>(
    clock: &dyn Clock,
    thing: F,
    until: Monotonic,
) -> Waited<F::Output> {
    match select(pin!(thing), clock.sleep_until(until)).await {
        Either::Left((came, _)) => Waited::Came(came),
        Either::Right(((), _)) => Waited::Over,
    }
}
