//! When a wish of the machine comes due.

use std::time::Duration;

use countersign_core::{EarliestRefresh, Generation, KeyDigest, Timestamp};

use crate::backoff::{BackoffPolicy, Failure, Pace, capped};
use crate::jitter::{Spread, refresh_at};
use crate::windows::{WindowPolicy, Windows};

/// No two exchanges of one session are closer than this, whatever lives and hints say.
const RATE_FLOOR: Duration = Duration::from_millis(500);

/// Who waited for the same end (a lockout, a throttle) comes back within this.
const AFTER_THE_END: Duration = Duration::from_secs(5);

/// What a session wants to be woken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Purpose {
    /// The deadline of a challenge.
    ChallengeDeadline(Timestamp),
    /// The end of a lockout. Capped as any wait that a server names.
    LockoutEnd(Timestamp),
    /// A slow second try of what may have been an outage (`Certainty::Possible`).
    Probe,
    /// The background refresh of a token.
    Refresh {
        /// When the request that bought the token was sent.
        issued_at: Timestamp,
        /// When the token ends.
        expires_at: Timestamp,
    },
    /// The next attempt after failures.
    Retry(Failure),
    /// The next attempt to save a token whose commit failed.
    SaveRetry {
        /// How often it has failed: one for the first.
        attempt: u32,
    },
}

/// A wish with its bounds and with who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// What for.
    pub purpose: Purpose,
    /// Not before this. It wins over `at_latest`.
    pub not_before: Timestamp,
    /// Not after this; [`Timestamp::MAX`] if there is no bound.
    pub at_latest: Timestamp,
    /// Whose wish.
    pub session: KeyDigest,
    /// Which generation it holds.
    pub generation: Generation,
}

/// When a wish is granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Due {
    /// The instant, not before the `now` that was given.
    pub at: Timestamp,
    /// A server asked for longer than is obeyed: worth reporting.
    pub capped: bool,
    /// The session is in the slow lane.
    pub pace: Pace,
}

/// Whether a session is renewed while nobody uses it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum KeepAlive {
    /// Always.
    Always,
    /// Only if it was used within the life of the token.
    #[default]
    WhileUsed,
}

/// Policy and the number of this replica; answers every wish by arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Planner {
    /// A number that differs between replicas, drawn once by the driver. No secret.
    pub replica: u64,
    /// Windows, as the provider allows.
    pub windows: WindowPolicy,
    /// Waits after failures.
    pub backoff: BackoffPolicy,
}

impl Planner {
    /// The usual policy for a provider that welcomes refreshes as `earliest` says.
    pub fn new(replica: u64, earliest: EarliestRefresh) -> Self {
        Self {
            replica,
            windows: WindowPolicy { earliest, ..WindowPolicy::default() },
            backoff: BackoffPolicy::default(),
        }
    }

    /// The windows of a token.
    pub fn windows(&self, issued_at: Timestamp, expires_at: Timestamp) -> Windows {
        Windows::of(issued_at, expires_at, &self.windows)
    }

    /// When `request` comes due: by the rule of its purpose, moved into its bounds, never in the
    /// past.
    pub fn due(&self, request: &Request, now: Timestamp) -> Due {
        let spread = Spread::new(self.replica, &request.session, request.generation);
        self.due_by(request, now, spread)
    }

    /// The earliest and the latest instant at which `request` comes due on any replica, of any session and
    /// generation.
    pub fn due_between(&self, request: &Request, now: Timestamp) -> (Timestamp, Timestamp) {
        let [a, b] =
            [Spread::LEAST, Spread::MOST].map(|spread| self.due_by(request, now, spread).at);
        // Renewals are only ever pulled ahead, all else is only ever put off.
        (a.min(b), a.max(b))
    }

