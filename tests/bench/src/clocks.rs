//! The clocks of a measurement. The only file of this package that reads one: what is measured takes
//! its time from the `Clock` of its keeper, as everywhere.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use rustix::time::{ClockId, clock_gettime};

use crate::Result;

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

/// CPU time of the programs that this process has started and that have ended, and of theirs.
pub(crate) fn ended_children_cpu() -> Result<Duration> {
    let spent = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let spent = micros(spent.user_time()) + micros(spent.system_time());
    Ok(Duration::from_micros(u64::try_from(spent)?))
}

/// How long `piece` takes on `clock`.
// So that each caller has its own.
#[inline(always)]
pub(crate) fn timed<T>(clock: fn() -> Duration, piece: impl FnOnce() -> T) -> (Duration, T) {
    let start = clock();
    let made = piece();
    (clock().saturating_sub(start), made)
}

fn read(clock: ClockId) -> Duration {
    // The system's clocks do not run before their zero.
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
