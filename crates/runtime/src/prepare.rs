//! The steps before a sending: leave, credentials, the lock.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::{Grant, Report};
use countersign_core::{CredentialKind, Credentials, Error, ErrorKind, Lock, Recovery, Timestamp};
use countersign_scheduler::{Admit, Caller};
use futures_util::FutureExt;

use crate::caught::caught;
use crate::cell::Cell;
use crate::flight::{Candidate, Ended, Flight};
use crate::opener::{Opener, names};
use crate::post::Cargo;
use crate::records::Records;
use crate::reenter::inside;
use crate::wait::{Waited, wait};

/// What a lock is held longer than the exchange may take.
const LEASE_SLACK: Duration = Duration::from_secs(10);

impl Flight {
    /// Asks the budget of origin and client; when to come again if it does not let this one go.
    fn admit(&mut self) -> Option<Timestamp> {
        let shared = &self.cell.shared;
        let now = shared.lately();
        if shared.is_closed() {
            return Some(now.wall.after(shared.policy.backoff.hint_cap));
        }
        if self.carried.is_some() {
            return None;
        }
        let waited_for = self.cell.is_waited_for();
        let caller = if waited_for { Caller::Waiting } else { Caller::Background };
        match self.cell.ask_leave(caller, now.mono) {
            Admit::Go(permit) => {
                self.permit = Some(permit);
                None
            }
            Admit::Wait { until, .. } => Some(now.wall_at(until)),
        }
    }

    /// Gets what can wait or fail: leave, and the credentials as their source has them now.
    pub(crate) async fn prepare(&mut self, grant: Grant) -> Result<Ended, Error> {
        self.look_for_carried(grant);
        if let Some(later) = self.admit() {
            return Ok((Report::Deferred(later), Cargo::default()));
        }
        self.grant = Some(grant);
        if self.carried.is_some() {
            return Ok((Report::Prepared, Cargo::default()));
        }
        let needed = matches!(grant, Grant::SignIn { .. });
        self.by_itself = grant == Grant::SignIn { explicit: false };
        if needed && let Some(given) = &mut self.cell.core().one_time {
            given.taken = true;
        }
        let clock = Arc::clone(&self.cell.shared.clock);
        let until = clock.monotonic_coarse().after(self.cell.exchange_deadline());
        let signs_in = grant != Grant::Refresh;
        let found = match wait(&*clock, self.cell.current_credentials(signs_in), until).await {
            Waited::Came(found) => found,
            Waited::Over => Err(Error::new(ErrorKind::Credentials)
                .with_recovery(Recovery::Retry)
                .hint("the source of the credentials did not answer in time")),
        };
        match found {
            Ok(credentials) => {
                if needed {
                    self.cell.check_for_sign_in(&credentials)?;
                }
                self.credentials = Some(credentials);
            }
            Err(error) if needed => return Err(error),
            // A refresh most often needs none; if this provider's does, the adapter says so.
            Err(_) => self.credentials = Some(self.cell.bare_credentials()),
        }
        if grant == Grant::Answer {
            self.offer_answered_password().await?;
        }
        Ok((Report::Prepared, Cargo::default()))
    }

    /// Takes the account's lock, and reads both records under it.
    pub(crate) async fn take_lock(&mut self) -> Result<Ended, Error> {
        let cell = &self.cell;
        let sealer = cell.shared.sealer().await?;
        let names = names(&sealer, cell);
        let deadline = self.deadline();
        // Whoever waits for the token hears in time who holds the lock.
        let patience = lease(deadline).min(cell.settings.deadline.saturating_mul(4) / 5);
        let [_, account] = &names;
        let lock = cell.shared.store.lock(account, lease(deadline), patience).await?;
        let lock = self.lock.insert(lock);
        let opener = Opener::Whole(Arc::clone(&sealer));
        let mut records = Records::load_as(cell, opener, &names).await?;
        if records.guards_are_from_memory() || records.owes_guards() {
            // Rare, and boxed so that it does not weigh on every exchange.
            records = Box::pin(records.bring_guards_back(cell, &**lock)).await?;
        }
        records.keep_in_mind(cell);
        records.forget_unsent(cell);
        if let Some(credentials) = &self.credentials {
            cell.remember_codes(credentials, &records.session.memo);
            if self.grant != Some(Grant::Refresh) {
                self.candidate = Some(Candidate::choose(credentials, &records, sealer.salt()));
            }
        }
        let view = records.view(cell, self.candidate.as_ref());
        let mut cargo = records.cargo(cell);
        let refused = view.guards.refused.filter(|refused| refused.holds_back());
        if let Some(refused) = refused.filter(|_| self.by_itself) {
            let error = refused_before().with_certainty(refused.certainty);
            cargo.error = Some(error.at(cell.provider.id(), "sign_in"));
        }
        (self.records, self.sealer) = (Some(records), Some(sealer));
        Ok((Report::Locked(Box::new(view)), cargo))
    }

    /// How long this one may take once it is sent.
    pub(crate) fn deadline(&self) -> Duration {
        match self.grant {
            Some(Grant::Refresh) => self.cell.refresh_deadline(),
            _ => self.cell.exchange_deadline(),
        }
    }

    /// Reads again after a lost write: what the winner has left.
    pub(crate) async fn superseded(&mut self) -> Result<Ended, Error> {
        let records = Records::load(&self.cell).await?;
        let view = records.view(&self.cell, self.candidate.as_ref());
        let cargo = records.cargo(&self.cell);
        self.records = Some(records);
        Ok((Report::Superseded(Box::new(view)), cargo))
    }

