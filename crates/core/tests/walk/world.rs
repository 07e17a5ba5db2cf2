//! Two hosts over the world, and every single thing that can happen next.

use countersign_core::session::{
    Answer, Appointment, ChallengeView, Cx, Effect, Event, ExchangeId, Failure, Grant, Held,
    HeldRefresh, JournalView, Machine, Report, Rules, SignOutEnd, Source, Status, Told, Write,
};
use countersign_core::transport::Delivery;
use countersign_core::{
    Certainty, ErrorKind, Generation, Recovery, RefreshSupport, RevokeSupport, Timestamp,
};

use crate::defect::Defect;
use crate::model::{LOCKOUT, Provider, Record, Store, Tokens, name};

/// Two hosts, one store, one provider, one clock; and what may still be spent on this path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct World {
    pub(crate) now: i64,
    pub(crate) hosts: [Host; 2],
    pub(crate) store: Store,
    pub(crate) provider: Provider,
    pub(crate) left: Left,
}

/// How much may still happen, so that the walk ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Left {
    pub(crate) faults: u8,
    pub(crate) calls: u8,
    pub(crate) ticks: u8,
}

/// A process: its machine, and what its driver holds for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Host {
    pub(crate) machine: Machine,
    pub(crate) flight: Option<Flight>,
    /// Tokens whose bytes the driver has.
    held: Option<Tokens>,
    answer: Option<Tokens>,
    seen: Record,
    pub(crate) published: Option<Generation>,
    pub(crate) due: Option<Appointment>,
    /// The caller has ended the session and not begun another.
    ending: bool,
    /// The commit of `answer` was attempted.
    attempted: bool,
    /// The API has refused what is handed out, and nothing else is handed out yet.
    refused: bool,
    /// The generation that is served was bought because the one before was refused.
    born_of_refusal: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Flight {
    id: ExchangeId,
    /// The step that waits to be done; none while the machine owes the next one.
    pub(crate) step: Option<Effect>,
    locked: bool,
    journaled: bool,
}

/// One thing that can happen next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Choice {
    /// The step that host waits for is done, with this outcome.
    Step(usize, Outcome),
    Due(usize),
    Tell(usize, Call),
    Crash(usize),
    /// The lease runs out under the host that holds the lock.
    LeaseLost(usize),
    Tick,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    SignIn,
    SignOut,
    Wanted,
    Answer,
    Reject,
    Observe,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Good,
    /// The scheduler says later; the store or the source fails.
    Fails,
    FlightLost,
    NotSent,
    LostRequest,
    LostAnswer,
    Unavailable,
    RefusedCertainly,
    RefusedPossibly,
    Locked,
    Challenge,
}

/// A rule that does not hold, by name.
pub(crate) type Broken = String;

