//! Noticing that the machine slept or that its clock was set.

use std::time::Duration;

use crate::now::Now;

/// How often the clocks are compared, once for the whole queue.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);

/// Two clocks may disagree by this between two looks before it means anything. Slewing by a time
/// daemon is at most 500 parts in a million, 15 ms in an interval; steps are larger than its 128 ms
/// threshold. Two seconds lie well above both and below what harms a token.
const DISAGREEMENT: Duration = Duration::from_secs(2);

/// A look that comes so much later than its interval means that the process did not run.
const MISSED: Duration = Duration::from_secs(60);

/// Compares both clocks with the last look at them.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    last: Now,
}

/// What happened since the last look. After anything but [`Beat::Steady`] every session is to be evaluated
/// again, before it is told anything else; the driver does so a few at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beat {
    /// Nothing of note.
    Steady,
    /// The wall clock was set back. Stored instants of this process look that much too far away;
    /// waits on the monotonic clock are right.
    Jumped {
        /// By how much, in milliseconds; negative.
        by_millis: i64,
    },
    /// The machine or the process slept, or the wall clock was set forward: from here the two look
    /// alike, and taking a jump for a sleep only renews tokens early.
    Suspended {
        /// For how long.
        span: Duration,
    },
}

impl Heartbeat {
    /// Begins at `now`.
    pub const fn new(now: Now) -> Self {
        Self { last: now }
    }

    /// Looks at both clocks; call it at least every [`HEARTBEAT_INTERVAL`].
    pub fn observe(&mut self, now: Now) -> Beat {
        if now.mono < self.last.mono {
            // Seen before the last look and told after it, by another thread.
            return Beat::Steady;
        }
        let mono = now.mono.since(self.last.mono);
        let forward = now.wall.since(self.last.wall);
        let backward = self.last.wall.since(now.wall);
        self.last = now;

        // What the wall clock should show is ahead of what it shows: it was set back.
        let lost = mono.saturating_add(backward).saturating_sub(forward);
        if lost > DISAGREEMENT {
            let millis = i64::try_from(lost.as_millis()).unwrap_or(i64::MAX);
            return Beat::Jumped { by_millis: -millis };
        }
        let slept = forward.saturating_sub(mono);
        if slept > DISAGREEMENT {
            return Beat::Suspended { span: slept };
        }
        if mono >= MISSED {
            return Beat::Suspended { span: mono - HEARTBEAT_INTERVAL };
        }
        Beat::Steady
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::{Monotonic, Timestamp};

    use super::*;

    fn at(wall_seconds: i64, mono_seconds: u64) -> Now {
        Now {
            wall: Timestamp::from_seconds(wall_seconds),
            mono: Monotonic::from_start(Duration::from_secs(mono_seconds)),
        }
    }

    fn beat(wall_by: i64, mono_by: u64) -> Beat {
        Heartbeat::new(at(1_000_000, 500)).observe(at(1_000_000 + wall_by, 500 + mono_by))
    }

    #[test]
    fn f18_a_suspend_shows_on_either_kind_of_monotonic_clock() {
        // One that stops while the machine sleeps, and one that goes on.
        assert_eq!(beat(3_630, 30), Beat::Suspended { span: Duration::from_secs(3_600) });
        assert_eq!(beat(3_630, 3_630), Beat::Suspended { span: Duration::from_secs(3_600) });
    }

    #[test]
    fn f17_a_clock_set_back_is_a_jump_and_never_a_panic() {
        assert_eq!(beat(-3_600, 30), Beat::Jumped { by_millis: -3_630_000 });
        assert_eq!(beat(27, 30), Beat::Jumped { by_millis: -3_000 });
        let mut heart = Heartbeat::new(at(i64::MAX / 1_000, 0));
        assert!(matches!(heart.observe(at(i64::MIN / 1_000, 9)), Beat::Jumped { .. }));
        assert!(matches!(heart.observe(at(i64::MAX / 1_000, 9)), Beat::Suspended { .. }));
    }

    #[test]
    fn f17_slewing_and_a_late_look_are_steady() {
        for (wall, mono) in [(30, 30), (31, 30), (29, 30), (0, 0), (45, 44), (-2, 0)] {
            assert_eq!(beat(wall, mono), Beat::Steady, "{wall} {mono}");
        }
    }

    #[test]
    fn f17_a_look_that_comes_out_of_turn_is_no_jump() {
        let mut heart = Heartbeat::new(at(1_000, 0));
        assert_eq!(heart.observe(at(1_030, 30)), Beat::Steady);
        // Read by a thread that was stopped before it could tell.
        assert_eq!(heart.observe(at(1_010, 10)), Beat::Steady);
        assert_eq!(
            heart.observe(at(1_040, 40)),
            Beat::Steady,
            "and the last look is still the last"
        );
        assert!(matches!(heart.observe(at(500, 50)), Beat::Jumped { .. }));
    }

    #[test]
    fn a_jump_is_told_once() {
        let mut heart = Heartbeat::new(at(1_000, 0));
        assert!(matches!(heart.observe(at(100, 10)), Beat::Jumped { .. }));
        assert_eq!(heart.observe(at(110, 20)), Beat::Steady);
    }
}
