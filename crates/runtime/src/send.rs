//! The sending step of a flight, and what its answer means to the machine.

use countersign_core::session::{Answer, Failure, Grant, Held, Report};
use countersign_core::transport::Delivery;
use countersign_core::{
    Anchor, Answers, Challenge, Credentials, Error, ErrorKind, Fingerprint, Memo, Operation,
    Rotation, TokenResponse, TokenSet,
};
use countersign_scheduler::Settled;
use countersign_seal::PendingChallenge;

use crate::cell::Cell;
use crate::exchange::{Dates, Exchange, Finished, Ill, Reply, lock_lost};
use crate::flight::{Ended, Flight};
use crate::inner::Incoming;
use crate::post::Cargo;
use crate::records::challenge_view;
use crate::reports::says_over;

impl Flight {
    /// Sends, if the lock is still held for as long as the exchange may take.
    pub(crate) async fn send(&mut self, grant: Grant) -> Result<Ended, Error> {
        // A revocation takes nothing that somebody else could lose, so it needs no lock.
        if grant != Grant::Revoke && !self.lock_will_last().await {
            return Ok(unanswered(Ill { error: lock_lost(), lost: Some(Delivery::NotSent) }));
        }
        if grant == Grant::Refresh && self.replay_is_over() {
            return Ok(unanswered(Ill { error: too_late(), lost: Some(Delivery::NotSent) }));
        }
        if let Some(carried) = self.carried.clone() {
            return Ok(self.answer_carried(&carried));
        }
        let operation = match self.operation(grant) {
            Ok(operation) => operation,
            Err(error) => {
                return Ok(unanswered(Ill { error, lost: Some(Delivery::NotSent) }));
            }
        };
        // Whoever takes over an exchange that has not sent has its leave.
        if grant == Grant::Revoke && self.permit.is_none() {
            let deadline = self.cell.shared.clock.monotonic().after(self.cell.exchange_deadline());
            match self.cell.leave(deadline).await {
                Ok(permit) => self.permit = permit,
                Err(error) => {
                    return Ok(unanswered(Ill { error, lost: Some(Delivery::NotSent) }));
                }
            }
        }
        if self.credentials.is_none() {
            self.credentials = Some(self.cell.credentials_or_bare().await);
        }
        let tokens = self.tokens_for(grant);
        let now = *self.ambient_now.get_or_insert_with(|| self.cell.server_now());
        let memo = self.memo();
        let cell = self.cell.clone();
        if grant == Grant::Answer {
            self.mark_spent();
        }
        if matches!(grant, Grant::Refresh | Grant::Answer) {
            self.send_under_mark();
        }
        let nothing = Credentials::new();
        let exchange = Exchange {
            cell: &cell,
            credentials: self.sent_credentials(grant).unwrap_or(&nothing),
            tokens: tokens.as_ref(),
            memo,
            now,
            within: self.deadline(),
            lock: self.lock.as_deref().filter(|_| grant != Grant::Revoke),
        };
        let end = exchange.run(operation).await;
        self.settle(end.as_ref().map_or_else(Ill::settled, |_| Settled::Answered));
        self.unknown = end.as_ref().is_err_and(Ill::may_have_been_read);
        match end {
            Ok(finished) => Ok(self.answered(grant, finished, tokens.as_ref())),
            Err(ill) if self.old_password_is_next(grant, &ill) => {
                match cell.in_time(1, self.turn_to_the_old_password()).await {
                    Ok(()) => Box::pin(self.send(grant)).await,
                    Err(_) => Ok(unanswered(ill)),
                }
            }
            Err(ill) => Ok(unanswered(ill)),
        }
    }

    /// Whether the grace of a refresh token that was sent before has ended since the machine looked at it: a process
    /// may be stopped anywhere.
    fn replay_is_over(&self) -> bool {
        let session = self.records.as_ref().map(|records| &records.session);
        let kept = session.is_some_and(|session| session.rotation == Some(Rotation::Kept));
        let (rules, now) = (self.cell.rules(), self.cell.shared.clock.now());
        self.first_sent.is_some_and(|sent_at| rules.replay_is_over(sent_at, kept, now))
    }

