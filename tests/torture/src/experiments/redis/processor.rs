//! How much of the machine this process had: without that no time is worth anything on a busy one.

use std::fmt;
use std::time::Duration;

/// Sums over the threads of this process, as Linux keeps them; zero where it does not.
#[derive(Clone, Copy, Default)]
pub(crate) struct Processor {
    running: Duration,
    /// Ready to run, and not run.
    waiting: Duration,
    /// In which time.
    passed: Duration,
}

impl Processor {
    pub(crate) fn now() -> Self {
        let mut sum = Self::default();
        let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        for thread in threads {
            // Running and waiting in nanoseconds, and a count (proc(5), schedstat).
            let Ok(text) = std::fs::read_to_string(thread.path().join("schedstat")) else {
                continue;
            };
            let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
            sum.running += Duration::from_nanos(numbers.next().unwrap_or_default());
            sum.waiting += Duration::from_nanos(numbers.next().unwrap_or_default());
        }
        sum
    }

    /// Adds what came between two looks.
    pub(crate) fn add(&mut self, before: Self, after: Self, passed: Duration) {
        self.running += after.running.saturating_sub(before.running);
        self.waiting += after.waiting.saturating_sub(before.waiting);
        self.passed += passed;
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "in these {:.1} s the process ran for {:.1} s and waited for {:.1} s to be let run",
            self.passed.as_secs_f64(),
            self.running.as_secs_f64(),
            self.waiting.as_secs_f64()
        )
    }
}
