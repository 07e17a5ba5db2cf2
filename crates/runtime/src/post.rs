//! One event in, its effects done: the only place where the machine is told anything.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::{
    Appointment, Cx, Demand, Effect, Event, ExchangeId, Purpose as Wish, Rules, Source, Status,
    Told,
};
use countersign_core::{Answers, Error, Generation, Timestamp, TokenSet};
use countersign_scheduler::{Failure as Row, Now, Purpose, Request};
use countersign_seal::PendingChallenge;

use crate::carry::Carried;
use crate::cell::Cell;
use crate::events::{SessionEvent, SessionEventKind};
use crate::flight;
use crate::inner::{Core, Incoming, OneTime};
use crate::publish::Bundle;
use crate::status::{Cause, Step};

/// The bytes that belong to an event: the machine is told names only.
#[derive(Default)]
pub(crate) struct Cargo {
    /// The tokens of the record that was read.
    pub(crate) record: Option<Bundle>,
    /// The challenge of the record that was read.
    pub(crate) challenge: Option<Box<PendingChallenge>>,
    /// What an answer has brought.
    pub(crate) incoming: Option<Incoming>,
    /// The challenge of a text, for the explicit sign-in that takes it up.
    pub(crate) carried: Option<Box<Carried>>,
    /// Credentials for one time, for the explicit sign-in that comes with them.
    pub(crate) one_time: Option<Box<OneTime>>,
    /// What the caller says to the challenge.
    pub(crate) answers: Option<Box<Answers>>,
    /// The error behind a failure.
    pub(crate) error: Option<Error>,
}

/// What is done once the mutex is free: nobody calls out while holding it.
#[derive(Default)]
pub(crate) struct After {
    pub(crate) take_off: Vec<ExchangeId>,
    pub(crate) discard: Vec<TokenSet>,
    /// What was held before the event.
    pub(crate) before: Option<TokenSet>,
    pub(crate) events: Vec<SessionEventKind>,
    /// What is over. There may be somebody else's code in its sources, which is not run under the mutex.
    pub(crate) over: Vec<Error>,
    pub(crate) wake: bool,
    /// Something was told.
    pub(crate) told: bool,
    /// An exchange has ended for good or ill.
    pub(crate) decided: bool,
    /// How much had been told before.
    heard: u64,
}

impl Cell {
    /// Tells the machine, and does what it says.
    pub(crate) fn post(self: &Arc<Self>, event: Event, cargo: Cargo) {
        let after = self.handle(event, cargo);
        self.finish(after);
    }

    /// Tells the machine what a caller asks for by name, and answers how much had been told before;
    /// `None` if it is an answer and no challenge waits for it any more.
    pub(crate) fn post_asked(self: &Arc<Self>, event: Event, cargo: Cargo) -> Option<u64> {
        let answer = matches!(event, Event::Answer);
        let still = |core: &Core| !answer || core.machine.challenge().is_some();
        let after = self.handle_if(event, cargo, still)?;
        let heard = after.heard;
        self.finish(after);
        Some(heard)
    }

    /// Asks for a token that is good for `good_for`, if nobody else has meanwhile: whoever has looked
    /// and found none may be the last to hear that there is one.
    pub(crate) fn post_wanted(self: &Arc<Self>, good_for: Duration) {
        let now = self.shared.clock.now();
        let still = |core: &Core| {
            let shown = self.snapshot.load();
            let here = shown.get().is_some_and(|shown| shown.good_for(good_for, now));
            // Its headers are made by whoever looks next.
            let served = core.machine.served().filter(|held| now.after(good_for) < held.expires_at);
            !here && served.is_none() && core.machine.demand() == Demand::Ask
        };
        if let Some(after) = self.handle_if(Event::Wanted, Cargo::default(), still) {
            self.finish(after);
        }
    }

    /// Starts what is parked: the steps of exchanges whose runtime has gone.
    pub(crate) fn kick(self: &Arc<Self>) {
        let mut parked = Vec::new();
        if self.shared.has_given_up() {
            return;
        }
        for slot in &mut self.core().flights {
            if !slot.running && !slot.steps.is_empty() {
                slot.running = true;
                self.shared.took_off();
                parked.push(slot.id);
            }
        }
        parked.into_iter().for_each(|id| flight::take_off(self, id));
    }

