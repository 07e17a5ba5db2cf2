//! The windows at the end of a token's life.

use std::time::Duration;

use countersign_core::{EarliestRefresh, Timestamp};

/// A life below this is worth one warning: every window gets so small that an ordinary outage or
/// clock error shows.
const SHORT_LIFE: Duration = Duration::from_secs(120);

/// What the windows depend on beside the life of the token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WindowPolicy {
    /// How early the provider welcomes a refresh.
    pub earliest: EarliestRefresh,
    /// How long before its end a token is no longer handed to somebody who waited (RFC 7519 §4.1.4
    /// calls the tolerance for clock error a leeway). At most half of the mandatory window is taken.
    pub leeway: Duration,
}

impl Default for WindowPolicy {
    /// Any time, and a leeway of one second.
    fn default() -> Self {
        Self { earliest: EarliestRefresh::Anytime, leeway: Duration::from_secs(1) }
    }
}

/// When a token is renewed in the background, when callers wait for a running exchange, and when it
/// is over. Always `issued_at ≤ advisory_at ≤ mandatory_at ≤ usable_until ≤ expires_at`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Windows {
    /// When the request that bought the token was sent.
    pub issued_at: Timestamp,
    /// From here on the token is served and renewed in the background:
    /// min(max(25 % of the life, 10 s), 15 min, half of the life) before the end.
    pub advisory_at: Timestamp,
    /// From here on callers wait for an exchange that is running:
    /// min(max(5 % of the life, 2 s), 60 s, a fifth of the life) before the end.
    pub mandatory_at: Timestamp,
    /// How long a caller waits at most before it takes the old token: the end less the leeway.
    pub usable_until: Timestamp,
    /// The end.
    pub expires_at: Timestamp,
    /// The life is under two minutes: worth saying once.
    pub short_lived: bool,
    /// The token was over when it came: a failure, with a hint at the clock (see
    /// [`crate::SkewEstimator`]), never a reason to ask again at once.
    pub born_expired: bool,
}

/// How good a token is at some moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Freshness {
    /// Before the advisory window.
    Fresh,
    /// In the advisory window: served, renewed in the background.
    Stale,
    /// In the mandatory window: callers wait for a running exchange, then take what there is.
    Expiring,
    /// Over.
    Expired,
}

impl Windows {
    /// The windows of a token bought at `issued_at` that ends at `expires_at`.
    pub fn of(issued_at: Timestamp, expires_at: Timestamp, policy: &WindowPolicy) -> Self {
        let life = expires_at.since(issued_at);
        let advisory =
            (life / 4).max(Duration::from_secs(10)).min(Duration::from_secs(15 * 60)).min(life / 2);
        let mandatory =
            (life / 20).max(Duration::from_secs(2)).min(Duration::from_secs(60)).min(life / 5);
        let mandatory_at = expires_at.before(mandatory);
        Self {
            issued_at,
            advisory_at: match policy.earliest {
                EarliestRefresh::Anytime => expires_at.before(advisory),
                EarliestRefresh::MandatoryWindow => mandatory_at,
            },
            mandatory_at,
            usable_until: expires_at.before(policy.leeway.min(mandatory / 2)),
            expires_at,
            short_lived: life < SHORT_LIFE,
            born_expired: life.is_zero(),
        }
    }

    /// How long the token lives in all; zero if it was born expired.
    pub fn life(&self) -> Duration {
        self.expires_at.since(self.issued_at)
    }

    /// How good the token is at `now`.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        if self.born_expired || now >= self.expires_at {
            Freshness::Expired
        } else if now >= self.mandatory_at {
            Freshness::Expiring
        } else if now >= self.advisory_at {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }

    /// Whether the token is good for at least `span` from `now`.
    pub fn good_for(&self, span: Duration, now: Timestamp) -> bool {
        !self.born_expired && now.after(span) < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn windows(life: Duration) -> Windows {
        Windows::of(START, START.after(life), &WindowPolicy::default())
    }

    fn before_the_end(life_seconds: u64) -> (u64, u64) {
        let windows = windows(Duration::from_secs(life_seconds));
        let millis = |at| windows.expires_at.since(at).as_millis() as u64;
        (millis(windows.advisory_at), millis(windows.mandatory_at))
    }

    #[test]
    fn f13_windows_are_shares_of_the_life_with_caps() {
        // (life in s, advisory and mandatory in ms before the end)
        for (life, advisory, mandatory) in [
            (1, 500, 200),
            (5, 2_500, 1_000),
            (10, 5_000, 2_000),
            (20, 10_000, 2_000),
            (40, 10_000, 2_000),
            (60, 15_000, 3_000),
            (300, 75_000, 15_000),
            (1_200, 300_000, 60_000),
            (3_600, 900_000, 60_000),
            (86_400, 900_000, 60_000),
        ] {
            assert_eq!(before_the_end(life), (advisory, mandatory), "life of {life} s");
        }
    }

    #[test]
    fn f13_no_life_puts_its_windows_out_of_order_or_before_its_middle() {
        let lives = (0..3_000).map(|n| n * 7).chain((0..40).map(|n| 1_u64 << n)).chain([u64::MAX]);
        for life in lives.map(Duration::from_millis) {
            for earliest in [EarliestRefresh::Anytime, EarliestRefresh::MandatoryWindow] {
                let policy = WindowPolicy { earliest, leeway: Duration::from_secs(30) };
                let w = Windows::of(START, START.after(life), &policy);
                assert!(w.advisory_at <= w.mandatory_at, "{w:?}");
                assert!(w.mandatory_at <= w.usable_until, "{w:?}");
                assert!(w.usable_until <= w.expires_at, "{w:?}");
                assert!(w.advisory_at >= START.after(w.life() / 2), "{w:?}");
                assert_eq!(w.born_expired, life.is_zero());
                assert_eq!(w.short_lived, life < SHORT_LIFE);
            }
        }
    }

    #[test]
    fn f13_a_token_that_is_born_expired_is_told_and_never_served() {
        let born = Windows::of(START, START.before(Duration::from_secs(9)), &Default::default());
        assert!(born.born_expired && born.short_lived);
        assert_eq!(born.freshness(START), Freshness::Expired);
        assert_eq!(born.freshness(START.before(Duration::from_secs(99))), Freshness::Expired);
        assert!(!born.good_for(Duration::ZERO, START.before(Duration::from_secs(99))));
    }

    #[test]
    fn p16_a_provider_that_counts_refreshes_is_not_asked_before_the_mandatory_window() {
        let policy =
            WindowPolicy { earliest: EarliestRefresh::MandatoryWindow, ..Default::default() };
        let w = Windows::of(START, START.after(Duration::from_secs(86_400)), &policy);
        assert_eq!(w.advisory_at, w.mandatory_at);
        assert_eq!(w.freshness(w.mandatory_at.shifted(-1)), Freshness::Fresh);
        assert_eq!(w.freshness(w.mandatory_at), Freshness::Expiring);
    }

    #[test]
    fn f19_validity_is_asked_for_a_duration() {
        let w = windows(Duration::from_secs(60));
        assert!(w.good_for(Duration::from_secs(59), START));
        assert!(!w.good_for(Duration::from_secs(60), START));
        assert!(!w.good_for(Duration::MAX, START));
    }
}
