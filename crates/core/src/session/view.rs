//! What the machine knows of tokens, records and failures: names, instants and verdicts, no secret.

use super::effect::{Appointment, Purpose};
use crate::error::{Certainty, Error, ErrorKind, Recovery};
use crate::secret::Fingerprint;
use crate::time::Timestamp;
use crate::token::{Generation, TokenSet};

/// A token set without its tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Held {
    /// Which generation.
    pub generation: Generation,
    /// When it was bought.
    pub issued_at: Timestamp,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// What could buy the next one.
    pub refresh: Option<HeldRefresh>,
}

/// A refresh token without the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HeldRefresh {
    /// Which one.
    pub token: Fingerprint,
    /// When it ends, if that is known.
    pub expires_at: Option<Timestamp>,
    /// How often it was used.
    pub used: u32,
    /// The provider has refused it.
    pub dead: bool,
}

impl Held {
    /// What there is to know about `tokens`; `dead` if the record says that its refresh token is.
    pub fn of(tokens: &TokenSet, dead: bool) -> Self {
        Self {
            generation: tokens.generation(),
            issued_at: tokens.issued_at(),
            expires_at: tokens.expires_at(),
            refresh: tokens.refresh_token().map(|token| HeldRefresh {
                token: token.fingerprint(),
                expires_at: tokens.refresh_expires_at(),
                used: tokens.refreshes(),
                dead,
            }),
        }
    }

    pub(super) fn shifted(mut self, by_millis: i64) -> Self {
        self.issued_at = self.issued_at.shifted(by_millis);
        self.expires_at = self.expires_at.shifted(by_millis);
        if let Some(refresh) = &mut self.refresh {
            refresh.expires_at = refresh.expires_at.map(|at| at.shifted(by_millis));
        }
        self
    }
}

/// A machine that rests on good tokens which the store has, with nothing under way: all that there is to
/// know of it. A driver that keeps a million sessions keeps this of those that nobody uses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AtRest {
    /// The tokens.
    pub held: Held,
    /// How many generations in a row were bought because the one before was refused.
    pub strikes: u8,
    /// An answer has shown that the refresh token stays when it is used.
    pub kept: bool,
}

impl AtRest {
    /// What such a machine has appointed where the next token can be bought.
    pub fn renewal(&self) -> Appointment {
        let Held { issued_at, expires_at, .. } = self.held;
        let life = expires_at.since(issued_at);
        Appointment {
            purpose: Purpose::Renew { life, expires_at },
            // Not in the first half of its life, so that a stray appointment is harmless.
            not_before: issued_at.after(life / 2).min(expires_at),
            at_latest: Some(expires_at),
        }
    }

    /// What it has appointed where none can be: the end of this one.
    pub fn end(&self) -> Appointment {
        let not_before = self.held.expires_at;
        Appointment { purpose: Purpose::Moment, not_before, at_latest: None }
    }
}

/// A record as the machine sees it: what the store holds of this session and its account.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct RecordView {
    /// The tokens.
    pub tokens: Option<Held>,
    /// A refresh that was about to be sent and whose end nobody has written.
    pub journal: Option<JournalView>,
    /// A challenge that waits for its answer.
    pub challenge: Option<ChallengeView>,
    /// The session was ended on purpose; only an explicit sign-in begins another.
    pub ended: bool,
    /// The highest generation that the record has held. Of two ends it tells which came later.
    pub counter: u64,
    /// How many refusals that may hide something else the refresh token has met.
    pub suspicion: u8,
    /// An answer has shown that the refresh token stays when it is used.
    pub refresh_kept: bool,
    /// What everybody who shares the account must respect.
    pub guards: Guards,
}

/// The write-ahead mark of a refresh.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct JournalView {
    /// Which refresh token was about to be sent.
    pub refresh: Fingerprint,
    /// When it was first about to be sent.
    pub sent_at: Timestamp,
    /// How often it was sent.
    pub attempt: u32,
}

/// A challenge without its continuation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ChallengeView {
    /// Which challenge.
    pub id: Fingerprint,
    /// After this it cannot be answered.
    pub expires_at: Timestamp,
    /// An answer is being sent by somebody.
    pub claimed: bool,
    /// It may be answered again after a refused answer.
    pub reanswerable: bool,
}

/// The guards of the account, read for the secret that is about to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Guards {
    /// No sign-in before this.
    pub locked_until: Option<Timestamp>,
    /// This very secret was refused.
    pub refused: Option<RefusedView>,
    /// How many automatic sign-ins there were today.
    pub sign_ins_today: u32,
    /// The current code step is used up; the next one begins then.
    pub code_free_at: Option<Timestamp>,
}

/// The memory of a refused secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RefusedView {
    /// Whether the refusal was sure.
    pub certainty: Certainty,
    /// How often it was refused.
    pub tries: u32,
}

impl RefusedView {
    /// The secret is not sent again without being asked for.
    pub fn holds_back(self) -> bool {
        self.certainty == Certainty::Certain || self.tries > 1
    }
}

/// An error as the machine sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Failure {
    /// What happened.
    pub kind: ErrorKind,
    /// What may be done next.
    pub recovery: Recovery,
    /// Whether that is sure.
    pub certainty: Certainty,
    /// The provider may have acted all the same: the answer was garbled, or the server failed over it.
    pub may_have_acted: bool,
}

impl Failure {
    /// A failure of `kind`, with its usual recovery, certain, nothing acted on.
    pub const fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            recovery: kind.usual_recovery(),
            certainty: Certainty::Certain,
            may_have_acted: false,
        }
    }

    /// A failure of `kind` that is over at `until`.
    pub(super) const fn until(kind: ErrorKind, until: Timestamp) -> Self {
        Self { recovery: Recovery::WaitUntil(until), ..Self::new(kind) }
    }

    /// The instant before which trying again is useless, if one was named.
    pub(super) const fn not_before(self) -> Option<Timestamp> {
        match self.recovery {
            Recovery::WaitUntil(until) => Some(until),
            _ => None,
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        // 503 says that nothing was done (RFC 9110 §15.6.4); every other failure of a server may have come
        // after the deed.
        let server = matches!(error.status(), Some(200..=299 | 500..=502 | 504..=599));
        Self {
            kind: error.kind(),
            recovery: error.recovery(),
            certainty: error.certainty(),
            may_have_acted: matches!(
                error.kind(),
                ErrorKind::Internal | ErrorKind::SubjectMismatch
            ) || (server
                && matches!(error.kind(), ErrorKind::Protocol | ErrorKind::TemporarilyUnavailable)),
        }
    }
}