impl World {
    pub(crate) fn new(refresh: RefreshSupport, left: Left) -> Self {
        Self {
            now: 1000,
            hosts: Default::default(),
            store: Store::default(),
            provider: Provider::new(refresh),
            left,
        }
    }

    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_seconds(self.now)
    }

    /// Everything that can happen next.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        let mut all = Vec::new();
        for (n, host) in self.hosts.iter().enumerate() {
            if let Some(step) = host.flight.as_ref().and_then(|flight| flight.step.as_ref()) {
                let blocked = matches!(step, Effect::Lock(_))
                    && self.store.holder.is_some_and(|holder| holder != n);
                if !blocked {
                    all.push(Choice::Step(n, Outcome::Good));
                }
                if self.left.faults > 0 {
                    let faults = faults_of(step, self.provider.challenges);
                    all.extend(faults.iter().map(|fault| Choice::Step(n, *fault)));
                }
            }
            if host.due.is_some_and(|due| due.not_before <= self.time()) {
                all.push(Choice::Due(n));
            }
            if self.left.calls > 0 {
                all.extend([Call::SignIn, Call::SignOut, Call::Wanted].map(|c| Choice::Tell(n, c)));
                if host.machine.challenge().is_some() {
                    all.push(Choice::Tell(n, Call::Answer));
                }
                if host.published.is_some() {
                    all.push(Choice::Tell(n, Call::Reject));
                }
                all.push(Choice::Tell(n, Call::Observe));
            }
            if self.left.faults > 0 {
                all.push(Choice::Crash(n));
                if self.store.holder == Some(n) {
                    all.push(Choice::LeaseLost(n));
                }
            }
        }
        if self.left.ticks > 0 {
            all.push(Choice::Tick);
        }
        all
    }

    /// Lets `choice` happen.
    pub(crate) fn take(
        &mut self,
        choice: Choice,
        rules: &Rules,
        defect: Defect,
    ) -> Result<(), Broken> {
        match choice {
            Choice::Tick => {
                self.left.ticks -= 1;
                self.now += 1;
                return Ok(());
            }
            Choice::Crash(n) => {
                self.left.faults -= 1;
                if self.store.holder == Some(n) {
                    self.store.holder = None;
                }
                self.hosts[n] = Host::default();
                let view = self.store.record.view();
                self.hosts[n].seen = self.store.record.clone();
                self.post(n, Event::Observed(view), rules, defect)?;
            }
            Choice::LeaseLost(_) => {
                self.left.faults -= 1;
                self.store.holder = None;
                return Ok(());
            }
            Choice::Due(n) => {
                self.hosts[n].due = None;
                self.post(n, Event::Due, rules, defect)?;
            }
            Choice::Tell(n, call) => {
                self.left.calls -= 1;
                self.call(n, call, rules, defect)?;
            }
            Choice::Step(n, outcome) => {
                if outcome != Outcome::Good {
                    self.left.faults -= 1;
                }
                self.step(n, outcome, rules, defect)?;
            }
        }
        self.check(rules)
    }

    fn call(&mut self, n: usize, call: Call, rules: &Rules, defect: Defect) -> Result<(), Broken> {
        let event = match call {
            Call::SignIn => Event::SignIn,
            Call::SignOut => {
                self.hosts[n].ending = true;
                Event::SignOut
            }
            Call::Wanted => Event::Wanted,
            Call::Answer => Event::Answer,
            Call::Reject => {
                let Some(generation) = self.hosts[n].published else { return Ok(()) };
                self.provider.revoked_to = self.provider.revoked_to.max(generation.tag);
                let busy = self.hosts[n].flight.is_some();
                let born = self.hosts[n].born_of_refusal;
                self.hosts[n].refused = true;
                self.post(n, Event::Rejected(generation), rules, defect)?;
                if born && !busy && self.hosts[n].flight.is_some() {
                    return Err(
                        "rejected-birth: a generation born of a refusal and refused again \
                                begins no exchange"
                            .into(),
                    );
                }
                return Ok(());
            }
            Call::Observe => {
                self.hosts[n].seen = self.store.record.clone();
                Event::Observed(self.store.record.view())
            }
        };
        self.post(n, event, rules, defect)
    }

    /// Feeds one event and does the immediate effects.
    pub(crate) fn post(
        &mut self,
        n: usize,
        event: Event,
        rules: &Rules,
        defect: Defect,
    ) -> Result<(), Broken> {
        let now = self.time();
        let host = &mut self.hosts[n];
        let last = host.flight.as_ref().map_or(0, |flight| flight.id.0);
        let cx = Cx { now, exchange: ExchangeId(1 + last % 2), rules };
        let mut effects = host.machine.handle(event, cx);
        let commits = effects.iter().any(|e| matches!(e, Effect::Commit(_, Write::Tokens)));
        if let Some(tokens) = host.answer.filter(|_| commits && defect.publishes_early()) {
            let (generation, source) = (tokens.generation, Source::Answer);
            effects.insert(0, Effect::Publish { generation, source, saved: false });
        }
        for effect in defect.filter(effects) {
            self.effect(n, effect, rules)?;
        }
        Ok(())
    }

    fn effect(&mut self, n: usize, effect: Effect, rules: &Rules) -> Result<(), Broken> {
        let host = &mut self.hosts[n];
        match effect {
            Effect::Admit(id, grant) => {
                if grant == (Grant::SignIn { explicit: false }) && !automatic(rules) {
                    return Err("manual: signs in only when the caller says so".into());
                }
                // The end is over once the caller's next sign-in begins.
                host.ending &= grant != Grant::SignIn { explicit: true };
                begin(host, id, effect)?;
            }
            Effect::Lock(id) if host.flight.is_none() => begin(host, id, Effect::Lock(id))?,
            Effect::Prepare(id, _)
            | Effect::Lock(id)
            | Effect::Journal(id, _)
            | Effect::Send(id, _)
            | Effect::Commit(id, _) => {
                let Some(flight) = host.flight.as_mut().filter(|flight| flight.id == id) else {
                    return Err("one-flight: a step belongs to the flight under way".into());
                };
                if flight.step.is_some() {
                    return Err("one-step: a flight does one thing at a time".into());
                }
                flight.step = Some(effect);
            }
            Effect::Unlock(id) => {
                let Some(flight) = host.flight.take().filter(|flight| flight.id == id) else {
                    return Err("one-flight: only the flight under way ends".into());
                };
                if flight.locked && self.store.holder == Some(n) {
                    self.store.holder = None;
                }
            }
            Effect::Publish { generation, source, saved } => {
                let tokens = match source {
                    Source::Record => host.seen.tokens,
                    Source::Answer => host.answer.or(host.held),
                };
                let Some(tokens) = tokens.filter(|tokens| tokens.generation == generation) else {
                    return Err("publish: what is published is at hand".into());
                };
                if source == Source::Answer && !host.attempted {
                    return Err("commit-before-publish".into());
                }
                if saved
                    && source == Source::Answer
                    && self.store.record.counter < generation.counter
                {
                    return Err("saved: what is called saved is in the store".into());
                }
                if host.ending {
                    return Err("sign-out-wins: nothing is published after a sign-out".into());
                }
                if host.published != Some(generation) {
                    host.born_of_refusal = host.refused && source == Source::Answer;
                    host.refused = false;
                }
                host.held = Some(tokens);
                host.published = Some(generation);
            }
            Effect::Unpublish => host.published = None,
            Effect::Forget => {
                if !host.ending && !self.store.record.ended {
                    return Err("never-forget: tokens go only with the end of the session".into());
                }
                host.held = None;
                host.published = None;
            }
            Effect::Discard => host.answer = None,
            Effect::Schedule(appointment) => host.due = Some(appointment),
            Effect::Unschedule => host.due = None,
            Effect::Tell(Told::SignedOut(end)) => {
                if end == SignOutEnd::Revoked && !self.provider.current.is_empty() {
                    return Err("sign-out-truth: revoked means revoked".into());
                }
            }
            Effect::Tell(_) => {}
        }
        Ok(())
    }

    fn step(
        &mut self,
        n: usize,
        outcome: Outcome,
        rules: &Rules,
        defect: Defect,
    ) -> Result<(), Broken> {
        let Some(flight) = &mut self.hosts[n].flight else { return Ok(()) };
        let id = flight.id;
        let Some(step) = flight.step.take() else { return Ok(()) };
        let failure = Failure::new(ErrorKind::Store);
        let report = match (step.clone(), outcome) {
            (_, Outcome::FlightLost) => {
                // The task is gone and its lock with it; what was being written or sent may have arrived.
                self.attempt(n, &step);
                if self.store.holder == Some(n) {
                    self.store.holder = None;
                }
                Report::Lost
            }
            (Effect::Admit(..), Outcome::Fails) => Report::Deferred(self.time().after(second())),
            (Effect::Admit(..), _) => Report::Admitted,
            (Effect::Prepare(..), Outcome::Fails) => {
                Report::Failed(Failure::new(ErrorKind::Credentials))
            }
            (Effect::Prepare(..), _) => Report::Prepared,
            (Effect::Lock(_) | Effect::Journal(..) | Effect::Commit(..), Outcome::Fails) => {
                self.attempt(n, &step);
                Report::Failed(failure)
            }
            (Effect::Lock(_), _) => {
                if !defect.skips_the_lock() {
                    self.store.holder = Some(n);
                    flight.locked = true;
                }
                self.hosts[n].seen = self.store.record.clone();
                Report::Locked(Box::new(self.store.record.view()))
            }
            (Effect::Journal(_, grant), _) => self.journal(n, grant, defect),
            (Effect::Send(_, grant), outcome) => {
                Report::Answered(self.send(n, grant, outcome, defect)?)
            }
            (Effect::Commit(_, write), _) => {
                self.attempt(n, &step);
                self.commit(n, write, defect)?
            }
            (other, _) => return Err(format!("one-step: {other:?} is no step")),
        };
        self.post(n, Event::Flight(id, report), rules, defect)
    }

    fn attempt(&mut self, n: usize, step: &Effect) {
        if matches!(step, Effect::Commit(_, Write::Tokens)) {
            self.hosts[n].attempted = true;
        }
    }

    /// Whether host `n` may still write: its lease has not been lost to another.
    fn fenced(&self, n: usize, defect: Defect) -> bool {
        self.store.holder == Some(n) || defect.skips_the_lock()
    }

    fn journal(&mut self, n: usize, grant: Grant, defect: Defect) -> Report {
        if !self.fenced(n, defect) {
            self.hosts[n].seen = self.store.record.clone();
            return Report::Superseded(Box::new(self.store.record.view()));
        }
        let now = self.time();
        let host = &mut self.hosts[n];
        if let Some(flight) = &mut host.flight {
            flight.journaled = true;
        }
        let record = &mut self.store.record;
        match grant {
            Grant::Refresh if !defect.skips_the_journal() => {
                let Some(refresh) = host.held.and_then(|held| held.refresh) else {
                    return Report::Journaled;
                };
                let before = record.journal.filter(|journal| journal.refresh == name(refresh));
                record.journal = Some(JournalView {
                    refresh: name(refresh),
                    sent_at: before.map_or(now, |journal| journal.sent_at),
                    attempt: before.map_or(0, |journal| journal.attempt) + 1,
                });
            }
            Grant::SignIn { explicit: false } => record.sign_ins += 1,
            Grant::Answer => {
                if let Some(challenge) = &mut record.challenge {
                    challenge.claimed = !defect.skips_the_claim();
                }
            }
            Grant::SignIn { .. } | Grant::Refresh | Grant::Revoke | Grant::Save => {}
        }
        Report::Journaled
    }

    fn send(
        &mut self,
        n: usize,
        grant: Grant,
        outcome: Outcome,
        defect: Defect,
    ) -> Result<Answer, Broken> {
        let transport = Failure::new(ErrorKind::Transport);
        if outcome == Outcome::NotSent || (grant != Grant::Revoke && !self.fenced(n, defect)) {
            return Ok(Answer::Lost(Delivery::NotSent, transport));
        }
        if outcome == Outcome::LostRequest {
            return Ok(Answer::Lost(Delivery::Unknown, transport));
        }
        let lost = outcome == Outcome::LostAnswer;
        if lost && defect.clears_the_journal() {
            self.store.record.journal = None;
        }
        let locked = self.hosts[n].flight.as_ref().is_some_and(|flight| flight.locked);
        if grant != Grant::Revoke && !locked {
            return Err("lock-before-send".into());
        }
        let (now, held, counter) = (self.time(), self.hosts[n].held, self.store.record.counter);
        let counter = counter.max(held.map_or(0, |held| held.generation.counter));
        let provider = &mut self.provider;
        if let Some(answer) = plain_failure(outcome) {
            return Ok(answer);
        }
        let tokens = match grant {
            Grant::Refresh => {
                let Some(refresh) = held.and_then(|held| held.refresh) else {
                    return Err("refresh: there is something to send".into());
                };
                if provider.refused_refresh == Some(refresh) {
                    return Err("dead-stays-dead: a refused refresh token is not sent again".into());
                }
                match outcome {
                    Outcome::RefusedCertainly => {
                        provider.revoke();
                        return Ok(refused(ErrorKind::InvalidGrant, Certainty::Certain));
                    }
                    Outcome::RefusedPossibly => {
                        return Ok(refused(ErrorKind::InvalidGrant, Certainty::Possible));
                    }
                    _ => {}
                }
                if provider.spent_for_good(refresh, now) {
                    return Err("never-twice: a spent refresh token is never sent again".into());
                }
                if !provider.takes(refresh, now) {
                    return Ok(refused(ErrorKind::InvalidGrant, Certainty::Certain));
                }
                let journaled = self.hosts[n].flight.as_ref().is_some_and(|f| f.journaled);
                if matches!(provider.refresh, RefreshSupport::Rotating { .. }) && !journaled {
                    return Err("journal-before-send".into());
                }
                provider.give(counter, Some(refresh), now)
            }
            Grant::SignIn { explicit } => {
                if provider.locked_until.is_some_and(|until| until > now) {
                    return Err("lockout: no sign-in before its end".into());
                }
                if provider.refused_password && !explicit {
                    return Err("refused-secret: not sent again by itself, by anyone".into());
                }
                match outcome {
                    Outcome::RefusedCertainly => {
                        return Ok(refused(ErrorKind::InvalidGrant, Certainty::Certain));
                    }
                    Outcome::RefusedPossibly => {
                        return Ok(refused(ErrorKind::InvalidGrant, Certainty::Possible));
                    }
                    Outcome::Locked => {
                        let until = now.after(second() * LOCKOUT as u32);
                        let recovery = Recovery::WaitUntil(until);
                        return Ok(Answer::Refused(Failure {
                            recovery,
                            ..Failure::new(ErrorKind::AccountLocked)
                        }));
                    }
                    Outcome::Challenge => {
                        provider.challenges += 1;
                        provider.answers = 0;
                        let id = name(200 + provider.challenges);
                        let expires_at = now.after(second() * 3);
                        let view =
                            ChallengeView { id, expires_at, claimed: false, reanswerable: true };
                        self.hosts[n].seen.challenge = Some(view);
                        return Ok(Answer::Challenge(view));
                    }
                    _ => {}
                }
                provider.give(counter, None, now)
            }
            Grant::Answer => {
                match outcome {
                    Outcome::RefusedCertainly => {
                        return Ok(refused(ErrorKind::CodeMismatch, Certainty::Certain));
                    }
                    Outcome::RefusedPossibly => {
                        return Ok(refused(ErrorKind::ChallengeExpired, Certainty::Certain));
                    }
                    _ => {}
                }
                provider.answers += 1;
                if provider.answers > 1 {
                    return Err("one-answer: exactly one good answer is sent".into());
                }
                provider.give(counter, None, now)
            }
            Grant::Revoke => {
                provider.revoke();
                provider.revoked_to = u32::from(provider.given);
                return Ok(if lost {
                    Answer::Lost(Delivery::Unknown, transport)
                } else {
                    Answer::Done
                });
            }
            Grant::Save => return Err("save: nothing is sent".into()),
        };
        if lost {
            return Ok(Answer::Lost(Delivery::Unknown, transport));
        }
        self.hosts[n].answer = Some(tokens);
        self.hosts[n].attempted = false;
        Ok(Answer::Tokens { held: tokens.held(&Record::default()), progress: true })
    }

    fn commit(&mut self, n: usize, write: Write, defect: Defect) -> Result<Report, Broken> {
        if !self.fenced(n, defect) {
            self.hosts[n].seen = self.store.record.clone();
            return Ok(Report::Superseded(Box::new(self.store.record.view())));
        }
        let host = &mut self.hosts[n];
        let record = &mut self.store.record;
        // From here on everybody could know; a process that dies before it may try once more.
        let known = &mut self.provider;
        match write {
            Write::RefreshDead => known.refused_refresh = host.held.and_then(|held| held.refresh),
            Write::Refused(Certainty::Certain) => known.refused_password = true,
            Write::LockedUntil(until) => known.locked_until = Some(until),
            _ => {}
        }
        if defect.drops(write) {
            return Ok(Report::Committed);
        }
        match write {
            Write::Tokens => {
                let Some(tokens) = host.answer.or(host.held) else {
                    return Err("commit: what is written is at hand".into());
                };
                record.kept = record.tokens.is_some_and(|old| old.refresh == tokens.refresh);
                (record.tokens, record.counter) = (Some(tokens), tokens.generation.counter);
                (record.journal, record.challenge, record.refused) = (None, None, None);
                (record.ended, record.dead, record.suspicion) = (false, None, 0);
            }
            Write::Challenge => record.challenge = host.seen.challenge,
            Write::Refused(certainty) => record.refuse(certainty),
            Write::LockedUntil(until) => record.locked_until = Some(until),
            Write::RefreshDead => record.dead = host.held.and_then(|held| held.refresh),
            Write::Suspect => (record.suspicion, record.journal) = (record.suspicion + 1, None),
            Write::ClearJournal => record.journal = None,
            Write::Unclaim => {
                if let Some(challenge) = &mut record.challenge {
                    challenge.claimed = false;
                }
            }
            Write::DropChallenge => record.challenge = None,
            Write::Tombstone => {
                (record.tokens, record.journal, record.challenge) = (None, None, None);
                record.ended = true;
            }
        }
        Ok(Report::Committed)
    }

    /// What must hold between any two events.
    fn check(&self, rules: &Rules) -> Result<(), Broken> {
        let now = self.time();
        for host in &self.hosts {
            let machine = &host.machine;
            if let Some(held) = machine.served().filter(|held| held.expires_at > now)
                && host.published != Some(held.generation)
                && !host.ending
            {
                return Err(format!(
                    "serve-while-good: {} hands out nothing",
                    machine.status().as_str()
                ));
            }
            let served = machine.served().map(|held| held.generation);
            if host.published.is_some() && host.published != served {
                return Err("refused-is-gone: what is refused or ended is not handed out".into());
            }
            let resting = machine.exchange().is_none();
            if resting != host.flight.is_none() {
                return Err("flight-ends: the driver is told when a flight is over".into());
            }
            let asks = match machine.status() {
                Status::SignedOut => true,
                Status::ReauthRequired => !automatic(rules) || host.due.is_none(),
                _ => false,
            };
            if resting && !asks && host.due.is_none() {
                return Err(format!("alive: {} waits for nothing", machine.status().as_str()));
            }
        }
        Ok(())
    }
}

