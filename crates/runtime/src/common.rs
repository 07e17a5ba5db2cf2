//! What sessions of one provider value and one kind have in common: kept once, however many there are.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use countersign_core::session::Reauthentication;
use countersign_core::{AuthProvider, CredentialSource, EarliestRefresh, Origin, SessionKey};
use countersign_scheduler::{Lane, LaneLimits};

use crate::clock::Wall;
use crate::shared::Shared;
use crate::sink::CredentialSink;
use crate::site::Site;
use crate::sync::Mutex;

/// What several sessions share.
pub(crate) struct Common {
    pub(crate) shared: Arc<Shared>,
    pub(crate) wall: Wall,
    pub(crate) provider: Arc<dyn AuthProvider>,
    pub(crate) settings: Settings,
    /// What whoever opened a session first has chosen.
    pub(crate) first: Latest,
    pub(crate) lane: Lane,
    pub(crate) site: Arc<Site>,
    /// What the adapter says of it, asked once: windows are made under the mutex.
    pub(crate) earliest_refresh: EarliestRefresh,
    /// The key of one of the sessions: those of the others are made like it.
    pub(crate) neighbour: SessionKey,
}

/// What the user has chosen for one session.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) sink: Option<Arc<dyn CredentialSink>>,
    pub(crate) api_origins: ApiOrigins,
    pub(crate) deadline: Duration,
    pub(crate) keep_alive: bool,
    pub(crate) keep_refreshable: bool,
    pub(crate) limits: Option<LaneLimits>,
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
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum ApiOrigins {
    /// The provider's own and these.
    These(Box<[Origin]>),
    /// Anywhere: a token that is no secret, in a test.
    Anywhere,
}

/// The commons of a keeper, by a hash of what they are made of.
#[derive(Default)]
pub(crate) struct Commons(Mutex<HashMap<u64, Vec<Weak<Common>>>>);

impl Latest {
    /// Whether this is the same choice.
    pub(crate) fn is(&self, other: &Self) -> bool {
        same(self.source.as_ref(), other.source.as_ref())
            && (self.policy, self.usual) == (other.policy, other.usual)
    }
}

impl Common {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        provider: Arc<dyn AuthProvider>,
        settings: Settings,
        first: Latest,
        neighbour: SessionKey,
    ) -> Self {
        let realm = provider.realm();
        let lane = match settings.limits {
            Some(limits) => Lane::of(realm).limited(limits),
            None => Lane::of(realm),
        };
        let site = shared.site(&realm.auth_origin);
        let earliest_refresh = provider.capabilities().earliest_refresh;
        let shared = Arc::clone(shared);
        let wall = shared.wall.clone();
        Self { shared, wall, provider, settings, first, lane, site, earliest_refresh, neighbour }
    }

    /// Whether sessions of both need but one of them.
    fn is(&self, other: &Self) -> bool {
        let (mine, theirs) = (&self.settings, &other.settings);
        Arc::ptr_eq(&self.provider, &other.provider)
            && self.first.is(&other.first)
            && same(mine.sink.as_ref(), theirs.sink.as_ref())
            && mine.api_origins == theirs.api_origins
            && (mine.deadline, mine.keep_alive, mine.keep_refreshable, mine.limits)
                == (theirs.deadline, theirs.keep_alive, theirs.keep_refreshable, theirs.limits)
    }

    fn hash(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        address(&self.provider).hash(&mut hash);
        self.first.source.as_ref().map(address).hash(&mut hash);
        self.settings.sink.as_ref().map(address).hash(&mut hash);
        (&self.settings.api_origins, self.settings.deadline, self.settings.keep_alive)
            .hash(&mut hash);
        hash.finish()
    }

    /// Whether another session can have the same: values that nobody else holds come once.
    fn can_be_shared(&self) -> bool {
        let others = |count: usize| count > 1;
        others(Arc::strong_count(&self.provider))
            && self.first.source.as_ref().is_none_or(|source| others(Arc::strong_count(source)))
            && self.settings.sink.as_ref().is_none_or(|sink| others(Arc::strong_count(sink)))
    }
}

impl Commons {
    /// One that is there already and the same as `new`, else `new`.
    pub(crate) fn shared(&self, new: Common) -> Arc<Common> {
        if !new.can_be_shared() {
            return Arc::new(new);
        }
        let hash = new.hash();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = known.entry(hash).or_default();
        // What nobody has any more goes; what is let go of here is not the last, or is `new`.
        alike.retain(|common| common.strong_count() > 0);
        let found = alike.iter().filter_map(Weak::upgrade).find(|common| common.is(&new));
        if let Some(found) = found {
            return found;
        }
        let new = Arc::new(new);
        alike.push(Arc::downgrade(&new));
        if known.len() > SWEPT_FROM && known.len().is_power_of_two() {
            known.retain(|_, alike| alike.iter().any(|common| common.strong_count() > 0));
        }
        new
    }
}

/// From so many on, what nobody has any more is swept out each time that their number has doubled.
const SWEPT_FROM: usize = 64;

fn same<T: ?Sized>(mine: Option<&Arc<T>>, theirs: Option<&Arc<T>>) -> bool {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => address(mine) == address(theirs),
        (None, None) => true,
        _ => false,
    }
}

fn address<T: ?Sized>(of: &Arc<T>) -> usize {
    Arc::as_ptr(of).cast::<()>() as usize
}
