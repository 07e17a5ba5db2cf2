//! What a session may do by itself.

use std::time::Duration;

use crate::capability::{Capabilities, RefreshSupport, RevokeSupport};
use crate::time::Timestamp;

/// The rules that a machine follows: claims of the provider and policy of the user.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    /// How the refresh token behaves.
    pub refresh: RefreshSupport,
    /// How many refreshes one refresh token allows.
    pub refresh_budget: Option<u32>,
    /// Whether a token can be revoked.
    pub revoke: RevokeSupport,
    /// Whether it signs in by itself.
    pub reauthentication: Reauthentication,
    /// How long one refresh may take at most.
    pub exchange_deadline: Duration,
    /// How many transient failures in a row an explicit sign-in survives where nothing is automatic.
    pub max_attempts: u32,
}

/// Whether a session signs in by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reauthentication {
    /// Only the caller signs in.
    Manual,
    /// On first use, when a lockout ends, when the source yields another secret than the refused one,
    /// and when a refresh token is over.
    Automatic {
        /// At most so many in a day and account. Where refresh does not exist it does not count: there
        /// a sign-in is the renewal.
        per_day: u32,
    },
}

impl Default for Reauthentication {
    fn default() -> Self {
        Self::Automatic { per_day: 10 }
    }
}

impl Rules {
    /// The rules for a provider that claims `capabilities`.
    pub const fn new(capabilities: &Capabilities, reauthentication: Reauthentication) -> Self {
        Self {
            refresh: capabilities.refresh,
            refresh_budget: capabilities.refresh_budget,
            revoke: capabilities.revoke,
            reauthentication,
            exchange_deadline: Duration::from_secs(30),
            max_attempts: 5,
        }
    }

    pub(super) const fn automatic(&self) -> bool {
        matches!(self.reauthentication, Reauthentication::Automatic { .. })
    }

    /// Whether `count` automatic sign-ins are as many as a day allows.
    pub(super) const fn day_is_full(&self, count: u32) -> bool {
        match (self.reauthentication, self.refresh) {
            (_, RefreshSupport::Absent) | (Reauthentication::Manual, _) => false,
            (Reauthentication::Automatic { per_day }, _) => count >= per_day,
        }
    }

    /// Whether a refresh token that was first sent at `sent_at` may not be sent again at `now`: there has to be time for
    /// the exchange inside the grace, which is half of it at most. Never where using it does not spend it; `kept`: an
    /// answer has shown that.
    pub fn replay_is_over(&self, sent_at: Timestamp, kept: bool, now: Timestamp) -> bool {
        self.spends(kept).is_some() && self.last_replay(sent_at, kept).is_none_or(|last| now > last)
    }

    /// Until when it may; `None` if it may not.
    pub(super) fn last_replay(&self, sent_at: Timestamp, kept: bool) -> Option<Timestamp> {
        let grace = self.spends(kept).filter(|grace| !grace.is_zero())?;
        let left = grace.saturating_sub(self.exchange_deadline.min(grace / 2));
        Some(sent_at.after(left))
    }

    /// Whether using the refresh token spends it, and for how long it is still taken. `kept`: an
    /// answer has shown that it stays.
    pub(super) const fn spends(&self, kept: bool) -> Option<Duration> {
        match self.refresh {
            RefreshSupport::Rotating { grace } => Some(grace),
            RefreshSupport::Unknown if !kept => Some(Duration::ZERO),
            RefreshSupport::Absent | RefreshSupport::Reusable | RefreshSupport::Unknown => None,
        }
    }
}
