//! One session as the driver keeps it: the machine under its mutex, and the bytes that it names.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use countersign_core::session::{Purpose, Reauthentication, Rules, Status};
use countersign_core::{
    AccountKey, CredentialSource, Credentials, KeyDigest, Memo, RefreshSupport, RevokeSupport,
    SessionKey, Timestamp,
};
use countersign_scheduler::Planner;

use crate::asleep::Asleep;
use crate::common::{Common, Latest};
use crate::inner::Core;
use crate::published::Published;
use crate::reading::Reading;
use crate::reports::Reported;
use crate::sync::{AtomicU32, Mutex, MutexGuard, Notified, Notify, OnceLock, Tally};

/// A grace that is shorter leaves no time for exchanges that are cut to fit: those of servers that are slow for a moment
/// would be lost.
const LEAST_GRACE: Duration = Duration::from_secs(10);

/// A session. Handles, flights and the queue share it; there may be a million, so that what several have
/// in common is in one [`Common`], to which this derefs, and what few need is made when it is needed.
pub(crate) struct Cell {
    common: Arc<Common>,
    pub(crate) key: SessionKey,
    pub(crate) digest: KeyDigest,
    /// What callers read without a lock.
    pub(crate) snapshot: Published,
    extras: OnceLock<Box<Extras>>,
    /// How many callers wait: an exchange for them goes before one for nobody.
    pub(crate) waiting: AtomicU32,
    /// Its number in the queue.
    slot: AtomicU32,
    /// Of so many steps of the clocks it has heard.
    steps_heard: Tally,
    core: Mutex<Inside>,
}

/// What few sessions need.
#[derive(Default)]
struct Extras {
    /// Told whenever anything that somebody can wait for has changed.
    changed: Notify,
    /// What whoever opened it later has chosen otherwise.
    latest: Mutex<Option<Latest>>,
    /// For a provider that wants a code on every request: what the codes are made of.
    codes: Mutex<Option<Arc<Codes>>>,
    reported: Reported,
    reading: Reading,
    /// Whether it was the token or the code that the API refused.
    #[cfg(feature = "reqwest")]
    doubts: OnceLock<Box<crate::doubt::Doubts>>,
}

/// What one-time codes are made of.
pub(crate) struct Codes {
    pub(crate) credentials: Credentials,
    pub(crate) memo: Memo,
}

/// What is to be seen of a session that sleeps on.
#[derive(Clone, Copy)]
pub(crate) struct Outlook {
    pub(crate) state: Status,
    /// The ends of access and refresh token.
    pub(crate) ends: Option<(Timestamp, Option<Timestamp>)>,
    /// What is appointed, and for when.
    pub(crate) next: Option<(Purpose, Timestamp)>,
    /// Before which instant the machine does not want it.
    pub(crate) not_before: Timestamp,
    /// The renewal is left out until somebody uses the session.
    pub(crate) dozing: bool,
}

enum Inside {
    Awake(Box<Core>),
    Asleep(Asleep),
}

/// The core, awake as long as somebody looks at it.
pub(crate) struct CoreGuard<'a> {
    cell: &'a Cell,
    inside: MutexGuard<'a, Inside>,
    may_rest: bool,
}

impl Cell {
    pub(crate) fn new(common: Arc<Common>, key: SessionKey) -> Self {
        let now = common.shared.clock.now();
        Self {
            digest: key.digest(),
            snapshot: Published::new(&common.shared.nothing),
            common,
            key,
            extras: OnceLock::new(),
            waiting: AtomicU32::new(0),
            slot: AtomicU32::new(u32::MAX),
            steps_heard: Tally::new(0),
            core: Mutex::new(Inside::Awake(Box::new(Core::new(now)))),
        }
    }

