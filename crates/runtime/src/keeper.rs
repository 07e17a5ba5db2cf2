//! The owner of transport, store, clock and scheduler: all sessions live in one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::Event;
use countersign_core::{
    AuthProvider, Clock, Error, ErrorKind, HttpTransport, SessionKey, SessionStore,
};
use countersign_scheduler::{Admission, BackoffPolicy, BudgetSettings};
use countersign_seal::RecordFormat;

use crate::builder::SessionBuilder;
use crate::clock::{SystemClock, Wall};
use crate::events::Events;
use crate::figures::Figures;
use crate::filter::{EffectFilter, Seam};
use crate::memory::MemoryStore;
use crate::post::Cargo;
use crate::read_only::OnlyRead;
use crate::rest::Eviction;
use crate::shared::{Policy, Shared};
use crate::sync::Handle;
use crate::{steps, ticker};

/// No exchange takes longer, whatever is set.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(24 * 3600);

/// Keeps sessions of all providers and tenants signed in. Cheap to clone.
///
/// Besides an exchange that is under way there is one task for all sessions, which sleeps until
/// somebody is due; a keeper in pull mode has none.
#[derive(Clone)]
pub struct Keeper(pub(crate) Arc<Shared>);

/// What a [`Keeper`] is made of.
pub struct KeeperBuilder {
    transport: Option<Arc<dyn HttpTransport>>,
    store: Option<Arc<dyn SessionStore>>,
    clock: Option<Arc<dyn Clock>>,
    backoff: BackoffPolicy,
    budgets: BudgetSettings,
    leeway: Duration,
    exchange_deadline: Duration,
    replica_seed: Option<u64>,
    runtime: Option<Handle>,
    pull: bool,
    read_only: bool,
    eviction: Option<Eviction>,
    workers: usize,
    format: RecordFormat,
    seam: Seam,
    #[cfg(feature = "reqwest")]
    client: Option<countersign_reqwest::Client>,
}

impl Keeper {
    /// Begins with a memory store, the system's clock, and no transport.
    pub fn builder() -> KeeperBuilder {
        KeeperBuilder {
            transport: None,
            store: None,
            clock: None,
            backoff: BackoffPolicy::default(),
            budgets: BudgetSettings::default(),
            leeway: Duration::from_secs(1),
            exchange_deadline: Duration::from_secs(30),
            replica_seed: None,
            runtime: None,
            pull: false,
            read_only: false,
            eviction: None,
            workers: 1_024,
            format: RecordFormat::default(),
            seam: Seam::default(),
            #[cfg(feature = "reqwest")]
            client: None,
        }
    }

    /// Describes the session of `identity` with `provider`.
    pub fn session(&self, provider: impl AuthProvider + 'static, identity: &str) -> SessionBuilder {
        self.session_of(Arc::new(provider), identity)
    }

    /// The same for a provider value that many sessions share.
    pub fn session_of(&self, provider: Arc<dyn AuthProvider>, identity: &str) -> SessionBuilder {
        let key = SessionKey::new(provider.id(), provider.realm(), identity);
        SessionBuilder::new(Arc::clone(&self.0), provider, key)
    }

    /// Does what is due: for a keeper in pull mode, which has no task of its own. Harmless at any
    /// time. It looks at every session before it returns.
    pub fn tick(&self) {
        steps::beat(&self.0);
        while steps::tell_some(&self.0) {}
        while self.0.evict() {}
        for cell in self.0.all() {
            cell.kick();
            cell.post_if_due();
        }
    }

    /// What happens to all sessions from now on.
    pub fn events(&self) -> Events {
        self.0.hub.listen(None)
    }

