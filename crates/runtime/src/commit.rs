//! What a flight writes: the mark before a sending, and what became of it. The account's record goes
//! first: what others must be spared must not hang on what we have won.

use countersign_core::session::{Grant, Report, Write};
use countersign_core::{
    Certainty, CredentialKind, Error, ErrorKind, Fence, Fingerprint, Timestamp, TokenSet,
};
use countersign_seal::{AccountRecord, Journal, PendingPassword, RefusedSecret, SignInCount};

use crate::events::SessionEventKind;
use crate::flight::{Candidate, Ended, Flight, Marks};
use crate::lockout;
use crate::owed::Refusal;
use crate::post::Cargo;
use crate::proven::Proven;
use crate::records::{Records, Written, day, step_at};
use crate::unsent::Before;

/// So many refused secrets are remembered of an account.
const MOST_REFUSED: usize = 16;

/// Which of the two records a write changes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Touched {
    pub(crate) session: bool,
    pub(crate) account: bool,
}

impl Flight {
    /// Writes the mark that survives a crash between sending and hearing.
    pub(crate) async fn journal(&mut self, grant: Grant) -> Result<Ended, Error> {
        self.check_guards(grant)?;
        let now = self.cell.shared.clock.now();
        let server_now = self.cell.server_now();
        self.ambient_now = Some(server_now);
        let before = self.records.as_ref().map(|records| Before::of(&records.session));
        let touched = match grant {
            Grant::SignIn { explicit } => self.mark_sign_in(explicit, now, server_now),
            Grant::Refresh => self.mark_refresh(now)?,
            Grant::Answer => self.mark_answer(now, server_now)?,
            Grant::Revoke | Grant::Save => Touched::default(),
        };
        if matches!(grant, Grant::Refresh | Grant::Answer) {
            // A write that fails may have come through: this process shall know then that nothing was sent under it.
            self.records_mut()?.marks_over = before;
        }
        self.write(touched, self.fence(), Report::Journaled).await
    }

    /// Writes what became of it.
    pub(crate) async fn commit(&mut self, what: Write) -> Result<Ended, Error> {
        if self.records.is_none() {
            // Only a tombstone is written by who could not get the lock.
            self.records = Some(Records::load(&self.cell).await?);
        }
        let now = self.cell.shared.clock.now();
        if matches!(what, Write::ClearJournal | Write::Unclaim | Write::Suspect) {
            self.was_not_acted_on();
        }
        let touched = match what {
            Write::Tokens => self.put_tokens()?,
            Write::Challenge => self.put_challenge()?,
            Write::Refused(certainty) => self.put_refused(certainty, now).await?,
            Write::LockedUntil(until) => {
                self.account_mut()?.locked_until = Some(until);
                self.owe(None, Some(until)).await?;
                Touched { account: true, ..Touched::default() }
            }
            Write::Ending => self.put_ending(now)?,
            Write::Tombstone => self.put_tombstone(now)?,
            Write::Uncounted => self.take_back(),
            Write::RefreshDead
            | Write::Suspect
            | Write::ClearJournal
            | Write::Unclaim
            | Write::DropChallenge => self.put_mark(what)?,
        };
        // An end counts whoever has the lock by now: what he writes then meets it.
        let fence = self.fence().filter(|_| !matches!(what, Write::Ending | Write::Tombstone));
        let ended = self.write(touched, fence, Report::Committed).await;
        if let (Ok((Report::Committed, _)), Some(records)) = (&ended, &self.records) {
            records.keep_in_mind(&self.cell);
            if what == Write::Tokens {
                let stored = records.session.tokens.as_ref().map(TokenSet::generation);
                self.cell.core().note_saved(stored);
            }
            self.revoke_what_was_left();
        }
        if what == Write::RefreshDead && ended.is_ok() {
            self.tell_refused_refresh(now);
        }
        ended
    }

    /// A sign-in may follow by itself: then nothing else would tell why it had to.
    fn tell_refused_refresh(&self, now: Timestamp) {
        let why = self.cell.core().last_error.as_ref().map(|(_, error)| error.clone());
        if let Some(error) = why {
            let kind = SessionEventKind::RefreshRefused(error);
            self.cell.trace(&kind);
            self.cell.emit(kind, now);
        }
    }

    fn fence(&self) -> Option<Fence> {
        self.lock.as_ref().map(|lock| lock.fence())
    }

