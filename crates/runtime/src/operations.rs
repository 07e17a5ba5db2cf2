//! Operations outside the life of a token: run by the same engine, in a task of their own.

use std::sync::Arc;

use countersign_core::session::Event;
use countersign_core::{
    Challenge, Credentials, Error, ErrorKind, Operation, Profile, Recovery, SecretString, TokenSet,
};
use countersign_scheduler::{Admit, Caller, Permit, Settled};
use countersign_seal::SessionRecord;

use crate::caught::caught;
use crate::cell::Cell;
use crate::exchange::{Exchange, Finished, Ill, Reply, too_busy};
use crate::password::Pending;
use crate::publish::panicked;
use crate::records::{Records, Written};
use crate::session::Session;
use crate::sync::oneshot;
use crate::wait::{Waited, wait};

/// What an operation has brought.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Performed {
    /// What the provider told.
    pub profile: Profile,
    /// A further proof that it asks for.
    pub challenge: Option<Box<Challenge>>,
    /// The session has new tokens by it.
    pub signed_in: bool,
}

impl Session {
    /// Runs an operation that is not part of the life of a token: [`Operation::Register`],
    /// [`Operation::ChangePassword`], [`Operation::ForgotPassword`],
    /// [`Operation::ConfirmForgotPassword`], [`Operation::WhoAmI`],
    /// [`Operation::SignOutEverywhere`], [`Operation::Extension`].
    ///
    /// It runs to its end, also if the caller goes away. An operation that presents the access token
    /// has it made fresh first. A new password is stored before it is sent; if the answer is lost,
    /// the next sign-in finds out which password holds, and until then none is changed again.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the provider cannot, [`ErrorKind::InvalidRequest`] for operations
    /// of the life of a token (they have methods of their own), [`ErrorKind::Ambiguous`] if a new
    /// password was sent and its fate is not known; else what the provider says.
    pub async fn perform(&self, operation: Operation) -> Result<Performed, Error> {
        self.performed(operation, None).await
    }

    /// [`Session::perform`] with credentials for this one time, instead of those of the source: the
    /// account that is to be made, a password that was typed, no password where it is forgotten. Other
    /// exchanges that the operation needs first, such as a refresh, ask the source as ever.
    ///
    /// # Errors
    /// See [`Session::perform`].
    pub async fn perform_with(
        &self,
        operation: Operation,
        credentials: Credentials,
    ) -> Result<Performed, Error> {
        self.performed(operation, Some(credentials)).await
    }

    async fn performed(
        &self,
        operation: Operation,
        given: Option<Credentials>,
    ) -> Result<Performed, Error> {
        self.0.refuse_reentry(operation.name())?;
        self.0.refuse_to_write(operation.name())?;
        self.load().await?;
        let (tell, hear) = oneshot::channel();
        let (cell, shared) = (Arc::clone(&self.0), Arc::clone(&self.0.shared));
        // Counted before it is looked: whoever shuts the keeper down sees this, or is seen here.
        shared.took_off();
        let landing = Landing(Arc::clone(&shared));
        if shared.is_closed() {
            return Err(crate::obtain::closed());
        }
        shared.spawn(async move {
            let _landing = landing;
            let shared = &cell.shared;
            let done = shared.unless_given_up(caught(cell.perform(operation, given))).await;
            let Some(done) = done else { return };
            let done = done.unwrap_or_else(|_| Err(panicked("an adapter, a source or a store")));
            // Nobody may be left to hear it.
            drop(tell.send(done));
        });
        let lost = || {
            Error::new(ErrorKind::Internal)
                .hint("the operation was given up with its runtime or its keeper")
        };
        hear.await.unwrap_or_else(|_| Err(lost()))
    }
}

/// Counted as under way until it is dropped.
pub(crate) struct Landing(pub(crate) Arc<crate::shared::Shared>);

impl Drop for Landing {
    fn drop(&mut self) {
        self.0.landed();
    }
}

impl Cell {
    async fn perform(
        self: &Arc<Self>,
        operation: Operation,
        given: Option<Credentials>,
    ) -> Result<Performed, Error> {
        let name = operation.name();
        let tokens = self.tokens_for(&operation).await?;
        let credentials = match given {
            Some(given) => self.identified(given),
            None => self.credentials_or_bare().await,
        };
        let records = self.in_time(1, Records::load(self)).await?;
        self.refuse_early(&operation, &credentials, tokens.as_ref(), &records).await?;
        let new = new_password(&operation).cloned();
        if let Some(password) = &new {
            self.offer_password(password, name).await?;
        }
        let everywhere = matches!(operation, Operation::SignOutEverywhere);
        let (end, holds) = self.exchanged(operation, &credentials, tokens.as_ref(), &records).await;
        if let (Some(password), Some(holds)) = (&new, holds) {
            self.settle_password(password, holds).await;
        }
        let end = end?;
        if everywhere {
            // Whatever we hold is dead with the rest.
            self.post(Event::SignOut, Default::default());
        }
        self.take_up(end, records).await
    }

