//! The one standing task of a keeper: it sleeps until somebody is due, and watches both clocks.

use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use countersign_core::session::{Event, Held, Purpose};
use countersign_core::{Clock, Timestamp};
use countersign_scheduler::{HEARTBEAT_INTERVAL, KeepAlive, Purpose as Wish, Request};

use crate::cell::Cell;
use crate::flight::Guard;
use crate::inner::Core;
use crate::places::Place;
use crate::post::{After, Cargo};
use crate::readers_copy;
use crate::records::Records;
use crate::shared::Shared;
use crate::steps;
use crate::sync::{Notify, yield_now};
use crate::wait::wait;

/// So many sessions are woken before others get their turn; after a suspend a million may be due.
const PORTION: usize = 64;

/// An idle refresh token is used at most so long before its end: an outage of a day costs none.
const KEPT_BEFORE: Duration = Duration::from_secs(24 * 3600);

/// How soon to look again for room, should nobody tell of it.
const STAGGER: Duration = Duration::from_millis(20);

/// Starts the task if there is something to sleep for and it does not run: at the first appointment,
/// and again if its runtime has gone.
pub(crate) fn ensure(shared: &Arc<Shared>) {
    if shared.policy.pull || shared.is_closed() || shared.ticking.load(Ordering::Acquire) {
        return;
    }
    let is_idle = shared.queue().is_empty() && !shared.steps.are_unheard();
    if is_idle || shared.ticking.swap(true, Ordering::AcqRel) {
        return;
    }
    let stop = Stop { keeper: Arc::downgrade(shared), began: false };
    shared.spawn(run(stop, Arc::clone(&shared.clock), Arc::clone(&shared.wake)));
}

/// Posts what is due, at most a portion; whether more is due now.
pub(crate) fn post_due(shared: &Arc<Shared>) -> bool {
    let now = shared.clock.monotonic();
    let portion = shared.room().min(PORTION);
    let unparked = shared.places.unparked(shared, portion);
    let left = portion - unparked.len();
    for (slot, was_due, place) in unparked {
        if let Some(cell) = shared.at(slot) {
            shared.figures.late(now.since(was_due));
            begin(cell.fall_due(place));
        }
    }
    let due = shared.queue().pop_due(now, left);
    for (slot, was_due) in due {
        let Some(cell) = shared.at(slot) else { continue };
        if let Some(place) = shared.places.take(&cell, was_due) {
            shared.figures.late(now.since(was_due));
            begin(cell.fall_due(place));
        }
    }
    shared.places.is_open() || shared.queue().next_due().is_some_and(|next| next <= now)
}

fn begin(flight: Option<Guard>) {
    if let Some(flight) = flight {
        flight.take_off();
    }
}

/// Whoever is parked next in the lane of `place` takes it over, here and at once: the standing task need not wake
/// for each exchange that ends. What there is to fly is the caller's.
pub(crate) fn hand_on(place: Place) -> Option<Guard> {
    let shared = place.keeper().filter(|shared| !shared.is_closed())?;
    // Of all that may fly at once, this exchange is still one.
    let next = if shared.room() > 0 { shared.places.next(&shared, &place) } else { None };
    let (slot, was_due) = next?;
    let cell = shared.at(slot)?;
    shared.figures.late(shared.clock.monotonic_coarse().since(was_due));
    cell.fall_due(place)
}

/// Says that the task has ended, however it did.
struct Stop {
    keeper: Weak<Shared>,
    /// It has run: whoever relies on it must hear that it has gone.
    began: bool,
}

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(shared) = self.keeper.upgrade() {
            shared.ticking.store(false, Ordering::Release);
            if self.began {
                shared.nudge();
            }
        }
    }
}

async fn run(mut stop: Stop, clock: Arc<dyn Clock>, wake: Arc<Notify>) {
    stop.began = true;
    loop {
        let woken = wake.notified();
        let until = {
            let Some(shared) = stop.keeper.upgrade().filter(|shared| !shared.is_closed()) else {
                return;
            };
            steps::beat(&shared);
            let is_walking = [steps::tell_some(&shared), shared.evict()].contains(&true);
            if !is_walking {
                // What another runtime has left when it went. There may be as many as are walked over.
                shared.unsaved().iter().for_each(Cell::kick);
            }
            let idle = crate::idle::sweep(&shared);
            let more = post_due(&shared);
            let now = clock.monotonic();
            let next = shared.queue().next_due();
            let next = [next, idle].into_iter().flatten().min();
            match next {
                _ if is_walking || (more && shared.has_room()) => None,
                _ if more => Some(now.after(STAGGER)),
                Some(due) => Some(due.min(now.after(HEARTBEAT_INTERVAL))),
                None => Some(now.after(HEARTBEAT_INTERVAL)),
            }
        };
        match until {
            // A wait that is over when it begins gives way to nobody.
            None => yield_now().await,
            Some(until) => drop(wait(&*clock, woken, until).await),
        }
    }
}

impl Shared {
    /// A standing task has gone with its runtime: the next caller of each session looks further than at
    /// the token that is published, and so begins the task again.
    pub(crate) fn nudge(&self) {
        if self.is_closed() {
            return;
        }
        for cell in self.all() {
            // Of whoever is asleep nothing is published.
            cell.with_awake(|core| {
                if let Some(shown) = cell.snapshot.load_full().filter(|_| !core.dozing) {
                    cell.snapshot.store(Arc::new(shown.dozing()));
                }
            });
        }
    }
}

