//! The flight of one exchange: a detached task that does its steps one after the other and reports
//! each to the machine. Callers only wait; whether they stay changes nothing.

use std::future;
use std::sync::Arc;

use countersign_core::session::{Effect, Event, ExchangeId, Failure, Grant, Report, Write};
use countersign_core::{CredentialKind, Credentials, ErrorKind};
use countersign_core::{Error, Fingerprint, Lock, SecretString, Timestamp, TokenSet};
use countersign_scheduler::{Permit, Settled};
use countersign_seal::{PendingPassword, Sealer, SignInCount};

use crate::carry::Carried;
use crate::caught::caught;
use crate::cell::Cell;
use crate::inner::FlightSlot;
use crate::parked::can_wait;
use crate::places::Place;
use crate::post::Cargo;
use crate::publish::panicked;
use crate::records::Records;
use crate::ticker::hand_on;
use crate::turns::give_way;
use crate::unsent::Unsent;

/// What the steps of one exchange hand on to each other.
pub(crate) struct Flight {
    pub(crate) cell: Arc<Cell>,
    pub(crate) id: ExchangeId,
    pub(crate) permit: Option<Permit>,
    /// What it was prepared for.
    pub(crate) grant: Option<Grant>,
    /// What the source, or the caller for one time, has given.
    pub(crate) credentials: Option<Credentials>,
    /// What is really sent in a sign-in: another password may have to be tried first. A refresh has none.
    pub(crate) candidate: Option<Candidate>,
    /// What seals here, and has the store's salt for fingerprints.
    pub(crate) sealer: Option<Arc<Sealer>>,
    pub(crate) lock: Option<Box<dyn Lock>>,
    pub(crate) records: Option<Records>,
    /// The server's time for this exchange: read once, so that a journalled code step is the one
    /// that is used.
    pub(crate) ambient_now: Option<Timestamp>,
    /// What the account said before this exchange made its marks.
    pub(crate) before: Option<Marks>,
    /// The provider has asked for something else before any code was sent.
    pub(crate) code_unused: bool,
    /// The answer has shown that the password which was sent holds.
    pub(crate) proved: bool,
    /// The tokens to revoke are gone for good: the provider has said so.
    pub(crate) revoked: bool,
    /// When the refresh token that is about to be sent was first sent, if its fate is not known since.
    pub(crate) first_sent: Option<Timestamp>,
    /// Nobody knows whether the provider acted on what was sent: so it is until an answer says more.
    pub(crate) unknown: bool,
    /// What was sent last.
    pub(crate) sent: Option<Grant>,
    /// A challenge that is taken up in the place of a sign-in.
    pub(crate) carried: Option<Box<Carried>>,
    /// A new password that the sink has for an answer.
    pub(crate) offered: Option<SecretString>,
    /// A new password whose fate is known now, and whether it holds: for the sink.
    pub(crate) settled: Option<(SecretString, bool)>,
    /// A lost task has left this one its write.
    pub(crate) taken_up: bool,
    /// When the account's refusal came that is written: it is told by that.
    pub(crate) refused_at: Option<Timestamp>,
    /// The account's record had a new password whose fate was not known, and what is written next has shown it.
    pub(crate) answered_question: Option<Box<PendingPassword>>,
    /// Tokens of an end that broke off, whose record is written over next.
    pub(crate) left: Option<Box<TokenSet>>,
    /// The sign-in is asked for by nobody.
    pub(crate) by_itself: bool,
    /// The mark of what was sent, until it is known to have been acted on.
    pub(crate) sent_under: Vec<Unsent>,
}

/// What a sign-in marks in the account before it is sent.
#[derive(Clone, Copy)]
pub(crate) struct Marks {
    pub(crate) code_step: Option<u64>,
    pub(crate) sign_ins: SignInCount,
    /// Whether the new and the old password have been tried, where it is not known which one holds.
    pub(crate) tried: Option<(bool, bool)>,
}

/// The secret of a sign-in.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) credentials: Credentials,
    pub(crate) fingerprint: Fingerprint,
    /// It is a new password whose fate is not known, tried before the old one.
    pub(crate) pending: Option<SecretString>,
}

impl Candidate {
    /// Whether a time-based code can be made of it, which must not be used twice.
    pub(crate) fn sends_code(&self) -> bool {
        self.credentials.has(CredentialKind::TotpSecret)
    }
}

/// How a step ended, and the bytes that go with it.
pub(crate) type Ended = (Report, Cargo);

/// Starts the flight of `id`, whose slot says that it is running, and which is counted.
pub(crate) fn take_off(cell: &Arc<Cell>, id: ExchangeId) {
    Guard::of(cell, id).take_off();
}

