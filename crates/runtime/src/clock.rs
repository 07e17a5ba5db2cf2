//! The system's clocks: the only place that reads them, and the only one that waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use countersign_core::{Clock, Monotonic, Timestamp};

/// The clocks of the operating system.
///
/// The wall clock is the coarse one where there is one (a few milliseconds of resolution, no system
/// call): it is read on every call that hands out a token. Waiting needs a tokio runtime with its
/// timer switched on.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

/// The wall clock as the hit path reads it: the system's without the way over a trait object.
#[derive(Clone)]
pub(crate) enum Wall {
    System,
    Other(Arc<dyn Clock>),
}

impl Wall {
    #[inline]
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::System => wall(),
            Self::Other(clock) => clock.now(),
        }
    }
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        wall()
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_start(self.start.elapsed())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    async fn sleep_until(&self, deadline: Monotonic) {
        // A year is as good as never, and far below what the timer can count.
        let longest = Duration::from_secs(365 * 24 * 3600);
        let span = deadline.since(self.monotonic()).min(longest);
        tokio::time::sleep(span).await;
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
fn wall() -> Timestamp {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    // In plain arithmetic: by way of `Duration`, or with a division of 64 bits, it takes as long as the
    // reading. The nanoseconds of a second fit into 32 bits.
    let part = i64::from(time.tv_nsec as u32 / 1_000_000);
    let millis = time.tv_sec.saturating_mul(1_000).saturating_add(part);
    Timestamp::from_millis(millis)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn wall() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::UNIX_EPOCH.after(since.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_clock_shows_the_same_time_as_the_exact_one() {
        #[expect(clippy::disallowed_methods, reason = "the clock is checked against the system's")]
        let exact = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let coarse = SystemClock::new().now().since(Timestamp::UNIX_EPOCH);
        assert!(exact.abs_diff(coarse) < Duration::from_secs(1));
    }

    #[tokio::test]
    async fn sleeping_reaches_its_deadline() {
        let clock = SystemClock::new();
        let deadline = clock.monotonic().after(Duration::from_millis(5));
        clock.sleep_until(deadline).await;
        assert!(clock.monotonic() >= deadline);
    }
}
