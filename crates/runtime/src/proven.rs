//! What a sign-in that was taken says about the account's secrets, kept until it is written: the write of
//! the tokens may fail and come through much later.

use countersign_core::{Fingerprint, SecretString, Timestamp};
use countersign_seal::AccountRecord;

use crate::commit::remember_useless;

/// The facts of one sign-in.
#[derive(Clone)]
pub(crate) struct Proven {
    /// When they were found.
    pub(crate) at: Timestamp,
    /// The secret that was taken.
    pub(crate) secret: Option<Fingerprint>,
    /// The lockout that was over with it.
    pub(crate) unlocked: Option<Timestamp>,
    /// A new password whose fate it has shown, and what the source still says in its place.
    pub(crate) settled: Option<SecretString>,
    pub(crate) outdated: Option<Fingerprint>,
}

impl Proven {
    /// Writes them into the account's record, but for what others have found out since; whether that
    /// changes anything.
    pub(crate) fn apply(&self, account: &mut AccountRecord) -> bool {
        let mut changed = false;
        let pending = account.pending_password.as_ref();
        if let (Some(pending), Some(settled)) = (pending, &self.settled)
            && pending.password.matches(settled)
        {
            account.pending_password = None;
            changed = true;
        }
        if self.unlocked.is_some() && account.locked_until == self.unlocked {
            account.locked_until = None;
            changed = true;
        }
        let before = account.refused.len();
        account.refused.retain(|entry| Some(entry.secret) != self.secret || entry.at > self.at);
        changed |= account.refused.len() != before;
        let known = |old: Fingerprint| account.refused.iter().any(|entry| entry.secret == old);
        if let Some(old) = self.outdated.filter(|old| !known(*old)) {
            remember_useless(account, old, self.at);
            changed = true;
        }
        changed
    }
}
