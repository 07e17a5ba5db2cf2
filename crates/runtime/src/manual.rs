//! A clock that is cranked by hand, for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Clock, Monotonic, Timestamp};
use tokio::sync::Notify;

/// Time that stands still until [`ManualClock::advance`]. Clones are the same clock.
///
/// ```
/// use std::time::Duration;
/// use countersign_core::{Clock, Timestamp};
/// use countersign_runtime::ManualClock;
///
/// let clock = ManualClock::at(Timestamp::from_seconds(1_700_000_000));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), Timestamp::from_seconds(1_700_000_060));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hands: Mutex<Hands>,
    moved: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Hands {
    wall: Timestamp,
    mono: Monotonic,
}

impl ManualClock {
    /// A clock whose wall shows `wall` and whose monotonic hand stands at zero.
    pub fn at(wall: Timestamp) -> Self {
        let hands = Mutex::new(Hands { wall, mono: Monotonic::default() });
        Self(Arc::new(Inner { hands, moved: Notify::new() }))
    }

    /// Moves both hands and wakes whoever has slept long enough.
    pub fn advance(&self, span: Duration) {
        {
            let mut hands = self.hands();
            hands.wall = hands.wall.after(span);
            hands.mono = hands.mono.after(span);
        }
        self.0.moved.notify_waiters();
    }

    /// Sets the wall clock and leaves the monotonic one: what an administrator or a time daemon does.
    pub fn set_wall(&self, wall: Timestamp) {
        self.hands().wall = wall;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    /// Noon of some day in 2026.
    fn default() -> Self {
        Self::at(Timestamp::from_seconds(1_790_000_000))
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands().wall
    }

    fn monotonic(&self) -> Monotonic {
        self.hands().mono
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        loop {
            let moved = self.0.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.monotonic() >= deadline {
                return;
            }
            moved.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_their_time_has_come_and_not_before() {
        let clock = ManualClock::default();
        let sleeper = clock.clone();
        let deadline = clock.monotonic().after(Duration::from_secs(10));
        let task = tokio::spawn(async move { sleeper.sleep_until(deadline).await });
        for _ in 0..9 {
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
            assert!(!task.is_finished());
        }
        clock.advance(Duration::from_secs(1));
        task.await.unwrap();
    }
}