    fn operation(&self, grant: Grant) -> Result<Operation, Error> {
        Ok(match grant {
            Grant::SignIn { .. } => Operation::SignIn,
            Grant::Refresh => Operation::Refresh,
            Grant::Revoke => Operation::Revoke,
            Grant::Answer => {
                let (challenge, answers) = self.answer()?;
                Operation::Answer { challenge: Box::new(challenge), answers }
            }
            Grant::Save => return Err(Error::new(ErrorKind::Internal)),
        })
    }

    /// The challenge of the record and what the caller said to it.
    pub(crate) fn answer(&self) -> Result<(Challenge, Answers), Error> {
        let stored = self.records.as_ref().and_then(|records| records.session.challenge.as_ref());
        let answers = self.cell.core().answers.as_deref().cloned();
        match (stored, answers) {
            (Some(pending), Some(answers)) => Ok((pending.challenge.clone(), answers)),
            _ => Err(Error::new(ErrorKind::ChallengeExpired)),
        }
    }

    /// The tokens that are used up, or revoked: the newest that are known.
    pub(crate) fn tokens_for(&self, grant: Grant) -> Option<TokenSet> {
        let core = &mut *self.cell.core();
        let held = core.held.clone();
        if grant != Grant::Revoke {
            return held;
        }
        let stored = self.records.as_ref().and_then(|records| records.session.tokens.clone());
        let late = core.flight(self.id).and_then(|slot| slot.incoming.bundle.clone());
        let late = late.map(|bundle| bundle.tokens);
        let count = |tokens: &TokenSet| tokens.generation().counter;
        [held, stored, late].into_iter().flatten().max_by_key(count)
    }

    fn memo(&self) -> Memo {
        self.records.as_ref().map(|records| records.session.memo.clone()).unwrap_or_default()
    }

    fn sent_credentials(&self, grant: Grant) -> Option<&Credentials> {
        match (&self.candidate, grant) {
            (Some(candidate), Grant::SignIn { .. }) => Some(&candidate.credentials),
            _ => self.credentials.as_ref(),
        }
    }

    fn answered(&mut self, grant: Grant, end: Finished, sent: Option<&TokenSet>) -> Ended {
        let Finished { reply, memo, dates, at_first, proved, tag } = end;
        self.proved = proved;
        // What is held is compared with what came, and what came may keep a date of what was sent.
        self.cell.catch_up();
        let sent = sent.map(|sent| sent.clone().shifted(dates.set_by));
        let mut incoming = Incoming { memo: Some(memo), ..Incoming::default() };
        let answer = match reply {
            Reply::Tokens(response) => {
                let previous = sent.as_ref().filter(|_| grant == Grant::Refresh);
                if let Some(error) = self.another_subject(grant, &response) {
                    return unanswered(Ill { error, lost: None });
                }
                match self.token_set(*response, previous, (dates, tag)) {
                    Ok(tokens) => self.tokens_answer(grant, tokens, previous, &mut incoming),
                    Err(error) => {
                        let operation = if grant == Grant::Refresh { "refresh" } else { "sign_in" };
                        let error = error.at(self.cell.provider.id(), operation);
                        return unanswered(Ill { error, lost: None });
                    }
                }
            }
            Reply::Challenge(challenge) => {
                let follows = self.cell.provider.capabilities().sign_in_code_follows;
                self.code_unused = at_first && follows && matches!(grant, Grant::SignIn { .. });
                let pending = pending_challenge(*challenge);
                let view = challenge_view(&pending);
                incoming.challenge = Some(Box::new(pending));
                Answer::Challenge(view)
            }
            Reply::Done(_) => {
                self.revoked = grant == Grant::Revoke;
                Answer::Done
            }
        };
        let cargo = Cargo { incoming: Some(incoming), ..Cargo::default() };
        (Report::Answered(answer), cargo)
    }

