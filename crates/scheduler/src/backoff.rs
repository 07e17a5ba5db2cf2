//! How long to wait after a failure.

use std::time::Duration;

use countersign_core::Timestamp;

use crate::jitter::Spread;

/// A hint is followed by a little spread, so that everybody who got it does not come at once: a
/// tenth of the wait, at most this.
const HINT_SPREAD: Duration = Duration::from_secs(5);

/// Full-jitter back-off, bounded by attempts and by elapsed time, and the slow lane after it.
///
/// The wait after the `n`th failure is even in `[base / 10, min(cap, base · factorⁿ⁻¹))`. Full jitter
/// spreads a herd better than any fixed series; the tenth of `base` keeps a lucky draw from hammering.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackoffPolicy {
    /// Upper bound of the first wait.
    pub base: Duration,
    /// What the bound is multiplied by with each further failure.
    pub factor: u32,
    /// The bound grows no further than this.
    pub cap: Duration,
    /// After so many failures in a row a session waits in the slow lane.
    pub max_attempts: u32,
    /// After so long without success a session waits in the slow lane.
    pub max_elapsed: Duration,
    /// No hint of a server is obeyed for longer than this; what is cut is reported.
    pub hint_cap: Duration,
    /// The slow lane's shortest and longest wait. A failing session stays in it until it succeeds
    /// or is told to stop; it is never given up by arithmetic.
    pub slow: (Duration, Duration),
}

impl Default for BackoffPolicy {
    /// 500 ms doubling to 60 s, 8 attempts or 5 minutes, hints up to 15 minutes, then every 5 to 10
    /// minutes.
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            factor: 2,
            cap: Duration::from_secs(60),
            max_attempts: 8,
            max_elapsed: Duration::from_secs(300),
            hint_cap: Duration::from_secs(15 * 60),
            slow: (Duration::from_secs(300), Duration::from_secs(600)),
        }
    }
}

/// What is known about a row of failures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// How many there have been: one for the first.
    pub attempt: u32,
    /// Since when nothing has succeeded.
    pub since: Timestamp,
    /// Not before when the server says it may be asked again (`Retry-After`, `X-Throttle-Reset`).
    pub hint: Option<Timestamp>,
}

/// At which pace a session tries again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Pace {
    /// Within the bounds of the policy.
    Quick,
    /// Attempts or time are used up.
    Slow,
}

/// Until when to wait, and why so long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    /// Not before this.
    pub until: Timestamp,
    /// The server asked for longer than the cap allows.
    pub capped: bool,
    /// Quick or slow.
    pub pace: Pace,
}

impl BackoffPolicy {
    /// The wait after failure number `attempt` (from 1), or `None` if attempts or elapsed time are
    /// used up.
    pub fn delay(&self, attempt: u32, elapsed: Duration, spread: Spread) -> Option<Duration> {
        if attempt > self.max_attempts || elapsed >= self.max_elapsed {
            return None;
        }
        let growth = self.factor.saturating_pow(attempt.saturating_sub(1));
        let bound = self.base.saturating_mul(growth).min(self.cap);
        Some(spread.nth(attempt).between((self.base / 10).min(bound), bound))
    }

    /// Until when to wait after `failure`: the back-off or the server's hint, whichever is later.
    pub fn wait(&self, failure: &Failure, now: Timestamp, spread: Spread) -> Wait {
        let elapsed = now.since(failure.since);
        let (delay, pace) = match self.delay(failure.attempt, elapsed, spread) {
            Some(delay) => (delay, Pace::Quick),
            None => (spread.nth(failure.attempt).between(self.slow.0, self.slow.1), Pace::Slow),
        };
        let (hint, capped) = match failure.hint {
            Some(hint) => capped(hint, now, self.hint_cap),
            None => (now, false),
        };
        let room = (hint.since(now) / 10).min(HINT_SPREAD);
        let hint = hint.after(spread.nth(failure.attempt).of(room));
        Wait { until: now.after(delay).max(hint), capped, pace }
    }
}

/// A server's wish cut to what is obeyed, and whether it was cut.
pub(crate) fn capped(wish: Timestamp, now: Timestamp, cap: Duration) -> (Timestamp, bool) {
    let latest = now.after(cap);
    (wish.min(latest), wish > latest)
}

#[cfg(test)]
mod tests {
    use countersign_core::Generation;

    use super::*;
    use crate::jitter::tests::session;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
    const POLICY: fn() -> BackoffPolicy = BackoffPolicy::default;

    fn spread(replica: u64) -> Spread {
        Spread::new(replica, &session("kim"), Generation::default())
    }

    fn failure(attempt: u32) -> Failure {
        Failure { attempt, since: NOW, hint: None }
    }

    #[test]
    fn f14_waits_grow_to_the_cap_and_are_spread_over_their_whole_range() {
        let mut bound = 500;
        for attempt in 1..=8 {
            let waits: Vec<u128> = (0..500)
                .filter_map(|n| POLICY().delay(attempt, Duration::ZERO, spread(n)))
                .map(|wait| wait.as_millis())
                .collect();
            assert_eq!(waits.len(), 500);
            let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*least >= 50 && *most < bound, "{attempt}: {least}..{most}");
            assert!(
                *least < 50 + bound / 20 && *most > bound * 9 / 10,
                "{attempt}: {least}..{most}"
            );
            bound = (bound * 2).min(60_000);
        }
    }

    #[test]
    fn f14_a_session_that_keeps_failing_slows_down_and_never_stops() {
        for attempt in [9, 10, 1_000, u32::MAX] {
            assert_eq!(POLICY().delay(attempt, Duration::ZERO, spread(1)), None);
            let wait = POLICY().wait(&failure(attempt), NOW, spread(1));
            assert_eq!(wait.pace, Pace::Slow);
            let seconds = wait.until.since(NOW).as_secs();
            assert!((300..=600).contains(&seconds), "{seconds}");
        }
    }

    #[test]
    fn f14_elapsed_time_bounds_as_attempts_do() {
        let late = Failure { since: NOW.before(Duration::from_secs(301)), ..failure(2) };
        assert_eq!(POLICY().wait(&late, NOW, spread(1)).pace, Pace::Slow);
        assert_eq!(POLICY().wait(&failure(2), NOW, spread(1)).pace, Pace::Quick);
    }

    #[test]
    fn f50_a_servers_hint_is_obeyed_up_to_the_cap_and_the_cap_is_told() {
        for (seconds, capped) in [(0, false), (30, false), (900, false), (901, true)] {
            let hint = Some(NOW.after(Duration::from_secs(seconds)));
            let wait = POLICY().wait(&Failure { hint, ..failure(1) }, NOW, spread(1));
            assert_eq!(wait.capped, capped, "{seconds}");
            let obeyed = NOW.after(Duration::from_secs(seconds.min(900)));
            assert!(wait.until >= obeyed && wait.until <= obeyed.after(Duration::from_secs(6)));
        }
    }

    #[test]
    fn f49_an_absurd_hint_neither_overflows_nor_stops_the_session() {
        for hint in [Timestamp::MAX, Timestamp::from_millis(i64::MIN)] {
            let wait = POLICY().wait(&Failure { hint: Some(hint), ..failure(1) }, NOW, spread(1));
            assert!(wait.until > NOW && wait.until < NOW.after(Duration::from_secs(910)));
        }
    }

    #[test]
    fn f17_a_clock_that_went_back_is_no_elapsed_time() {
        let future = Failure { since: NOW.after(Duration::from_secs(9_999)), ..failure(1) };
        assert_eq!(POLICY().wait(&future, NOW, spread(1)).pace, Pace::Quick);
    }
}
