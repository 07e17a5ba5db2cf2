//! Waiting for an answer or for the end of a time, and the pauses between two tries.

use std::pin::pin;
use std::time::Duration;

use countersign_core::{Clock, Monotonic};
use futures_util::future::{Either, select};

/// What ended a wait.
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

/// Pauses that grow from `first` to `longest`, each drawn from its upper half, so that many who lost the
/// same server do not come back in one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let bound = self.next;
        self.next = (self.next * 2).min(self.longest);
        let mut byte = [0];
        // Without randomness the pause is the longest: they only come together.
        let share = getrandom::fill(&mut byte).map_or(u32::from(u8::MAX), |()| u32::from(byte[0]));
        bound / 2 + bound / 2 * share / u32::from(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_within_their_bounds() {
        let (first, longest) = (Duration::from_millis(10), Duration::from_millis(45));
        let mut pauses = Pauses::new(first, longest);
        for bound in [10, 20, 40, 45, 45].map(Duration::from_millis) {
            let pause = pauses.next();
            assert!(bound / 2 <= pause && pause <= bound, "{pause:?} of {bound:?}");
        }
    }
}
