//! A throttle: so many in the last minute. One is that of sign-ins and registrations, from whomever.

use bytes::Bytes;
use http::{HeaderValue, Response, header};

const WINDOW_MS: i64 = 60_000;

/// When the requests of the last minute came.
#[derive(Default)]
pub(super) struct Throttle {
    came_ms: Vec<i64>,
}

/// What the throttle says about one request.
pub(super) struct Verdict {
    pub(super) allowed: bool,
    limit: u32,
    remaining: u32,
    /// When the oldest request leaves the window, in whole Unix seconds, rounded up.
    reset_s: i64,
    now_ms: i64,
}

impl Throttle {
    /// Counts one request, unless it is too many.
    pub(super) fn admit(&mut self, limit: u32, now_ms: i64) -> Verdict {
        self.came_ms.retain(|came| came.saturating_add(WINDOW_MS) > now_ms);
        let used = u32::try_from(self.came_ms.len()).unwrap_or(u32::MAX);
        let allowed = used < limit;
        if allowed {
            self.came_ms.push(now_ms);
        }
        let oldest = self.came_ms.first().copied().unwrap_or(now_ms);
        let reset_s = oldest.saturating_add(WINDOW_MS + 999).div_euclid(1000);
        let remaining = limit.saturating_sub(used + u32::from(allowed));
        Verdict { allowed, limit, remaining, reset_s, now_ms }
    }
}

impl Verdict {
    /// Says it in the headers.
    pub(super) fn tell(&self, response: &mut Response<Bytes>, retry_after: bool) {
        let headers = response.headers_mut();
        headers.insert("x-throttle-limit", HeaderValue::from(self.limit));
        headers.insert("x-throttle-remaining", HeaderValue::from(self.remaining));
        headers.insert("x-throttle-reset", HeaderValue::from(self.reset_s));
        if retry_after && !self.allowed {
            let wait_ms = self.reset_s.saturating_mul(1000).saturating_sub(self.now_ms);
            let wait_s = wait_ms.saturating_add(999).div_euclid(1000).max(0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
    }
}
