//! How late things come, in a few hundred numbers.

use std::time::Duration;

/// Buckets of one doubling: a value is told to within an eighth of it.
const STEPS: u32 = 8;

/// Up to two to this many milliseconds, eight years.
const DOUBLINGS: u32 = 38;

const N_BUCKETS: usize = (STEPS * DOUBLINGS) as usize;

/// A histogram of waits in whole milliseconds, from which quantiles are read. It takes two and a half
/// kilobytes however much is recorded.
#[derive(Clone, PartialEq, Eq)]
pub struct Lateness {
    counts: Box<[u64; N_BUCKETS]>,
    n: u64,
    most: Duration,
}

impl Lateness {
    /// Nothing is recorded.
    pub fn new() -> Self {
        Self { counts: Box::new([0; N_BUCKETS]), n: 0, most: Duration::ZERO }
    }

    /// Records one.
    pub fn record(&mut self, late: Duration) {
        let millis = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
        self.counts[bucket(millis)] += 1;
        self.n += 1;
        self.most = self.most.max(late);
    }

    /// The wait that a share of all stays within: 0.5 for the median, 0.99 for the 99th percentile. Too
    /// long by up to an eighth, never too short; zero if nothing was recorded.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (share.clamp(0.0, 1.0) * self.n as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (n, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_millis(upper(n)).min(self.most);
            }
        }
        self.most
    }

    /// The longest.
    pub const fn most(&self) -> Duration {
        self.most
    }

    /// How many were recorded.
    pub const fn n(&self) -> u64 {
        self.n
    }
}

impl Default for Lateness {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Lateness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [half, most] = [self.quantile(0.5), self.quantile(0.99)];
        write!(f, "Lateness(n {}, p50 {half:?}, p99 {most:?}, most {:?})", self.n, self.most)
    }
}

fn bucket(millis: u64) -> usize {
    let steps = u64::from(STEPS);
    if millis < steps {
        return millis as usize;
    }
    let doublings = millis.ilog2() - STEPS.ilog2();
    let within = (millis >> doublings) - steps;
    ((u64::from(doublings + 1) * steps + within) as usize).min(N_BUCKETS - 1)
}

/// The longest wait of a bucket.
fn upper(bucket: usize) -> u64 {
    let (doublings, within) = (bucket as u64 / u64::from(STEPS), bucket as u64 % u64::from(STEPS));
    match doublings {
        0 => within,
        _ => ((u64::from(STEPS) + within + 1) << (doublings - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_never_too_short_and_too_long_by_an_eighth_at_most() {
        for n in [1_u64, 7, 100, 10_000] {
            let mut lateness = Lateness::new();
            (0..n).for_each(|k| lateness.record(Duration::from_millis(k * k)));
            for share in [0.0, 0.1, 0.5, 0.9, 0.99, 1.0] {
                let rank = ((share * n as f64).ceil() as u64).max(1) - 1;
                let (told, true_one) =
                    (lateness.quantile(share).as_millis(), u128::from(rank * rank));
                assert!(told >= true_one && told <= true_one + true_one / 8, "{share}: {told}");
            }
            assert_eq!(lateness.most().as_millis(), u128::from((n - 1) * (n - 1)));
        }
    }

    #[test]
    fn every_wait_falls_into_the_bucket_that_ends_at_or_after_it() {
        for millis in (0..4_096).chain((12..38).map(|bit| (1 << bit) - 1)) {
            let at = bucket(millis);
            assert!(upper(at) >= millis && (at == 0 || upper(at - 1) < millis), "{millis}");
        }
        assert_eq!(bucket(u64::MAX), N_BUCKETS - 1);
        assert_eq!(Lateness::new().quantile(0.5), Duration::ZERO);
    }
}
