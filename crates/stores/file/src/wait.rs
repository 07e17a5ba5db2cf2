//! Waiting for what others hold: the one place of this crate that sleeps.
//!
//! The operating system offers to wait for a lock only without an end, so it is tried again in
//! growing steps.

use std::io;
use std::time::Duration;

use crate::system::{self, Doing};

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
        self.step = longer(self.step);
        #[expect(
            clippy::disallowed_methods,
            reason = "another process lets the lock go: real time, which no clock of a test moves"
        )]
        tokio::time::sleep(step).await;
        true
    }
}

fn longer(step: Duration) -> Duration {
    (step * 3 / 2).min(LONGEST_STEP)
}

/// Tries `work`, which is `doing` something, until it goes well or fails for a reason that does not pass, or not
/// in time. It holds its thread.
pub(crate) fn patiently<T>(doing: Doing, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let (mut waited, mut step) = (Duration::ZERO, FIRST_STEP);
    loop {
        let end = work();
        let within = match &end {
            Ok(_) => None,
            Err(fault) => system::passes_within(fault, doing),
        };
        if within.is_none_or(|within| waited >= within) {
            return end;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "another program closes the file: real time, on a thread that may wait"
        )]
        std::thread::sleep(step);
        waited += step;
        step = longer(step);
    }
}
