//! What all sessions of a keeper share: the seams, the queue, the budgets, and who exists.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use countersign_core::{Clock, Error, HttpTransport, KeyDigest, Monotonic, Origin, SessionStore};
use countersign_scheduler::{Admission, BackoffPolicy, Now, Planner, Queue, WindowPolicy};
use countersign_seal::Sealer;

use crate::carry::Spent;
use crate::cell::Cell;
use crate::clock::Wall;
use crate::common::Commons;
use crate::events::Hub;
use crate::figures::Counts;
use crate::filter::Seam;
use crate::guards::GuardMemory;
use crate::handover::Handover;
use crate::keys::Keys;
use crate::opener::Opener;
use crate::operations::Landing;
use crate::places::Places;
use crate::published::Nothing;
use crate::registry::Registry;
use crate::rest::Eviction;
use crate::site::Site;
use crate::steps::Steps;
use crate::sweep::Sweeps;
use crate::sync::{AtomicBool, AtomicUsize, Handle, Mutex, MutexGuard, Notify};
use crate::watch::Watch;

/// How a keeper behaves; the same for all of its sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) backoff: BackoffPolicy,
    pub(crate) leeway: Duration,
    pub(crate) exchange_deadline: Duration,
    pub(crate) replica: u64,
    pub(crate) pull: bool,
    pub(crate) read_only: bool,
    pub(crate) eviction: Option<Eviction>,
    /// So many exchanges are begun by the clock at most before one of them has ended.
    pub(crate) workers: usize,
}

pub(crate) struct Shared {
    pub(crate) transport: Arc<dyn HttpTransport>,
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wall: Wall,
    pub(crate) policy: Policy,
    pub(crate) nothing: Nothing,
    pub(crate) hub: Hub,
    /// Told when the first appointment has changed, and when the keeper goes.
    pub(crate) wake: Arc<Notify>,
    /// Told when the keeper goes.
    pub(crate) gone: Arc<Notify>,
    pub(crate) ticking: AtomicBool,
    pub(crate) watch: Watch,
    pub(crate) steps: Steps,
    pub(crate) sweeps: Sweeps,
    pub(crate) seam: Seam,
    /// The transport again, where it can also send API calls.
    #[cfg(feature = "reqwest")]
    pub(crate) client: Option<countersign_reqwest::Client>,
    pub(crate) keys: Keys,
    pub(crate) guards: GuardMemory,
    pub(crate) handover: Handover,
    /// The store has refused a write for want of a right to it.
    refuses_writes: AtomicBool,
    sessions: Mutex<Registry>,
    pub(crate) commons: Commons,
    pub(crate) figures: Counts,
    /// Sessions whose tokens the store has not taken: they live until it has, whoever holds them.
    unsaved: Mutex<HashMap<KeyDigest, Arc<Cell>>>,
    n_unsaved: AtomicUsize,
    queue: Mutex<Queue>,
    /// When to look whether sessions whose headers are made are idle.
    idle: Mutex<Queue>,
    pub(crate) places: Places,
    /// Something is due and waits for an exchange to land.
    held_back: AtomicBool,
    admission: Mutex<Admission>,
    sites: Mutex<HashMap<Origin, Arc<Site>>>,
    /// The challenges that were answered here.
    spent: Mutex<Spent>,
    handle: Mutex<Option<Handle>>,
    closed: AtomicBool,
    flights: AtomicUsize,
    /// How many copies for readers are written at this moment by those who have paused before.
    pub(crate) copies: AtomicUsize,
    landed: Notify,
}

