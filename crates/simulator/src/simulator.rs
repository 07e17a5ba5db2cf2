//! The handle of one simulator: requests in, replies out, faults, records and the server's own acts.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Request;

use crate::account::{Account, AccountKind, Accounts};
use crate::behaviour::Behaviour;
use crate::context::Vault;
use crate::exchange;
use crate::fault::{Fault, Plan, Times};
use crate::operation::Operation;
use crate::random::Random;
use crate::record::{Record, Recorder, Totals};
use crate::reply::Reply;
use crate::token_book::TokenBook;

/// Settings that every simulator has.
#[derive(Clone)]
#[non_exhaustive]
pub struct Setup {
    /// The seed of all random values; from the system by default.
    pub seed: Option<[u8; 32]>,
    /// How far the server's clock is ahead of the true time, in milliseconds.
    pub skew_ms: i64,
    /// How many records are kept; the totals count all. 100,000 by default.
    pub record_limit: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self { seed: None, skew_ms: 0, record_limit: 100_000 }
    }
}

/// The methods that fill in the `setup` of a simulator's settings, one for each of its fields.
macro_rules! setup_methods {
    ($simulator:ty) => {
        impl $simulator {
            /// How far the server's clock is ahead, in milliseconds.
            #[must_use]
            pub fn skew_ms(mut self, skew_ms: i64) -> Self {
                self.setup.skew_ms = skew_ms;
                self
            }

            /// How many records are kept; 100,000 by default. The totals count all.
            #[must_use]
            pub fn record_limit(mut self, records: usize) -> Self {
                self.setup.record_limit = records;
                self
            }

            /// Makes all random values repeatable.
            #[must_use]
            pub fn seed(mut self, seed: [u8; 32]) -> Self {
                self.setup.seed = Some(seed);
                self
            }
        }
    };
}

pub(crate) use setup_methods;

// From the seed follow every token, code, key and temporary password: it is a secret as they are.
impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("seeded", &self.seed.is_some())
            .field("skew_ms", &self.skew_ms)
            .field("record_limit", &self.record_limit)
            .finish()
    }
}

impl Setup {
    /// A key for the provider's tokens that no value of the simulator's own stream shows.
    pub(crate) fn key(&self) -> [u8; 32] {
        match self.seed {
            None => Random::from_system().block(),
            Some(seed) => {
                Random::from_seed(Random::from_seed(seed.map(|byte| !byte)).block()).block()
            }
        }
    }

    fn random(&self) -> Random {
        self.seed.map_or_else(Random::from_system, Random::from_seed)
    }
}

/// Whether a server-side revocation ends the refresh tokens too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshTokens {
    /// They stay good.
    Keep,
    /// They end with the access tokens.
    Revoke,
}

/// One provider's server with its state. Cheap to clone: all clones are one server.
///
/// [`Simulator::handle`] is pure but for the state: time is an argument, nothing waits, nothing is opened.
/// [`Simulator::serve`] puts it behind a socket of this machine.
#[derive(Clone)]
pub struct Simulator {
    inner: Arc<Mutex<Inner>>,
}

pub(crate) struct Inner {
    pub(crate) behaviour: Box<dyn Behaviour>,
    pub(crate) accounts: Accounts,
    pub(crate) tokens: TokenBook,
    pub(crate) random: Random,
    pub(crate) vault: Vault,
    pub(crate) plan: Plan,
    pub(crate) outage: bool,
    pub(crate) recorder: Recorder,
    pub(crate) offset_ms: i64,
}

impl Simulator {
    /// A server that does what `behaviour` says. The providers' own builders call this.
    #[must_use]
    pub fn new(behaviour: impl Behaviour, setup: Setup) -> Self {
        let inner = Inner {
            behaviour: Box::new(behaviour),
            accounts: Accounts::default(),
            tokens: TokenBook::default(),
            random: setup.random(),
            vault: Vault::default(),
            plan: Plan::default(),
            outage: false,
            recorder: Recorder::new(setup.record_limit),
            offset_ms: setup.skew_ms,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Handles one request that came at `now_ms`, in milliseconds since 1970.
    #[must_use]
    pub fn handle(&self, request: &Request<Bytes>, now_ms: i64) -> Reply {
        exchange::run(&mut self.lock(), request, now_ms)
    }

    /// The provider's word: `ibex`.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.lock().behaviour.provider()
    }

    /// Adds an account, or replaces the one of the same identity. The first one is the default account.
    pub fn add_account(&self, account: Account) {
        let mut inner = self.lock();
        account.secrets().for_each(|secret| inner.vault.keep(secret));
        inner.accounts.insert(account);
    }

    /// The default account as it is now: the first that was added. An empty one if there is none.
    #[must_use]
    pub fn account(&self) -> Account {
        self.lock().accounts.first().cloned().unwrap_or_default()
    }

    /// The first OAuth 2 client, by its id. An empty one if there is none.
    #[must_use]
    pub fn client(&self) -> Account {
        let inner = self.lock();
        inner
            .accounts
            .iter()
            .find(|account| account.kind == AccountKind::Client)
            .cloned()
            .unwrap_or_default()
    }

    /// The account of that identity as it is now.
    #[must_use]
    pub fn account_of(&self, identity: &str) -> Option<Account> {
        self.lock().accounts.get(identity).cloned()
    }

    /// Changes an account as an administrator would: locks it, gives it another password.
    pub fn change_account(&self, identity: &str, change: impl FnOnce(&mut Account)) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if let Some(account) = inner.accounts.get_mut(identity) {
            change(account);
            account.secrets().for_each(|secret| inner.vault.keep(secret));
        }
    }

