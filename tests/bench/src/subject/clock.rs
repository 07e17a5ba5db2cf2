//! The system's clock with a lever: hours can be let pass at once.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_core::{Clock, Monotonic, Timestamp};
use countersign_runtime::SystemClock;
use tokio::sync::Notify;

/// The system's clock, ahead by what was let pass. Both of its clocks move together, so that it is time
/// that passes and no clock that jumps.
#[derive(Clone)]
pub(crate) struct ShiftClock(Arc<Inner>);

struct Inner {
    system: SystemClock,
    began: Timestamp,
    /// So many of its seconds go into one of the system's.
    faster: u32,
    ahead_ms: AtomicU64,
    moved: Notify,
}

/// For just so long an exchange waits for its answer, where a keeper is told so.
pub(crate) const REAL: Duration = Duration::from_secs(20);

/// And so long a caller waits for an exchange, where a session is told so. Nothing else waits for just so long.
pub(crate) const CALLER: Duration = Duration::from_secs(25);

/// So late may be read for how long.
const READ: Duration = Duration::from_millis(100);

/// Whether sleepers whose time has come by the move hear of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sleepers {
    /// They look again.
    Woken,
    /// They sleep on for as long as they meant to: what falls due is left to callers.
    Left,
}

impl ShiftClock {
    pub(crate) fn new() -> Self {
        Self::faster(1)
    }

    /// The same, so many times faster than the system's.
    pub(crate) fn faster(faster: u32) -> Self {
        let system = SystemClock::new();
        Self(Arc::new(Inner {
            began: system.now(),
            system,
            faster,
            ahead_ms: AtomicU64::new(0),
            moved: Notify::new(),
        }))
    }

    /// Lets `span` pass.
    pub(crate) fn pass(&self, span: Duration, sleepers: Sleepers) {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.0.ahead_ms.fetch_add(millis, Ordering::AcqRel);
        if sleepers == Sleepers::Woken {
            self.0.moved.notify_waiters();
        }
    }

    fn elapsed(&self, system: Monotonic) -> Duration {
        let elapsed = system.elapsed();
        match self.0.faster {
            // Without the arithmetic, which would be most of the reading.
            1 => elapsed + self.ahead(),
            faster => elapsed * faster + self.ahead(),
        }
    }

    fn ahead(&self) -> Duration {
        Duration::from_millis(self.0.ahead_ms.load(Ordering::Acquire))
    }
}

impl Clock for ShiftClock {
    fn now(&self) -> Timestamp {
        match self.0.faster {
            // As on the system's clock, with its coarse reading: this one is part of the hit path.
            1 => self.0.system.now().after(self.ahead()),
            _ => self.0.began.after(self.elapsed(self.0.system.monotonic())),
        }
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_start(self.elapsed(self.0.system.monotonic()))
    }

    fn monotonic_coarse(&self) -> Monotonic {
        Monotonic::from_start(self.elapsed(self.0.system.monotonic_coarse()))
    }

    fn sleep_until<'a, 'b>(
        &'a self,
        deadline: Monotonic,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let left = deadline.since(self.monotonic());
        // An answer takes its time whatever is let pass here, and a great many wait for one: they sleep as on the system's
        // clock.
        let for_an_answer = |span: Duration| (span - READ..=span).contains(&left);
        if self.0.faster == 1 && [REAL, CALLER].into_iter().any(for_an_answer) {
            return self.0.system.sleep_until(self.0.system.monotonic().after(left));
        }
        Box::pin(self.sleep_until_moved(deadline))
    }
}

impl ShiftClock {
    async fn sleep_until_moved(&self, deadline: Monotonic) {
        loop {
            let moved = self.0.moved.notified();
            let left = deadline.since(self.monotonic());
            if left.is_zero() {
                return;
            }
            let left = if self.0.faster == 1 { left } else { left / self.0.faster };
            let until = self.0.system.monotonic().after(left);
            tokio::select! {
                () = self.0.system.sleep_until(until) => return,
                () = moved => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn an_hour_that_is_let_pass_has_passed_on_both_clocks_and_wakes_who_waited_for_it() {
        let clock = ShiftClock::new();
        let (wall, mono) = (clock.now(), clock.monotonic());
        let sleeper = clock.sleep_until(mono.after(HOUR));
        let passing = async {
            tokio::task::yield_now().await;
            clock.pass(HOUR, Sleepers::Woken);
        };
        tokio::join!(sleeper, passing);
        assert!(clock.now().since(wall) >= HOUR && clock.monotonic().since(mono) >= HOUR);
    }
}
