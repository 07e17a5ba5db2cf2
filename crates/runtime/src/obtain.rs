//! The way to a token where the hit path has none: wait, ask, or say why not.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::{Demand, Failure, Status, Told};
use countersign_core::{Error, ErrorKind, Monotonic, Timestamp};

use crate::cell::Cell;
use crate::inner::Core;
use crate::snapshot::{Authorized, Snapshot};
use crate::sync::yield_now;
use crate::told::News;
use crate::wait::wait;

/// How often one caller asks for an exchange before it takes what it gets for an answer.
const MOST_ASKS: u32 = 3;

/// A session that fails everybody reads its store no more often, however many ask.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Whoever waits for what is overdue looks again so soon.
const SOON: Duration = Duration::from_millis(20);

/// What one look at the session has shown.
enum Look {
    Here(Arc<Snapshot>),
    /// Look again when something has changed, or at this moment.
    Later(Monotonic),
    /// An exchange was asked for: look again at once.
    Again,
    /// Only a sibling can have bought one: read the store, then look again.
    Read,
}

/// What one caller has seen so far.
struct Caller {
    good_for: Duration,
    deadline: Monotonic,
    /// How much had been told when it began to wait for an exchange.
    heard: Option<u64>,
    asked: u32,
    /// It has looked at the store, where nothing can be bought.
    looked: bool,
}

impl Cell {
    /// The published token if it can be handed out at once and is good for `span` more: no lock, no
    /// allocation, no wait.
    #[inline]
    pub(crate) fn hit(&self, span: Duration) -> Option<Authorized> {
        let now = self.wall.read();
        let shown = self.snapshot.load();
        let shown = match shown.is_hit(now) {
            true => Authorized::of(shown),
            false => Authorized::new(shown.hit_after_all(now)?),
        };
        (span.is_zero() || shown.is_good_for(span, self.shared.clock.now())).then_some(shown)
    }

    /// A token that is good for `good_for`, at most until `deadline`. The exchange is not the
    /// caller's: it goes on if the caller goes.
    pub(crate) async fn obtain(
        self: &Arc<Self>,
        good_for: Duration,
        limit: Duration,
    ) -> Result<Authorized, Error> {
        // From here on a session at rest stays awake.
        let _counted = self.wait_counted();
        crate::ticker::ensure(&self.shared);
        crate::watch::ensure(&self.shared);
        let deadline = self.shared.clock.monotonic().after(limit);
        if self.shared.policy.pull {
            crate::steps::beat(&self.shared);
            // Nobody else tells those whom nobody asks for anything but their token.
            while crate::steps::tell_some(&self.shared)
                && self.shared.clock.monotonic_coarse() < deadline
            {
                yield_now().await;
            }
        }
        self.catch_up();
        self.read_first(deadline).await?;
        let mut caller = Caller { good_for, deadline, heard: None, asked: 0, looked: false };
        loop {
            // Ten thousand who are woken at once must not queue for the mutex.
            if let Some(fresh) = self.hit(caller.good_for) {
                return Ok(fresh);
            }
            // Before it listens: a runtime that is going drops what is begun here, and says so; whoever
            // heard that of himself would do it again, and again.
            self.kick();
            let changed = self.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(fresh) = self.hit(caller.good_for) {
                return Ok(fresh);
            }
            self.rouse();
            self.post_if_due();
            let look = self.look_for(&mut caller);
            if look.is_err() && self.may_be_helped() {
                // A sibling may have signed in, answered or renewed: not every store tells of it.
                let clock = &*self.shared.clock;
                drop(wait(clock, self.in_time(1, self.look()), deadline).await);
                continue;
            }
            match look? {
                Look::Here(snapshot) => {
                    snapshot.touch();
                    return Ok(Authorized::new(snapshot));
                }
                Look::Again => {}
                Look::Read => {
                    caller.looked = true;
                    if !self.reading().is_fresh(self.shared.clock.monotonic()) {
                        self.read_store(deadline).await?;
                    }
                }
                Look::Later(until) => {
                    self.refuse_reentry("authorize")?;
                    wait(&*self.shared.clock, changed, until).await;
                }
            }
        }
    }