    /// What the keeper does and how it keeps up, at this moment and since it was built. Looks at whatever is
    /// due.
    ///
    /// ```
    /// # use countersign_core::HttpTransport;
    /// # use countersign_core::http::{HttpRequest, HttpResponse};
    /// # use countersign_core::transport::{Delivery, Reason, TransportError};
    /// # use countersign_runtime::Keeper;
    /// # struct Nobody;
    /// # #[async_trait::async_trait]
    /// # impl HttpTransport for Nobody {
    /// #     async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
    /// #         Err(TransportError::new(Delivery::NotSent, Reason::Connect))
    /// #     }
    /// # }
    /// # let keeper = Keeper::builder().transport(Nobody).build()?;
    /// fn line(keeper: &Keeper) -> String {
    ///     let now = keeper.figures();
    ///     let late = now.lateness.quantile(0.99);
    ///     format!("{} due, {} under way, p99 {late:?} late", now.queue_depth, now.under_way)
    /// }
    ///
    /// assert_eq!(line(&keeper), "0 due, 0 under way, p99 0ns late");
    /// # Ok::<(), countersign_core::Error>(())
    /// ```
    pub fn figures(&self) -> Figures {
        self.0.figures()
    }

    /// How many sessions somebody holds.
    pub fn n_sessions(&self) -> usize {
        self.0.n_sessions()
    }

    /// Begins nothing new, and waits until every exchange under way is committed, at most `within`;
    /// whether that came about, and nothing is left in memory only. Good tokens are handed out on until
    /// they end.
    ///
    /// What is not done shortly before the end (a fifth of `within`, at most a second) is given up: its
    /// lock is released, so that the next process goes on at once, and a refresh that may have been acted
    /// on has its mark in the store, by which the next process judges it: adopt, replay inside the
    /// provider's grace, or ask for a sign-in. So give it the time that an exchange may take, where a
    /// spent refresh token has no grace. After that nothing is begun or written by this keeper.
    pub async fn shutdown(&self, within: Duration) -> bool {
        let deadline = self.0.clock.monotonic().after(within);
        // One more try for what the store has not taken yet.
        for cell in self.0.unsaved() {
            cell.kick();
            cell.post(Event::Due, Cargo::default());
        }
        self.0.close();
        self.0.hand_over(deadline, within).await && self.0.unsaved().is_empty()
    }
}

