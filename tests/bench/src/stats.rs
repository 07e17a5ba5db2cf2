//! Medians and how sure they are.

use serde::{Deserialize, Serialize};

/// The middle of many rounds, where half of them lie, and how far the middle itself may be off.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    /// A quarter of the rounds lies below.
    pub(crate) p25: f64,
    /// A quarter of the rounds lies above.
    pub(crate) p75: f64,
    /// The ends of the 95 % confidence interval of the median.
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) rounds: usize,
}

impl Summary {
    /// Of the rounds' figures. An empty list has no middle.
    pub(crate) fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |share: f64| sorted[(share * last as f64).round() as usize];
        // By the binomial distribution of how many rounds lie below the true median; it assumes
        // nothing about how the figures are spread.
        let n = sorted.len() as f64;
        let reach = 0.98 * n.sqrt();
        let below = ((n / 2.0 - reach).floor() as usize).saturating_sub(1).min(last);
        let (low, high) = (sorted[below], sorted[last - below.min(last)]);
        let median = match sorted.len() % 2 {
            1 => sorted[last / 2],
            _ => f64::midpoint(sorted[last / 2], sorted[last / 2 + 1]),
        };
        Some(Self { median, p25: at(0.25), p75: at(0.75), low, high, rounds: sorted.len() })
    }

    /// Of a figure that has no spread: a count.
    pub(crate) const fn exact(figure: f64) -> Self {
        Self { median: figure, p25: figure, p75: figure, low: figure, high: figure, rounds: 1 }
    }

    /// Half the width of the confidence interval.
    pub(crate) fn noise(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn the_median_is_the_middle_and_lies_within_its_own_interval() {
        for n in 1..60_u32 {
            let figures: Vec<f64> = (0..n).rev().map(f64::from).collect();
            let summary = Summary::of(&figures).unwrap();
            assert_eq!(summary.median, f64::from(n - 1) / 2.0);
            assert!(summary.low <= summary.median && summary.median <= summary.high);
            assert!(summary.p25 <= summary.median && summary.median <= summary.p75);
            assert_eq!(summary.rounds, n as usize);
        }
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn one_wild_round_moves_neither_the_median_nor_its_interval() {
        let calm: Vec<f64> = (0..41).map(|n| 100.0 + f64::from(n % 5)).collect();
        let mut wild = calm.clone();
        wild[7] = 1e9;
        let (calm, wild) = (Summary::of(&calm).unwrap(), Summary::of(&wild).unwrap());
        assert_eq!(calm.median, wild.median);
        assert!(wild.high < 200.0 && wild.noise() <= 2.0);
    }

    #[test]
    fn more_rounds_make_it_surer() {
        let noise = |n: u32| {
            let figures: Vec<f64> = (0..n).map(|i| f64::from(i * 7_919 % 1_000)).collect();
            Summary::of(&figures).unwrap().noise()
        };
        assert!(noise(400) < noise(25) / 2.0);
    }
}