    /// Whether a record that a sibling has written could help, and was not looked at just now.
    fn may_be_helped(&self) -> bool {
        let now = self.shared.clock.monotonic();
        let mut core = self.core();
        let (status, demand) = (core.machine.status(), core.machine.demand());
        let asks =
            matches!(status, Status::Challenged | Status::ReauthRequired | Status::SignedOut);
        let may = asks
            && matches!(demand, Demand::Fail(_))
            && core.looked_at.is_none_or(|at| now.since(at) >= LOOK_AGAIN);
        if may {
            core.looked_at = Some(now);
        }
        may
    }

    /// Whether somebody who does not wait for the answer has an exchange begun. Not where one has just
    /// failed for the store's sake: whoever does not wait may ask a thousand times a second.
    pub(crate) fn asks_without_waiting(&self) -> bool {
        let core = self.core();
        core.machine.demand() == Demand::Ask && core.machine.status() != Status::ReauthRequired
    }

    fn look_for(self: &Arc<Self>, caller: &mut Caller) -> Result<Look, Error> {
        let shared = &self.shared;
        let now = shared.now();
        let over = now.mono >= caller.deadline;
        if let Some(shown) = self.shown(now.wall)?
            && shown.good_for(caller.good_for, now.wall)
        {
            let waits = now.wall >= shown.mandatory_at
                && now.wall < shown.usable_until
                && !over
                && self.core().machine.exchange().is_some();
            if !waits {
                return Ok(Look::Here(shown));
            }
            return Ok(Look::Later(now.mono_at(shown.usable_until).min(caller.deadline)));
        }
        let (demand, count, told, due, held_off) = {
            let core = self.core();
            let due = core.appointment.map(|(_, _, due)| due);
            let held_off = held_off(&core, now.mono);
            (core.machine.demand(), core.told.count, core.told.last().cloned(), due, held_off)
        };
        if caller.heard.is_some_and(|heard| heard != count) {
            caller.heard = Some(count);
            if let Some(News { told, error, .. }) = told {
                self.heard(told, error)?;
            }
        }
        if self.only_reads() && !matches!(demand, Demand::Wait) {
            match caller.looked {
                false => return Ok(Look::Read),
                true if self.is_read_only() => return Err(self.nothing_for_readers(demand)),
                true => {}
            }
        }
        if shared.has_given_up() {
            return Err(closed());
        }
        if demand == Demand::Ask
            && let Some(failure) = held_off
        {
            return Err(self.fail(failure));
        }
        match demand {
            Demand::Ask if caller.asked < MOST_ASKS => {
                if shared.is_closed() {
                    return Err(closed());
                }
                caller.asked += 1;
                caller.heard = Some(count);
                self.post_wanted(caller.good_for);
                Ok(Look::Again)
            }
            Demand::Ask => Err(self.too_short()),
            Demand::Wait | Demand::Stalled(_) if over => Err(self.out_of_time(demand)),
            Demand::Wait => {
                caller.heard.get_or_insert(count);
                // What is overdue was asked for above, or will be at the next look: not at once again.
                let due = due.map(|due| due.max(now.mono.after(SOON)));
                Ok(Look::Later(due.map_or(caller.deadline, |due| due.min(caller.deadline))))
            }
            Demand::Stalled(failure) => match due {
                _ if shared.is_closed() => Err(closed()),
                Some(due) if due <= caller.deadline => {
                    caller.heard = Some(count);
                    Ok(Look::Later(due))
                }
                _ => Err(self.error(failure)),
            },
            Demand::Fail(failure) => Err(self.fail(failure)),
        }
    }

