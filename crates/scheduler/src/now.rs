//! One reading of both clocks, and the way from one to the other.

use std::time::Duration;

use countersign_core::{Monotonic, Timestamp};

/// Both clocks, read at one moment.
///
/// Tokens and hints are dated on the wall clock; waits are measured on the monotonic one, so that
/// setting the wall clock neither lengthens nor shortens a wait that has begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The wall clock.
    pub wall: Timestamp,
    /// The monotonic clock.
    pub mono: Monotonic,
}

impl Now {
    /// The monotonic point at which the wall clock will show `at`, if neither is disturbed; the
    /// present if that has passed.
    pub fn mono_at(&self, at: Timestamp) -> Monotonic {
        self.mono.after(at.since(self.wall))
    }

    /// What the wall clock will show at `point`; the present if that has passed.
    pub fn wall_at(&self, point: Monotonic) -> Timestamp {
        self.wall.after(point.since(self.mono))
    }

    /// Both clocks `span` later.
    #[must_use]
    pub fn after(&self, span: Duration) -> Self {
        Self { wall: self.wall.after(span), mono: self.mono.after(span) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f17_the_past_is_the_present_and_nothing_overflows() {
        let now = Now {
            wall: Timestamp::from_seconds(1_000),
            mono: Monotonic::from_start(Duration::from_secs(7)),
        };
        assert_eq!(now.mono_at(Timestamp::from_seconds(10)), now.mono);
        assert_eq!(now.wall_at(Monotonic::default()), now.wall);
        let later = now.after(Duration::from_secs(5));
        assert_eq!(now.mono_at(later.wall), later.mono);
        assert_eq!(now.wall_at(later.mono), later.wall);
        assert!(now.mono_at(Timestamp::MAX) > now.mono);
        assert_eq!(now.wall_at(Monotonic::from_start(Duration::MAX)), Timestamp::MAX);
    }
}