    pub(crate) fn core(&self) -> CoreGuard<'_> {
        let mut inside = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        if let Inside::Asleep(asleep) = &*inside {
            let core = asleep.wake();
            *inside = Inside::Awake(Box::new(core));
        }
        CoreGuard { cell: self, inside, may_rest: true }
    }

    /// What is seen of a session that is awake; who is asleep sleeps on.
    pub(crate) fn with_awake<T>(&self, seen: impl FnOnce(&mut Core) -> T) -> Option<T> {
        let mut inside = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *inside {
            Inside::Awake(core) => Some(seen(core)),
            Inside::Asleep(_) => None,
        }
    }

    /// The same of one that is asleep, and sleeps on.
    pub(crate) fn with_asleep<T>(&self, seen: impl FnOnce(&mut Asleep) -> T) -> Option<T> {
        let mut inside = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *inside {
            Inside::Awake(_) => None,
            Inside::Asleep(asleep) => Some(seen(asleep)),
        }
    }

    /// What to keep of `core` where nobody uses this session and nothing is under way.
    fn rested(&self, core: &Core) -> Option<Asleep> {
        let at_rest = core.flights.is_empty()
            && !self.shared.policy.pull
            && !self.is_waited_for()
            && core.machine.at_rest().is_some()
            && self.snapshot.load().get().is_none();
        if at_rest { core.asleep() } else { None }
    }

    /// The state, the ends of the tokens, and what is appointed. Whoever is asleep sleeps on.
    pub(crate) fn outlook(&self) -> Outlook {
        let inside = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        match &*inside {
            Inside::Awake(core) => {
                let held = core.machine.held();
                let ends = held.map(|held| {
                    (held.expires_at, held.refresh.and_then(|refresh| refresh.expires_at))
                });
                let appointed = core.appointment.map(|(wish, at, _)| (wish, at));
                Outlook {
                    state: core.machine.status(),
                    ends,
                    next: appointed.map(|(wish, at)| (wish.purpose, at)),
                    not_before: appointed
                        .map_or(Timestamp::UNIX_EPOCH, |(wish, _)| wish.not_before),
                    dozing: core.dozing,
                }
            }
            Inside::Asleep(asleep) => asleep.outlook(),
        }
    }

    /// When it was used last, as far as that is dated, or `now` if it was since then; `None` if it holds nothing that was
    /// read. Whoever is asleep sleeps on.
    pub(crate) fn last_use(&self, now: Timestamp) -> Option<Timestamp> {
        let mut inside = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let is_used = || {
            let shown = self.snapshot.load();
            shown.get().is_some_and(|shown| shown.take_used()) || self.is_waited_for()
        };
        match &mut *inside {
            Inside::Awake(core) if !core.read => None,
            Inside::Awake(core) => {
                if is_used() {
                    core.last_used_at = now;
                }
                Some(core.last_used_at)
            }
            Inside::Asleep(asleep) => asleep.last_use(is_used().then_some(now)),
        }
    }

    /// Whether it holds what was read of the store. Whoever is asleep sleeps on.
    pub(crate) fn is_loaded(&self) -> bool {
        self.with_awake(|core| core.read).unwrap_or(true)
    }

    pub(crate) fn slot(&self) -> u32 {
        self.slot.load(Ordering::Relaxed)
    }

    pub(crate) fn take_slot(&self, slot: u32) {
        self.slot.store(slot, Ordering::Relaxed);
    }

    /// Of how many steps of the clocks it has heard.
    pub(crate) fn steps_heard(&self) -> u32 {
        self.steps_heard.load(Ordering::Acquire)
    }

    pub(crate) fn note_steps(&self, n: u32) {
        self.steps_heard.store(n, Ordering::Release);
    }

    fn extras(&self) -> &Extras {
        self.extras.get_or_init(Box::default)
    }

    fn known_extras(&self) -> Option<&Extras> {
        self.extras.get().map(|extras| &**extras)
    }

    fn latest(&self) -> Latest {
        let chosen = self.known_extras().and_then(|extras| lock(&extras.latest).clone());
        chosen.unwrap_or_else(|| self.first.clone())
    }

    /// What is asked for with each event: without a look at the source, which all threads share.
    fn reauthentication(&self) -> Reauthentication {
        let of = |latest: &Latest| latest.policy.unwrap_or(latest.usual);
        let chosen = self.known_extras().and_then(|extras| lock(&extras.latest).as_ref().map(of));
        chosen.unwrap_or_else(|| of(&self.first))
    }

    /// Where credentials come from.
    pub(crate) fn source(&self) -> Option<Arc<dyn CredentialSource>> {
        self.latest().source
    }

    /// Takes over what is named; a session without a source keeps the one that it has.
    pub(crate) fn choose(&self, newer: Latest) {
        let mut latest = self.latest();
        let before = latest.clone();
        if newer.source.is_some() {
            (latest.source, latest.usual) = (newer.source, newer.usual);
        }
        latest.policy = newer.policy.or(latest.policy);
        if !latest.is(&before) {
            // Somebody else's code, which may do as it likes while it goes: not under the lock.
            let replaced = lock(&self.extras().latest).replace(latest);
            drop(replaced);
        }
    }

    pub(crate) fn codes(&self) -> Option<Arc<Codes>> {
        self.known_extras().and_then(|extras| lock(&extras.codes).clone())
    }

    pub(crate) fn keep_codes(&self, codes: Codes) {
        *lock(&self.extras().codes) = Some(Arc::new(codes));
    }

    pub(crate) fn forget_codes(&self) {
        if let Some(extras) = self.known_extras() {
            *lock(&extras.codes) = None;
        }
    }

    /// The next change of anything that somebody can wait for.
    pub(crate) fn notified(&self) -> Notified<'_> {
        self.extras().changed.notified()
    }

    /// Whoever comes after this looks for himself: he listens first.
    pub(crate) fn notify_waiters(&self) {
        if let Some(extras) = self.known_extras() {
            extras.changed.notify_waiters();
        }
    }

    pub(crate) fn reading(&self) -> &Reading {
        &self.extras().reading
    }

    /// Nobody reads the store for this session at this moment.
    pub(crate) fn is_not_read(&self) -> bool {
        self.known_extras().is_none_or(|extras| extras.reading.is_idle())
    }

    pub(crate) fn reported(&self) -> &Reported {
        &self.extras().reported
    }

    #[cfg(feature = "reqwest")]
    pub(crate) fn doubts(&self) -> &crate::doubt::Doubts {
        self.extras().doubts.get_or_init(Box::default)
    }

    /// What is doubted, if anything ever was.
    #[cfg(feature = "reqwest")]
    pub(crate) fn known_doubts(&self) -> Option<&crate::doubt::Doubts> {
        self.known_extras()?.doubts.get().map(|doubts| &**doubts)
    }

    pub(crate) const fn account(&self) -> &AccountKey {
        self.key.account()
    }

    pub(crate) fn rules(&self) -> Rules {
        let mut rules = Rules::new(self.provider.capabilities(), self.reauthentication());
        if self.is_read_only() {
            rules.reauthentication = Reauthentication::Manual;
            rules.refresh = RefreshSupport::Absent;
            rules.revoke = RevokeSupport::None;
        }
        rules.exchange_deadline = self.refresh_deadline();
        rules
    }

    pub(crate) fn exchange_deadline(&self) -> Duration {
        self.shared.policy.exchange_deadline
    }

    /// A lost refresh must be known for lost, and the lease of a process that has died must be over, while the
    /// provider still takes the spent token for as long as another exchange may take.
    pub(crate) fn refresh_deadline(&self) -> Duration {
        let usual = self.exchange_deadline();
        match self.provider.capabilities().refresh {
            RefreshSupport::Rotating { grace } if grace >= LEAST_GRACE => usual.min(grace / 5),
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

impl Deref for Cell {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        self.shared.forget(self.slot());
    }
}

impl CoreGuard<'_> {
    /// Whoever comes next, at once, needs it awake: it does not rest for that moment.
    pub(crate) fn leave_awake(mut self) {
        self.may_rest = false;
    }
}

impl Deref for CoreGuard<'_> {
    type Target = Core;

    fn deref(&self) -> &Core {
        match &*self.inside {
            Inside::Awake(core) => core,
            Inside::Asleep(_) => unreachable!("awake as long as the guard lives"),
        }
    }
}

impl DerefMut for CoreGuard<'_> {
    fn deref_mut(&mut self) -> &mut Core {
        match &mut *self.inside {
            Inside::Awake(core) => core,
            Inside::Asleep(_) => unreachable!("awake as long as the guard lives"),
        }
    }
}

impl Drop for CoreGuard<'_> {
    fn drop(&mut self) {
        if self.may_rest
            && let Some(asleep) = self.cell.rested(self)
        {
            *self.inside = Inside::Asleep(asleep);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
