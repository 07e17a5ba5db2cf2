//! What lies under the mutex of a session: the machine, and the bytes that it names.

use std::collections::VecDeque;
use std::time::Duration;

use countersign_core::session::{
    Answer, Appointment, Effect, Event, ExchangeId, Failure, Machine, Purpose, Report, Status, Told,
};
use countersign_core::{
    Answers, Credentials, Error, ErrorKind, Generation, Memo, Monotonic, Rotation, Timestamp,
    TokenSet,
};
use countersign_seal::PendingChallenge;

use crate::carry::Carried;
use crate::events::SessionEventKind;
use crate::parked::Parked;
use crate::places::Place;
use crate::post::{After, Cargo};
use crate::proven::Proven;
use crate::publish::Bundle;
use crate::recall::Recalled;
use crate::status::Ring;
use crate::told::{News, ToldLog};
use crate::unsent::Unsent;

/// What is under the mutex. Nobody awaits and nobody calls out while holding it.
pub(crate) struct Core {
    pub(crate) machine: Machine,
    /// The machine has heard what the store holds.
    pub(crate) read: bool,
    /// What an API has refused before that: the machine hears of it together with what the store holds.
    pub(crate) refused: Option<Generation>,
    pub(crate) next_exchange: u32,
    pub(crate) flights: Vec<FlightSlot>,
    /// The bytes of the generation that the machine holds.
    pub(crate) held: Option<TokenSet>,
    pub(crate) saved: bool,
    /// What callers may have, whether its headers are made or not.
    pub(crate) published: Option<Generation>,
    /// What came with tokens that the store has not taken yet.
    pub(crate) unsaved: Option<Box<Incoming>>,
    /// The challenge that the machine names.
    pub(crate) challenge: Option<Box<PendingChallenge>>,
    /// What the caller has answered, until it is sent.
    pub(crate) answers: Option<Box<Answers>>,
    /// Credentials that were given for one time.
    pub(crate) one_time: Option<Box<OneTime>>,
    /// A challenge that was carried here, until the explicit sign-in that takes it up has ended.
    pub(crate) carried: Option<Box<Carried>>,
    /// The last failure since the last success, and how the machine knows it.
    pub(crate) last_error: Option<(Failure, Error)>,
    pub(crate) told: ToldLog,
    pub(crate) appointment: Option<(Appointment, Timestamp, Monotonic)>,
    /// Since when its renewal is due, whatever has put it off.
    pub(crate) renewal_due: Option<Timestamp>,
    pub(crate) failing_since: Option<Timestamp>,
    /// When the budget of origin and client has told it to ask again.
    pub(crate) told_to_wait: Option<Monotonic>,
    /// The renewal was left out since nobody uses the session; the next use makes up for it.
    pub(crate) dozing: bool,
    pub(crate) last_used_at: Timestamp,
    /// The end of the refresh token that was used last because it was idle.
    pub(crate) kept_until: Option<Timestamp>,
    /// When the store was last read for a caller whom nothing else could help, or has failed an exchange for
    /// good.
    pub(crate) looked_at: Option<Monotonic>,
    pub(crate) ring: Ring,
    pub(crate) version: u32,
    /// How often the state has changed.
    pub(crate) moves: u32,
    /// Marks that nothing was sent under.
    pub(crate) unsent: Vec<Unsent>,
    /// Somebody sees to it that readers get what is stored.
    pub(crate) copying: bool,
    /// The records as this process has sealed or opened them last.
    pub(crate) recalled: Option<Box<Recalled>>,
}

/// Credentials that were given for one time.
pub(crate) struct OneTime {
    pub(crate) credentials: Credentials,
    /// An exchange has taken them: its end decides about them.
    pub(crate) taken: bool,
}

/// The steps of one exchange that are still to be done, and what has come of it.
pub(crate) struct FlightSlot {
    pub(crate) id: ExchangeId,
    pub(crate) steps: VecDeque<Effect>,
    pub(crate) running: bool,
    pub(crate) incoming: Incoming,
    /// Its place among those that the clock has begun, if it did.
    pub(crate) place: Option<Place>,
    /// What a lost task has left for the first of the steps.
    pub(crate) parked: Option<Box<Parked>>,
}

/// What an answer has brought. It lies here and not in the task, so that a task that is lost takes
/// nothing with it.
#[derive(Clone, Default)]
pub(crate) struct Incoming {
    pub(crate) bundle: Option<Bundle>,
    pub(crate) challenge: Option<Box<PendingChallenge>>,
    pub(crate) memo: Option<Memo>,
    pub(crate) rotation: Option<Rotation>,
    /// What it says about the account's secrets.
    pub(crate) proven: Option<Box<Proven>>,
}

fn is_outage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Transport | ErrorKind::TemporarilyUnavailable | ErrorKind::TimedOut)
}