    /// What is published, with headers for this moment; and what could be but for its headers.
    pub(crate) fn shown(&self, now: Timestamp) -> Result<Option<Arc<Snapshot>>, Error> {
        if let Some(shown) = self.snapshot.load_full() {
            if now >= shown.expires_at || shown.presentable(now) {
                return Ok(Some(shown));
            }
            return self.represent(&shown, now).map(Some);
        }
        let unpresented = {
            let core = self.core();
            let served = core.machine.served().filter(|held| held.expires_at > now);
            served.and_then(|served| {
                core.held.clone().filter(|held| held.generation() == served.generation)
            })
        };
        let Some(tokens) = unpresented else { return Ok(None) };
        // The headers could not be made when it was published: perhaps they can be now.
        let authorization = self.authorization_of(&tokens)?;
        if now >= authorization.valid_until() {
            return Err(self.already_over());
        }
        let core = self.core();
        let still = core.machine.served().is_some_and(|s| s.generation == tokens.generation());
        if still && self.snapshot.load().get().is_none() {
            self.hand_out(&crate::publish::Bundle { tokens, authorization: Some(authorization) });
        }
        drop(core);
        Ok(self.snapshot.load_full())
    }

    fn heard(&self, told: Told, error: Option<Error>) -> Result<(), Error> {
        match told {
            Told::Failed(failure) => {
                Err(error.map_or_else(|| self.error(failure), |error| self.explained(error)))
            }
            Told::Challenge => Err(self.challenged()),
            Told::SignedOut(_) => Err(Error::new(ErrorKind::SignedOut)),
            Told::Tokens | Told::Stalled(_) => Ok(()),
        }
    }

    fn fail(&self, failure: Failure) -> Error {
        if self.core().machine.challenge().is_some() {
            return self.challenged();
        }
        self.explained(self.error(failure))
    }

    pub(crate) fn error(&self, failure: Failure) -> Error {
        self.core().error(failure)
    }

    fn explained(&self, error: Error) -> Error {
        match error.provider() {
            Some(_) => error,
            None => error.at(self.provider.id(), "authorize"),
        }
    }

    pub(crate) fn challenged(&self) -> Error {
        Error::new(ErrorKind::NeedsSignIn)
            .at(self.provider.id(), "sign_in")
            .hint("the provider asks for a further proof; see `pending` and answer it")
    }

    /// Nobody here can buy one: what a caller hears where the store has none.
    fn nothing_for_readers(&self, demand: Demand) -> Error {
        match demand {
            Demand::Fail(failure) if failure.kind == ErrorKind::SignedOut => self.fail(failure),
            _ => self.nothing_to_hand_out(),
        }
    }

    fn out_of_time(&self, demand: Demand) -> Error {
        match demand {
            Demand::Stalled(failure) | Demand::Fail(failure) => self.fail(failure),
            Demand::Ask | Demand::Wait => self.timed_out("authorize"),
        }
    }

    /// Whoever has waited in vain hears what has held it up, if that is known.
    pub(crate) fn timed_out(&self, operation: &'static str) -> Error {
        let error = Error::new(ErrorKind::TimedOut).at(self.provider.id(), operation);
        match self.core().last_error.as_ref() {
            Some((_, last)) => error.with_source(last.clone()),
            None => error,
        }
    }

    fn too_short(&self) -> Error {
        Error::new(ErrorKind::InvalidRequest)
            .at(self.provider.id(), "authorize")
            .hint("the provider's tokens do not live as long as was asked for")
    }
}

/// What the store has failed an exchange with just now: nothing is asked of it again before [`LOOK_AGAIN`].
fn held_off(core: &Core, now: Monotonic) -> Option<Failure> {
    let (failure, _) = core.last_error.as_ref()?;
    let just_now = core.looked_at.is_some_and(|at| now.since(at) < LOOK_AGAIN);
    let held = just_now
        && failure.kind == ErrorKind::Store
        && core.machine.status() == Status::ReauthRequired;
    held.then_some(*failure)
}

/// Nothing new is begun any more.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Configuration).hint("the keeper of this session was shut down")
}
