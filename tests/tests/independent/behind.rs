//! A clock that is wrong.

use async_trait::async_trait;
use countersign_core::{Clock, Monotonic, Timestamp};
use countersign_runtime::SystemClock;

/// The clock of a machine that believes it is an hour earlier: tokens end before it thinks so.
pub(crate) struct Behind(SystemClock);

impl Behind {
    const MILLIS: i64 = 60 * 60 * 1000;

    pub(crate) fn an_hour() -> Self {
        Self(SystemClock::new())
    }
}

#[async_trait]
impl Clock for Behind {
    fn now(&self) -> Timestamp {
        self.0.now().shifted(-Self::MILLIS)
    }

    fn monotonic(&self) -> Monotonic {
        self.0.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.0.sleep_until(deadline).await;
    }
}