    async fn write(
        &mut self,
        touched: Touched,
        fence: Option<Fence>,
        done: Report,
    ) -> Result<Ended, Error> {
        let cell = self.cell.clone();
        // A new password stays until what it has bought is there: a crash in between must not lose both.
        let settled = self.answered_question.take().filter(|_| touched.account && touched.session);
        let goes_last = settled.is_some();
        let records = self.records_mut()?;
        let mut end = Written::Yes;
        if touched.account {
            if goes_last {
                records.account.pending_password = settled.map(|question| *question);
            }
            end = records.save_account(&cell, fence.clone()).await?;
        }
        if touched.session && end == Written::Yes {
            end = records.save_session(&cell, fence.clone()).await?;
        }
        if goes_last && end == Written::Yes {
            records.account.pending_password = None;
            // If this fails, the next sign-in finds out once more.
            drop(records.save_account(&cell, fence).await);
        }
        match end {
            Written::Yes => Ok((done, Cargo::default())),
            Written::Lost => self.superseded().await,
        }
    }

    fn mark_sign_in(&mut self, explicit: bool, now: Timestamp, server: Timestamp) -> Touched {
        if self.carried.is_some() {
            return Touched::default();
        }
        let codes = self.candidate.as_ref().is_some_and(Candidate::sends_code);
        let length = self.cell.provider.capabilities().sign_in_code.filter(|_| codes);
        let step = length.map(|length| step_at(server, length));
        let pending = self.candidate.as_ref().is_some_and(|c| c.pending.is_some());
        let Some(records) = &mut self.records else { return Touched::default() };
        let account = &mut records.account;
        self.before = Some(Marks {
            code_step: account.last_code_step,
            sign_ins: account.sign_ins,
            tried: account.pending_password.as_ref().map(|p| (p.tried_new, p.tried_old)),
        });
        if !explicit {
            let today = day(now);
            let before = if account.sign_ins.day == today { account.sign_ins.count } else { 0 };
            account.sign_ins = SignInCount { day: today, count: before.saturating_add(1) };
        }
        if step.is_some() {
            account.last_code_step = step;
        }
        if let Some(unsettled) = &mut account.pending_password {
            if pending {
                unsettled.tried_new = true;
            } else {
                unsettled.tried_old = true;
            }
        }
        Touched { account: true, ..Touched::default() }
    }

    fn mark_refresh(&mut self, now: Timestamp) -> Result<Touched, Error> {
        let held = self.cell.core().held.clone();
        let refresh = held.as_ref().and_then(|held| held.refresh_token());
        let (Some(held), Some(refresh)) = (&held, refresh) else {
            return Err(Error::new(ErrorKind::Internal));
        };
        let refresh = refresh.fingerprint();
        let records = self.records_mut()?;
        let earlier = records.session.journal.filter(|journal| journal.refresh == refresh);
        records.session.journal = Some(Journal {
            refresh,
            generation: held.generation(),
            // A grace counts from the first sending.
            sent_at: earlier.map_or(now, |journal| journal.sent_at),
            attempt: earlier.map_or(0, |journal| journal.attempt).saturating_add(1),
        });
        self.first_sent = earlier.map(|journal| journal.sent_at);
        Ok(Touched { session: true, ..Touched::default() })
    }

    fn mark_answer(&mut self, now: Timestamp, server: Timestamp) -> Result<Touched, Error> {
        let (_, answers) = self.answer()?;
        let new = answers.get("new_password").cloned();
        // The adapter may answer a code challenge by itself after this one: its step is used up.
        let length = self.cell.provider.capabilities().sign_in_code.filter(|_| self.has_codes());
        let step = length.map(|length| step_at(server, length));
        let account = new.is_some() || step.is_some();
        let records = self.records_mut()?;
        if let Some(challenge) = &mut records.session.challenge {
            challenge.claimed = Some(now);
        }
        records.account.last_code_step = step.or(records.account.last_code_step);
        if let Some(password) = new {
            records.account.pending_password = Some(PendingPassword {
                password,
                at: now,
                operation: "answer".into(),
                tried_new: false,
                tried_old: false,
            });
        }
        Ok(Touched { session: true, account })
    }

