//! Where the publication of a session stands, or that there is none.

use std::sync::Arc;

use countersign_core::Error;

use crate::clock::Reading;
use crate::snapshot::Snapshot;
use crate::sync::{ArcSwap, Guard};

/// What callers read without a lock.
///
/// That nothing is published is a publication too, one that is never handed out: whether a pointer is null would be asked
/// three times in a look, which is a twentieth of it.
pub(crate) struct Published(ArcSwap<Snapshot>);

/// What was published when it was looked at. The first few that a thread holds at one time count nowhere.
pub(crate) struct Loan(Guard<Arc<Snapshot>>);

/// What stands where nothing is published: one for all sessions of a keeper.
pub(crate) struct Nothing(Arc<Snapshot>);

impl Nothing {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self(Arc::new(Snapshot::nothing()?)))
    }
}

impl Published {
    pub(crate) fn new(nothing: &Nothing) -> Self {
        Self(ArcSwap::new(Arc::clone(&nothing.0)))
    }

    #[inline]
    pub(crate) fn load(&self) -> Loan {
        Loan(self.0.load())
    }

    pub(crate) fn load_full(&self) -> Option<Arc<Snapshot>> {
        let shown = self.0.load();
        // Where there is nothing, all sessions would count at one place.
        if shown.is_something() { Some(Guard::into_inner(shown)) } else { None }
    }

    pub(crate) fn store(&self, snapshot: Arc<Snapshot>) {
        self.0.store(snapshot);
    }

    /// Takes it away. What was there comes back, so that it can be dropped where nobody waits for a lock.
    pub(crate) fn take(&self, nothing: &Nothing) -> Option<Arc<Snapshot>> {
        Some(self.0.swap(Arc::clone(&nothing.0))).filter(|was| was.is_something())
    }

    /// Publishes `new` if `old` is still there.
    pub(crate) fn replace(&self, old: &Arc<Snapshot>, new: Arc<Snapshot>) {
        drop(self.0.compare_and_swap(old, new));
    }
}

impl Loan {
    /// One for as long as its holder wants.
    #[inline]
    pub(crate) fn owned(snapshot: Arc<Snapshot>) -> Self {
        Self(Guard::from_inner(snapshot))
    }

    /// Whether it can be handed out at once, as nearly always. Callers on the hit path ask this and make the answer where
    /// it is wanted: moved once more, it costs as much as all the rest. So they read the clock first, which might panic,
    /// and give away by value what they do not hand out: what has an address is kept in memory and copied from there.
    #[inline]
    pub(crate) fn is_hit(&self, now: Reading) -> bool {
        self.0.is_hit(now)
    }

    /// What can be handed out at once after all.
    #[cold]
    #[inline(never)]
    pub(crate) fn hit_after_all(self, now: Reading) -> Option<Arc<Snapshot>> {
        if self.0.is_hit_after_all(now) { Some(Guard::into_inner(self.0)) } else { None }
    }

    /// What is published, if there is anything.
    #[inline]
    pub(crate) fn get(&self) -> Option<&Arc<Snapshot>> {
        if self.0.is_something() { Some(&self.0) } else { None }
    }

    /// The same where it was handed out.
    #[inline]
    pub(crate) fn shown(&self) -> &Arc<Snapshot> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::Timestamp;

    use super::*;
    use crate::ManualClock;
    use crate::clock::Wall;

    #[test]
    fn nothing_is_handed_out_where_nothing_is_published_whatever_the_clock_shows() {
        let nothing = Nothing::new().unwrap();
        let published = Published::new(&nothing);
        for millis in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX] {
            let now = Wall::Other(Arc::new(ManualClock::at(Timestamp::from_millis(millis)))).read();
            assert!(!published.load().is_hit(now), "{millis}");
            assert!(published.load().hit_after_all(now).is_none(), "{millis}");
        }
        assert!(published.load().get().is_none());
        assert!(published.load_full().is_none());
        assert!(published.take(&nothing).is_none());
    }
}
