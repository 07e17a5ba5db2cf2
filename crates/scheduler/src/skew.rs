//! What the server's clock shows minus ours, measured from `Date` headers.

use std::time::Duration;

use countersign_core::Timestamp;

/// A skew beyond this is reported and not applied: it is more likely a wrong header or a broken
/// local clock than something to compute with.
pub const MAX_SKEW: Duration = Duration::from_secs(300);

/// Two samples may differ by this and their round trips and still agree: twice the resolution of
/// `Date` (RFC 9110 §6.6.1: one second).
const AGREEMENT_MILLIS: i64 = 2_000;

/// A sample whose answer took longer than this says too little.
const SLOWEST: Duration = Duration::from_secs(10);

/// One `Date` header and the moments around it.
///
/// The caller takes samples of auth answers only, without an `Age` header (a cache's date is old)
/// and not of status 5xx (a gateway's date is another machine's).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DateSample {
    /// When the request was sent, by our clock.
    pub sent_at: Timestamp,
    /// When the head of the answer was there, by our clock.
    pub received_at: Timestamp,
    /// What the header says.
    pub date: Timestamp,
}

/// What is known about the server's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Skew {
    /// Fewer than two samples agree.
    #[default]
    Unknown,
    /// Known and applied: the server's clock minus ours. Zero where the samples cannot tell it from
    /// zero.
    Known {
        /// In milliseconds.
        millis: i64,
    },
    /// Two samples agree on more than [`MAX_SKEW`]. Not applied: check the local clock.
    TooLarge {
        /// In milliseconds.
        millis: i64,
    },
}

impl Skew {
    /// What is added to the local clock: to compute one-time codes, and to *shorten* lives. A skew
    /// never makes a token live longer.
    pub const fn applied_millis(self) -> i64 {
        match self {
            Self::Known { millis } => millis,
            Self::Unknown | Self::TooLarge { .. } => 0,
        }
    }

    fn contradicts(self, estimate: &Estimate) -> bool {
        let (Self::Known { millis } | Self::TooLarge { millis }) = self else { return false };
        let tolerated = AGREEMENT_MILLIS.saturating_add(estimate.round_trip_millis);
        estimate.middle_millis.abs_diff(millis) > tolerated.unsigned_abs()
    }
}

/// Believes two samples that agree.
#[derive(Clone, Copy, Debug, Default)]
pub struct SkewEstimator {
    last: Option<Estimate>,
    skew: Skew,
    /// Our clock may have been set since.
    doubtful: bool,
}

#[derive(Clone, Copy, Debug)]
struct Estimate {
    middle_millis: i64,
    /// Half of the round trip and half of the header's second.
    error_millis: i64,
    round_trip_millis: i64,
}

impl SkewEstimator {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a sample and says what is known now. A sample that contradicts the last one changes
    /// nothing until a further one agrees with it, unless what is known is doubted.
    pub fn observe(&mut self, sample: DateSample) -> Skew {
        let Some(estimate) = Estimate::of(&sample) else {
            return self.skew;
        };
        if self.last.is_some_and(|last| last.agrees(&estimate)) {
            let best = self.last.filter(|l| l.error_millis < estimate.error_millis);
            self.skew = best.unwrap_or(estimate).skew();
        } else if self.doubtful && self.skew.contradicts(&estimate) {
            self.skew = Skew::Unknown;
        }
        self.doubtful = false;
        self.last = Some(estimate);
        self.skew
    }

    /// What is known.
    pub const fn skew(&self) -> Skew {
        self.skew
    }

    /// The machine slept, or the local clock was set forward: the two look alike, and after a sleep what is known
    /// is true. The next sample decides: if it contradicts that, nothing is known any more.
    pub fn doubt(&mut self) {
        self.doubtful = true;
    }

    /// Forgets everything: the local clock was set.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Estimate {
    fn of(sample: &DateSample) -> Option<Self> {
        let round_trip = sample.received_at.since(sample.sent_at);
        if sample.received_at < sample.sent_at || round_trip > SLOWEST {
            return None;
        }
        let round_trip_millis = i64::try_from(round_trip.as_millis()).ok()?;
        // The header is cut to the second: the server's clock was half a second later on average,
        // and ours stood in the middle between sending and receiving.
        let server = sample.date.as_millis().checked_add(500)?;
        let ours = sample.sent_at.as_millis().checked_add(round_trip_millis / 2)?;
        Some(Self {
            middle_millis: server.checked_sub(ours)?,
            error_millis: 500 + round_trip_millis / 2,
            round_trip_millis,
        })
    }

    fn agrees(&self, other: &Self) -> bool {
        let apart = self.middle_millis.abs_diff(other.middle_millis);
        let slower = self.round_trip_millis.max(other.round_trip_millis);
        apart <= AGREEMENT_MILLIS.saturating_add(slower).unsigned_abs()
    }