/// A flight that is about to begin or under way. Tells the machine if it is dropped before its end: nobody flies it,
/// or the runtime of its task has gone.
pub(crate) struct Guard {
    cell: Arc<Cell>,
    id: ExchangeId,
    flight: Flight,
    /// The step that is under way.
    doing: Option<Effect>,
    /// It was begun while the keeper still had time: after that nothing is written.
    begun_in_time: bool,
    /// The time of the keeper is over: nothing is left to anybody here.
    given_up: bool,
    landed: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let was_sending = matches!(self.doing, Some(Effect::Send(..)));
        let left = if self.landed || self.given_up { None } else { self.write_left() };
        if let Some(write) = left {
            self.flight.park(write);
        } else if !self.landed {
            if !was_sending {
                self.flight.settle(Settled::Unused);
            }
            drop(self.flight.lock.take());
            {
                let mut core = self.cell.core();
                if let Some(slot) = core.flight(self.id) {
                    slot.running = false;
                    slot.steps.clear();
                }
            }
            self.cell.post_lost(self.id);
            self.cell.remove_slot_if_done(self.id);
        }
        if self.given_up {
            // Nothing may have been told, and nothing will be: whoever waits looks and finds that.
            self.cell.notify_waiters();
        }
        self.cell.shared.landed();
    }
}

impl Guard {
    /// The flight of `id`, whose slot says that it is running, and which is counted.
    pub(crate) fn of(cell: &Arc<Cell>, id: ExchangeId) -> Self {
        Self {
            cell: Arc::clone(cell),
            id,
            flight: Flight::of(Arc::clone(cell), id),
            doing: None,
            begun_in_time: !cell.shared.has_given_up(),
            given_up: false,
            landed: false,
        }
    }

    /// In a task of its own. If there is no runtime, it is dropped here.
    pub(crate) fn take_off(self) {
        let shared = Arc::clone(&self.cell.shared);
        // Boxed, as it is moved into the task.
        shared.spawn(fly(Box::new(self)));
    }

    /// The write that was under way, or was next: it is left to whoever comes next.
    fn write_left(&mut self) -> Option<Effect> {
        if let Some(doing) = self.doing.take() {
            return Some(doing).filter(can_wait);
        }
        let mut core = self.cell.core();
        let steps = &mut core.flight(self.id)?.steps;
        if steps.front().is_some_and(can_wait) { steps.pop_front() } else { None }
    }
}

/// One flight, and those that take over its place: a task is dear to make, and a wave has as many flights as there are
/// sessions.
async fn fly(mut guard: Box<Guard>) {
    while let Some(place) = fly_to_the_end(&mut guard).await
        && let Some(next) = hand_on(place)
    {
        *guard = next;
    }
}

/// The place that is left, if somebody else can begin in it here and now.
async fn fly_to_the_end(guard: &mut Guard) -> Option<Place> {
    let cell = Arc::clone(&guard.cell);
    let Some(mut place) = cell.shared.unless_given_up(fly_on(guard)).await else {
        if guard.begun_in_time {
            guard.flight.end_at_last().await;
        }
        // The guard tells the machine, once others can have the lock.
        guard.flight.let_go().await;
        guard.given_up = true;
        return None;
    };
    if guard.flight.holds_anything() {
        // Nobody waits for what may take its time.
        if let Some(next) = place.take().and_then(hand_on) {
            next.take_off();
        }
        guard.flight.let_go().await;
        guard.flight.tell_settled_password().await;
    }
    guard.landed = true;
    place
}

/// One step after the other, until there is none; the place that is left then.
async fn fly_on(guard: &mut Guard) -> Option<Place> {
    let (cell, id) = (Arc::clone(&guard.cell), guard.id);
    loop {
        let effect = match cell.next_step(id) {
            Next::Step(effect) => effect,
            Next::End(place) => return place,
        };
        let flight = &mut guard.flight;
        if matches!(effect, Effect::Unlock(_)) {
            flight.let_go().await;
            flight.tell_settled_password().await;
            take_turns(&cell).await;
            continue;
        }
        guard.doing = Some(effect);
        let step = caught(flight.step(effect)).await;
        guard.doing = None;
        let (report, cargo) = step.unwrap_or_else(|_| lost_its_head(&effect));
        cell.shared.figures.ended(&report);
        // Not where something is owed: a mark its sending, an answer its commit, a commit the account's lock.
        let owes_nothing = matches!(report, Report::Prepared | Report::Locked(_));
        cell.post(Event::Flight(id, report), cargo);
        if owes_nothing {
            take_turns(&cell).await;
        }
    }
}

/// Others that are ready do a step; nothing is begun any more if the keeper was given up meanwhile.
async fn take_turns(cell: &Cell) {
    give_way().await;
    if cell.shared.has_given_up() {
        // Whoever has given it up has said so to the task, which ends here.
        future::pending::<()>().await;
    }
}

/// Somebody else's code panicked in `effect`. Before a sending nothing has happened; in it, anything
/// may have.
fn lost_its_head(effect: &Effect) -> Ended {
    let error = panicked(match effect {
        Effect::Prepare(..) => "a credential source",
        Effect::Send(..) => "a transport or an adapter",
        _ => "a store",
    });
    let mut failure = Failure::from(&error);
    let report = match effect {
        Effect::Send(..) => {
            failure.may_have_acted = true;
            Report::Answered(countersign_core::session::Answer::Refused(failure))
        }
        _ => Report::Failed(failure),
    };
    (report, Cargo { error: Some(error), ..Cargo::default() })
}

