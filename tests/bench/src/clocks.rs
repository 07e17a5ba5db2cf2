//! The clocks of a measurement. The only file of this package that reads one: what is measured takes
//! its time from the `Clock` of its keeper, as everywhere.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time that passes for whoever waits.
pub(crate) fn wall() -> Duration {
    read(ClockId::Monotonic)
}

/// CPU time of this thread.
pub(crate) fn thread_cpu() -> Duration {
    read(ClockId::ThreadCPUTime)
}

/// CPU time of this process, in all of its threads.
pub(crate) fn process_cpu() -> Duration {
    read(ClockId::ProcessCPUTime)
}

/// How long `piece` takes on `clock`.
pub(crate) fn timed<T>(clock: fn() -> Duration, piece: impl FnOnce() -> T) -> (Duration, T) {
    let start = clock();
    let made = piece();
    (clock().saturating_sub(start), made)
}

fn read(clock: ClockId) -> Duration {
    // The system's clocks do not run before their zero.
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