fn begin(host: &mut Host, id: ExchangeId, step: Effect) -> Result<(), Broken> {
    if host.flight.is_some() {
        return Err("one-flight: at most one per session".into());
    }
    host.flight = Some(Flight { id, step: Some(step), locked: false, journaled: false });
    Ok(())
}

fn automatic(rules: &Rules) -> bool {
    !matches!(rules.reauthentication, countersign_core::session::Reauthentication::Manual)
}

fn second() -> std::time::Duration {
    std::time::Duration::from_secs(1)
}

fn refused(kind: ErrorKind, certainty: Certainty) -> Answer {
    Answer::Refused(Failure { certainty, ..Failure::new(kind) })
}

fn plain_failure(outcome: Outcome) -> Option<Answer> {
    (outcome == Outcome::Unavailable)
        .then(|| Answer::Refused(Failure::new(ErrorKind::TemporarilyUnavailable)))
}

/// What can go wrong with a step.
fn faults_of(step: &Effect, challenges: u8) -> &'static [Outcome] {
    use Outcome::*;
    match step {
        Effect::Send(_, Grant::SignIn { .. }) if challenges == 0 => &[
            FlightLost,
            NotSent,
            LostRequest,
            LostAnswer,
            Unavailable,
            RefusedCertainly,
            RefusedPossibly,
            Locked,
            Challenge,
        ],
        Effect::Send(_, Grant::SignIn { .. }) => &[LostAnswer, RefusedCertainly, Locked],
        Effect::Send(_, Grant::Revoke) => &[FlightLost, NotSent, LostAnswer],
        Effect::Send(..) => &[
            FlightLost,
            NotSent,
            LostRequest,
            LostAnswer,
            Unavailable,
            RefusedCertainly,
            RefusedPossibly,
        ],
        _ => &[Fails, FlightLost],
    }
}

/// A stale report: tokens for an exchange that is over.
pub(crate) fn stale_report() -> Event {
    let refresh = HeldRefresh { token: name(99), expires_at: None, used: 0, dead: false };
    let held = Held {
        generation: Generation { counter: 99, tag: 99 },
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::MAX,
        refresh: Some(refresh),
    };
    let answer = Answer::Tokens { held, progress: true };
    Event::Flight(ExchangeId(77), Report::Answered(answer))
}

/// Whether the provider can revoke in this walk.
pub(crate) fn revoke() -> RevokeSupport {
    RevokeSupport::Family
}
