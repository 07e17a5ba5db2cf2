//! The system's clocks: the only place that reads them, and the only one that waits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Clock, Monotonic, Timestamp};

/// The clocks of the operating system.
///
/// The wall clock is the coarse one where there is one (a few milliseconds of resolution, no system
/// call): it is read on every call that hands out a token. Waiting needs a tokio runtime with its
/// timer switched on.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Duration,
}

/// The wall clock as the hit path reads it: the system's without the way over a trait object.
#[derive(Clone)]
pub(crate) enum Wall {
    System,
    Other(Arc<dyn Clock>),
}

/// What the wall clock has shown, as the system tells it: it is not made milliseconds of before that is needed.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    second: i64,
    nanos: u32,
}

/// An instant to which a reading is held.
#[derive(Clone, Copy)]
pub(crate) struct Until {
    at: Timestamp,
    /// The second in which it lies.
    second: i64,
}

impl Wall {
    #[inline]
    pub(crate) fn read(&self) -> Reading {
        match self {
            Self::System => read(),
            Self::Other(clock) => Reading::of(clock.now()),
        }
    }
}

impl Reading {
    fn of(now: Timestamp) -> Self {
        let second = now.as_seconds();
        let millis = now.as_millis().rem_euclid(1_000);
        Self { second, nanos: millis as u32 * 1_000_000 }
    }

    #[inline]
    pub(crate) const fn is_before_second(self, second: i64) -> bool {
        self.second < second
    }

    /// Nearly always the second tells.
    pub(crate) fn is_before(self, until: Until) -> bool {
        self.second < until.second || self.second == until.second && self.now() < until.at
    }

    fn now(self) -> Timestamp {
        let millis = self.second.saturating_mul(1_000);
        Timestamp::from_millis(millis.saturating_add(i64::from(self.nanos / 1_000_000)))
    }
}

impl Until {
    pub(crate) const fn new(at: Timestamp) -> Self {
        Self { at, second: at.as_seconds() }
    }

    pub(crate) const fn at(self) -> Timestamp {
        self.at
    }

    pub(crate) const fn second(self) -> i64 {
        self.second
    }
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    pub fn new() -> Self {
        Self { start: ticks() }
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
        Monotonic::from_start(ticks().saturating_sub(self.start))
    }

    fn monotonic_coarse(&self) -> Monotonic {
        Monotonic::from_start(coarse_ticks().saturating_sub(self.start))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    async fn sleep_until(&self, deadline: Monotonic) {
        // A year is as good as never, and far below what the timer can count.
        let longest = Duration::from_secs(365 * 24 * 3600);
        let span = deadline.since(self.monotonic()).min(longest);
        tokio::time::sleep(span).await;
    }
}

fn wall() -> Timestamp {
    read().now()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use coarse::{coarse_ticks, read, ticks};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use exact::{coarse_ticks, read, ticks};

/// Where the system keeps what its clocks showed at its last tick.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod coarse {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    use super::Reading;

    #[inline]
    pub(super) fn read() -> Reading {
        let time = clock_gettime(ClockId::RealtimeCoarse);
        // The nanoseconds of a second fit into 32 bits.
        Reading { second: time.tv_sec, nanos: time.tv_nsec as u32 }
    }

    pub(super) fn ticks() -> Duration {
        since_boot(ClockId::Monotonic)
    }

    pub(super) fn coarse_ticks() -> Duration {
        since_boot(ClockId::MonotonicCoarse)
    }

    fn since_boot(clock: ClockId) -> Duration {
        let time = clock_gettime(clock);
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
mod exact {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use countersign_core::Timestamp;

    use super::Reading;

    pub(super) fn read() -> Reading {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Reading::of(Timestamp::UNIX_EPOCH.after(since.unwrap_or_default()))
    }

    pub(super) fn ticks() -> Duration {
        static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
        FIRST.elapsed()
    }

    pub(super) use ticks as coarse_ticks;
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

    #[test]
    fn a_reading_is_held_to_an_instant_as_the_clock_is() {
        let clock = SystemClock::new();
        let start = clock.now();
        // Both ends of the second that it is now, and what lies around it.
        for wall in [Wall::System, Wall::Other(Arc::new(clock))] {
            for by_millis in -1_500..1_500 {
                let until = start.shifted(by_millis);
                let earliest = clock.now();
                let is_before = wall.read().is_before(Until::new(until));
                let latest = clock.now();
                assert!(if is_before { earliest < until } else { latest >= until }, "{by_millis}");
            }
            assert!(wall.read().is_before(Until::new(Timestamp::MAX)));
            assert!(!wall.read().is_before(Until::new(Timestamp::from_millis(i64::MIN))));
        }
    }

    #[test]
    fn the_coarse_monotonic_clock_is_behind_the_exact_one_by_little_and_never_goes_back() {
        let clock = SystemClock::new();
        let (mut last, mut latest) = (clock.monotonic_coarse(), Duration::ZERO);
        for _ in 0..10_000 {
            let coarse = clock.monotonic_coarse();
            let exact = clock.monotonic();
            assert!(last <= coarse && coarse <= exact);
            latest = latest.max(exact.since(coarse));
            last = coarse;
        }
        // What a test is stopped for in between counts too.
        assert!(latest < Duration::from_secs(5), "{latest:?}");
    }

    #[tokio::test]
    async fn sleeping_reaches_its_deadline() {
        let clock = SystemClock::new();
        let deadline = clock.monotonic().after(Duration::from_millis(5));
        clock.sleep_until(deadline).await;
        assert!(clock.monotonic() >= deadline);
    }
}