    /// Posts [`Event::Due`] if the appointment has come. Harmless at any time, from anybody.
    pub(crate) fn post_if_due(self: &Arc<Self>) -> bool {
        let mono = self.shared.clock.monotonic();
        if self.core().appointment.is_none_or(|(_, _, due)| due > mono) {
            return false;
        }
        if self.is_read_only() {
            self.look_for_next();
            return true;
        }
        self.post(Event::Due, Cargo::default());
        true
    }

    pub(crate) fn handle(self: &Arc<Self>, event: Event, cargo: Cargo) -> After {
        self.handle_if(event, cargo, |_| true).unwrap_or_default()
    }

    /// `still` looks under the same lock as the machine is told. What the clocks have done it hears before.
    fn handle_if(
        self: &Arc<Self>,
        event: Event,
        cargo: Cargo,
        still: impl FnOnce(&Core) -> bool,
    ) -> Option<After> {
        self.catch_up();
        self.handle_first(event, cargo, still)
    }

    /// The same of what the clocks have done.
    pub(crate) fn handle_first(
        self: &Arc<Self>,
        event: Event,
        mut cargo: Cargo,
        still: impl FnOnce(&Core) -> bool,
    ) -> Option<After> {
        let now = self.shared.lately();
        let rules = self.rules();
        let mut core = self.core();
        if !still(&core) {
            return None;
        }
        let mut after = After { heard: core.told.count, ..After::default() };
        let from = core.machine.status();
        let given = cargo.one_time.is_some();
        self.turn(&mut core, event, &mut cargo, now, &rules, &mut after);
        if given && !core.machine.is_signing_in() {
            // Nothing has begun that would take them, and nothing is to have them later.
            core.one_time = None;
        }
        if let Some(refused) = core.refused.filter(|_| core.read) {
            let refusal = Event::Rejected(refused);
            self.turn(&mut core, refusal, &mut Cargo::default(), now, &rules, &mut after);
            core.refused = None;
        }
        if after.decided && core.owes_sign_in(from) {
            core.told.goes_on();
            self.turn(&mut core, Event::SignIn, &mut Cargo::default(), now, &rules, &mut after);
        }
        self.shared.keep_unsaved(self, !core.saved || core.has_parked());
        // What is about to fly counts before anybody else can look whether all is quiet.
        after.take_off.iter().for_each(|_| self.shared.took_off());
        Some(after)
    }

    /// One event of the machine, and what comes of it.
    fn turn(
        &self,
        core: &mut Core,
        event: Event,
        cargo: &mut Cargo,
        now: Now,
        rules: &Rules,
        after: &mut After,
    ) {
        let exchange = ExchangeId(core.next_exchange);
        let flown = match &event {
            Event::Flight(id, _) => Some(*id),
            _ => None,
        };
        if matches!(event, Event::Due) {
            // Under the same lock as the machine: nobody sees a wait without an end.
            core.appointment = None;
        }
        core.take_in(&event, cargo);
        if let Event::ClockJumped(by) = event {
            self.shift(core, by);
        }
        let (from, cause) = (core.machine.status(), Cause::of(&event));
        let doubt = core.doubt(&event);
        let seam = &self.shared.seam;
        seam.event(self.digest, &event);
        let effects = core.machine.handle(event, Cx { now: now.wall, exchange, rules });
        let effects = seam.effects(self.digest, effects);
        after.before.clone_from(&core.held);
        core.adopt(cargo.record.as_ref());
        let (mut failure, mut tells) = (None, false);
        for effect in effects {
            if exchange_of(&effect) == Some(exchange) {
                core.next_exchange = exchange.0.wrapping_add(1);
            }
            if let Effect::Tell(Told::Failed(why) | Told::Stalled(why)) = effect {
                failure = Some(why.kind);
            }
            tells |= matches!(effect, Effect::Tell(_));
            self.apply(core, effect, flown, cargo.record.as_ref(), now, after);
        }
        let to = core.machine.status();
        core.moves = core.moves.wrapping_add(u32::from(from != to));
        if tells {
            core.told.at_move = core.moves;
        }
        let signs_in = (from, to) == (Status::Refreshing, Status::Authenticating);
        after.events.extend(doubt.filter(|_| signs_in));
        if from != to {
            core.version = core.version.wrapping_add(1);
            core.ring.push(Step { at: now.wall, from, to, cause, failure });
            after.events.push(SessionEventKind::Moved { from, to });
            after.wake = true;
        }
    }

