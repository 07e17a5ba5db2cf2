//! Whether an exchange may be sent now, by auth origin and client.

mod lane;
mod state;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use countersign_core::{Monotonic, Timestamp};

pub use lane::{Lane, LaneLimits};

use crate::backoff::capped;
use crate::jitter::Spread;
use crate::now::Now;
use state::State;

/// Limits and thresholds of an [`Admission`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BudgetSettings {
    /// For lanes that name none of their own.
    pub limits: LaneLimits,
    /// So many transient failures in a row, of whichever sessions, open the circuit of a lane.
    pub open_after: u32,
    /// How long it stays open the first time; doubles with each failed probe.
    pub open_for: Duration,
    /// How long it stays open at most.
    pub open_cap: Duration,
    /// No throttle is obeyed for longer than this.
    pub throttle_cap: Duration,
    /// A permit that is not settled within this is taken back: its exchange was lost. Longer than
    /// the deadline of any exchange.
    pub lease: Duration,
    /// How many lanes are remembered; beyond, idle ones are forgotten, then the least recently used.
    pub max_lanes: usize,
}

impl Default for BudgetSettings {
    /// A circuit after 5 failures, 5 s to 60 s; throttles up to 15 minutes; permits for 2 minutes;
    /// 16,384 lanes.
    fn default() -> Self {
        Self {
            limits: LaneLimits::default(),
            open_after: 5,
            open_for: Duration::from_secs(5),
            open_cap: Duration::from_secs(60),
            throttle_cap: Duration::from_secs(15 * 60),
            lease: Duration::from_secs(120),
            max_lanes: 16_384,
        }
    }
}

/// Who waits for the exchange.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Caller {
    /// Nobody: a renewal in time. Leaves a quarter of the burst to those who wait.
    Background,
    /// Somebody.
    Waiting,
}

/// May it be sent?
#[derive(Debug)]
#[must_use]
pub enum Admit {
    /// Yes; the permit is settled afterwards.
    Go(Permit),
    /// Not now; ask again at `until`. Everybody who is told to wait is told another instant, a slot
    /// of the lane's rate apart, so that they do not all come back at once.
    Wait {
        /// When to ask again.
        until: Monotonic,
        /// Why.
        why: Why,
    },
}

/// Why an exchange has to wait.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Why {
    /// As many exchanges as allowed are under way.
    Busy,
    /// The lane fails; nothing is sent until its circuit closes, but one probe at a time.
    CircuitOpen,
    /// The lane's own rate is used up.
    Rate,
    /// The server asked everybody to wait.
    Throttled,
}

/// The right to send one exchange; handed back to [`Admission::settle`].
#[derive(Debug)]
#[must_use]
pub struct Permit {
    lane: Lane,
    id: u64,
}

/// How an exchange ended, as far as its lane is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Settled {
    /// The server answered: success, a refusal or a throttle. The lane works.
    Answered,
    /// A transient failure: no answer, or one that says the server is down.
    Failed,
    /// Nothing was sent; the permit's share of the rate is given back.
    Unused,
}

/// What became of a server's wish that nobody ask before an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Throttled {
    /// Until when it is obeyed.
    pub until: Timestamp,
    /// The server asked for longer.
    pub capped: bool,
}

/// Rates, throttles, circuits and concurrency of all lanes. Each lane is its own: one tenant's
/// outage or throttle is not another's.
#[derive(Debug)]
pub struct Admission {
    settings: BudgetSettings,
    replica: u64,
    lanes: HashMap<Lane, State>,
    next_id: u64,
}

impl Admission {
    /// With nothing known about any lane. `replica` is the number that [`crate::Planner`] has too.
    pub fn new(settings: BudgetSettings, replica: u64) -> Self {
        Self { settings, replica, lanes: HashMap::new(), next_id: 0 }
    }

    /// Asks to send an exchange on `lane`.
    pub fn admit(&mut self, lane: &Lane, caller: Caller, now: Monotonic) -> Admit {
        self.admit_again(lane, caller, None, now)
    }

    /// The same for who was told to wait until `told` and asks before that: as long as the wait lasts, that
    /// instant stays its own, so that whoever asks again and again takes no other's.
    pub fn admit_again(
        &mut self,
        lane: &Lane,
        caller: Caller,
        told: Option<Monotonic>,
        now: Monotonic,
    ) -> Admit {
        self.make_room(lane, now);
        let id = self.next_id;
        let settings = self.settings;
        let limits = lane.limits().unwrap_or(settings.limits);
        let state = self.lanes.entry(lane.clone()).or_insert_with(|| State::new(now));
        match state.admit(id, (caller, told), &limits, &settings, now) {
            Ok(()) => {
                self.next_id += 1;
                Admit::Go(Permit { lane: lane.clone(), id })
            }
            Err((until, why)) => Admit::Wait { until, why },
        }
    }

    /// How many exchanges of `lane` may be under way.
    pub fn concurrency(&self, lane: &Lane) -> usize {
        lane.limits().unwrap_or(self.settings.limits).concurrency.max(1) as usize
    }

    /// Tells how the exchange of `permit` ended. If this opened the circuit, says until when.
    pub fn settle(&mut self, permit: Permit, how: Settled, now: Monotonic) -> Option<Monotonic> {
        let spread = self.spread(permit.id);
        let settings = self.settings;
        let limits = permit.lane.limits().unwrap_or(settings.limits);
        self.lanes.get_mut(&permit.lane)?.settle(permit.id, how, &limits, &settings, spread, now)
    }

    /// A server said, to whichever session, that nobody ask before `until` (`Retry-After`,
    /// `X-Throttle-Reset`). Obeyed by every session of the lane, up to the cap; a later wish is not
    /// shortened by an earlier one.
    pub fn throttle(&mut self, lane: &Lane, until: Timestamp, now: Now) -> Throttled {
        let (until, capped) = capped(until, now.wall, self.settings.throttle_cap);
        let wait = until.since(now.wall);
        // Replicas that were told the same instant do not come back in the same instant.
        let spread = self.spread(self.next_id).of((wait / 10).min(Duration::from_secs(5)));
        self.make_room(lane, now.mono);
        let state = self.lanes.entry(lane.clone()).or_insert_with(|| State::new(now.mono));
        state.throttle(now.mono_at(until).after(spread));
        Throttled { until, capped }
    }

    /// How many lanes are remembered.
    pub fn n_lanes(&self) -> usize {
        self.lanes.len()
    }

    fn spread(&self, n: u64) -> Spread {
        Spread::seeded(self.replica ^ n.rotate_left(32))
    }

    fn make_room(&mut self, lane: &Lane, now: Monotonic) {
        let most = self.settings.max_lanes.max(1);
        if self.lanes.len() < most || self.lanes.contains_key(lane) {
            return;
        }
        self.lanes.retain(|_, state| !state.is_idle(now));
        if self.lanes.len() < most {
            return;
        }
        // All are in use: an eighth of them goes at once, so that the next ones find room.
        let mut ages: Vec<Monotonic> = self.lanes.values().map(State::last_used).collect();
        let (_, cut, _) = ages.select_nth_unstable(most / 8);
        let cut = *cut;
        let mut surplus = self.lanes.len() - (most - 1 - most / 8).min(self.lanes.len());
        self.lanes.retain(|_, state| {
            let goes = surplus > 0 && state.last_used() <= cut;
            surplus -= usize::from(goes);
            !goes
        });
    }
}
