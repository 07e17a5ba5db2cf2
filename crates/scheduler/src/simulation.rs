//! A day of many sessions in virtual time: the real [`Planner`], [`Admission`] and [`Queue`], with a
//! provider that answers after a while or, in an outage, fails.
//!
//! It answers what a plan on paper cannot: how late renewals come, how many exchanges a second the
//! provider sees at most, and what an hour of outage costs. Nothing waits and no clock is read, so that a
//! day of a million sessions takes a minute of processor time, and the same day is the same report.
//!
//! ```
//! use std::time::Duration;
//! use countersign_scheduler::simulation::{Day, Outage};
//!
//! let hour = Duration::from_secs(3600);
//! let quiet = Day { sessions: 500, ..Day::default() };
//! let report = quiet.run();
//! assert_eq!((report.failed, report.expired), (0, 0));
//!
//! let outage = Outage { begins: 8 * hour, lasts: hour };
//! let report = Day { outages: vec![outage], ..quiet }.run();
//! assert!(report.expired > 400, "an hour is longer than what is left of an hour's token");
//! ```

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use countersign_core::{
    Generation, KeyDigest, Monotonic, Origin, ProviderId, Realm, SessionKey, Timestamp,
};

use crate::backoff::Failure;
use crate::budget::{Admission, Admit, BudgetSettings, Caller, Lane, Permit, Settled};
use crate::lateness::Lateness;
use crate::now::Now;
use crate::plan::{Planner, Purpose, Request};
use crate::queue::Queue;

/// What happens on the day. All sessions are in use all the time, of one origin and client.
#[derive(Clone, Debug)]
pub struct Day {
    /// How many sessions.
    pub sessions: u32,
    /// How long their tokens live. On the day's morning their ages are even.
    pub life: Duration,
    /// How long the day is.
    pub lasts: Duration,
    /// How long an exchange takes.
    pub exchange: Duration,
    /// When the provider is down: every exchange that ends in one of these fails.
    pub outages: Vec<Outage>,
    /// The budget of the origin and client.
    pub budgets: BudgetSettings,
    /// How many exchanges are under way at most.
    pub workers: usize,
    /// When what is due.
    pub planner: Planner,
}

/// A time in which the provider is down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outage {
    /// From this time of the day on.
    pub begins: Duration,
    /// For so long.
    pub lasts: Duration,
}

/// What a day was like.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DayReport {
    /// Exchanges that brought a token.
    pub renewed: u64,
    /// Exchanges that failed.
    pub failed: u64,
    /// How often leave was asked for and not given.
    pub put_off: u64,
    /// How long after the planned instant of its renewal each token was renewed.
    pub lateness: Lateness,
    /// The most exchanges that were sent within one second.
    pub peak_rate: u64,
    /// The average over the day.
    pub mean_rate: f64,
    /// How often a session had no good token for a while.
    pub expired: u64,
    /// For how long, over all sessions.
    pub without_token: Duration,
    /// For how long at most.
    pub longest_without: Duration,
    /// How long after the end of the last outage the last session had a good token again; `None` where
    /// some have none at the end of the day.
    pub recovered_after: Option<Duration>,
    /// The most sessions that were due and waited for a worker.
    pub deepest_queue: usize,
}

impl Default for Day {
    /// A thousand sessions whose tokens live an hour, and a provider that answers in 50 ms.
    fn default() -> Self {
        Self {
            sessions: 1_000,
            life: Duration::from_secs(3_600),
            lasts: Duration::from_secs(86_400),
            exchange: Duration::from_millis(50),
            outages: Vec::new(),
            budgets: BudgetSettings::default(),
            workers: 1_024,
            planner: Planner::new(1, countersign_core::EarliestRefresh::Anytime),
        }
    }
}