    /// The exchange itself, and whether a new password holds as far as that is known now.
    async fn exchanged(
        self: &Arc<Self>,
        operation: Operation,
        credentials: &Credentials,
        tokens: Option<&TokenSet>,
        records: &Records,
    ) -> (Result<Finished, Error>, Option<bool>) {
        let name = operation.name();
        let permit = match self.permit().await {
            Ok(permit) => permit,
            Err(error) => return (Err(error), Some(false)),
        };
        let pending = match new_password(&operation) {
            Some(password) => {
                match self.in_time(2, self.store_pending(password.clone(), &operation)).await {
                    Ok(pending) => Some(pending),
                    Err(error) => {
                        self.give_back(permit, Settled::Unused);
                        return (Err(error), Some(false));
                    }
                }
            }
            None => None,
        };
        // What makes an account is sent as what signs in to it: by one process at a time.
        let lock = match &operation {
            Operation::Register { .. } => match self.in_time(2, self.account_lock()).await {
                Ok(lock) => Some(lock),
                Err(error) => {
                    self.give_back(permit, Settled::Unused);
                    return (Err(error), Some(false));
                }
            },
            _ => None,
        };
        let exchange = Exchange {
            cell: self,
            credentials,
            tokens,
            memo: records.session.memo.clone(),
            now: self.server_now(),
            within: self.exchange_deadline(),
            lock: pending.as_ref().map(Pending::lock).or(lock.as_deref()),
        };
        let end = caught(exchange.run(operation)).await;
        let end = end.unwrap_or_else(|_| {
            Err(Ill {
                error: panicked("a transport"),
                lost: Some(countersign_core::transport::Delivery::Unknown),
            })
        });
        self.give_back(permit, end.as_ref().map_or_else(Ill::settled, |_| Settled::Answered));
        if let Some(lock) = lock {
            self.let_go(lock).await;
        }
        let holds = match &end {
            Ok(_) => Some(true),
            Err(ill) if ill.may_have_acted() => None,
            Err(_) => Some(false),
        };
        (self.settle_pending(pending, credentials, end, name).await, holds)
    }

    /// The access token for an operation that presents it, made fresh first.
    async fn tokens_for(
        self: &Arc<Self>,
        operation: &Operation,
    ) -> Result<Option<TokenSet>, Error> {
        let limit = self.settings.deadline;
        match operation {
            Operation::WhoAmI
            | Operation::ChangePassword { .. }
            | Operation::SignOutEverywhere => {
                let shown = self.obtain(self.exchange_deadline(), limit).await;
                // A provider with very short lives still has a good token.
                let shown = match shown {
                    Err(error) if error.kind() == ErrorKind::InvalidRequest => {
                        self.obtain(Default::default(), limit).await
                    }
                    shown => shown,
                }?;
                Ok(Some(shown.tokens().clone()))
            }
            Operation::Register { .. }
            | Operation::ForgotPassword
            | Operation::ConfirmForgotPassword { .. } => Ok(None),
            // Whether it presents the token is the adapter's affair: what there is, is made good.
            Operation::Extension { .. } if self.core().held.is_none() => Ok(None),
            Operation::Extension { .. } => {
                let shown = self.obtain(Default::default(), limit).await.ok();
                Ok(shown.map(|shown| shown.tokens().clone()))
            }
            _ => Err(Error::new(ErrorKind::InvalidRequest)
                .at(self.provider.id(), operation.name())
                .hint("this operation belongs to the life of a token; the session has a method for it")),
        }
    }

    /// What cannot work is refused before a password is stored or a permit taken.
    async fn refuse_early(
        &self,
        operation: &Operation,
        credentials: &Credentials,
        tokens: Option<&TokenSet>,
        records: &Records,
    ) -> Result<(), Error> {
        let ambient = countersign_core::Ambient {
            now: self.server_now(),
            seed: &Default::default(),
            credentials,
            tokens,
            memo: &records.session.memo,
        };
        let provider = &self.provider;
        let clock = &*self.shared.clock;
        let until = clock.monotonic().after(self.exchange_deadline());
        let building = crate::compute::build(provider, operation, &ambient);
        match wait(clock, building, until).await {
            Waited::Came(built) => drop(built?),
            Waited::Over => return Err(too_busy()),
        }
        let policy = provider.capabilities().password_policy;
        if let (Some(password), Some(policy)) = (new_password(operation), policy) {
            let broken = policy.broken_by(password.expose());
            if !broken.is_empty() {
                return Err(Error::new(ErrorKind::PasswordRefused)
                    .at(provider.id(), operation.name())
                    .hint(format!("the new password needs {}", broken.join(", "))));
            }
        }
        self.refuse_over_unsettled(operation, records)
    }