    /// Lets requests for this operation meet a fault, so many times. Faults of one operation come in the order in
    /// which they were injected, one a request.
    pub fn inject(&self, operation: Operation, fault: Fault, times: impl Into<Times>) {
        self.lock().plan.add(operation, fault, times.into());
    }

    /// Takes back every fault that has not been met, and ends an outage.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.plan.clear();
        inner.outage = false;
    }

    /// How many injected faults are still waiting for their requests.
    #[must_use]
    pub fn faults_waiting(&self) -> usize {
        self.lock().plan.len()
    }

    /// Starts or ends an outage: every operation but the resource answers 503.
    pub fn outage(&self, on: bool) {
        self.lock().outage = on;
    }

    /// Ends all access tokens of an account at once, as an administrator would.
    pub fn revoke_all(&self, identity: &str, refresh_tokens: RefreshTokens) {
        self.lock().tokens.revoke_account(identity, refresh_tokens == RefreshTokens::Revoke);
    }

    /// Lets all access tokens of an account be past their end, earlier than they were said to be.
    pub fn expire_access_tokens(&self, identity: &str) {
        self.lock().tokens.expire_access(identity);
    }

    /// Puts the server's clock forward, or back, by that many milliseconds.
    pub fn shift_clock(&self, by_ms: i64) {
        let mut inner = self.lock();
        inner.offset_ms = inner.offset_ms.saturating_add(by_ms);
    }

    /// The server's time at `now_ms` of the caller.
    #[must_use]
    pub fn server_time_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.lock().offset_ms)
    }

    /// How many access tokens the account was given so far: the newest generation.
    #[must_use]
    pub fn generation(&self, identity: &str) -> u64 {
        self.lock().tokens.generation(identity)
    }

    /// The latest code or temporary password that was sent to the owner of this account.
    #[must_use]
    pub fn delivered(&self, identity: &str) -> Option<String> {
        let inner = self.lock();
        inner.vault.mail().rev().find(|(to, _)| to == identity).map(|(_, text)| text.clone())
    }

    /// The codes and temporary passwords that were sent and are kept, the oldest first: to whom, and what.
    #[must_use]
    pub fn mail(&self) -> Vec<(String, String)> {
        self.lock().vault.mail().cloned().collect()
    }

    /// Those of them that were sent after the first `seen`, and how many were sent so far.
    #[must_use]
    pub fn mail_after(&self, seen: usize) -> (Vec<(String, String)>, usize) {
        let inner = self.lock();
        let n_sent = inner.vault.n_delivered();
        let new = n_sent.saturating_sub(seen);
        let mut latest: Vec<_> = inner.vault.mail().rev().take(new).cloned().collect();
        latest.reverse();
        (latest, n_sent)
    }

    /// Keeps no more than so many secrets for [`Simulator::issued_secrets`], so many messages, and so many tokens that
    /// are past their end; 100,000 of each by default. Of more the oldest are forgotten. Good tokens all stay.
    pub fn limit_memory(&self, entries: usize) {
        let mut inner = self.lock();
        inner.vault.limit(entries);
        inner.tokens.limit(entries);
    }

    /// The records that are kept, the oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.lock().recorder.records().cloned().collect()
    }

    /// How many of the kept records are so.
    #[must_use]
    pub fn count(&self, so: impl Fn(&Record) -> bool) -> usize {
        self.lock().recorder.records().filter(|record| so(record)).count()
    }

    /// Counts over all requests since the start.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.lock().recorder.totals().clone()
    }

    /// The secrets that were issued, accepted or set up here: tokens, codes, sessions, passwords. For tests that
    /// search logs for them. The latest 100,000, unless [`Simulator::limit_memory`] says otherwise.
    #[must_use]
    pub fn issued_secrets(&self) -> Vec<String> {
        self.lock().vault.secrets()
    }

    /// `KEY=value` pairs for the person at a terminal: accounts, secrets, paths. Without the URL.
    #[must_use]
    pub fn describe(&self) -> Vec<(String, String)> {
        let inner = self.lock();
        inner.behaviour.describe(&inner.accounts)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic in a test thread leaves the state whole: each call changes it in one go.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        f.debug_struct("Simulator")
            .field("provider", &inner.behaviour.provider())
            .field("requests", &inner.recorder.totals().requests)
            .field("plan", &inner.plan)
            .finish_non_exhaustive()
    }
}
