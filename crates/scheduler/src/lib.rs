//! When Countersign acts: windows, jitter, back-off, budgets, circuits and one queue.
//!
//! What this crate never does: it reads no clock, draws no random number, waits for nothing and
//! starts nothing. Every function is arithmetic over a `now` that is passed in, so every timing bug
//! is a unit test. Jitter is a hash of who asks ([`Spread`]), not a draw.
//!
//! * [`Planner`] answers the machine's wish to be woken: when, between two bounds.
//! * [`Admission`] answers whether an exchange may be sent now, by auth origin and client.
//! * [`Queue`] holds the wake-ups of all sessions in one heap.
//! * [`Lateness`] tells how late they came.
//! * [`Heartbeat`] and [`SkewEstimator`] tell what the clocks of this and the other machine do.

mod backoff;
mod budget;
mod heartbeat;
mod jitter;
mod lateness;
mod now;
mod plan;
mod queue;
pub mod simulation;
mod skew;
mod windows;

pub use backoff::{BackoffPolicy, Failure, Pace, Wait};
pub use budget::{
    Admission, Admit, BudgetSettings, Caller, Lane, LaneLimits, Permit, Settled, Throttled, Why,
};
pub use heartbeat::{Beat, HEARTBEAT_INTERVAL, Heartbeat};
pub use jitter::{Spread, refresh_at};
pub use lateness::Lateness;
pub use now::Now;
pub use plan::{Due, KeepAlive, Planner, Purpose, Request};
pub use queue::Queue;
pub use skew::{DateSample, MAX_SKEW, Skew, SkewEstimator};
pub use windows::{Freshness, WindowPolicy, Windows};