    fn due_by(&self, request: &Request, now: Timestamp, spread: Spread) -> Due {
        let quick = |at| Due { at, capped: false, pace: Pace::Quick };
        let slow = || spread.nth(0).between(self.backoff.slow.0, self.backoff.slow.1);
        let mut due = match request.purpose {
            Purpose::ChallengeDeadline(at) => quick(at),
            Purpose::LockoutEnd(end) => {
                let (end, capped) = capped(end, now, self.backoff.hint_cap);
                Due { capped, ..quick(end.after(spread.of(AFTER_THE_END))) }
            }
            Purpose::Probe => Due { pace: Pace::Slow, ..quick(now.after(slow())) },
            Purpose::Refresh { issued_at, expires_at } => {
                let windows = self.windows(issued_at, expires_at);
                let at = refresh_at(&windows, self.windows.earliest, spread);
                quick(at.max(issued_at.after(RATE_FLOOR)))
            }
            Purpose::Retry(failure) => {
                let wait = self.backoff.wait(&failure, now, spread);
                Due { at: wait.until, capped: wait.capped, pace: wait.pace }
            }
            Purpose::SaveRetry { attempt } => {
                let attempt = attempt.min(self.backoff.max_attempts);
                let delay = self.backoff.delay(attempt, Duration::ZERO, spread);
                quick(now.after(delay.unwrap_or(self.backoff.cap)))
            }
        };
        due.at = due.at.min(request.at_latest).max(request.not_before).max(now);
        due
    }

