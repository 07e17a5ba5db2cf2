//! What is known about the clock of one auth origin.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use countersign_core::Timestamp;
use countersign_scheduler::{DateSample, Skew, SkewEstimator};

use crate::sync::{AtomicBool, AtomicI64, Mutex, MutexGuard};

/// One auth origin.
#[derive(Debug, Default)]
pub(crate) struct Site {
    known: Mutex<Known>,
    millis: AtomicI64,
    /// It was told that the clocks are too far apart.
    told: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    estimator: SkewEstimator,
    /// The date that was read last, and as it was written: all answers of a second have the same.
    date: Option<(Box<str>, Timestamp)>,
}

impl Site {
    /// The server's clock minus ours, as far as it is believed.
    pub(crate) fn skew_millis(&self) -> i64 {
        self.millis.load(Ordering::Relaxed)
    }

    /// What the `Date` of an answer (RFC 9110 §6.6.1) says about it; `None` if it is no date.
    pub(crate) fn observe(
        &self,
        date: &str,
        sent_at: Timestamp,
        received_at: Timestamp,
    ) -> Option<Skew> {
        let mut known = self.known();
        let date = known.read(date)?;
        let skew = known.estimator.observe(DateSample { sent_at, received_at, date });
        self.millis.store(skew.applied_millis(), Ordering::Relaxed);
        Some(skew)
    }

    /// Whether it is told for the first time that the clocks are too far apart.
    pub(crate) fn is_news(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    /// The local clock may have been set: what is known is not contradicted twice.
    pub(crate) fn doubt(&self) {
        self.known().estimator.doubt();
    }

    /// The local clock was set: nothing is known any more.
    pub(crate) fn forget(&self) {
        self.known().estimator.forget();
        self.millis.store(0, Ordering::Relaxed);
        self.told.store(false, Ordering::Relaxed);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn read(&mut self, text: &str) -> Option<Timestamp> {
        match &self.date {
            Some((same, date)) if **same == *text => Some(*date),
            _ => {
                let date = Timestamp::parse_http_date(text)?;
                self.date = Some((text.into(), date));
                Some(date)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_date_counts_as_it_is_written() {
        let site = Site::default();
        let now = Timestamp::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let skew = |date: &str| {
            // One sample is believed once another one agrees with it.
            for _ in 0..2 {
                site.observe(date, now, now)?;
            }
            Some(site.skew_millis())
        };
        let later = skew("Sun, 06 Nov 1994 08:50:37 GMT").unwrap();
        assert!((59_000..=61_000).contains(&later), "{later}");
        assert_eq!(skew("Sun, 06 Nov 1994 08:50:37"), None);
        let same = skew("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert!((-1_000..=1_000).contains(&same), "{same}");
    }
}