impl KeeperBuilder {
    /// What sends requests to providers.
    #[must_use]
    pub fn transport(mut self, transport: impl HttpTransport + 'static) -> Self {
        #[cfg(feature = "reqwest")]
        {
            let transport: &dyn std::any::Any = &transport;
            self.client = transport.downcast_ref::<countersign_reqwest::Client>().cloned();
        }
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Where sessions are kept; in memory if nothing is said.
    #[must_use]
    pub fn store(mut self, store: impl SessionStore + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// How failures are waited out.
    #[must_use]
    pub const fn backoff(mut self, policy: BackoffPolicy) -> Self {
        self.backoff = policy;
        self
    }

    /// How much may be sent to one origin for one client.
    #[must_use]
    pub const fn budgets(mut self, settings: BudgetSettings) -> Self {
        self.budgets = settings;
        self
    }

    /// How long before its end a token is no longer worth waiting with (RFC 7519 §4.1.4); a second.
    #[must_use]
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// How long one exchange with a provider may take; 30 s. Where a spent refresh token is taken for some time after
    /// (ten seconds or more), a refresh may take a fifth of that time at most: its loss has to be known, and the lock
    /// of a process that has died to be free, while there is still time to send the token once more. A day is the
    /// most: the account's lock is held as long, also by a process that has died.
    #[must_use]
    pub const fn exchange_deadline(mut self, deadline: Duration) -> Self {
        self.exchange_deadline = deadline;
        self
    }

    /// The number of this replica, from which its share of the spread is made; drawn if nothing is
    /// said. It is no secret.
    #[must_use]
    pub const fn replica_seed(mut self, seed: u64) -> Self {
        self.replica_seed = Some(seed);
        self
    }

    /// Where exchanges fly if they are begun outside of any runtime. Without it, the runtime in which
    /// the keeper was built.
    #[must_use]
    pub fn runtime(mut self, handle: Handle) -> Self {
        self.runtime = Some(handle);
        self
    }

    /// How many exchanges are under way at most that were begun by the clock; 1,024. What is due beyond
    /// that waits in the queue, and a caller never waits for it. Budgets bound each origin and client by
    /// themselves; this bounds memory and connections when very many are due at once.
    #[must_use]
    pub fn workers(mut self, most: usize) -> Self {
        self.workers = most.max(1);
        self
    }

    /// No standing task: renewals are begun by callers, and by [`Keeper::tick`]. For a lambda or a
    /// command.
    #[must_use]
    pub const fn pull(mut self) -> Self {
        self.pull = true;
        self
    }

    /// Only hands out what other processes have bought and stored: signs in, renews, writes and ends
    /// nothing, and needs no credentials. For machines that may use sessions and not rotate them; a store
    /// that has keys for readers need give no others to such a keeper
    /// ([`countersign_core::SealKeys::for_readers`]).
    ///
    /// The next token is adopted when the store tells of it
    /// ([`countersign_core::SessionStore::watch`]), else by a look at the store: in the last part of the
    /// life of the one that is there every twentieth of its life (a second to half a minute), and for a
    /// caller who finds none, at most once in a second. Operations that buy, write or end something answer
    /// [`ErrorKind::Unsupported`]; [`crate::Session::sign_out`] forgets here and is
    /// [`crate::SignOutOutcome::Unconfirmed`].
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Puts sessions to rest that nobody has used for `after`, and the least recently used beyond
    /// `at_most` (looked at in a quarter of `after`, and at most every 30 s): what is in the store too is
    /// let go of, and the next use reads it again, without an exchange. Handles stay as they are.
    ///
    /// Never put to rest: what the store has not taken, an exchange under way, a session that somebody
    /// waits for, waits for its next try or was refused by its API, and one that is kept alive. A session
    /// that rests is not renewed. Nothing is put to rest if this is not said.
    #[must_use]
    pub const fn evict_idle(mut self, after: Duration, at_most: usize) -> Self {
        self.eviction = Some(Eviction { after, at_most });
        self
    }

    /// The format in which records are written; the newest if nothing is said. For the time in which
    /// programs of the previous release share the store: these read the formats that they know.
    #[must_use]
    pub const fn record_format(mut self, format: RecordFormat) -> Self {
        self.format = format;
        self
    }

    /// Puts `filter` between the machines and the driver: for tests that seed defects or end the
    /// process between two steps. Sessions of [`crate::Session::fixed`] have a keeper of their own.
    #[must_use]
    pub fn effect_filter(mut self, filter: impl EffectFilter) -> Self {
        self.seam = Seam::of(filter);
        self
    }

    /// The keeper.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if there is no transport; [`ErrorKind::Store`] if the system gives
    /// no random bytes.
    pub fn build(self) -> Result<Keeper, Error> {
        let transport = self.transport.ok_or_else(|| {
            Error::new(ErrorKind::Configuration).hint("a keeper needs a transport")
        })?;
        let is_systems = self.clock.is_none();
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let store: Arc<dyn SessionStore> = match self.store {
            Some(store) => store,
            None => Arc::new(MemoryStore::with_clock(Arc::clone(&clock))?.alone()),
        };
        let replica = match self.replica_seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(|_| {
                Error::new(ErrorKind::Store).hint("the system gives no random bytes")
            })?,
        };
        let policy = Policy {
            backoff: self.backoff,
            leeway: self.leeway,
            exchange_deadline: self.exchange_deadline.min(LONGEST_EXCHANGE),
            replica,
            pull: self.pull,
            read_only: self.read_only,
            eviction: self.eviction,
            workers: self.workers,
        };
        let store = if self.read_only { Arc::new(OnlyRead(store)) } else { store };
        let admission = Admission::new(self.budgets, replica);
        let mut shared = Shared::new(transport, store, clock, policy, admission, self.runtime)?;
        if is_systems {
            shared.wall = Wall::System;
        }
        shared.seam = self.seam;
        shared.keys.format = self.format;
        #[cfg(feature = "reqwest")]
        {
            shared.client = self.client;
        }
        let shared = Arc::new(shared);
        ticker::ensure(&shared);
        Ok(Keeper(shared))
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeper({} sessions)", self.n_sessions())
    }
}

impl fmt::Debug for KeeperBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeeperBuilder").field("pull", &self.pull).finish_non_exhaustive()
    }
}