    /// Leave to send; waits for it while that fits the session's deadline.
    async fn permit(&self) -> Result<Permit, Error> {
        let shared = &self.shared;
        let deadline = shared.clock.monotonic().after(self.settings.deadline);
        loop {
            if shared.is_closed() {
                return Err(crate::obtain::closed());
            }
            let now = shared.now();
            match self.ask_leave(Caller::Waiting, now.mono) {
                Admit::Go(permit) => return Ok(permit),
                Admit::Wait { until, .. } if until <= deadline => {
                    wait(&*shared.clock, std::future::pending::<()>(), until).await;
                }
                Admit::Wait { until, .. } => {
                    return Err(Error::new(ErrorKind::RateLimited)
                        .with_recovery(Recovery::WaitUntil(now.wall_at(until))));
                }
            }
        }
    }

    fn give_back(&self, permit: Permit, how: Settled) {
        let now = self.shared.clock.monotonic();
        self.shared.admission().settle(permit, how, now);
    }

    /// A certain end settles the new password at once.
    async fn settle_pending(
        &self,
        pending: Option<Pending>,
        credentials: &Credentials,
        end: Result<Finished, Ill>,
        operation: &'static str,
    ) -> Result<Finished, Error> {
        let Some(pending) = pending else { return end.map_err(|ill| ill.error) };
        match end {
            Ok(finished) => {
                // The password is set, whether or not that could be written down.
                drop(self.in_time(1, self.end_pending(pending, credentials, Some(true))).await);
                Ok(finished)
            }
            Err(ill) if ill.may_have_acted() => {
                drop(self.in_time(1, self.end_pending(pending, credentials, None)).await);
                Err(Error::new(ErrorKind::Ambiguous)
                    .at(self.provider.id(), operation)
                    .hint("whether the new password was set is not known; it is kept, and the next sign-in finds out")
                    .with_source(ill.error))
            }
            Err(ill) => {
                drop(self.in_time(1, self.end_pending(pending, credentials, Some(false))).await);
                Err(ill.error)
            }
        }
    }

    /// What came beside the answer: facts for the record, and tokens where a registration signs in.
    async fn take_up(
        self: &Arc<Self>,
        end: Finished,
        records: Records,
    ) -> Result<Performed, Error> {
        let Finished { reply, memo, dates, tag, .. } = end;
        match reply {
            Reply::Done(profile) => {
                self.keep_facts(&records.session.memo, &memo).await;
                Ok(Performed { profile, ..Performed::default() })
            }
            Reply::Challenge(challenge) => {
                Ok(Performed { challenge: Some(challenge), ..Performed::default() })
            }
            Reply::Tokens(response) => {
                let tokens = self.token_set(*response, None, (dates, tag))?;
                let profile = tokens.profile().clone();
                let bought = tokens.clone();
                let kept = self.keep(|session| {
                    let tokens = tokens.counted_after(session.counter);
                    session.counter = tokens.generation().counter;
                    session.tokens = Some(tokens);
                    session.memo = memo;
                    session.journal = None;
                    session.challenge = None;
                    session.ended = None;
                    session.refresh_dead = None;
                    session.suspicion = 0;
                });
                let kept = self.in_time(2, kept).await;
                let signed_in = matches!(kept, Ok(Written::Yes));
                if !signed_in {
                    // The account is there, and a sign-in buys others.
                    crate::discard::revoke_late(self, bought);
                }
                kept?;
                if signed_in {
                    // It finds that readers do not have it yet.
                    self.in_time(1, self.look()).await?;
                }
                Ok(Performed { profile, challenge: None, signed_in })
            }
        }
    }

    /// Changes the session's record as it is now, under the account's lock.
    async fn keep(&self, change: impl FnOnce(&mut SessionRecord)) -> Result<Written, Error> {
        let lock = self.account_lock().await?;
        let end = async {
            let mut records = Records::load(self).await?;
            change(&mut records.session);
            records.save_session(self, Some(lock.fence())).await
        };
        let end = end.await;
        self.let_go(lock).await;
        end
    }
}

/// The password that an operation sets.
const fn new_password(operation: &Operation) -> Option<&SecretString> {
    match operation {
        Operation::ChangePassword { new_password }
        | Operation::ConfirmForgotPassword { new_password, .. } => Some(new_password),
        _ => None,
    }
}