impl Flight {
    pub(crate) fn new(cell: Arc<Cell>, id: ExchangeId) -> Self {
        Self {
            cell,
            id,
            permit: None,
            grant: None,
            credentials: None,
            candidate: None,
            proved: false,
            sealer: None,
            lock: None,
            records: None,
            ambient_now: None,
            before: None,
            code_unused: false,
            revoked: false,
            first_sent: None,
            unknown: true,
            sent: None,
            carried: None,
            offered: None,
            settled: None,
            taken_up: false,
            refused_at: None,
            answered_question: None,
            left: None,
            by_itself: false,
            sent_under: Vec::new(),
        }
    }

    async fn step(&mut self, effect: Effect) -> Ended {
        let done = match effect {
            Effect::Prepare(_, grant) => self.prepare(grant).await,
            Effect::Lock(_) => self.bounded(2, Self::take_lock).await,
            Effect::Journal(_, grant) => self.bounded(1, async |f| f.journal(grant).await).await,
            Effect::Send(_, grant) => {
                self.sent = Some(grant);
                self.send(grant).await
            }
            Effect::Commit(_, write) => {
                let written = match self.taken_up {
                    // Rare, and boxed so that it does not weigh on every exchange.
                    true => self.bounded(3, async |f| Box::pin(f.commit_again(write)).await).await,
                    false => self.bounded(1, async |f| f.commit(write).await).await,
                };
                if matches!(write, Write::Ending | Write::Tombstone) && written.is_ok() {
                    // The provider may take its time, and it is over for readers too.
                    Box::pin(self.copy_for_readers()).await;
                }
                written
            }
            // The others name no exchange and are done under the mutex.
            _ => Err(Error::new(ErrorKind::Internal)),
        };
        done.unwrap_or_else(|error| {
            if crate::read_only::is_refusal(&error) {
                self.cell.shared.note_write(true);
                // Siblings may write what this process cannot.
                self.cell.peek();
            }
            let failure = Failure::from(&error);
            (Report::Failed(failure), Cargo { error: Some(error), ..Cargo::default() })
        })
    }

    /// A step of the store, within so many leases.
    async fn bounded(
        &mut self,
        times: u32,
        step: impl AsyncFnOnce(&mut Self) -> Result<Ended, Error>,
    ) -> Result<Ended, Error> {
        let cell = Arc::clone(&self.cell);
        cell.in_time(times, step(self)).await
    }

    /// Whether the end has something to give back or to tell.
    fn holds_anything(&self) -> bool {
        let copy_due = self.records.as_ref().is_some_and(|records| records.copy_due);
        self.permit.is_some() || self.lock.is_some() || copy_due || self.settled.is_some()
    }

    /// The end, or what comes to the same: permit and lock go back.
    async fn let_go(&mut self) {
        self.settle(Settled::Unused);
        self.copy_for_readers().await;
        if let Some(lock) = self.lock.take() {
            self.cell.let_go(lock).await;
        }
    }

    pub(crate) fn settle(&mut self, how: Settled) {
        if let Some(permit) = self.permit.take() {
            let now = self.cell.shared.clock.monotonic_coarse();
            self.cell.shared.admission().settle(permit, how, now);
        }
    }
}

/// What an exchange does next.
enum Next {
    Step(Effect),
    /// Nothing: its slot has gone, and left this place.
    End(Option<Place>),
}

impl Cell {
    fn next_step(&self, id: ExchangeId) -> Next {
        let mut core = self.core();
        let Some(at) = core.flights.iter().position(|slot| slot.id == id) else {
            return Next::End(None);
        };
        if let Some(step) = core.flights[at].steps.pop_front() {
            return Next::Step(step);
        }
        let slot = core.flights.swap_remove(at);
        if core.flights.is_empty() {
            core.flights = Vec::new();
        }
        // Wakers, places and what came with an answer: not under the mutex.
        drop(core);
        let FlightSlot { place, incoming, .. } = slot;
        drop(incoming);
        self.notify_waiters();
        Next::End(place)
    }

    /// After a lost task: its slot stays only if there is more to do than to let go of what died
    /// with it.
    fn remove_slot_if_done(&self, id: ExchangeId) {
        let more = |step: &Effect| !matches!(step, Effect::Unlock(_));
        let mut core = self.core();
        let at = core.flights.iter().position(|slot| slot.id == id);
        let done = at.filter(|at| !core.flights[*at].steps.iter().any(more));
        let slot = done.map(|at| core.flights.swap_remove(at));
        drop(core);
        drop(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each exchange has it allocated, and its bytes moved. Futures that hold others twice made it 34 KB once.
    #[test]
    fn the_task_of_an_exchange_is_small() {
        let session = crate::Session::fixed("canary-token").unwrap();
        let cell = Arc::clone(&session.0);
        cell.shared.took_off();
        let mut guard = Guard::of(&cell, ExchangeId(1));
        guard.landed = true;
        let size = size_of_val(&fly(Box::new(guard)));
        assert!(size <= 2_560, "{size}");
    }
}