    /// A sign-in by itself that comes back for somebody else than the session was for (F34). A caller who
    /// signs in by name may change the account behind an identity.
    fn another_subject(&self, grant: Grant, response: &TokenResponse) -> Option<Error> {
        let stored = self.records.as_ref()?.session.tokens.as_ref()?;
        let (ours, theirs) = (stored.subject()?, response.subject.as_deref()?);
        let by_itself = grant == Grant::SignIn { explicit: false };
        (by_itself && ours != theirs)
            .then(|| Error::new(ErrorKind::SubjectMismatch).at(self.cell.provider.id(), "sign_in"))
    }

    fn tokens_answer(
        &mut self,
        grant: Grant,
        tokens: TokenSet,
        previous: Option<&TokenSet>,
        incoming: &mut Incoming,
    ) -> Answer {
        let now = self.cell.shared.lately().wall;
        let (held, late) = {
            let core = self.cell.core();
            (core.held.clone(), core.late_by(now))
        };
        // Nearly always the end tells, and the bytes of a token that is about to go need not be met.
        let progress = held.is_none_or(|held| {
            tokens.expires_at() > held.expires_at()
                || !tokens.access_token().secret().matches(held.access_token().secret())
        });
        // A person comes when he comes, and in pull mode nobody comes by himself.
        let by_itself = matches!(grant, Grant::Refresh | Grant::SignIn { explicit: false });
        if let Some(late) = late.filter(|_| progress && by_itself && !self.cell.shared.policy.pull)
        {
            self.cell.shared.figures.renewed(late);
        }
        incoming.rotation = previous.and_then(|old| rotation(old, &tokens));
        if let (Some(credentials), Some(memo)) = (&self.credentials, &incoming.memo) {
            self.cell.remember_codes(credentials, memo);
        }
        let view = Held::of(&tokens, false);
        incoming.bundle = Some(self.cell.bundle(tokens));
        Answer::Tokens { held: view, progress }
    }

    fn token_set(
        &self,
        response: TokenResponse,
        previous: Option<&TokenSet>,
        bought: (Dates, u32),
    ) -> Result<TokenSet, Error> {
        let stored = self.records.as_ref().map_or(0, |records| records.session.counter);
        let held = self.cell.core().held.as_ref().map_or(0, |held| held.generation().counter);
        let tokens = self.cell.token_set(response, previous, bought)?;
        Ok(tokens.counted_after(stored.max(held)))
    }
}

impl Cell {
    /// What we hold from now on, out of what came: when it was asked for, and under the tag of that exchange.
    pub(crate) fn token_set(
        &self,
        response: TokenResponse,
        previous: Option<&TokenSet>,
        (dates, tag): (Dates, u32),
    ) -> Result<TokenSet, Error> {
        let anchor = Anchor {
            sent_at: dates.sent_at,
            skew_millis: dates.skew_millis,
            fallback: self.provider.capabilities().fallback_lifetimes,
            tag,
        };
        let over = says_over(&response, dates.sent_at);
        let tokens = TokenSet::from_response(response, previous, anchor)?;
        self.report_life(&tokens, over);
        Ok(tokens)
    }
}

fn too_late() -> Error {
    Error::new(ErrorKind::Ambiguous).hint(
        "the refresh token was sent before with an outcome that nobody knows, and is not sent again so late: sign in",
    )
}

pub(crate) fn unanswered(ill: Ill) -> Ended {
    let Ill { error, lost } = ill;
    let mut failure = Failure::from(&error);
    let answer = match lost {
        Some(delivery) => {
            failure.may_have_acted = delivery == Delivery::Unknown;
            Answer::Lost(delivery, failure)
        }
        None => Answer::Refused(failure),
    };
    (Report::Answered(answer), Cargo { error: Some(error), ..Cargo::default() })
}

fn rotation(old: &TokenSet, new: &TokenSet) -> Option<Rotation> {
    let (old, new) = (old.refresh_token()?, new.refresh_token()?);
    Some(if old.secret().matches(new.secret()) { Rotation::Kept } else { Rotation::Rotated })
}

/// A challenge with a name of its own: another one of the same session has another handle.
pub(crate) fn pending_challenge(challenge: Challenge) -> PendingChallenge {
    let handle = challenge.continuation.bytes().expose_bytes();
    let id = Fingerprint::of("challenge", challenge.name.as_bytes(), handle);
    PendingChallenge { challenge, claimed: None, id }
}