    /// Whether the lock is ours for as long as the exchange may take; a lease that has run down is
    /// lengthened.
    pub(crate) async fn lock_will_last(&mut self) -> bool {
        let deadline = self.deadline();
        let clock = &*self.cell.shared.clock;
        match &mut self.lock {
            Some(lock) if lock.held_for(deadline) => true,
            Some(lock) => {
                let until = clock.monotonic().after(lease(deadline));
                let renewed = wait(clock, lock.renew(lease(deadline)), until).await;
                renewed == Waited::Came(true) && lock.held_for(deadline)
            }
            None => false,
        }
    }
}

impl Cell {
    /// What is asked of the store, within so many leases: a store that hangs must hold nobody for ever.
    pub(crate) fn in_time<T>(
        &self,
        leases: u32,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<T, Error>> {
        let clock = &*self.shared.clock;
        let span = lease(self.exchange_deadline()).saturating_mul(leases);
        wait(clock, asked, clock.monotonic_coarse().after(span)).map(|waited| match waited {
            Waited::Came(answer) => answer,
            Waited::Over => Err(Error::new(ErrorKind::Store).hint(
                "the store did not answer in time; check that it can be reached and written",
            )),
        })
    }

    /// Lets a lock go. A store whose release panics or hangs is left to its lease.
    pub(crate) async fn let_go(&self, lock: Box<dyn Lock>) {
        let clock = &*self.shared.clock;
        let patience = self.shared.time_to_let_go(self.exchange_deadline());
        let until = clock.monotonic_coarse().after(patience);
        let _ = wait(clock, caught(lock.release()), until).await;
    }
}

/// Why a session does not sign in by itself, and what helps.
fn refused_before() -> Error {
    Error::new(ErrorKind::InvalidGrant).with_code("refused_before").hint(
        "these credentials were refused before, or another password was set since, and are not sent again without \
         being asked for; have the source give the right ones, or sign in by name",
    )
}

/// How long the lock is taken for.
pub(crate) fn lease(exchange_deadline: Duration) -> Duration {
    exchange_deadline.saturating_mul(2).saturating_add(LEASE_SLACK)
}

impl Candidate {
    /// The secret that is sent next: a new password whose fate is not known goes first, until it is
    /// refused.
    pub(crate) fn choose(credentials: &Credentials, records: &Records, salt: &[u8]) -> Self {
        let account = &records.account;
        if let Some(pending) = &account.pending_password {
            let new = credentials.clone().with_password(pending.password.clone());
            let fingerprint = new.fingerprint(salt);
            if account.refused.iter().all(|entry| entry.secret != fingerprint) {
                let pending = Some(pending.password.clone());
                return Self { fingerprint, credentials: new, pending };
            }
        }
        Self::plain(credentials, salt)
    }

    /// What the source says.
    pub(crate) fn plain(credentials: &Credentials, salt: &[u8]) -> Self {
        let fingerprint = credentials.fingerprint(salt);
        Self { fingerprint, credentials: credentials.clone(), pending: None }
    }
}

impl Cell {
    /// The account's lock, for what no flight does.
    pub(crate) async fn account_lock(&self) -> Result<Box<dyn Lock>, Error> {
        let name = self.shared.sealer().await?.name(&self.account().digest());
        let lease = lease(self.exchange_deadline());
        self.shared.store.lock(&name, lease, lease).await
    }

    /// The values as they are now. Where it is signed in, those of the caller for one time go first; what is no sign-in
    /// may need what only the source has. Nobody is bothered here.
    pub(crate) async fn current_credentials(&self, signs_in: bool) -> Result<Credentials, Error> {
        let source = self.source();
        if signs_in || source.is_none() {
            let one_time = self.core().one_time.as_ref().map(|given| given.credentials.clone());
            if let Some(given) = one_time {
                return Ok(self.identified(given));
            }
        }
        match source {
            Some(source) => {
                let found = inside(self, source.at_hand(self.account())).await;
                found.map(|credentials| self.identified(credentials))
            }
            None => Err(Error::new(ErrorKind::NeedsSignIn)
                .hint("this session has no credentials; give them with sign_in_with")),
        }
    }

    /// Whether these are enough to sign in with. What is missing may be what only a person has.
    fn check_for_sign_in(&self, credentials: &Credentials) -> Result<(), Error> {
        let asks = self.source().is_some_and(|source| source.interactive());
        let checked = credentials.check(&self.provider.capabilities().credentials);
        checked.map_err(|error| match error.kind() {
            ErrorKind::Credentials if asks => Error::new(ErrorKind::NeedsSignIn)
                .hint("the credentials come from a person; call sign_in where one can be asked"),
            _ => error,
        })
    }

    /// The values as they are now, or nothing but who it is: also where the source does not say them in the time
    /// of an exchange.
    pub(crate) async fn credentials_or_bare(&self) -> Credentials {
        let clock = &*self.shared.clock;
        let until = clock.monotonic().after(self.exchange_deadline());
        match wait(clock, self.current_credentials(false), until).await {
            Waited::Came(Ok(credentials)) => credentials,
            Waited::Came(Err(_)) | Waited::Over => self.bare_credentials(),
        }
    }

    /// Nothing but who it is.
    pub(crate) fn bare_credentials(&self) -> Credentials {
        Credentials::new().with_identity(self.account().identity())
    }

    pub(crate) fn identified(&self, credentials: Credentials) -> Credentials {
        if credentials.has(CredentialKind::Identity) {
            credentials
        } else {
            credentials.with_identity(self.account().identity())
        }
    }
}
