//! The state of one lane: rate, throttle, circuit and what is under way.

use std::time::Duration;

use countersign_core::Monotonic;

use super::{BudgetSettings, Caller, LaneLimits, Settled, Why};
use crate::jitter::Spread;

/// Slots of those who wait are at least this far apart, also where the rate has no limit.
const SLOT: Duration = Duration::from_millis(1);

/// How soon to ask again while somebody else's exchange decides.
const ASK_AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct State {
    /// When the bucket is full again (the virtual scheduling of ITU-T I.371): each exchange moves it
    /// by one interval, and it may be ahead of the present by the burst.
    full_at: Monotonic,
    throttled_until: Monotonic,
    circuit: Circuit,
    /// Permits under way and when each is taken back.
    under_way: Vec<(u64, Monotonic)>,
    /// The next free slots of those who wait: background, waiting.
    slots: [Monotonic; 2],
    last_used: Monotonic,
}

#[derive(Debug)]
enum Circuit {
    Closed { failures: u32 },
    Open { until: Monotonic, trips: u32 },
    Probing { permit: u64, trips: u32 },
}

impl State {
    pub(super) fn new(now: Monotonic) -> Self {
        Self {
            full_at: now,
            throttled_until: now,
            circuit: Circuit::Closed { failures: 0 },
            under_way: Vec::new(),
            slots: [now; 2],
            last_used: now,
        }
    }

    pub(super) fn admit(
        &mut self,
        id: u64,
        (caller, told): (Caller, Option<Monotonic>),
        limits: &LaneLimits,
        settings: &BudgetSettings,
        now: Monotonic,
    ) -> Result<(), (Monotonic, Why)> {
        self.last_used = now;
        self.take_back_lost_permits(now);
        let obstacle = if self.throttled_until > now {
            Some((self.throttled_until, Why::Throttled))
        } else {
            self.circuit_obstacle(now)
                .map(|until| (until, Why::CircuitOpen))
                .or_else(|| {
                    let busy = self.under_way.len() >= limits.concurrency.max(1) as usize;
                    busy.then(|| (now.after(ASK_AGAIN), Why::Busy))
                })
                .or_else(|| self.rate_obstacle(caller, limits, now).map(|at| (at, Why::Rate)))
        };
        if let Some((until, why)) = obstacle {
            return Err((self.slot(caller, told, until, limits), why));
        }
        self.full_at = self.full_at.max(now).after(limits.interval);
        self.under_way.push((id, now.after(settings.lease)));
        if let Circuit::Open { trips, .. } = self.circuit {
            self.circuit = Circuit::Probing { permit: id, trips };
        }
        Ok(())
    }

    pub(super) fn settle(
        &mut self,
        id: u64,
        how: Settled,
        limits: &LaneLimits,
        settings: &BudgetSettings,
        spread: Spread,
        now: Monotonic,
    ) -> Option<Monotonic> {
        self.last_used = now;
        let held = self.under_way.iter().position(|(permit, _)| *permit == id);
        if let Some(n) = held {
            self.under_way.swap_remove(n);
        }
        let probes = matches!(self.circuit, Circuit::Probing { permit, .. } if permit == id);
        match (how, &self.circuit) {
            (Settled::Answered, Circuit::Closed { .. }) => {
                self.circuit = Circuit::Closed { failures: 0 };
                None
            }
            (Settled::Answered, Circuit::Open { .. } | Circuit::Probing { .. }) => {
                self.circuit = Circuit::Closed { failures: 0 };
                self.slots = [now; 2];
                None
            }
            (Settled::Failed, Circuit::Closed { failures }) => {
                let failures = failures.saturating_add(1);
                if failures >= settings.open_after.max(1) {
                    return Some(self.open(0, settings, spread, now));
                }
                self.circuit = Circuit::Closed { failures };
                None
            }
            (Settled::Failed, Circuit::Probing { trips, .. }) if probes => {
                Some(self.open(trips.saturating_add(1), settings, spread, now))
            }
            // Sent before the circuit opened: it is open already.
            (Settled::Failed, Circuit::Open { .. } | Circuit::Probing { .. }) => None,
            (Settled::Unused, circuit) => {
                if let Circuit::Probing { trips, .. } = circuit
                    && probes
                {
                    self.circuit = Circuit::Open { until: now, trips: *trips };
                }
                if held.is_some() {
                    let given_back = self.full_at.elapsed().saturating_sub(limits.interval);
                    self.full_at = Monotonic::from_start(given_back);
                }
                None
            }
        }
    }

    pub(super) fn throttle(&mut self, until: Monotonic) {
        self.throttled_until = self.throttled_until.max(until);
    }

    /// Whether forgetting this lane changes nothing.
    pub(super) fn is_idle(&self, now: Monotonic) -> bool {
        matches!(self.circuit, Circuit::Closed { failures: 0 })
            && self.under_way.iter().all(|(_, lost_at)| *lost_at <= now)
            && self.throttled_until <= now
            && self.full_at <= now
            && self.slots.iter().all(|slot| *slot <= now)
    }

    pub(super) const fn last_used(&self) -> Monotonic {
        self.last_used
    }

    fn open(
        &mut self,
        trips: u32,
        settings: &BudgetSettings,
        spread: Spread,
        now: Monotonic,
    ) -> Monotonic {
        let span =
            settings.open_for.saturating_mul(2_u32.saturating_pow(trips)).min(settings.open_cap);
        // Replicas that saw one outage begin do not all probe in one instant.
        let until = now.after(spread.between(span - span / 4, span));
        self.circuit = Circuit::Open { until, trips };
        until
    }

    fn circuit_obstacle(&self, now: Monotonic) -> Option<Monotonic> {
        match self.circuit {
            Circuit::Closed { .. } => None,
            Circuit::Open { until, .. } => (until > now).then_some(until),
            Circuit::Probing { .. } => Some(now.after(ASK_AGAIN)),
        }
    }

    fn rate_obstacle(
        &self,
        caller: Caller,
        limits: &LaneLimits,
        now: Monotonic,
    ) -> Option<Monotonic> {
        let burst = match caller {
            Caller::Background => limits.burst - limits.burst / 4,
            Caller::Waiting => limits.burst,
        };
        let ahead = limits.interval.saturating_mul(burst.max(1) - 1);
        if self.full_at <= now.after(ahead) {
            return None;
        }
        Some(Monotonic::from_start(self.full_at.elapsed().saturating_sub(ahead)))
    }

    /// The next slot at or after `at` that nobody of this kind was told; the one that this caller was `told`, if
    /// that still holds and is no later.
    fn slot(
        &mut self,
        caller: Caller,
        told: Option<Monotonic>,
        at: Monotonic,
        limits: &LaneLimits,
    ) -> Monotonic {
        let slot = match caller {
            Caller::Background => &mut self.slots[0],
            Caller::Waiting => &mut self.slots[1],
        };
        let mine = (*slot).max(at);
        if let Some(told) = told.filter(|told| (at..=mine).contains(told)) {
            return told;
        }
        *slot = mine.after(limits.interval.max(SLOT));
        mine
    }

    fn take_back_lost_permits(&mut self, now: Monotonic) {
        self.under_way.retain(|(_, lost_at)| *lost_at > now);
        if let Circuit::Probing { permit, trips } = self.circuit
            && !self.under_way.iter().any(|(id, _)| *id == permit)
        {
            self.circuit = Circuit::Open { until: now, trips };
        }
    }
}