    /// Whether a token that nobody asked for since `last_used_at` is worth renewing: only if it was
    /// used within a life of such a token, unless the session is kept alive on purpose.
    pub fn worth_renewing(
        &self,
        windows: &Windows,
        last_used_at: Timestamp,
        keep: KeepAlive,
        now: Timestamp,
    ) -> bool {
        match keep {
            KeepAlive::Always => true,
            KeepAlive::WhileUsed => now.since(last_used_at) <= windows.life(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jitter::tests::session;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn request(purpose: Purpose) -> Request {
        Request {
            purpose,
            not_before: NOW,
            at_latest: Timestamp::MAX,
            session: session("kim"),
            generation: Generation::default(),
        }
    }

    fn due(purpose: Purpose) -> Due {
        Planner::new(1, EarliestRefresh::Anytime).due(&request(purpose), NOW)
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_refresh_comes_due_in_the_last_third_of_an_hour() {
        let expires_at = NOW.after(seconds(3_600));
        let wait = due(Purpose::Refresh { issued_at: NOW, expires_at }).at.since(NOW);
        assert!(wait >= seconds(2_340) && wait <= seconds(2_700), "{wait:?}");
    }

    #[test]
    fn f13_no_life_makes_a_session_ask_twice_within_half_a_second() {
        for millis in (-5_000..10_000).step_by(37) {
            let expires_at = NOW.shifted(millis);
            let at = due(Purpose::Refresh { issued_at: NOW, expires_at }).at;
            assert!(at.since(NOW) >= RATE_FLOOR, "a life of {millis} ms");
        }
    }

    #[test]
    fn bounds_win_and_the_earlier_bound_wins_over_the_later_one() {
        let planner = Planner::new(1, EarliestRefresh::Anytime);
        let expires_at = NOW.after(seconds(3_600));
        let wish = request(Purpose::Refresh { issued_at: NOW, expires_at });
        let due = |not_before: u64, at_latest: u64| {
            let (not_before, at_latest) =
                (NOW.after(seconds(not_before)), NOW.after(seconds(at_latest)));
            planner.due(&Request { not_before, at_latest, ..wish }, NOW).at.since(NOW)
        };
        assert_eq!(due(3_000, 9_999), seconds(3_000));
        assert_eq!(due(0, 100), seconds(100));
        assert_eq!(due(500, 100), seconds(500));
        let late = NOW.after(seconds(9_000));
        assert_eq!(planner.due(&wish, late).at, late, "what is overdue is due now");
    }

    #[test]
    fn f02_every_replica_is_due_between_the_bounds_and_some_are_at_them() {
        let refresh = |seconds| Purpose::Refresh {
            issued_at: NOW,
            expires_at: NOW.after(Duration::from_secs(seconds)),
        };
        let failure = Failure { attempt: 4, since: NOW, hint: Some(NOW.after(seconds(60))) };
        let slow = Failure { attempt: 99, since: NOW, hint: None };
        for earliest in [EarliestRefresh::Anytime, EarliestRefresh::MandatoryWindow] {
            for (purpose, is_spread) in [
                (refresh(3_600), true),
                (refresh(60), true),
                (refresh(86_400), true),
                (refresh(10), earliest == EarliestRefresh::MandatoryWindow),
                (refresh(0), false),
                (Purpose::LockoutEnd(NOW.after(seconds(600))), true),
                (Purpose::ChallengeDeadline(NOW.after(seconds(180))), false),
                (Purpose::Probe, true),
                (Purpose::Retry(failure), true),
                (Purpose::Retry(slow), true),
                (Purpose::SaveRetry { attempt: 3 }, true),
            ] {
                let request = request(purpose);
                let due = |replica| Planner::new(replica, earliest).due(&request, NOW).at;
                let (least, most) = Planner::new(1, earliest).due_between(&request, NOW);
                assert_eq!(least < most, is_spread, "{purpose:?}: {least} to {most}");
                let instants: Vec<_> = (0..2_000).map(due).collect();
                assert!(instants.iter().all(|at| (least..=most).contains(at)), "{purpose:?}");
                // Bounds that are wider than they must be would be of no use.
                let near = most.since(least) / 100;
                let first = instants.iter().min().unwrap().since(least);
                let last = most.since(*instants.iter().max().unwrap());
                assert!(first <= near && last <= near, "{purpose:?}: {first:?}, {last:?}");
            }
        }
    }

    #[test]
    fn p10_nobody_comes_before_a_lockout_ends_and_not_all_at_once() {
        let end = NOW.after(seconds(600));
        let ends: std::collections::BTreeSet<_> = (0..100)
            .map(|replica| {
                let planner = Planner::new(replica, EarliestRefresh::Anytime);
                planner.due(&request(Purpose::LockoutEnd(end)), NOW).at
            })
            .collect();
        assert!(ends.iter().all(|at| *at >= end && at.since(end) < AFTER_THE_END));
        assert!(ends.len() > 90);
    }

    #[test]
    fn f50_an_absurd_lockout_is_capped_and_the_cap_is_told() {
        let due = due(Purpose::LockoutEnd(Timestamp::MAX));
        assert!(due.capped && due.at.since(NOW) <= seconds(905));
    }

    #[test]
    fn p18_a_probe_is_slow_and_a_deadline_is_exact() {
        let probe = due(Purpose::Probe);
        assert!(probe.pace == Pace::Slow && probe.at.since(NOW) >= seconds(300));
        let at = NOW.after(seconds(180));
        assert_eq!(due(Purpose::ChallengeDeadline(at)).at, at);
    }

    #[test]
    fn f09_saving_is_tried_again_at_most_a_minute_apart_for_ever() {
        for attempt in [1, 5, 8, 9, 10_000] {
            let wait = due(Purpose::SaveRetry { attempt }).at.since(NOW);
            assert!(wait > Duration::ZERO && wait <= seconds(60), "{attempt}: {wait:?}");
        }
    }

    #[test]
    fn an_idle_session_is_left_alone() {
        let planner = Planner::new(1, EarliestRefresh::Anytime);
        let windows = planner.windows(NOW, NOW.after(seconds(3_600)));
        let then = NOW.after(seconds(3_000));
        let worth = |used, keep| planner.worth_renewing(&windows, used, keep, then);
        assert!(worth(NOW, KeepAlive::WhileUsed));
        assert!(!worth(NOW.before(seconds(601)), KeepAlive::WhileUsed));
        assert!(worth(Timestamp::UNIX_EPOCH, KeepAlive::Always));
    }
}