    fn put_tokens(&mut self) -> Result<Touched, Error> {
        let (incoming, held) = {
            let core = &mut *self.cell.core();
            let incoming = core.flight(self.id).map(|slot| slot.incoming.clone());
            // Another try to write tokens that are in memory only: what came with them goes with them.
            let incoming = incoming.filter(|incoming| incoming.bundle.is_some());
            let incoming = incoming.or_else(|| core.unsaved.as_deref().cloned());
            (incoming.unwrap_or_default(), core.held.clone())
        };
        let bought = incoming.bundle.as_ref().map(|bundle| bundle.tokens.clone());
        let Some(tokens) = bought.clone().or(held) else {
            return Err(Error::new(ErrorKind::Internal));
        };
        let question = self.question();
        // A refresh proves the refresh token and says nothing about a password or a lock.
        let account = match (&incoming.proven, self.proves_secret()) {
            // An earlier try to write it has failed.
            (Some(proven), false) => proven.apply(&mut self.records_mut()?.account),
            (_, true) if bought.is_some() => self.settle_account(),
            _ => false,
        };
        self.note_answered(question);
        let records = self.records_mut()?;
        // Tokens are saved whatever has befallen the account's record since.
        let account = account && records.guards_unreadable().is_none();
        let session = &mut records.session;
        session.counter = session.counter.max(tokens.generation().counter);
        let left = session.left_of_an_end();
        session.tokens = Some(tokens);
        session.journal = None;
        session.challenge = None;
        session.suspicion = 0;
        session.refresh_dead = None;
        session.rotation = incoming.rotation.or(session.rotation);
        if let Some(memo) = incoming.memo {
            session.memo = memo;
        }
        self.left = left.map(Box::new);
        Ok(Touched { session: true, account })
    }

    fn has_codes(&self) -> bool {
        self.credentials.as_ref().is_some_and(|given| given.has(CredentialKind::TotpSecret))
    }

    fn proves_secret(&self) -> bool {
        matches!(self.sent, Some(Grant::SignIn { .. } | Grant::Answer))
    }

    /// A secret that was taken is refused no more, and an open question about a password is answered.
    fn settle_account(&mut self) -> bool {
        let lock = self.records.as_ref().and_then(|records| records.account.locked_until);
        let (settled, outdated) = self.settle_password_by_success();
        let secret = self.candidate.as_ref().map(|candidate| candidate.fingerprint);
        let proven = Proven {
            at: self.cell.shared.clock.now(),
            secret,
            unlocked: lock.filter(|_| secret.is_some()),
            settled: self
                .settled
                .as_ref()
                .filter(|_| settled)
                .map(|(password, _)| password.clone()),
            outdated,
        };
        let changed = self.records.as_mut().is_some_and(|r| proven.apply(&mut r.account));
        if let Some(slot) = self.cell.core().flight(self.id) {
            slot.incoming.proven = Some(Box::new(proven));
        }
        changed || settled
    }

    fn put_challenge(&mut self) -> Result<Touched, Error> {
        let incoming = {
            let core = &mut *self.cell.core();
            core.flight(self.id).map(|slot| slot.incoming.clone()).unwrap_or_default()
        };
        // A challenge that was carried here says nothing about a password of this account.
        let question = self.question();
        let account = self.carried.is_none() && self.settle_password_by_success().0;
        self.note_answered(question);
        let account = self.give_code_back() || account;
        let counter = self.carried.as_ref().map_or(0, |carried| carried.counter);
        let session = &mut self.records_mut()?.session;
        session.counter = session.counter.max(counter);
        session.challenge = incoming.challenge.map(|challenge| *challenge);
        session.journal = None;
        // The new sign-in has begun: the tombstone of an earlier session says nothing about it.
        let left = session.left_of_an_end();
        if let Some(memo) = incoming.memo {
            session.memo = memo;
        }
        self.left = left.map(Box::new);
        Ok(Touched { session: true, account })
    }

    /// A code that was not sent is free again: the answer to the challenge may need it.
    fn give_code_back(&mut self) -> bool {
        let unused = self.before.filter(|_| self.code_unused);
        let (Some(before), Some(records)) = (unused, self.records.as_mut()) else { return false };
        let account = &mut records.account;
        let marked = account.last_code_step != before.code_step;
        account.last_code_step = before.code_step;
        marked
    }

    /// A sign-in that nothing was decided about does not count, else an outage would use up the day. What
    /// it sent is used up, unless it certainly did not arrive.
    fn take_back(&mut self) -> Touched {
        let (Some(before), Some(records)) = (self.before, self.records.as_mut()) else {
            return Touched::default();
        };
        let account = &mut records.account;
        account.sign_ins = before.sign_ins;
        if self.unknown {
            return Touched { account: true, ..Touched::default() };
        }
        account.last_code_step = before.code_step;
        if let (Some(unsettled), Some(tried)) = (&mut account.pending_password, before.tried) {
            (unsettled.tried_new, unsettled.tried_old) = tried;
        }
        Touched { account: true, ..Touched::default() }
    }

