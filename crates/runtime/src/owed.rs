//! What the store has not taken of what an account must be spared: a refused secret, a lockout, that a new password
//! was never sent. The one write that tells of it can fail, and the process that knows it must not forget it for that.

use countersign_core::{Certainty, Fingerprint, Timestamp};
use countersign_seal::{AccountRecord, PendingPassword, RefusedSecret};

use crate::commit::{remember_refused, remember_useless};

/// So many refusals, and passwords, are owed of one account at most; its record keeps as many refusals.
const MOST: usize = 16;

/// One refused secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) secret: Fingerprint,
    pub(crate) certainty: Certainty,
    pub(crate) at: Timestamp,
    /// A password was judged, so that it brings a lockout nearer.
    pub(crate) judged: bool,
}

impl Refusal {
    /// Writes it into the account's record, unless it stands there already; whether that changes anything.
    pub(crate) fn apply(self, account: &mut AccountRecord) -> bool {
        let Self { secret, certainty, at, judged } = self;
        let mut same = account.refused.iter().filter(|entry| entry.secret == secret);
        if same.any(|entry| entry.at == at) {
            return false;
        }
        if judged {
            remember_refused(account, secret, certainty, at);
        } else {
            remember_useless(account, secret, at);
        }
        true
    }
}

/// What is owed of one account.
#[derive(Default)]
pub(crate) struct Owed {
    refusals: Vec<Refusal>,
    locked_until: Option<Timestamp>,
    unsent: Vec<UnsentPassword>,
}

/// A new password whose write has got no answer, so that it was not sent: it may stand in the record all the same.
pub(crate) struct UnsentPassword {
    pub(crate) written: PendingPassword,
    /// What stood there before it.
    pub(crate) before: Option<PendingPassword>,
}

impl Owed {
    /// A password is about to be written, and is sent only if that comes through.
    pub(crate) fn owe_password(&mut self, unsent: UnsentPassword) {
        if self.unsent.len() >= MOST {
            // The first may have come through; of those that follow it, it is the least likely.
            self.unsent.remove(1);
        }
        self.unsent.push(unsent);
    }

    /// It is about to be written.
    pub(crate) fn owe(&mut self, refusal: Option<Refusal>, locked_until: Option<Timestamp>) {
        self.locked_until = self.locked_until.max(locked_until);
        if let Some(refusal) = refusal.filter(|refusal| !self.refusals.contains(refusal)) {
            if self.refusals.len() >= MOST {
                self.refusals.remove(0);
            }
            self.refusals.push(refusal);
        }
    }

    /// Adds it to the record as it was read; whether there was anything to add.
    pub(crate) fn add_to(&self, account: &mut AccountRecord) -> bool {
        let mut added = false;
        for refusal in &self.refusals {
            // Whatever was found out later counts.
            let newer =
                |entry: &RefusedSecret| entry.secret == refusal.secret && entry.at > refusal.at;
            added |= !account.refused.iter().any(newer) && refusal.apply(account);
        }
        if self.locked_until > account.locked_until {
            account.locked_until = self.locked_until;
            added = true;
        }
        let pending = account.pending_password.as_ref();
        let unsent =
            pending.and_then(|pending| self.unsent.iter().find(|unsent| unsent.is(pending)));
        if let Some(unsent) = unsent {
            account.pending_password.clone_from(&unsent.before);
            added = true;
        }
        added
    }
}

impl UnsentPassword {
    /// Whether `pending` is what was written here, and not the same by somebody who has sent it.
    fn is(&self, pending: &PendingPassword) -> bool {
        let Self { written, .. } = self;
        pending.at == written.at
            && pending.operation == written.operation
            && pending.password.matches(&written.password)
    }
}
