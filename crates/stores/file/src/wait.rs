//! Waiting for a lock that somebody else holds: the one place of this crate that sleeps.
//!
//! The operating system offers to wait for a lock only without an end, so it is tried again in
//! growing steps.

use std::time::Duration;

use tokio::time::Instant;

const FIRST_STEP: Duration = Duration::from_millis(5);
const LONGEST_STEP: Duration = Duration::from_millis(50);

/// How long somebody still waits.
pub(crate) struct Patience {
    deadline: Instant,
    step: Duration,
}

impl Patience {
    pub(crate) fn new(wait: Duration) -> Self {
        let now = Instant::now();
        // A wait that the clock cannot count is cut to a day.
        let deadline = now.checked_add(wait).unwrap_or(now + Duration::from_secs(24 * 3600));
        Self { deadline, step: FIRST_STEP }
    }

    /// Waits a little; false, at once, if the time is over.
    pub(crate) async fn pause(&mut self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let step = self.step.min(left);
        self.step = (self.step * 3 / 2).min(LONGEST_STEP);
        #[expect(
            clippy::disallowed_methods,
            reason = "another process lets the lock go: real time, which no clock of a test moves"
        )]
        tokio::time::sleep(step).await;
        true
    }
}
