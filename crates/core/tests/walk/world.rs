//! Two hosts over the world, and every single thing that can happen next.

use std::time::Duration;

use countersign_core::session::{
    Answer, Appointment, Effect, Event, ExchangeId, Held, HeldRefresh, Machine, Report, Rules,
    Status,
};
use countersign_core::{Generation, RefreshSupport, RevokeSupport, Timestamp};

use crate::answers::faults_of;
use crate::defect::Defect;
use crate::model::{LIFE, Provider, Record, Store, Tokens, name};

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
    pub(crate) held: Option<Tokens>,
    pub(crate) answer: Option<Tokens>,
    pub(crate) seen: Record,
    pub(crate) published: Option<Generation>,
    pub(crate) due: Option<Appointment>,
    /// The caller has ended the session and not begun another.
    pub(crate) ending: bool,
    /// It has read the record since, under the lock or as ended.
    pub(crate) knows: bool,
    /// How many sessions had been begun by name when he did.
    pub(crate) begun: u8,
    /// The last that the caller has asked for by name was to sign in.
    pub(crate) asked: bool,
    /// Its tokens were bought by name after so many ends, and the store has not got them yet.
    pub(crate) over: Option<u8>,
    /// The commit of `answer` was attempted.
    pub(crate) attempted: bool,
    /// The API has refused what is handed out, and nothing else is handed out yet.
    pub(crate) refused: bool,
    /// The generation that is served was bought because the one before was refused.
    pub(crate) born_of_refusal: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Flight {
    pub(crate) id: ExchangeId,
    /// The step that waits to be done; none while the machine owes the next one.
    pub(crate) step: Option<Effect>,
    pub(crate) locked: bool,
    pub(crate) journaled: bool,
    /// Somebody else has written since it has seen the record.
    pub(crate) stale: bool,
    /// The end of the session was written, as far as that went.
    pub(crate) buried: bool,
    /// The caller has asked for it by name.
    pub(crate) by_name: bool,
    /// It answers a challenge.
    pub(crate) answers: bool,
    /// How often a session had been ended when the lock was had.
    pub(crate) ends: u8,
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
    /// The scheduler says later.
    Waits,
    /// The store or the source fails.
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
                self.post(n, Event::Observed(Box::new(view)), rules, defect)?;
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

    pub(crate) fn call(
        &mut self,
        n: usize,
        call: Call,
        rules: &Rules,
        defect: Defect,
    ) -> Result<(), Broken> {
        let event = match call {
            Call::SignIn => {
                self.hosts[n].asked = true;
                Event::SignIn
            }
            Call::SignOut => {
                self.hosts[n].ending = true;
                self.hosts[n].knows = false;
                self.hosts[n].begun = self.store.begun;
                self.hosts[n].asked = false;
                Event::SignOut
            }
            Call::Wanted => Event::Wanted,
            Call::Answer => Event::Answer,
            Call::Reject => {
                let Some(generation) = self.hosts[n].published else { return Ok(()) };
                self.provider.revoked_to = self.provider.revoked_to.max(generation.tag);
                let busy = self.hosts[n].flight.is_some();
                // One that has served for half of its life was taken: its refusal is another one.
                let served = self.hosts[n].machine.served();
                let half = Duration::from_secs(LIFE as u64) / 2;
                let young = served.is_some_and(|held| self.time() < held.issued_at.after(half));
                let born = self.hosts[n].born_of_refusal && young;
                self.hosts[n].refused = true;
                self.post(n, Event::Rejected(generation), rules, defect)?;
                if born && !busy && self.hosts[n].flight.is_some() {
                    return Err(
                        "rejected-birth: a young generation born of a refusal and refused again \
                                begins no exchange"
                            .into(),
                    );
                }
                return Ok(());
            }
            Call::Observe => {
                self.hosts[n].seen = self.store.record.clone();
                Event::Observed(Box::new(self.store.record.view()))
            }
        };
        self.post(n, event, rules, defect)
    }

    /// What must hold between any two events.
    pub(crate) fn check(&self, rules: &Rules) -> Result<(), Broken> {
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

pub(crate) fn automatic(rules: &Rules) -> bool {
    !matches!(rules.reauthentication, countersign_core::session::Reauthentication::Manual)
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
