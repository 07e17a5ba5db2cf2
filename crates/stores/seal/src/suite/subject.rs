//! The store that is checked, and how it may honestly differ.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use countersign_core::SessionStore;

type Passing<'a> =
    Box<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send + Sync + 'a>;

/// A lease that no case outlives.
const LEASE: Duration = Duration::from_secs(60);

/// A store before the suite.
pub struct Subject<'a> {
    pub(super) store: &'a dyn SessionStore,
    pub(super) second: &'a dyn SessionStore,
    pub(super) lease: Duration,
    pub(super) no_lease: Option<&'static str>,
    pub(super) holder: Option<Box<str>>,
    passing: Option<Passing<'a>>,
}

impl<'a> Subject<'a> {
    /// `store`, which keeps the contract to the letter.
    pub fn new(store: &'a dyn SessionStore) -> Self {
        Self { store, second: store, lease: LEASE, no_lease: None, holder: None, passing: None }
    }

    /// The same store once more, over a connection or a handle of its own: what a second process has.
    #[must_use]
    pub const fn second(mut self, second: &'a dyn SessionStore) -> Self {
        self.second = second;
        self
    }

    /// How time passes for the store: `pass` moves its clock by at least the given time, or waits for so
    /// long. Without it what ends by time is left out.
    #[must_use]
    pub fn passing<P, F>(mut self, pass: P) -> Self
    where
        P: Fn(Duration) -> F + Send + Sync + 'a,
        F: Future<Output = ()> + Send + 'a,
    {
        self.passing = Some(Box::new(move |time| Box::pin(pass(time))));
        self
    }

    /// The lease that locks are taken for, a minute if nothing is said. A store whose time cannot be moved
    /// by hand wants one that is short, and longer than its slowest answer: two seconds.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Locks of this store end with their holder and not by time; `why` is repeated in the report.
    #[must_use]
    pub const fn without_lease(mut self, why: &'static str) -> Self {
        self.no_lease = Some(why);
        self
    }

    /// `text` is in the hint for whoever waits in vain for a lock that this program holds.
    #[must_use]
    pub fn naming_the_holder(mut self, text: &str) -> Self {
        self.holder = Some(text.into());
        self
    }

    /// Lets time pass; `None` if there is no way to.
    pub(super) async fn pass(&self, time: Duration) -> Option<()> {
        let passing = self.passing.as_ref()?;
        passing(time).await;
        Some(())
    }

    pub(super) const fn time_passes(&self) -> bool {
        self.passing.is_some()
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("lease", &self.lease)
            .field("no_lease", &self.no_lease)
            .field("time_passes", &self.time_passes())
            .finish_non_exhaustive()
    }
}