    fn apply(
        &self,
        core: &mut Core,
        effect: Effect,
        flown: Option<ExchangeId>,
        record: Option<&Bundle>,
        now: Now,
        after: &mut After,
    ) {
        match effect {
            Effect::Prepare(id, _)
            | Effect::Lock(id)
            | Effect::Journal(id, _)
            | Effect::Send(id, _)
            | Effect::Commit(id, _) => core.step(id, effect, after),
            // Nothing is held by an exchange that nobody flies any more.
            Effect::Unlock(id) => {
                if let Some(slot) = core.flight(id) {
                    slot.steps.push_back(effect);
                }
            }
            Effect::Publish { generation, source, saved } => {
                self.publish(core, (generation, source, saved), record, now.wall, after);
                core.failing_since = None;
                if saved {
                    after.over.extend(core.last_error.take().map(|(_, error)| error));
                }
            }
            Effect::Unpublish => {
                self.snapshot.take(&self.shared.nothing);
                if core.published.take().is_some() {
                    after.wake = true;
                    after.events.push(SessionEventKind::Unpublished);
                }
            }
            Effect::Forget => {
                core.renewal_due = None;
                core.held = None;
                core.saved = true;
                core.unsaved = None;
                core.challenge = None;
                // Those that no exchange has taken yet are for the sign-in that follows.
                core.one_time = core.one_time.take().filter(|given| !given.taken);
                core.recalled = None;
                self.forget_codes();
                core.published = None;
            }
            Effect::Discard => {
                let slot = flown.and_then(|id| core.flight(id));
                let late = slot.and_then(|slot| slot.incoming.bundle.take());
                after.discard.extend(late.and_then(|bundle| core.disposable(&bundle)));
            }
            Effect::Retire => after.discard.extend(after.before.clone()),
            Effect::Schedule(appointment) => self.appoint(core, appointment, now, after),
            Effect::Unschedule => {
                core.appointment = None;
                self.shared.queue().cancel(self.slot());
            }
            Effect::Tell(told) => {
                flown.into_iter().for_each(|_| core.note_failure(told, now.mono));
                core.tell(told, self.is_waited_for(), after);
            }
        }
    }

    fn publish(
        &self,
        core: &mut Core,
        (generation, source, saved): (Generation, Source, bool),
        record: Option<&Bundle>,
        now: Timestamp,
        after: &mut After,
    ) {
        let shown = self.snapshot.load();
        if core.published == Some(generation) {
            // The same bytes; only whether the store has them is news.
            core.saved = saved;
            if saved {
                core.unsaved = None;
            }
            after.events.push(SessionEventKind::Published { generation, saved });
            return;
        }
        let of = |bundle: &&Bundle| bundle.tokens.generation() == generation;
        let answered =
            || core.flights.iter().find_map(|slot| slot.incoming.bundle.as_ref().filter(of));
        let found = match source {
            Source::Record => record.filter(of).or_else(answered),
            Source::Answer => answered().or_else(|| record.filter(of)),
        };
        let bundle = match (found, &core.held) {
            (Some(bundle), _) => bundle.clone(),
            (None, Some(held)) if held.generation() == generation => {
                // Headers are made by whoever asks first: an adapter is not called under the mutex.
                Bundle { tokens: held.clone(), authorization: None }
            }
            (None, _) => return,
        };
        if shown.get().is_some_and(|shown| shown.was_used()) {
            core.last_used_at = now;
        }
        core.renewal_due = None;
        core.held = Some(bundle.tokens.clone());
        core.saved = saved;
        core.unsaved = if saved { None } else { core.incoming_of(generation) };
        core.dozing = false;
        core.published = Some(generation);
        if self.wants_headers(shown.get()) && core.refused != Some(generation) {
            self.hand_out(&bundle);
        }
        after.events.push(SessionEventKind::Published { generation, saved });
    }