impl Shared {
    pub(crate) fn new(
        transport: Arc<dyn HttpTransport>,
        store: Arc<dyn SessionStore>,
        clock: Arc<dyn Clock>,
        policy: Policy,
        admission: Admission,
        handle: Option<Handle>,
    ) -> Result<Self, Error> {
        let keys = Keys::new(Arc::clone(&store), Arc::clone(&clock));
        Ok(Self {
            transport,
            store,
            wall: Wall::Other(Arc::clone(&clock)),
            clock,
            policy,
            nothing: Nothing::new()?,
            hub: Hub::default(),
            wake: Arc::new(Notify::new()),
            gone: Arc::new(Notify::new()),
            ticking: AtomicBool::new(false),
            watch: Watch::default(),
            steps: Steps::default(),
            sweeps: Sweeps::default(),
            seam: Seam::default(),
            #[cfg(feature = "reqwest")]
            client: None,
            keys,
            guards: GuardMemory::default(),
            handover: Handover::default(),
            refuses_writes: AtomicBool::new(false),
            sessions: Mutex::default(),
            commons: Commons::default(),
            figures: Counts::default(),
            unsaved: Mutex::default(),
            n_unsaved: AtomicUsize::new(0),
            queue: Mutex::default(),
            idle: Mutex::default(),
            places: Places::default(),
            held_back: AtomicBool::new(false),
            admission: Mutex::new(admission),
            sites: Mutex::default(),
            spent: Mutex::default(),
            handle: Mutex::new(handle.or_else(|| Handle::try_current().ok())),
            closed: AtomicBool::new(false),
            flights: AtomicUsize::new(0),
            copies: AtomicUsize::new(0),
            landed: Notify::new(),
        })
    }

    pub(crate) fn now(&self) -> Now {
        Now { wall: self.clock.now(), mono: self.clock.monotonic() }
    }

    /// The same, some milliseconds ago maybe: for what is dated. What is made of it to be waited for would be over by the
    /// exact clock before it is by this one.
    pub(crate) fn lately(&self) -> Now {
        Now { wall: self.clock.now(), mono: self.clock.monotonic_coarse() }
    }

    pub(crate) async fn sealer(&self) -> Result<Arc<Sealer>, Error> {
        self.keys.sealer().await
    }

    /// What opens the records that this keeper reads.
    pub(crate) async fn opener(&self) -> Result<Opener, Error> {
        if self.policy.read_only {
            self.keys.readers().await
        } else {
            self.keys.sealer().await.map(Opener::Whole)
        }
    }

    /// How the store takes writes, as far as the last try has shown.
    pub(crate) fn refuses_writes(&self) -> bool {
        self.refuses_writes.load(Ordering::Relaxed)
    }

    pub(crate) fn note_write(&self, refused: bool) {
        // Written to where it is another one: all threads read what lies beside it.
        if self.refuses_writes() != refused {
            self.refuses_writes.store(refused, Ordering::Relaxed);
        }
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn idle(&self) -> MutexGuard<'_, Queue> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn admission(&self) -> MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn planner(&self, earliest: countersign_core::EarliestRefresh) -> Planner {
        Planner {
            replica: self.policy.replica,
            windows: WindowPolicy { earliest, leeway: self.policy.leeway },
            backoff: self.policy.backoff,
        }
    }

