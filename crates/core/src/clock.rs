//! The seam to time: the only thing that may be asked for the hour, and the only way to wait.

use async_trait::async_trait;

use crate::time::{Monotonic, Timestamp};

/// Two clocks and a way to wait.
///
/// The wall clock dates what is stored; the monotonic one measures waits and shows jumps of the
/// other. In tests both are a hand crank.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock. Cheap: it is read on every call that hands out a token.
    fn now(&self) -> Timestamp;

    /// The monotonic clock.
    fn monotonic(&self) -> Monotonic;

    /// The same, maybe some milliseconds ago, where that is cheaper to know: for what is read again and again in one
    /// exchange. Never ahead of [`Clock::monotonic`], and never behind what it showed itself. A deadline may be made of
    /// it; whether one has come is for [`Clock::monotonic`] to say.
    fn monotonic_coarse(&self) -> Monotonic {
        self.monotonic()
    }

    /// Returns once [`Clock::monotonic`] has reached `deadline`.
    async fn sleep_until(&self, deadline: Monotonic);
}
