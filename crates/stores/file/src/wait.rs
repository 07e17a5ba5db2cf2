//! Waiting for a lock that somebody else holds: the one place of this crate that sleeps.
//!
//! The operating system offers to wait for a lock only without an end, so it is tried again in
//! growing steps.

use std::time::Duration;

const FIRST_STEP: Duration = Duration::from_millis(5);
const LONGEST_STEP: Duration = Duration::from_millis(50);

/// How long somebody still waits. Counted by the pauses themselves: no clock is read.
pub(crate) struct Patience {
    left: Duration,
    step: Duration,
}

impl Patience {
    pub(crate) const fn new(wait: Duration) -> Self {
        Self { left: wait, step: FIRST_STEP }
    }

    /// Waits a little; false, at once, if the time is over.
    pub(crate) async fn pause(&mut self) -> bool {
        if self.left.is_zero() {
            return false;
        }
        let step = self.step.min(self.left);
        self.left -= step;
        self.step = (self.step * 3 / 2).min(LONGEST_STEP);
        #[expect(
            clippy::disallowed_methods,
            reason = "another process lets the lock go: real time, which no clock of a test moves"
        )]
        tokio::time::sleep(step).await;
        true
    }
}
