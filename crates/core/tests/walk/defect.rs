//! Seeded defects: each breaks the effect stream in one small, believable way, and each must break a
//! named rule. A defect knows nothing of the rules.

use countersign_core::session::{Effect, Purpose, Write};

/// What is broken; `None` leaves everything as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Defect {
    None,
    /// The mark before a refresh is not written.
    NoJournal,
    /// The token is handed out before it is written.
    PublishBeforeCommit,
    /// The lock is kept for ever.
    NoUnlock,
    /// A refresh is sent without the lock.
    NoLock,
    /// The refusal of a refresh token is not written.
    RefreshDeadForgotten,
    /// The refusal of a password is not written.
    RefusedForgotten,
    /// A lock-out is not written.
    LockoutForgotten,
    /// The appointment for another try is lost.
    NoRetry,
    /// The claim on a challenge is not written.
    NoClaim,
    /// A mark is cleared though the outcome is unknown.
    JournalCleared,
    /// A token is still handed out after it was refused or the session ended.
    NoUnpublish,
    /// A good token is taken away when renewing it fails.
    UnpublishOnFailure,
    /// What is to be ended is revoked first.
    RevokeBeforeEnd,
}

impl Defect {
    /// Every defect, with the rule that must catch it.
    pub(crate) const ALL: [(Self, &'static str); 13] = [
        (Self::NoJournal, "never-twice"),
        (Self::PublishBeforeCommit, "commit-before-publish"),
        (Self::NoUnlock, "flight-ends"),
        (Self::NoLock, "lock-before-send"),
        (Self::RefreshDeadForgotten, "dead-stays-dead"),
        (Self::RefusedForgotten, "refused-secret"),
        (Self::LockoutForgotten, "lockout"),
        (Self::NoRetry, "alive"),
        (Self::NoClaim, "one-answer"),
        (Self::JournalCleared, "never-twice"),
        (Self::NoUnpublish, "refused-is-gone"),
        (Self::UnpublishOnFailure, "serve-while-good"),
        (Self::RevokeBeforeEnd, "end-before-revoke"),
    ];

    /// Breaks the effects of one event.
    pub(crate) fn filter(self, mut effects: Vec<Effect>) -> Vec<Effect> {
        match self {
            Self::NoUnlock => {
                effects.retain(|effect| !matches!(effect, Effect::Unlock(_)));
                effects
            }
            Self::NoRetry => {
                effects.retain(|effect| !matches!(effect, Effect::Schedule(a) if matches!(a.purpose, Purpose::Retry { .. })));
                effects
            }
            Self::NoUnpublish => {
                effects.retain(|effect| *effect != Effect::Unpublish);
                effects
            }
            Self::UnpublishOnFailure => {
                use countersign_core::session::Told;
                if effects.iter().any(|e| matches!(e, Effect::Tell(Told::Stalled(_)))) {
                    effects.push(Effect::Unpublish);
                }
                effects
            }
            Self::RevokeBeforeEnd => {
                for effect in &mut effects {
                    if let Effect::Commit(id, Write::Ending) = effect {
                        *effect = Effect::Commit(*id, Write::ClearJournal);
                    }
                }
                effects
            }
            _ => effects,
        }
    }

    /// Whether tokens are handed out as soon as their commit begins.
    pub(crate) fn publishes_early(self) -> bool {
        self == Self::PublishBeforeCommit
    }

    /// Whether a lost answer wipes the mark.
    pub(crate) fn clears_the_journal(self) -> bool {
        self == Self::JournalCleared
    }

    pub(crate) fn skips_the_lock(self) -> bool {
        self == Self::NoLock
    }

    pub(crate) fn skips_the_journal(self) -> bool {
        self == Self::NoJournal
    }

    pub(crate) fn skips_the_claim(self) -> bool {
        self == Self::NoClaim
    }

    /// Whether a write is called done without being done.
    pub(crate) fn drops(self, write: Write) -> bool {
        matches!(
            (self, write),
            (Self::RefreshDeadForgotten, Write::RefreshDead)
                | (Self::RefusedForgotten, Write::Refused(_))
                | (Self::LockoutForgotten, Write::LockedUntil(_))
        )
    }
}
