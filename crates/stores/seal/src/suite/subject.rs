//! The store that is checked, and how it may honestly differ.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use countersign_core::{RecordName, SessionStore};

type Passing<'a> =
    Box<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send + Sync + 'a>;

type Damaging<'a> = Box<
    dyn Fn(RecordName, Damage) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send + Sync + 'a,
>;

/// What may befall the bytes of a record where they lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Damage {
    /// A bit of the last byte is another one.
    Flipped,
    /// The second half is missing.
    Torn,
    /// Nothing is left.
    Emptied,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flipped, Self::Torn, Self::Emptied];

    /// Does it to `bytes`.
    pub fn befall(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Flipped => {
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
            }
            Self::Torn => bytes.truncate(bytes.len() / 2),
            Self::Emptied => bytes.clear(),
        }
    }
}

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
    damaging: Option<Damaging<'a>>,
}

impl<'a> Subject<'a> {
    /// `store`, which keeps the contract to the letter.
    pub fn new(store: &'a dyn SessionStore) -> Self {
        Self {
            store,
            second: store,
            lease: LEASE,
            no_lease: None,
            holder: None,
            passing: None,
            damaging: None,
        }
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

    /// How a record is damaged behind the store's back, as a disk, a crash or a person would: `damage` lets
    /// that befall what lies there under the name. Without it what becomes of such a record is left out.
    #[must_use]
    pub fn damaging<D, F>(mut self, damage: D) -> Self
    where
        D: Fn(RecordName, Damage) -> F + Send + Sync + 'a,
        F: Future<Output = ()> + Send + 'a,
    {
        self.damaging = Some(Box::new(move |name, how| Box::pin(damage(name, how))));
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

    /// Lets a damage befall a record; `None` if there is no way to.
    pub(super) async fn damage(&self, name: &RecordName, how: Damage) -> Option<()> {
        let damaging = self.damaging.as_ref()?;
        damaging(name.clone(), how).await;
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
