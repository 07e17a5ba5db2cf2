//! Quotas: of requests to the pool, and of one user's attempts.

use std::collections::{HashMap, VecDeque};

use super::Rate;
use super::refusal::Refusal;

/// When what was done, in server milliseconds.
#[derive(Default)]
pub(super) struct Limits {
    requests: Window,
    attempts: HashMap<String, Window>,
}

impl Limits {
    /// Counts one request to the pool.
    ///
    /// # Errors
    /// `TooManyRequestsException` beyond the quota; what is refused is not counted.
    pub(super) fn request(&mut self, rate: Option<Rate>, now_ms: i64) -> Result<(), Refusal> {
        match rate.is_none_or(|rate| self.requests.admits(rate, now_ms)) {
            true => Ok(()),
            false => {
                let text = "Too many requests";
                Err(Refusal::new("TooManyRequestsException", text, "throttled"))
            }
        }
    }

    /// Counts one attempt of a user.
    ///
    /// # Errors
    /// `LimitExceededException` beyond the quota.
    pub(super) fn attempt(&mut self, rate: Rate, user: &str, now_ms: i64) -> Result<(), Refusal> {
        match self.attempts.entry(user.to_owned()).or_default().admits(rate, now_ms) {
            true => Ok(()),
            false => {
                let text = "Attempt limit exceeded, please try after some time.";
                Err(Refusal::new("LimitExceededException", text, "limit_exceeded"))
            }
        }
    }
}

#[derive(Default)]
struct Window {
    times: VecDeque<i64>,
}

impl Window {
    fn admits(&mut self, rate: Rate, now_ms: i64) -> bool {
        let span_ms = i64::try_from(rate.span.as_millis()).unwrap_or(i64::MAX);
        while self.times.front().is_some_and(|first| now_ms.saturating_sub(*first) >= span_ms) {
            self.times.pop_front();
        }
        let admitted = self.times.len() < usize::try_from(rate.most).unwrap_or(usize::MAX);
        if admitted {
            self.times.push_back(now_ms);
        }
        admitted
    }
}
