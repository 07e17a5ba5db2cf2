//! A wall clock that stands, for what is to be told of one moment.

use countersign_core::{Clock, Monotonic, Timestamp};
use countersign_runtime::SystemClock;

/// The second in which it was made. What is planned from "now on" is then the same for every question within that
/// second, and for every session that is asked about. Waits take as long as they do.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    wall: Timestamp,
    beside: SystemClock,
}

impl Moment {
    pub(crate) fn new() -> Self {
        let beside = SystemClock::new();
        Self { wall: Timestamp::from_seconds(beside.now().as_seconds()), beside }
    }
}

#[async_trait::async_trait]
impl Clock for Moment {
    fn now(&self) -> Timestamp {
        self.wall
    }

    fn monotonic(&self) -> Monotonic {
        self.beside.monotonic()
    }

    fn monotonic_coarse(&self) -> Monotonic {
        self.beside.monotonic_coarse()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.beside.sleep_until(deadline).await;
    }
}