    fn skew(&self) -> Skew {
        let millis = self.middle_millis;
        if millis.unsigned_abs() <= self.error_millis.unsigned_abs() {
            Skew::Known { millis: 0 }
        } else if u128::from(millis.unsigned_abs()) <= MAX_SKEW.as_millis() {
            Skew::Known { millis }
        } else {
            Skew::TooLarge { millis }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_700_000_000_000;

    /// A server `skew` milliseconds ahead answers in the middle of a round trip of `trip`.
    fn sample(at: i64, skew: i64, trip: i64) -> DateSample {
        let server = NOON + at + trip / 2 + skew;
        DateSample {
            sent_at: Timestamp::from_millis(NOON + at),
            received_at: Timestamp::from_millis(NOON + at + trip),
            date: Timestamp::from_seconds(server.div_euclid(1_000)),
        }
    }

    #[test]
    fn f17_one_sample_is_not_believed_two_that_agree_are() {
        for skew in [-299_000, -90_000, -4_000, 4_000, 45_000, 299_000] {
            for phase in (0..1_000).step_by(50) {
                let mut estimator = SkewEstimator::new();
                assert_eq!(estimator.observe(sample(phase, skew, 80)), Skew::Unknown);
                let Skew::Known { millis } = estimator.observe(sample(phase + 7_300, skew, 120))
                else {
                    panic!("two samples agree");
                };
                assert!((millis - skew).abs() <= 600, "{skew} measured as {millis}");
            }
        }
    }

    #[test]
    fn f17_a_skew_within_the_resolution_of_the_header_is_none() {
        for phase in (0..1_000).step_by(25) {
            let mut estimator = SkewEstimator::new();
            estimator.observe(sample(phase, 0, 100));
            assert_eq!(estimator.observe(sample(phase + 500, 0, 100)).applied_millis(), 0);
        }
    }

    #[test]
    fn f17_beyond_five_minutes_it_is_reported_and_not_applied() {
        for skew in [-86_400_000, -302_000, 302_000, 1_000_000_000_000] {
            let mut estimator = SkewEstimator::new();
            estimator.observe(sample(0, skew, 50));
            let skew = estimator.observe(sample(1_000, skew, 50));
            assert!(matches!(skew, Skew::TooLarge { .. }), "{skew:?}");
            assert_eq!(skew.applied_millis(), 0);
        }
    }

    #[test]
    fn f17_one_wrong_date_between_right_ones_changes_nothing() {
        let mut estimator = SkewEstimator::new();
        estimator.observe(sample(0, 60_000, 50));
        let known = estimator.observe(sample(5_000, 60_000, 50));
        assert_eq!(estimator.observe(sample(9_000, -3_600_000, 50)), known);
        assert_eq!(estimator.observe(sample(12_000, 60_000, 50)), known);
    }

    #[test]
    fn f17_what_is_doubted_falls_with_one_sample_that_contradicts_it() {
        let mut estimator = SkewEstimator::new();
        estimator.observe(sample(0, 60_000, 50));
        let known = estimator.observe(sample(5_000, 60_000, 50));
        // A single wrong date, and then a clock that was set right.
        estimator.observe(sample(9_000, -3_600_000, 50));
        estimator.doubt();
        assert_eq!(estimator.skew(), known);
        assert_eq!(estimator.observe(sample(12_000, 0, 50)), Skew::Unknown);
        assert_eq!(estimator.observe(sample(15_000, 0, 50)).applied_millis(), 0);
        assert!(matches!(estimator.skew(), Skew::Known { .. }));
    }

    #[test]
    fn f18_what_is_doubted_after_a_sleep_is_confirmed_by_one_sample() {
        let mut estimator = SkewEstimator::new();
        estimator.observe(sample(0, 60_000, 50));
        let known = estimator.observe(sample(5_000, 60_000, 50));
        estimator.observe(sample(7_000, -3_600_000, 50));
        estimator.doubt();
        assert_eq!(estimator.observe(sample(9_000, 60_000, 50)), known);
        assert_eq!(estimator.observe(sample(12_000, -3_600_000, 50)), known, "doubted no more");
    }

    #[test]
    fn f49_absurd_samples_are_ignored_without_overflow() {
        let mut estimator = SkewEstimator::new();
        for date in [i64::MIN, i64::MAX] {
            for (sent, received) in
                [(0, 0), (i64::MIN, i64::MAX), (i64::MAX, 0), (i64::MAX, i64::MAX)]
            {
                let skew = estimator.observe(DateSample {
                    sent_at: Timestamp::from_millis(sent),
                    received_at: Timestamp::from_millis(received),
                    date: Timestamp::from_millis(date),
                });
                assert_eq!(skew.applied_millis(), 0);
            }
        }
        estimator.forget();
        assert_eq!(estimator.skew(), Skew::Unknown);
    }
}
