//! A new password survives: it is stored before it is sent, and an unknown end is settled by one
//! sign-in with the new one and one with the old one.

use countersign_core::session::Grant;
use countersign_core::{
    Certainty, CredentialKind, Credentials, Error, ErrorKind, Fingerprint, LockoutRule, Operation,
    SecretString, Timestamp,
};
use countersign_seal::{AccountRecord, PendingPassword};

use crate::cell::Cell;
use crate::commit::{remember_refused, remember_useless};
use crate::events::SessionEventKind;
use crate::exchange::Ill;
use crate::flight::{Candidate, Flight};
use crate::owed::UnsentPassword;
use crate::prepare::lease;
use crate::records::{Records, Written};

impl Flight {
    /// A new password whose fate is not known yet.
    pub(crate) fn question(&self) -> Option<PendingPassword> {
        self.records.as_ref().and_then(|records| records.account.pending_password.clone())
    }

    /// What is about to be written answers `question`, if it stands no more.
    pub(crate) fn note_answered(&mut self, question: Option<PendingPassword>) {
        let answered = self.question().is_none();
        self.answered_question = question.filter(|_| answered).map(Box::new);
    }

    /// A sign-in, or the answer that set the password, was taken: it is known which one holds. Whether
    /// that was a question, and the secret of the source that is as good as refused by it.
    pub(crate) fn settle_password_by_success(&mut self) -> (bool, Option<Fingerprint>) {
        let sent = self.candidate.as_ref().map(|c| (c.pending.is_some(), c.credentials.clone()));
        let answered = self.sent == Some(Grant::Answer);
        let proved = self.proved;
        let Some(records) = &mut self.records else { return (false, None) };
        // A sign-in that went without a password, by a mailed code say, shows nothing about one.
        let shown =
            |pending: &PendingPassword| proved || (answered && &*pending.operation == "answer");
        let Some(pending) = records.account.pending_password.take_if(|pending| shown(pending))
        else {
            return (false, None);
        };
        let same = |password: &SecretString| password.matches(&pending.password);
        let new = match sent {
            _ if &*pending.operation == "answer" => true,
            Some((new, credentials)) => new || credentials.expect_password().is_ok_and(same),
            None => false,
        };
        let mut outdated = None;
        if new && let Some((old, sealer)) = self.credentials.as_ref().zip(self.sealer.as_ref()) {
            let now = self.cell.shared.clock.now();
            let account = &mut records.account;
            outdated = outdate(account, &pending.password, old, sealer.salt(), now);
        }
        self.cell.tell_settled(new);
        self.settled = Some((pending.password, new));
        (true, outdated)
    }

    /// An answer with a new password was refused for certain: that password was never set.
    pub(crate) fn forget_answered_password(&mut self) -> bool {
        let unknown = self.unknown;
        let Some(records) = &mut self.records else { return false };
        let pending = &mut records.account.pending_password;
        let ours = pending.as_ref().is_some_and(|pending| &*pending.operation == "answer");
        if ours && !unknown {
            self.settled = pending.take().map(|pending| (pending.password, false));
        }
        ours && !unknown
    }

    /// The new password was refused, and the old one may hold: one sign-in with it, if that cannot
    /// lock the account.
    pub(crate) fn old_password_is_next(&self, grant: Grant, ill: &Ill) -> bool {
        let new = self.candidate.as_ref().and_then(|candidate| candidate.pending.as_ref());
        let old = self.credentials.as_ref().and_then(|found| found.expect_password().ok());
        let sends_code = self.candidate.as_ref().is_some_and(Candidate::sends_code);
        let capabilities = self.cell.provider.capabilities();
        let two_are_free = match capabilities.lockout {
            LockoutRule::Doubling { free, .. } => free >= 2,
            LockoutRule::Fixed(_) | LockoutRule::None | LockoutRule::Unknown => true,
        };
        matches!(grant, Grant::SignIn { .. })
            && ill.lost.is_none()
            && ill.error.kind() == ErrorKind::InvalidGrant
            && ill.error.certainty() == Certainty::Certain
            && two_are_free
            // A second sign-in in the same time step has no code of its own.
            && !(capabilities.sign_in_code.is_some() && sends_code)
            && matches!((new, old), (Some(new), Some(old)) if !new.matches(old))
    }