    pub(crate) fn appoint(&self, core: &mut Core, wish: Appointment, now: Now, after: &mut After) {
        let planner = self.planner();
        let purpose = match wish.purpose {
            Wish::Renew { life, expires_at } => {
                Purpose::Refresh { issued_at: expires_at.before(life), expires_at }
            }
            Wish::Retry { attempt } => {
                // A wait that somebody has named is no time of failing.
                let named = wish.not_before > now.wall;
                let since = core.failing_since.unwrap_or(now.wall);
                let since = if named { since.max(wish.not_before) } else { since };
                core.failing_since = Some(since);
                Purpose::Retry(Row { attempt: attempt.max(1), since, hint: None })
            }
            Wish::Moment if core.machine.status() == Status::LockedOut => {
                Purpose::LockoutEnd(wish.not_before)
            }
            Wish::Moment => Purpose::ChallengeDeadline(wish.not_before),
            Wish::Probe => Purpose::Probe,
            Wish::Save { attempt } => Purpose::SaveRetry { attempt: attempt.max(1) },
        };
        let request = Request {
            purpose,
            not_before: wish.not_before,
            at_latest: wish.at_latest.unwrap_or(Timestamp::MAX),
            session: self.digest,
            generation: core.held.as_ref().map(|held| held.generation()).unwrap_or_default(),
        };
        let due = planner.due(&request, now.wall);
        // A lockout is looked at early and waited out all the same.
        if due.capped && !matches!(purpose, Purpose::LockoutEnd(_)) {
            after.events.push(SessionEventKind::WaitCapped { until: due.at });
        }
        let mono = Now { mono: self.shared.clock.monotonic(), ..now }.mono_at(due.at);
        core.appointment = Some((wish, due.at, mono));
        core.note_renewal(&wish, due.at);
        if self.shared.policy.pull {
            // Nobody else will see to it: the first caller after that moment does.
            if let Some(shown) = self.snapshot.load_full() {
                self.snapshot.store(Arc::new(shown.fresh_to(due.at)));
            }
        } else if self.shared.queue().schedule(self.slot(), mono) {
            after.wake = true;
            self.shared.wake.notify_one();
        }
    }

    /// The wall clock was set: what is held and handed out is dated anew.
    fn shift(&self, core: &mut Core, by_millis: i64) {
        let flown = core.flights.iter_mut().map(|slot| &mut slot.incoming);
        for incoming in flown.chain(core.unsaved.as_deref_mut()) {
            incoming.bundle = incoming.bundle.as_ref().map(|bundle| bundle.shifted(by_millis));
        }
        let Some(held) = core.held.take() else { return };
        let tokens = held.shifted(by_millis);
        if let Some(shown) = self.snapshot.load_full() {
            let shown = shown.shifted(tokens.clone(), by_millis);
            self.snapshot.store(Arc::new(shown));
        }
        core.last_used_at = core.last_used_at.shifted(by_millis);
        core.renewal_due = core.renewal_due.map(|due| due.shifted(by_millis));
        core.held = Some(tokens);
    }

    pub(crate) fn finish(self: &Arc<Self>, after: After) {
        if after.wake {
            self.notify_waiters();
            crate::ticker::ensure(&self.shared);
        }
        after.take_off.into_iter().for_each(|id| flight::take_off(self, id));
        if !after.events.is_empty() {
            let at = self.shared.clock.now();
            for kind in after.events {
                self.trace(&kind);
                self.emit(kind, at);
            }
        }
        for tokens in after.discard {
            crate::discard::revoke_late(self, tokens);
        }
    }

    pub(crate) fn emit(&self, kind: SessionEventKind, at: Timestamp) {
        let provider = self.provider.id();
        self.shared.hub.send(SessionEvent { session: self.digest, provider, at, kind });
    }

    /// Counts the next change that somebody may wait for.
    pub(crate) fn version(&self) -> u32 {
        self.core().version
    }
}

const fn exchange_of(effect: &Effect) -> Option<ExchangeId> {
    match effect {
        Effect::Prepare(id, _)
        | Effect::Lock(id)
        | Effect::Journal(id, _)
        | Effect::Send(id, _)
        | Effect::Commit(id, _)
        | Effect::Unlock(id) => Some(*id),
        _ => None,
    }
}