    pub(crate) fn site(&self, origin: &Origin) -> Arc<Site> {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sites.entry(origin.clone()).or_default())
    }

    /// All auth origins that were met.
    pub(crate) fn sites(&self) -> Vec<Arc<Site>> {
        let sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        sites.values().cloned().collect()
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of a key, made if there is none: two handles of one key are one machine.
    pub(crate) fn session(&self, key: KeyDigest, make: impl FnOnce() -> Arc<Cell>) -> Arc<Cell> {
        if let Some(cell) = self.find(&key) {
            return cell;
        }
        // The adapter is asked for its realm here: not under the lock.
        let made = make();
        let mut registry = self.registry();
        let near = registry.candidates(&key);
        let first = near.iter().find(|cell| cell.digest == key).cloned();
        if first.is_none() {
            // What comes from here on is told to it, what came before is nothing to it.
            made.note_steps(self.steps.n());
            made.take_slot(registry.insert(&key, Arc::downgrade(&made)));
        }
        // Let go of after the lock: a session that goes looks for itself in the registry.
        drop(registry);
        first.unwrap_or_else(|| {
            self.watch.names.opened(key);
            made
        })
    }

    pub(crate) fn find(&self, key: &KeyDigest) -> Option<Arc<Cell>> {
        let near = self.registry().candidates(key);
        near.into_iter().find(|cell| cell.digest == *key)
    }

    /// The session that has this number in the queues.
    pub(crate) fn at(&self, slot: u32) -> Option<Arc<Cell>> {
        self.registry().at(slot)
    }

    /// The sessions with `most` numbers from `first` on, and whether there are numbers behind those.
    pub(crate) fn numbered(&self, first: u32, most: u32) -> (Vec<Arc<Cell>>, bool) {
        self.registry().numbered(first, most)
    }

    /// All sessions that somebody holds.
    pub(crate) fn all(&self) -> Vec<Arc<Cell>> {
        self.registry().all().collect()
    }

    pub(crate) fn keys(&self) -> Vec<KeyDigest> {
        self.all().iter().map(|cell| cell.digest).collect()
    }

    pub(crate) fn n_sessions(&self) -> usize {
        self.registry().len()
    }

    /// A session has gone. Its number is nobody's before it is out of the queues.
    pub(crate) fn forget(&self, slot: u32) {
        self.queue().cancel(slot);
        self.idle().cancel(slot);
        self.registry().remove(slot);
    }

    /// Starts `task` on the runtime of whoever asks, else on the one that is kept. False if there is
    /// none: then `task` is dropped.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut kept = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(current) = Handle::try_current()
            && kept.as_ref().is_none_or(|kept| kept.id() != current.id())
        {
            // The runtime of the last caller is the one that most likely lives.
            *kept = Some(current);
        }
        let handle = kept.clone();
        drop(kept);
        match handle {
            Some(handle) => {
                drop(handle.spawn(task));
                true
            }
            None => false,
        }
    }

    /// The same, and it counts as under way: a keeper that shuts down waits for it, or gives it up.
    pub(crate) fn spawn_counted(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        self.took_off();
        let landing = Landing(Arc::clone(self));
        self.spawn(async move {
            landing.0.unless_given_up(task).await;
        });
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.notify_one();
        self.gone.notify_one();
    }

    pub(crate) fn took_off(&self) {
        self.flights.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn landed(&self) {
        let before = self.flights.fetch_sub(1, Ordering::AcqRel);
        self.landed.notify_waiters();
        // Not for each single one: room for a few is made at once.
        let enough = before <= self.policy.workers - self.policy.workers / 8;
        if enough && self.held_back.swap(false, Ordering::AcqRel) {
            self.wake.notify_one();
        }
    }

    /// How many more exchanges may be begun by the clock.
    pub(crate) fn room(&self) -> usize {
        self.policy.workers.saturating_sub(self.flights.load(Ordering::Acquire))
    }

    /// Whether what is due may begin. If not, whoever lands makes room and says so.
    pub(crate) fn has_room(&self) -> bool {
        if self.room() > 0 {
            return true;
        }
        self.held_back.store(true, Ordering::Release);
        // Who has landed between the two looks has woken nobody.
        self.room() > 0
    }

    pub(crate) fn n_flights(&self) -> usize {
        self.flights.load(Ordering::Acquire)
    }

    /// Keeps a session alive while its tokens are in memory only. Said under the mutex of the session.
    pub(crate) fn keep_unsaved(&self, cell: &Arc<Cell>, unsaved: bool) {
        // As nearly always, and of each event of each session. Whether it is among them itself was said under its mutex.
        if !unsaved && self.n_unsaved.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut kept = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        let saved = match unsaved {
            true => kept.insert(cell.digest, Arc::clone(cell)),
            false => kept.remove(&cell.digest),
        };
        self.n_unsaved.store(kept.len(), Ordering::Relaxed);
        // Not the last one: the caller has it too.
        drop(saved);
    }

    /// The sessions whose tokens are in memory only.
    pub(crate) fn unsaved(&self) -> Vec<Arc<Cell>> {
        let kept = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values().cloned().collect()
    }

    /// Waits until no exchange is under way, at most until `deadline`; whether that came about.
    pub(crate) async fn quiet(&self, deadline: Monotonic) -> bool {
        loop {
            let landed = self.landed.notified();
            tokio::pin!(landed);
            landed.as_mut().enable();
            if self.flights.load(Ordering::Acquire) == 0 {
                return true;
            }
            if self.clock.monotonic() >= deadline {
                return false;
            }
            crate::wait::wait(&*self.clock, landed, deadline).await;
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The standing tasks hold no keeper: they look, find none, and end.
        self.wake.notify_one();
        self.gone.notify_one();
    }
}
