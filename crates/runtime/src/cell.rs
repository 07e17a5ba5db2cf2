//! One session as the driver keeps it: the machine under its mutex, and the bytes that it names.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use countersign_core::session::{Reauthentication, Rules};
use countersign_core::{
    AccountKey, AuthProvider, CredentialSource, Credentials, EarliestRefresh, KeyDigest, Memo,
    Origin, RefreshSupport, RevokeSupport, SessionKey, Timestamp,
};
use countersign_scheduler::{Lane, LaneLimits, Planner};

use crate::inner::Core;
use crate::reading::Reading;
use crate::reports::Reported;
use crate::shared::{Shared, Site};
use crate::sink::CredentialSink;
use crate::snapshot::Snapshot;
use crate::sync::{ArcSwapOption, AtomicU32, Mutex, MutexGuard, Notify};

/// A session. Handles, flights and the queue share it.
pub(crate) struct Cell {
    pub(crate) shared: Arc<Shared>,
    pub(crate) provider: Arc<dyn AuthProvider>,
    pub(crate) key: SessionKey,
    pub(crate) digest: KeyDigest,
    pub(crate) settings: Settings,
    latest: Mutex<Box<Latest>>,
    pub(crate) lane: Lane,
    pub(crate) site: Arc<Site>,
    /// What the adapter says of it, asked once: windows are made under the mutex.
    earliest_refresh: EarliestRefresh,
    /// What callers read without a lock.
    pub(crate) snapshot: ArcSwapOption<Snapshot>,
    /// Told whenever anything that somebody can wait for has changed.
    pub(crate) changed: Notify,
    /// How many callers wait: an exchange for them goes before one for nobody.
    pub(crate) waiting: AtomicU32,
    /// For a provider that wants a code on every request: what the codes are made of.
    pub(crate) codes: Mutex<Option<Arc<Codes>>>,
    pub(crate) reported: Reported,
    pub(crate) reading: Reading,
    /// Whether it was the token or the code that the API refused.
    #[cfg(feature = "reqwest")]
    doubts: crate::sync::OnceLock<Box<crate::doubt::Doubts>>,
    core: Mutex<Core>,
}

/// What the user has chosen for one session.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) sink: Option<Arc<dyn CredentialSink>>,
    pub(crate) api_origins: ApiOrigins,
    pub(crate) deadline: Duration,
    pub(crate) keep_alive: bool,
    pub(crate) keep_refreshable: bool,
}

/// What whoever opened the session last has chosen: a source of yesterday must not outlive the one that
/// replaces it.
#[derive(Clone)]
pub(crate) struct Latest {
    pub(crate) source: Option<Arc<dyn CredentialSource>>,
    /// What was said about signing in by itself, and what holds where nothing was.
    pub(crate) policy: Option<Reauthentication>,
    pub(crate) usual: Reauthentication,
}

/// Where tokens may be presented.
#[derive(Clone)]
pub(crate) enum ApiOrigins {
    /// The provider's own and these.
    These(Box<[Origin]>),
    /// Anywhere: a token that is no secret, in a test.
    Anywhere,
}

/// What one-time codes are made of.
pub(crate) struct Codes {
    pub(crate) credentials: Credentials,
    pub(crate) memo: Memo,
}

impl Cell {
    pub(crate) fn new(
        shared: Arc<Shared>,
        provider: Arc<dyn AuthProvider>,
        key: SessionKey,
        settings: Settings,
        latest: Latest,
        limits: Option<LaneLimits>,
    ) -> Self {
        let realm = provider.realm();
        let now = shared.clock.now();
        Self {
            digest: key.digest(),
            lane: match limits {
                Some(limits) => Lane::of(realm).limited(limits),
                None => Lane::of(realm),
            },
            site: shared.site(&realm.auth_origin),
            earliest_refresh: provider.capabilities().earliest_refresh,
            shared,
            provider,
            key,
            settings,
            latest: Mutex::new(Box::new(latest)),
            snapshot: ArcSwapOption::empty(),
            changed: Notify::new(),
            waiting: AtomicU32::new(0),
            codes: Mutex::new(None),
            reported: Reported::default(),
            reading: Reading::default(),
            #[cfg(feature = "reqwest")]
            doubts: Default::default(),
            core: Mutex::new(Core::new(now)),
        }
    }

    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn latest(&self) -> MutexGuard<'_, Box<Latest>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where credentials come from.
    pub(crate) fn source(&self) -> Option<Arc<dyn CredentialSource>> {
        self.latest().source.clone()
    }

    /// Takes over what is named; a session without a source keeps the one that it has.
    pub(crate) fn choose(&self, newer: Latest) {
        let mut latest = self.latest();
        latest.policy = newer.policy.or(latest.policy);
        if newer.source.is_some() {
            latest.usual = newer.usual;
            let replaced = std::mem::replace(&mut latest.source, newer.source);
            drop(latest);
            // Somebody else's code, which may do as it likes while it goes: not under the lock.
            drop(replaced);
        }
    }

    pub(crate) fn codes(&self) -> MutexGuard<'_, Option<Arc<Codes>>> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "reqwest")]
    pub(crate) fn doubts(&self) -> &crate::doubt::Doubts {
        self.doubts.get_or_init(Box::default)
    }

    /// What is doubted, if anything ever was.
    #[cfg(feature = "reqwest")]
    pub(crate) fn known_doubts(&self) -> Option<&crate::doubt::Doubts> {
        self.doubts.get().map(|doubts| &**doubts)
    }

    pub(crate) const fn account(&self) -> &AccountKey {
        self.key.account()
    }

    pub(crate) fn rules(&self) -> Rules {
        let capabilities = self.provider.capabilities();
        let reauthentication = {
            let latest = self.latest();
            latest.policy.unwrap_or(latest.usual)
        };
        let mut rules = Rules::new(capabilities, reauthentication);
        if self.is_read_only() {
            rules.reauthentication = Reauthentication::Manual;
            rules.refresh = RefreshSupport::Absent;
            rules.revoke = RevokeSupport::None;
        }
        rules.exchange_deadline = self.exchange_deadline();
        rules
    }

    /// A lost exchange must be known for lost while the provider still takes the spent token.
    pub(crate) fn exchange_deadline(&self) -> Duration {
        let usual = self.shared.policy.exchange_deadline;
        match self.provider.capabilities().refresh {
            RefreshSupport::Rotating { grace } if !grace.is_zero() => usual.min(grace / 2),
            _ => usual,
        }
    }

    pub(crate) fn planner(&self) -> Planner {
        self.shared.planner(self.earliest_refresh)
    }

    /// The server's time as well as it is known.
    pub(crate) fn server_now(&self) -> Timestamp {
        self.shared.clock.now().shifted(self.site.skew_millis())
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        self.shared.forget(&self.digest);
    }
}
