//! What is worth saying once: lives too short, tokens that were over when they came, clocks too far
//! apart.

use std::sync::atomic::Ordering;

use countersign_core::{Lifetime, Timestamp, TokenResponse, TokenSet};
use countersign_scheduler::Skew;

use crate::cell::Cell;
use crate::events::SessionEventKind;
use crate::sync::AtomicBool;

/// What was said of one session.
#[derive(Debug, Default)]
pub(crate) struct Reported {
    short_lived: AtomicBool,
    born_expired: AtomicBool,
}

/// Whether the provider dates the end of the token before the request that bought it. An end of zero
/// is a field that nobody has filled in.
pub(crate) fn says_over(response: &TokenResponse, sent_at: Timestamp) -> bool {
    match response.access_expiry {
        Some(Lifetime::Until(at)) => at > Timestamp::UNIX_EPOCH && at <= sent_at,
        _ => false,
    }
}

impl Cell {
    /// Looks at the life of tokens that have just come. `over`: the provider's own word for it.
    pub(crate) fn report_life(&self, tokens: &TokenSet, over: bool) {
        let now = self.shared.clock.now();
        let windows = self.planner().windows(tokens.issued_at(), tokens.expires_at());
        if over || windows.born_expired || now >= tokens.expires_at() {
            if !self.reported().born_expired.swap(true, Ordering::Relaxed) {
                self.report(SessionEventKind::BornExpired, now);
            }
        } else if windows.short_lived && !self.reported().short_lived.swap(true, Ordering::Relaxed)
        {
            self.report(SessionEventKind::ShortLived { life: windows.life() }, now);
        }
    }

    /// A skew that is too large to be applied is told once per auth origin, until the clock is set.
    pub(crate) fn report_skew(&self, skew: Skew) {
        if let Skew::TooLarge { millis } = skew
            && self.site.is_news()
        {
            self.report(SessionEventKind::SkewTooLarge { millis }, self.shared.clock.now());
        }
    }

    fn report(&self, kind: SessionEventKind, at: Timestamp) {
        self.trace(&kind);
        self.emit(kind, at);
    }
}