    async fn put_refused(
        &mut self,
        certainty: Certainty,
        now: Timestamp,
    ) -> Result<Touched, Error> {
        let Some(candidate) = &self.candidate else { return Ok(Touched::default()) };
        let secret = candidate.fingerprint;
        let Some(records) = &mut self.records else { return Ok(Touched::default()) };
        let at = *self.refused_at.get_or_insert(now);
        let why = self.cell.core().last_error.as_ref().map(|(_, error)| error.kind());
        // Where a client secret, a code or a setting was refused, no password was judged.
        let judged = certainty != Certainty::Certain || why == Some(ErrorKind::InvalidGrant);
        let refusal = Refusal { secret, certainty, at, judged };
        let account = &mut records.account;
        refusal.apply(account);
        let mut locked_until = None;
        if certainty == Certainty::Certain && judged {
            let rule = self.cell.provider.capabilities().lockout;
            locked_until = lockout::locked_until(rule, account, now);
            account.locked_until = locked_until.max(account.locked_until);
        }
        self.owe(Some(refusal), locked_until).await?;
        Ok(Touched { account: true, ..Touched::default() })
    }

    /// This process shall know it also where the store does not take it.
    async fn owe(&self, refusal: Option<Refusal>, until: Option<Timestamp>) -> Result<(), Error> {
        let shared = &self.cell.shared;
        let name = shared.sealer().await?.name(&self.cell.account().digest());
        shared.guards.owe(&name, refusal, until);
        Ok(())
    }

    fn put_mark(&mut self, what: Write) -> Result<Touched, Error> {
        let held = self.cell.core().held.clone();
        let refresh = held.as_ref().and_then(|held| held.refresh_token());
        let refresh = refresh.map(|refresh| refresh.fingerprint());
        let dropped = what == Write::DropChallenge || what == Write::Unclaim;
        let account = dropped && self.forget_answered_password();
        if what == Write::Unclaim {
            self.unmark_spent();
        }
        let session = &mut self.records_mut()?.session;
        match what {
            Write::RefreshDead => {
                session.refresh_dead = refresh;
                session.journal = None;
            }
            Write::Suspect => {
                session.suspicion = session.suspicion.saturating_add(1);
                session.journal = None;
            }
            Write::Unclaim => {
                if let Some(challenge) = &mut session.challenge {
                    challenge.claimed = None;
                }
            }
            Write::DropChallenge => session.challenge = None,
            _ => session.journal = None,
        }
        Ok(Touched { session: true, account })
    }

    pub(crate) fn records_mut(&mut self) -> Result<&mut Records, Error> {
        self.records.as_mut().ok_or_else(|| Error::new(ErrorKind::Internal))
    }

    fn account_mut(&mut self) -> Result<&mut AccountRecord, Error> {
        self.records_mut().map(|records| &mut *records.account)
    }
}

/// Counts a refusal of `secret`, so that nobody who shares the account sends it again by himself.
pub(crate) fn remember_refused(
    account: &mut AccountRecord,
    secret: Fingerprint,
    certainty: Certainty,
    now: Timestamp,
) {
    let tries = forget_refused(account, secret).saturating_add(1);
    put_last(account, RefusedSecret { secret, certainty, at: now, tries });
}

/// The same for a secret that is known to be of no use although the provider has judged no password: that
/// brings no lockout nearer.
pub(crate) fn remember_useless(account: &mut AccountRecord, secret: Fingerprint, now: Timestamp) {
    let tries = forget_refused(account, secret);
    put_last(account, RefusedSecret { secret, certainty: Certainty::Certain, at: now, tries });
}

/// How often it was refused so far.
fn forget_refused(account: &mut AccountRecord, secret: Fingerprint) -> u32 {
    let tries = account.refused.iter().find(|entry| entry.secret == secret).map_or(0, |e| e.tries);
    account.refused.retain(|entry| entry.secret != secret);
    tries
}

fn put_last(account: &mut AccountRecord, refused: RefusedSecret) {
    if account.refused.len() >= MOST_REFUSED {
        account.refused.remove(0);
    }
    account.refused.push(refused);
}
