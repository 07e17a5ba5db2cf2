//! Real time: processes live in it. Read and waited for through the library's one clock.

use std::time::Duration;

use countersign_core::{Clock, Monotonic};
use countersign_runtime::SystemClock;

/// Measures how long something takes.
pub(crate) struct Stopwatch(SystemClock);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(SystemClock::new())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.monotonic().since(Monotonic::from_start(Duration::ZERO))
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}

/// Lets `span` pass.
pub(crate) async fn pause(span: Duration) {
    let clock = SystemClock::new();
    clock.sleep_until(Monotonic::from_start(span)).await;
}

/// Milliseconds since 1970, as the simulator's records have them.
pub(crate) fn now_ms() -> i64 {
    SystemClock::new().now().as_millis()
}

/// Looks again and again until `so`, at most for `span`; whether it came about.
pub(crate) async fn until(span: Duration, mut so: impl FnMut() -> bool) -> bool {
    let watch = Stopwatch::start();
    while !so() {
        if watch.elapsed() > span {
            return false;
        }
        pause(Duration::from_millis(2)).await;
    }
    true
}