impl Cell {
    /// The appointment has come, and what there is to fly is the caller's. A renewal that nobody would use is left
    /// out until somebody does.
    fn fall_due(self: &Arc<Self>, place: Place) -> Option<Guard> {
        if self.catch_up() {
            // It has fallen due already, and not for a second time by the clocks as they are.
            self.shared.queue().cancel(self.slot());
        }
        if self.doze() {
            return None;
        }
        if self.is_read_only() {
            self.look_for_next();
            drop(self.core());
            return None;
        }
        let mut after = self.handle(Event::Due, Cargo::default());
        let flight = after.take_off.pop().map(|id| Guard::of(self, id));
        self.finish(after);
        // Where nothing was begun the place is free again at once, and not under the mutex.
        let _unused = self.core().seat(place);
        flight
    }

    fn doze(&self) -> bool {
        let mut core = self.core();
        let is_left_out = self.is_left_out(&mut core);
        if !is_left_out {
            core.leave_awake();
        }
        is_left_out
    }

    fn is_left_out(&self, core: &mut Core) -> bool {
        let at = self.shared.now();
        let now = at.wall;
        let Some((appointment, ..)) = core.appointment else { return false };
        let (Purpose::Renew { .. }, Some(served)) = (appointment.purpose, core.machine.served())
        else {
            return false;
        };
        let shown = self.snapshot.load_full();
        if shown.as_ref().is_some_and(|shown| shown.was_used()) {
            core.last_used_at = now;
        }
        let keep = if self.settings.keep_alive { KeepAlive::Always } else { KeepAlive::WhileUsed };
        let planner = self.planner();
        let windows = planner.windows(served.issued_at, served.expires_at);
        if planner.worth_renewing(&windows, core.last_used_at, keep, now) {
            return false;
        }
        let end = served.refresh.and_then(|refresh| refresh.expires_at).filter(|end| *end > now);
        // An end that using it has not moved is not tried again.
        let end = end.filter(|end| core.kept_until != Some(*end));
        let kept = end.and_then(|end| self.keep_refreshable_at(&served, end));
        if kept.is_some_and(|kept| kept <= now) {
            core.kept_until = end;
            return false;
        }
        core.dozing = true;
        core.renewal_due = kept;
        core.appointment = kept.map(|kept| (appointment, kept, at.mono_at(kept)));
        if let Some((.., due)) = core.appointment {
            self.shared.queue().schedule(self.slot(), due);
        }
        if let Some(shown) = shown {
            self.snapshot.store(Arc::new(shown.dozing()));
        }
        true
    }

    /// The appointment once more, by clocks that have changed, if `still` under the mutex. Whoever is asleep sleeps on:
    /// there may be a million.
    pub(crate) fn reappoint(&self, still: impl Fn() -> bool) {
        let now = self.shared.now();
        let asleep = self.with_asleep(|asleep| {
            let due = if still() { asleep.reappoint(now) } else { None };
            if due.is_some_and(|due| self.shared.queue().schedule(self.slot(), due)) {
                self.shared.wake.notify_one();
            }
        });
        if asleep.is_some() {
            return;
        }
        let mut core = self.core();
        if !still() {
            return;
        }
        if let Some((appointment, ..)) = core.appointment {
            self.appoint(&mut core, appointment, now, &mut After::default());
        }
    }

    /// When the refresh token of an idle session, which ends at `end`, is used lest it end; `None` if that
    /// is not asked for.
    fn keep_refreshable_at(&self, held: &Held, end: Timestamp) -> Option<Timestamp> {
        if !self.settings.keep_refreshable || self.is_read_only() {
            return None;
        }
        let issued_at = held.issued_at;
        let margin = (end.since(issued_at) / 4).min(KEPT_BEFORE);
        let last = end.before(margin);
        let request = Request {
            purpose: Wish::Refresh { issued_at, expires_at: last },
            not_before: Timestamp::UNIX_EPOCH,
            at_latest: last,
            session: self.digest,
            generation: held.generation,
        };
        // As a renewal of something that ends then: with the spread of renewals, and only ever earlier.
        Some(self.planner().due(&request, issued_at).at)
    }

    /// Somebody uses a session whose renewal was left out: it is made up for.
    pub(crate) fn rouse(self: &Arc<Self>) {
        self.catch_up();
        {
            let now = self.shared.clock.now();
            let mut core = self.core();
            if !core.dozing {
                self.settle_down();
                return;
            }
            core.dozing = false;
            core.renewal_due = Some(now);
            core.last_used_at = now;
            if let Some(shown) = self.snapshot.load_full() {
                self.snapshot.store(Arc::new(shown.awake()));
            }
        }
        if self.is_read_only() {
            self.peek();
        } else {
            self.post(Event::Due, Cargo::default());
        }
    }

    /// A nudge has done what it was for: the caller looks after what stands still.
    fn settle_down(&self) {
        if let Some(shown) = self.snapshot.load_full().filter(|shown| shown.is_dozing()) {
            self.snapshot.store(Arc::new(shown.awake()));
        }
    }

    /// Reads the records again without a lock and tells the machine.
    pub(crate) async fn look(self: &Arc<Self>) -> Result<(), countersign_core::Error> {
        let records = Records::load(self).await?;
        readers_copy::look_after(&self.shared, std::iter::once((self, &records)));
        self.observe(&records);
        Ok(())
    }

    /// Tells the machine what was read without a lock.
    pub(crate) fn observe(self: &Arc<Self>, records: &Records) {
        records.note_reading(self);
        let view = Box::new(records.view(self, None));
        self.post(Event::Observed(view), records.cargo(self));
    }
}
