//! A wave: every session falls due at once. It goes slice by slice, and between two slices the bare client has its turn, so
//! that both meet the machine as it is at the moment.

use std::time::Duration;

use countersign_core::Clock;
use countersign_runtime::SystemClock;

use super::bare::Bare;
use super::gate::Gate;
use super::{Began, Rate, passed};
use crate::Result;
use crate::clocks::{process_cpu, wall};
use crate::server::Server;
use crate::subject::{HOUR, ShiftClock};

/// So many sessions go in a slice: more than a second's work.
const SLICE: usize = 25_000;

/// Nothing was renewed for so long: the wave has stopped.
const STUCK: Duration = Duration::from_secs(60);

/// What a wave is made with.
pub(super) struct Wave<'a> {
    pub(super) clock: &'a ShiftClock,
    pub(super) server: &'a Server,
    pub(super) gate: &'a Gate,
    pub(super) concurrency: u32,
    pub(super) sessions: usize,
}

/// How it went.
pub(super) struct Went {
    pub(super) rounds: Vec<Round>,
    /// From the jump of the clock until as many exchanges as may be under way want to send.
    pub(super) looked_ms: f64,
    /// What the look and lining up took of the processor, for each session.
    pub(super) lined_up_us: f64,
}

/// A slice, and the bare client before and after it.
pub(super) struct Round {
    pub(super) ours: Rate,
    pub(super) limit: Rate,
}

impl Wave<'_> {
    /// An hour that is let pass at once is a suspend for the keeper, which looks at every session before it renews
    /// one: the slices begin after that. All that it does before the closed gate, the lining up among it, is part of their
    /// renewals.
    pub(super) async fn run(&self, bare: &mut Bare, told: &mut impl FnMut(String)) -> Result<Went> {
        self.gate.set_open(false);
        let (jumped, lining_up) = (wall(), process_cpu());
        passed(self.clock, self.server, HOUR * 85 / 100)?;
        while self.gate.waiting() < self.concurrency {
            if wall() - jumped > STUCK {
                return Err("the wave did not begin".into());
            }
            pause(Duration::from_millis(2)).await;
        }
        let looked_ms = (wall() - jumped).as_secs_f64() * 1e3;
        quiet().await;
        let lined_up = (process_cpu() - lining_up).div_f64(self.sessions as f64);

        let (mut rounds, mut done) = (Vec::new(), 0);
        let turn = SLICE.min(self.sessions);
        let mut before = bare.renews(self.server, turn).await?;
        while done < self.sessions {
            let slice = SLICE.min(self.sessions - done);
            let (ours, renewed) = self.slice(slice).await?;
            let ours = ours.with(lined_up);
            done += renewed;
            let after = bare.renews(self.server, turn).await?;
            told(format!(
                "keeper: {:.0} refreshes/s, bare client: {:.0} before and {:.0} after",
                ours.per_second, before.per_second, after.per_second
            ));
            // What is left over is too little to tell anything.
            if renewed * 2 >= turn {
                rounds.push(Round { ours, limit: before.between(&after) });
            }
            before = after;
        }
        self.gate.set_open(true);
        let lined_up_us = lined_up.as_secs_f64() * 1e6;
        Ok(Went { rounds, looked_ms, lined_up_us })
    }

    /// Lets at least so many be renewed; how fast that went, and how many they were in all.
    async fn slice(&self, sessions: usize) -> Result<(Rate, usize)> {
        let before = self.server.exchanges()?;
        let renewed = || -> Result<usize> {
            Ok(usize::try_from(self.server.exchanges()?.saturating_sub(before))?)
        };
        let began = Began::now(self.server)?;
        self.gate.set_open(true);
        let (mut seen, mut moved_at) = (0, began.at);
        let rate = loop {
            let left = (sessions - seen) as f64;
            let per_second = seen as f64 / (wall() - began.at).as_secs_f64();
            // Half of what is expected to be left: whoever asks takes time too.
            let expected = if seen == 0 { 0.1 } else { left / per_second / 2.0 };
            pause(Duration::from_secs_f64(expected.clamp(0.005, 0.5))).await;
            let now = renewed()?;
            if now >= sessions {
                break began.rate(self.server, now)?;
            }
            if now > seen {
                (seen, moved_at) = (now, wall());
            } else if wall() - moved_at > STUCK {
                return Err(format!("the wave stopped after {now} of {sessions}").into());
            }
        };
        self.gate.set_open(false);
        // What is on its way comes, and what the keeper does beside is no burden of the bare client's.
        quiet().await;
        Ok((rate, renewed()?))
    }
}

/// Waits until this process has nothing to do.
async fn quiet() {
    const LOOK: Duration = Duration::from_millis(50);
    loop {
        let before = process_cpu();
        pause(LOOK).await;
        if process_cpu() - before < LOOK / 50 {
            return;
        }
    }
}

async fn pause(span: Duration) {
    let system = SystemClock::new();
    system.sleep_until(system.monotonic().after(span)).await;
}
