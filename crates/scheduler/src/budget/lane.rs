//! What is budgeted together: an auth origin and a client.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Origin, Realm};

/// The key of a budget: auth origin and client. Cheap to clone.
///
/// Limits are carried along and are no part of the key.
#[derive(Clone)]
pub struct Lane(Arc<Inner>);

struct Inner {
    origin: Origin,
    client: Box<str>,
    /// Of both: made once, since every exchange is looked up by its lane several times.
    hash: u64,
    limits: Option<LaneLimits>,
}

impl Lane {
    /// The lane of `client` at `origin`; an empty client is all who name none.
    pub fn new(origin: Origin, client: &str) -> Self {
        let mut hash = DefaultHasher::new();
        (&origin, client).hash(&mut hash);
        let hash = hash.finish();
        Self(Arc::new(Inner { origin, client: client.into(), hash, limits: None }))
    }

    /// The lane of a provider value.
    pub fn of(realm: &Realm) -> Self {
        Self::new(realm.auth_origin.clone(), &realm.client)
    }

    /// The same lane with limits of its own.
    #[must_use]
    pub fn limited(self, limits: LaneLimits) -> Self {
        Self(Arc::new(Inner {
            origin: self.0.origin.clone(),
            client: self.0.client.clone(),
            hash: self.0.hash,
            limits: Some(limits),
        }))
    }

    /// The auth origin.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    pub(super) fn limits(&self) -> Option<LaneLimits> {
        self.0.limits
    }
}

impl PartialEq for Lane {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.origin == other.0.origin && self.0.client == other.0.client)
    }
}

impl Eq for Lane {}

impl Hash for Lane {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({})", self.0.origin)
    }
}

/// How much may be sent on a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaneLimits {
    /// The average distance of two exchanges: three seconds for 20 a minute. Zero for no limit.
    pub interval: Duration,
    /// How many may be sent at once after a rest; at least one.
    pub burst: u32,
    /// How many may be under way; at least one.
    pub concurrency: u32,
}

impl LaneLimits {
    /// Limits that keep to a documented "`n` per `span`" in *every* span of that length, also in one
    /// that begins with a rest: half of `n` as a burst, the other half as the rate.
    pub fn at_most(n: u32, span: Duration) -> Self {
        let burst = (n / 2).max(1);
        let rest = n.saturating_sub(burst).max(1);
        Self { interval: span / rest, burst, concurrency: burst }
    }
}

impl Default for LaneLimits {
    /// A thousand a second, a thousand at once, 128 under way: a bound against accidents. A token is renewed
    /// when some 0.7 of its life is over, so that a thousand a second just renews 2.5 million sessions whose
    /// tokens live an hour, and 210,000 where they live five minutes; 128 under way allow it if an exchange
    /// takes an eighth of a second. A larger fleet of one origin and client, and a provider that documents
    /// less, get their own limits.
    fn default() -> Self {
        Self { interval: Duration::from_millis(1), burst: 1_000, concurrency: 128 }
    }
}
