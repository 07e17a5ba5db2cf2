//! The world that the machines live in: one store, one provider, one clock.

use countersign_core::session::{
    ChallengeView, Guards, Held, HeldRefresh, JournalView, RecordView, RefusedView,
};
use countersign_core::{Certainty, Fingerprint, Generation, RefreshSupport, Timestamp};

/// Seconds that an access token lives.
pub(crate) const LIFE: i64 = 4;
/// Seconds that a lock-out takes.
pub(crate) const LOCKOUT: i64 = 2;

/// A token set with the parts that matter: which refresh token it holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Tokens {
    pub(crate) generation: Generation,
    pub(crate) refresh: Option<u8>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What the store holds for the one session.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Record {
    pub(crate) tokens: Option<Tokens>,
    /// The refresh token whose refusal is final.
    pub(crate) dead: Option<u8>,
    pub(crate) journal: Option<JournalView>,
    pub(crate) challenge: Option<ChallengeView>,
    pub(crate) ended: bool,
    pub(crate) suspicion: u8,
    pub(crate) kept: bool,
    pub(crate) counter: u64,
    pub(crate) locked_until: Option<Timestamp>,
    pub(crate) refused: Option<RefusedView>,
    pub(crate) sign_ins: u32,
}

/// The store: the record, and who holds the lock.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Store {
    pub(crate) record: Record,
    pub(crate) holder: Option<usize>,
    /// How often a session was begun by name, as far as that was stored.
    pub(crate) begun: u8,
    /// How often a session was ended here.
    pub(crate) ends: u8,
    /// The record before the last of these ends, as a slow reading may still tell of it.
    pub(crate) before_end: Option<Box<Record>>,
}

/// The provider: which refresh token it takes, and what it must not be asked again.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Provider {
    pub(crate) refresh: RefreshSupport,
    /// The refresh tokens that buy, one for each sign-in that was not revoked.
    pub(crate) current: Vec<u8>,
    /// Those that were spent, and when.
    pub(crate) spent: Vec<(u8, Timestamp)>,
    /// How many token sets were given; names the next one.
    pub(crate) given: u8,
    /// A refresh token whose refusal was written.
    pub(crate) refused_refresh: Option<u8>,
    /// The refusal of the password was written.
    pub(crate) refused_password: bool,
    /// A lock-out that was written.
    pub(crate) locked_until: Option<Timestamp>,
    /// How often the one challenge was answered.
    pub(crate) answers: u8,
    pub(crate) challenges: u8,
    /// The access token of this generation tag and all before it are refused.
    pub(crate) revoked_to: u32,
}

pub(crate) fn name(refresh: u8) -> Fingerprint {
    Fingerprint::from_raw([refresh; 16])
}

impl Tokens {
    pub(crate) fn held(&self, record: &Record) -> Held {
        Held {
            generation: self.generation,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            refresh: self.refresh.map(|refresh| HeldRefresh {
                token: name(refresh),
                expires_at: None,
                used: 0,
                dead: record.dead == Some(refresh),
            }),
        }
    }
}

impl Record {
    pub(crate) fn view(&self) -> RecordView {
        let guards = Guards {
            locked_until: self.locked_until,
            refused: self.refused,
            sign_ins_today: self.sign_ins,
            code_free_at: None,
        };
        RecordView {
            tokens: self.tokens.map(|tokens| tokens.held(self)),
            journal: self.journal,
            challenge: self.challenge,
            ended: self.ended,
            counter: self.counter,
            suspicion: self.suspicion,
            refresh_kept: self.kept,
            guards,
        }
    }

    pub(crate) fn refuse(&mut self, certainty: Certainty) {
        let tries = self.refused.map_or(0, |refused| refused.tries) + 1;
        self.refused = Some(RefusedView { certainty, tries });
    }
}

impl Provider {
    pub(crate) fn new(refresh: RefreshSupport) -> Self {
        Self {
            refresh,
            current: Vec::new(),
            spent: Vec::new(),
            given: 0,
            refused_refresh: None,
            refused_password: false,
            locked_until: None,
            answers: 0,
            challenges: 0,
            revoked_to: 0,
        }
    }

    /// Gives a token set; with a refresh token of its own where the provider has them.
    pub(crate) fn give(&mut self, counter: u64, spent: Option<u8>, now: Timestamp) -> Tokens {
        self.given += 1;
        let refresh = match (self.refresh, spent) {
            (RefreshSupport::Absent, _) => None,
            (RefreshSupport::Reusable | RefreshSupport::Unknown, Some(same)) => Some(same),
            (RefreshSupport::Rotating { .. }, Some(old)) => {
                if self.current.contains(&old) {
                    self.spent.push((old, now));
                }
                self.current.retain(|token| *token != old);
                self.current.push(self.given);
                Some(self.given)
            }
            (_, None) => {
                self.current.push(self.given);
                Some(self.given)
            }
        };
        Tokens {
            generation: Generation { counter: counter + 1, tag: u32::from(self.given) },
            refresh,
            issued_at: now,
            expires_at: Timestamp::from_seconds(now.as_seconds() + LIFE),
        }
    }

    /// Whether a refresh token was spent so long ago that no grace covers it.
    pub(crate) fn spent_for_good(&self, refresh: u8, now: Timestamp) -> bool {
        let grace = match self.refresh {
            RefreshSupport::Rotating { grace } => grace,
            _ => return false,
        };
        self.spent.iter().any(|(old, spent)| *old == refresh && now > spent.after(grace))
    }

    /// Whether a refresh token is taken now: a current one, or one that was spent inside the grace.
    pub(crate) fn takes(&self, refresh: u8, now: Timestamp) -> bool {
        let spent = self.spent.iter().any(|(old, _)| *old == refresh);
        self.current.contains(&refresh) || (spent && !self.spent_for_good(refresh, now))
    }

    /// Every refresh token dies.
    pub(crate) fn revoke(&mut self) {
        self.current.clear();
        self.spent.clear();
    }
}