    /// Writes that the new password was refused and that the old one is sent next.
    pub(crate) async fn turn_to_the_old_password(&mut self) -> Result<(), Error> {
        let salt = self.cell.shared.sealer().await?;
        let now = self.cell.shared.clock.now();
        let fence = self.lock.as_ref().map(|lock| lock.fence());
        let cell = self.cell.clone();
        let refused = self.candidate.as_ref().map(|candidate| candidate.fingerprint);
        let records = self.records_mut()?;
        if let Some(refused) = refused {
            remember_refused(&mut records.account, refused, Certainty::Certain, now);
        }
        if let Some(pending) = &mut records.account.pending_password {
            pending.tried_old = true;
        }
        match records.save_account(&cell, fence).await? {
            Written::Yes => {}
            Written::Lost => return Err(Error::new(ErrorKind::Store)),
        }
        let source = self.credentials.clone().unwrap_or_default();
        self.candidate = Some(Candidate::plain(&source, salt.salt()));
        Ok(())
    }
}

/// A new password that lies in the account's record while it is being set.
pub(crate) struct Pending {
    records: Records,
    lock: Box<dyn countersign_core::Lock>,
    /// An earlier one whose fate is not known either.
    before: Option<PendingPassword>,
}

impl Pending {
    /// What the password is sent under.
    pub(crate) fn lock(&self) -> &dyn countersign_core::Lock {
        &*self.lock
    }
}

impl Cell {
    /// There is room for one password whose fate is not known, and that one may hold.
    pub(crate) fn refuse_over_unsettled(
        &self,
        operation: &Operation,
        records: &Records,
    ) -> Result<(), Error> {
        let unsettled = records.account.pending_password.is_some();
        if !unsettled || !matches!(operation, Operation::ChangePassword { .. }) {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Ambiguous).at(self.provider.id(), operation.name());
        Err(error.hint(
            "whether an earlier new password was set is not known; sign in first, which finds out",
        ))
    }

    /// Stores `password` under the account's lock, before `operation` is sent.
    pub(crate) async fn store_pending(
        &self,
        password: SecretString,
        operation: &Operation,
    ) -> Result<Pending, Error> {
        let sealer = self.shared.sealer().await?;
        let name = sealer.name(&self.account().digest());
        let lease = lease(self.exchange_deadline());
        let lock = self.shared.store.lock(&name, lease, lease).await?;
        let mut records = Records::load(self).await?;
        // Another one may have been sent since this was looked at without the lock.
        if let Err(error) = self.refuse_over_unsettled(operation, &records) {
            self.let_go(lock).await;
            return Err(error);
        }
        let pending = PendingPassword {
            password,
            at: self.shared.clock.now(),
            operation: operation.name().into(),
            tried_new: false,
            tried_old: false,
        };
        let before = records.account.pending_password.replace(pending.clone());
        let unsent = UnsentPassword { written: pending, before: before.clone() };
        self.shared.guards.owe_password(&name, unsent);
        match records.save_account(self, Some(lock.fence())).await? {
            Written::Yes => Ok(Pending { records, lock, before }),
            Written::Lost => Err(lost_the_lock()),
        }
    }

    /// Settles at once what has a certain end; an unknown one is settled by the next sign-in.
    pub(crate) async fn end_pending(
        &self,
        mut pending: Pending,
        credentials: &Credentials,
        settled: Option<bool>,
    ) -> Result<(), Error> {
        let mut end = Ok(Written::Yes);
        if let Some(new) = settled {
            // A refusal says nothing about an earlier one.
            let before = pending.before.filter(|_| !new);
            let account = &mut pending.records.account;
            let unsettled = std::mem::replace(&mut account.pending_password, before);
            if let Some(password) = unsettled.filter(|_| new) {
                let sealer = self.shared.sealer().await?;
                let (account, now) = (&mut pending.records.account, self.shared.clock.now());
                outdate(account, &password.password, credentials, sealer.salt(), now);
            }
            let fence = pending.lock.fence();
            end = pending.records.save_account(self, Some(fence)).await;
            if matches!(end, Ok(Written::Yes)) {
                self.tell_settled(new);
            }
        }
        self.let_go(pending.lock).await;
        match end? {
            Written::Yes => Ok(()),
            Written::Lost => Err(lost_the_lock()),
        }
    }

    pub(crate) fn tell_settled(&self, new: bool) {
        let kind = SessionEventKind::PasswordSettled { new };
        self.trace(&kind);
        self.emit(kind, self.shared.clock.now());
    }
}

/// The new password holds: what the source still says is as good as refused, and is not sent again
/// until it says something else. Which secret that is.
fn outdate(
    account: &mut AccountRecord,
    new: &SecretString,
    old: &Credentials,
    salt: &[u8],
    now: Timestamp,
) -> Option<Fingerprint> {
    let right = old.clone().with_password(new.clone()).fingerprint(salt);
    account.refused.retain(|entry| entry.secret != right);
    let old = old.has(CredentialKind::Password).then(|| old.fingerprint(salt));
    let old = old.filter(|old| *old != right)?;
    remember_useless(account, old, now);
    Some(old)
}

fn lost_the_lock() -> Error {
    Error::new(ErrorKind::Store).hint("the account's lock was lost; try again")
}