impl Core {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            machine: Machine::new(),
            read: false,
            refused: None,
            next_exchange: 1,
            flights: Vec::new(),
            held: None,
            saved: true,
            published: None,
            unsaved: None,
            challenge: None,
            answers: None,
            one_time: None,
            carried: None,
            last_error: None,
            told: ToldLog::default(),
            appointment: None,
            renewal_due: None,
            failing_since: None,
            told_to_wait: None,
            dozing: false,
            last_used_at: now,
            kept_until: None,
            looked_at: None,
            ring: Ring::default(),
            version: 0,
            moves: 0,
            unsent: Vec::new(),
            copying: false,
            recalled: None,
        }
    }

    /// A renewal is due at `at`, unless it was before.
    pub(crate) fn note_renewal(&mut self, wish: &Appointment, at: Timestamp) {
        if let Purpose::Renew { .. } = wish.purpose {
            self.renewal_due.get_or_insert(at);
        }
    }

    /// How late a token comes that is bought now, if its renewal was due.
    pub(crate) fn late_by(&self, now: Timestamp) -> Option<Duration> {
        self.renewal_due.filter(|due| *due <= now).map(|due| now.since(due))
    }

    pub(crate) fn flight(&mut self, id: ExchangeId) -> Option<&mut FlightSlot> {
        self.flights.iter_mut().find(|slot| slot.id == id)
    }

    /// The exchange under way keeps `place` until it has ended; else it is handed back.
    pub(crate) fn seat(&mut self, place: Place) -> Option<Place> {
        match self.flights.last_mut() {
            Some(slot) => slot.place.replace(place),
            None => Some(place),
        }
    }

    /// The error behind a failure of the machine: the one that was met, or one of the same words.
    pub(crate) fn error(&self, failure: Failure) -> Error {
        match &self.last_error {
            Some((known, error)) if known.kind == failure.kind => error.clone(),
            // Our own circuit holds the next try back; what it holds it back for is the reason.
            Some((known, error))
                if failure.kind == ErrorKind::RateLimited && is_outage(known.kind) =>
            {
                error.clone().with_recovery(failure.recovery)
            }
            _ => Error::new(failure.kind)
                .with_recovery(failure.recovery)
                .with_certainty(failure.certainty),
        }
    }

    /// The bytes first: what the machine is about to hear of must be there. What they replace goes back into
    /// `cargo`, which outlives the mutex.
    pub(crate) fn take_in(&mut self, event: &Event, cargo: &mut Cargo) {
        if let Event::Rejected(generation) = event
            && !self.read
            && self.refused.is_none_or(|known| known.counter <= generation.counter)
        {
            self.refused = Some(*generation);
        }
        if let Some(error) = cargo.error.take() {
            let before = self.last_error.replace((Failure::from(&error), error));
            cargo.error = before.map(|(_, error)| error);
        }
        if matches!(event, Event::SignIn) {
            // Together with the event: nobody's news in between can part the two.
            self.carried = cargo.carried.take();
            if let Some(given) = cargo.one_time.take() {
                self.one_time = Some(given);
            }
        }
        if let Event::Flight(_, Report::Locked(view) | Report::Superseded(view)) = event {
            self.note_saved(view.tokens.map(|held| held.generation));
        }
        self.read |= match event {
            Event::Observed(_) => true,
            Event::Flight(_, report) => matches!(report, Report::Locked(_) | Report::Superseded(_)),
            _ => false,
        };
        if matches!(event, Event::Answer) {
            self.answers = cargo.answers.take();
        }
        if let Some(challenge) = cargo.challenge.take() {
            self.challenge = Some(challenge);
        }
        if let (Event::Flight(id, Report::Answered(answer)), Some(incoming)) =
            (event, cargo.incoming.take())
        {
            if let Answer::Challenge(_) = answer {
                self.challenge.clone_from(&incoming.challenge);
            }
            if let Some(slot) = self.flight(*id) {
                slot.incoming = incoming;
            }
        }
    }

    /// The store has the tokens of `stored`. They may be refused by now, so that nothing is published that says it.
    pub(crate) fn note_saved(&mut self, stored: Option<Generation>) {
        let held = self.held.as_ref().map(|held| held.generation());
        if held.is_some() && held == stored {
            self.saved = true;
            self.unsaved = None;
        }
    }

    /// What came with the tokens of `generation`, while its flight is still here.
    pub(crate) fn incoming_of(&self, generation: Generation) -> Option<Box<Incoming>> {
        let of = |incoming: &&Incoming| {
            incoming.bundle.as_ref().is_some_and(|b| b.tokens.generation() == generation)
        };
        self.flights.iter().map(|slot| &slot.incoming).find(of).cloned().map(Box::new)
    }

    /// A sign-in by name has ended that was under way when another one came with credentials of its
    /// own, and had no use for them any more: theirs is still to come.
    pub(crate) fn owes_sign_in(&self, from: Status) -> bool {
        from == Status::Authenticating
            && self.machine.status() != Status::Authenticating
            && self.machine.challenge().is_none()
            && self.one_time.as_ref().is_some_and(|given| !given.taken)
    }

    /// The record that was read under the lock has a mark of the refresh token that is held: it was sent, and nobody has
    /// heard what came of it.
    pub(crate) fn doubt(&self, event: &Event) -> Option<SessionEventKind> {
        let Event::Flight(_, Report::Locked(view)) = event else { return None };
        let (held, mark) = (self.machine.held()?.refresh?, view.journal?);
        (held.token == mark.refresh).then_some(SessionEventKind::RefreshInDoubt)
    }

    /// The store has failed an exchange for good at this moment: it is looked at again later.
    pub(crate) fn note_failure(&mut self, told: Told, now: Monotonic) {
        if matches!(told, Told::Failed(Failure { kind: ErrorKind::Store, .. })) {
            self.looked_at = Some(now);
        }
    }

    /// Keeps the bytes of the generation that the machine holds now.
    pub(crate) fn adopt(&mut self, record: Option<&Bundle>) {
        let Some(wanted) = self.machine.held().map(|held| held.generation) else { return };
        if self.held.as_ref().is_some_and(|held| held.generation() == wanted) {
            return;
        }
        let of = |bundle: &&Bundle| bundle.tokens.generation() == wanted;
        let answered = || self.flights.iter().find_map(|s| s.incoming.bundle.as_ref().filter(of));
        if let Some(bundle) = record.filter(of).or_else(answered) {
            self.held = Some(bundle.tokens.clone());
        }
    }

    pub(crate) fn step(&mut self, id: ExchangeId, effect: Effect, after: &mut After) {
        let slot = match self.flights.iter_mut().position(|slot| slot.id == id) {
            Some(n) => &mut self.flights[n],
            None => {
                self.flights.push(FlightSlot {
                    id,
                    steps: Default::default(),
                    running: false,
                    incoming: Incoming::default(),
                    parked: None,
                    place: None,
                });
                let last = self.flights.len() - 1;
                &mut self.flights[last]
            }
        };
        slot.steps.push_back(effect);
        if !slot.running {
            slot.running = true;
            after.take_off.push(id);
        }
    }

    /// A late answer's tokens, unless the living session would die with them.
    pub(crate) fn disposable(&self, late: &Bundle) -> Option<TokenSet> {
        let held = self.held.as_ref().and_then(|held| held.refresh_token());
        let theirs = late.tokens.refresh_token()?;
        let shared = held.is_some_and(|held| held.secret().matches(theirs.secret()));
        (!shared).then(|| late.tokens.clone())
    }

    pub(crate) fn tell(&mut self, told: Told, waited: bool, after: &mut After) {
        let error = match told {
            Told::Stalled(failure) | Told::Failed(failure) => Some(self.error(failure)),
            Told::Tokens | Told::Challenge | Told::SignedOut(_) => None,
        };
        // Whoever asks hears it; logs and events say it once, until the state has changed.
        let repeated = self.told.repeats(told, self.moves);
        match (told, &error) {
            (Told::Stalled(_) | Told::Failed(_), _) if repeated => {}
            (Told::Stalled(_), Some(error)) => {
                after.events.push(SessionEventKind::Stalled(error.clone()));
            }
            (Told::Failed(_), Some(error)) => {
                after.events.push(SessionEventKind::Failed(error.clone()));
            }
            (Told::Challenge, _) => after.events.push(SessionEventKind::Challenged),
            (Told::SignedOut(_), _) => after.events.push(SessionEventKind::SignedOut),
            _ => {}
        }
        // Credentials that were given for one time have done what they were given for, or cannot.
        // An exchange that was under way before tells its own end: then theirs is still to come.
        let decided = matches!(told, Told::Tokens | Told::SignedOut(_))
            || (matches!(told, Told::Failed(_)) && self.machine.challenge().is_none());
        let theirs = self.one_time.as_ref().is_some_and(|given| given.taken)
            || matches!(told, Told::SignedOut(_));
        if decided && theirs && self.machine.status() != Status::Authenticating {
            self.one_time = None;
        }
        if !matches!(told, Told::Stalled(_)) && self.machine.status() != Status::Authenticating {
            self.carried = None;
        }
        if !matches!(told, Told::Stalled(_)) {
            self.answers = None;
        }
        after.decided |= matches!(told, Told::Tokens | Told::Failed(_));
        let status = self.machine.status();
        // Of what one event tells, the last counts: a refused answer leaves its challenge open.
        let unheard = self.told.tell(News { told, error, status }, waited, after.told);
        after.over.extend(unheard.into_iter().filter_map(|news| news.error));
        after.told = true;
        self.version = self.version.wrapping_add(1);
        after.wake = true;
    }
}