impl Day {
    /// Lets the day pass.
    pub fn run(&self) -> DayReport {
        let mut world = World::new(self);
        while let Some(at) = world.next().filter(|at| at.elapsed() < self.lasts) {
            world.now = at;
            world.land();
            world.take_off();
        }
        world.now = Monotonic::from_start(self.lasts);
        world.report()
    }

    fn is_down(&self, at: Monotonic) -> bool {
        let at = at.elapsed();
        self.outages.iter().any(|outage| outage.begins <= at && at < outage.begins + outage.lasts)
    }
}

/// One session: as little as is needed of it.
struct Session {
    key: KeyDigest,
    expires_at: Timestamp,
    /// When it was meant to be renewed.
    planned: Timestamp,
    generation: u32,
    attempt: u32,
    failing_since: Option<Timestamp>,
}

struct World<'a> {
    day: &'a Day,
    now: Monotonic,
    sessions: Vec<Session>,
    queue: Queue,
    admission: Admission,
    lane: Lane,
    /// What is under way, first ones first: every exchange takes the same time.
    flights: VecDeque<(Monotonic, u32, Permit)>,
    /// Exchanges sent in each second of the day.
    rates: HashMap<u64, u64>,
    last_recovery: Monotonic,
    report: DayReport,
}

impl<'a> World<'a> {
    fn new(day: &'a Day) -> Self {
        let origin = Origin::from_parts("https", "auth.example", None);
        let realm = Realm::new(origin.unwrap_or_else(|_| unreachable!("a constant")));
        let mut world = Self {
            day,
            now: Monotonic::default(),
            sessions: Vec::with_capacity(day.sessions as usize),
            queue: Queue::new(),
            admission: Admission::new(day.budgets, day.planner.replica),
            lane: Lane::of(&realm),
            flights: VecDeque::new(),
            rates: HashMap::new(),
            last_recovery: Monotonic::default(),
            report: DayReport::new(),
        };
        let provider = ProviderId::new("simulation");
        for n in 0..day.sessions {
            let key = SessionKey::new(provider, &realm, &n.to_string()).digest();
            // What is left of the first token is even, from nothing to what a renewal leaves.
            let age = day.life.mul_f64(f64::from(n) / f64::from(day.sessions.max(1)));
            let age = age.min(day.life.mul_f64(0.65));
            let issued_at = world.wall().before(age);
            world.sessions.push(Session {
                key,
                expires_at: issued_at.after(day.life),
                planned: world.wall(),
                generation: 1,
                attempt: 0,
                failing_since: None,
            });
            world.plan_renewal(n);
        }
        world
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000).after(self.now.elapsed())
    }

    fn both(&self) -> Now {
        Now { wall: self.wall(), mono: self.now }
    }

    fn next(&self) -> Option<Monotonic> {
        let landing = self.flights.front().map(|(at, ..)| *at);
        // Whoever is due while nobody is free waits for a landing.
        let due = self.queue.next_due().filter(|_| self.flights.len() < self.day.workers);
        [landing, due].into_iter().flatten().min().map(|at| at.max(self.now))
    }

    /// Exchanges end.
    fn land(&mut self) {
        while let Some((at, ..)) = self.flights.front()
            && *at <= self.now
            && let Some((_, slot, permit)) = self.flights.pop_front()
        {
            let failed = self.day.is_down(self.now);
            let how = if failed { Settled::Failed } else { Settled::Answered };
            self.admission.settle(permit, how, self.now);
            if failed { self.fail(slot) } else { self.renew(slot) }
        }
    }

    /// Whoever is due asks for leave, as far as there are workers.
    fn take_off(&mut self) {
        let room = self.day.workers.saturating_sub(self.flights.len());
        for (slot, _) in self.queue.pop_due(self.now, room) {
            match self.admission.admit(&self.lane, Caller::Background, self.now) {
                Admit::Go(permit) => {
                    *self.rates.entry(self.now.elapsed().as_secs()).or_default() += 1;
                    self.flights.push_back((self.now.after(self.day.exchange), slot, permit));
                }
                Admit::Wait { until, .. } => {
                    self.report.put_off += 1;
                    let until = self.both().wall_at(until);
                    self.plan_retry(slot, until);
                }
            }
        }
        if self.flights.len() >= self.day.workers {
            let waiting = self.queue.n_due(self.now);
            self.report.deepest_queue = self.report.deepest_queue.max(waiting);
        }
    }

    fn renew(&mut self, slot: u32) {
        let (wall, sent_at) = (self.wall(), self.wall().before(self.day.exchange));
        let session = &mut self.sessions[slot as usize];
        self.report.renewed += 1;
        self.report.lateness.record(sent_at.since(session.planned));
        if wall > session.expires_at {
            let without = wall.since(session.expires_at);
            self.report.lack(without);
            self.last_recovery = self.now;
        }
        session.expires_at = sent_at.after(self.day.life);
        session.generation += 1;
        (session.attempt, session.failing_since) = (0, None);
        self.plan_renewal(slot);
    }

    fn fail(&mut self, slot: u32) {
        self.report.failed += 1;
        let wall = self.wall();
        let session = &mut self.sessions[slot as usize];
        session.attempt += 1;
        session.failing_since.get_or_insert(wall);
        self.plan_retry(slot, wall);
    }

    fn plan_renewal(&mut self, slot: u32) {
        let session = &self.sessions[slot as usize];
        let (expires_at, life) = (session.expires_at, self.day.life);
        let purpose = Purpose::Refresh { issued_at: expires_at.before(life), expires_at };
        let at = self.appoint(slot, purpose, self.wall());
        self.sessions[slot as usize].planned = at;
    }

    fn plan_retry(&mut self, slot: u32, not_before: Timestamp) {
        let session = &self.sessions[slot as usize];
        let since = session.failing_since.unwrap_or_else(|| self.wall()).max(not_before);
        let failure = Failure { attempt: session.attempt.max(1), since, hint: None };
        self.appoint(slot, Purpose::Retry(failure), not_before);
    }

    fn appoint(&mut self, slot: u32, purpose: Purpose, not_before: Timestamp) -> Timestamp {
        let session = &self.sessions[slot as usize];
        let request = Request {
            purpose,
            not_before,
            at_latest: Timestamp::MAX,
            session: session.key,
            generation: Generation { counter: session.generation.into(), tag: slot },
        };
        let due = self.day.planner.due(&request, self.wall()).at;
        self.queue.schedule(slot, self.both().mono_at(due));
        due
    }

    fn report(mut self) -> DayReport {
        let wall = self.wall();
        let lacking: Vec<Duration> = self
            .sessions
            .iter()
            .filter(|session| session.expires_at < wall)
            .map(|session| wall.since(session.expires_at))
            .collect();
        lacking.iter().for_each(|without| self.report.lack(*without));
        let ends = self.day.outages.iter().map(|outage| outage.begins + outage.lasts).max();
        let ends = Monotonic::from_start(ends.unwrap_or_default());
        let report = &mut self.report;
        report.recovered_after = lacking.is_empty().then(|| self.last_recovery.since(ends));
        report.peak_rate = self.rates.values().copied().max().unwrap_or_default();
        let sent: u64 = self.rates.values().sum();
        report.mean_rate = sent as f64 / self.day.lasts.as_secs_f64().max(1.0);
        self.report
    }
}

impl DayReport {
    fn new() -> Self {
        Self {
            renewed: 0,
            failed: 0,
            put_off: 0,
            lateness: Lateness::new(),
            peak_rate: 0,
            mean_rate: 0.0,
            expired: 0,
            without_token: Duration::ZERO,
            longest_without: Duration::ZERO,
            recovered_after: None,
            deepest_queue: 0,
        }
    }

    fn lack(&mut self, without: Duration) {
        self.expired += 1;
        self.without_token += without;
        self.longest_without = self.longest_without.max(without);
    }
}

#[cfg(test)]
mod tests;
