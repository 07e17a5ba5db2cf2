//! The fleet: a great many sessions of one keeper against the simulator, and how many of them it renews
//! a second as a share of what the bare client reaches at the same concurrency.

mod bare;
mod gate;
mod wave;

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{AuthProvider, Clock, CredentialSource, Credentials};
use countersign_hyper::Transport;
use countersign_ibex::Ibex;
use countersign_runtime::{Keeper, Session, SystemClock};
use countersign_scheduler::{BudgetSettings, LaneLimits};
use tokio::task::JoinSet;

use crate::clocks::{process_cpu, wall};
use crate::row::{Measure, Row, Target, Unit};
use crate::server::{FLEET_PASSWORD, Server, fleet_account};
use crate::subject::{REAL, ShiftClock, Sleepers, client};
use crate::{Error, Result};

use bare::Bare;
use gate::{Gate, Gated};
use wave::{Round, Wave};

/// So many waves of each kind.
const WAVES: usize = 3;

/// Whether sessions are in use when their wave comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sessions {
    /// Each was asked for its authorization within the last minute.
    InUse,
    /// Nobody has asked for long: all are at rest, in little space, and wake for the renewal.
    AtRest,
}

impl Sessions {
    const fn told(self) -> &'static str {
        match self {
            Self::InUse => "in use",
            Self::AtRest => "at rest",
        }
    }
}

/// How it is set up.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Fleet {
    #[arg(long, default_value_t = 200_000)]
    sessions: usize,
    #[arg(long, default_value_t = 64)]
    concurrency: u32,
    /// What the keeper's exchanges go over; the bare client is reqwest's.
    #[arg(long, value_enum, default_value_t = Over::Hyper)]
    over: Over,
    /// With one, the bare client is bound by what that one can serve.
    #[arg(long, default_value_t = 2)]
    server_threads: usize,
}

/// What the keeper's exchanges go over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Over {
    /// `countersign-hyper`.
    Hyper,
    /// `countersign-reqwest`.
    Reqwest,
}

/// A rate and what a piece costs, here and in the simulator.
#[derive(Clone, Copy, Debug)]
struct Rate {
    per_second: f64,
    cpu_us: f64,
    server_us: f64,
}

/// Since when, and what was used before.
struct Began {
    at: Duration,
    cpu: Duration,
    server: Duration,
}

/// Runs it; `told` hears how far it is.
pub(crate) fn fleet(of: Fleet, mut told: impl FnMut(String)) -> Result<Vec<Row>> {
    let Fleet { sessions, concurrency, over, server_threads } = of;
    let server =
        Server::started(&["simulate", &sessions.to_string(), &server_threads.to_string()])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clock = ShiftClock::new();
    runtime.block_on(async {
        let gate = Gate::open();
        let keeper = keeper(&clock, concurrency, over, &gate)?;
        let began = Began::now(&server)?;
        let held = signed_in(&keeper, &server, sessions, concurrency).await?;
        told(format!(
            "{sessions} sessions signed in, {:.0}/s",
            began.rate(&server, sessions)?.per_second
        ));

        let mut bare = Bare::signed_in(&server, sessions, concurrency).await?;
        let mut rows = Vec::new();
        for (id, kind) in [("fleet", Sessions::InUse), ("fleet/rested", Sessions::AtRest)] {
            let (mut rounds, mut looks, mut lined_up) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..WAVES {
                prepared(&held, kind, &clock, &server).await?;
                let wave =
                    Wave { clock: &clock, server: &server, gate: &gate, concurrency, sessions };
                let went = wave.run(&mut bare, &mut told).await?;
                looks.push(went.looked_ms);
                lined_up.push(went.lined_up_us);
                rounds.extend(went.rounds);
            }
            rows.extend(rows_of(id, kind, (sessions, concurrency), &rounds));
            let what = format!("client CPU of lining up, part of a renewal's, {}", kind.told());
            let measure = (Measure::Cpu, Unit::Microseconds);
            let named = format!("{id}/lined_up");
            rows.extend(Row::measured(named, what, measure, &lined_up, None, Target::None));
            let what = format!("from a jump of the clock to the first renewal, {}", kind.told());
            let measure = (Measure::Wall, Unit::Milliseconds);
            let named = format!("{id}/looked");
            rows.extend(Row::measured(named, what, measure, &looks, None, Target::None));
        }
        let renewed = held.iter().filter(|session| is_renewed(session)).count();
        rows.push(Row::counted(
            "fleet/renewed",
            "sessions with a new token after every wave",
            renewed as f64,
            Target::Exactly(sessions as f64),
        ));
        Ok(rows)
    })
}

/// Each slice of a wave beside the bare client's rate around it.
fn rows_of(
    id: &str,
    kind: Sessions,
    (sessions, concurrency): (usize, u32),
    rounds: &[Round],
) -> Vec<Row> {
    let are = kind.told();
    let least = match kind {
        Sessions::InUse => Target::RatioAtLeast(0.7),
        // Shown beside it: what rests has to wake first, and its record is opened.
        Sessions::AtRest => Target::None,
    };
    let row = |id: String, what: String, measure, of: fn(&Rate) -> f64, target| {
        let (ours, limit): (Vec<f64>, Vec<f64>) =
            rounds.iter().map(|round| (of(&round.ours), of(&round.limit))).unzip();
        Row::measured(id, what, measure, &ours, Some(&limit), target)
    };
    let rates = (Measure::Wall, Unit::PerSecond);
    let what = format!(
        "renewals a second of {sessions} sessions that are {are}, concurrency {concurrency}"
    );
    let cost = |whose| {
        format!("{whose} of one renewal of sessions {are}; limit: one request of the bare client")
    };
    let cpu = (Measure::Cpu, Unit::Microseconds);
    let note = "limit: the bare client, before and after each slice of a wave";
    [
        row(id.into(), what, rates, |rate| rate.per_second, least).map(|row| row.noted(note)),
        row(format!("{id}/cpu"), cost("client CPU"), cpu, |rate| rate.cpu_us, Target::None),
        row(
            format!("{id}/server"),
            cost("the simulator's CPU"),
            cpu,
            |rate| rate.server_us,
            Target::None,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Makes all sessions what they are to be when their wave comes.
async fn prepared(
    held: &[Session],
    kind: Sessions,
    clock: &ShiftClock,
    server: &Server,
) -> Result<()> {
    match kind {
        Sessions::InUse => {
            for session in held {
                session.authorization().await?;
            }
        }
        Sessions::AtRest => {
            let system = SystemClock::new();
            // Who was used is looked at twice.
            for _ in 0..2 {
                passed(clock, server, Duration::from_secs(61))?;
                system.sleep_until(system.monotonic().after(Duration::from_secs(3))).await;
            }
        }
    }
    Ok(())
}

/// With budgets that bound what is under way and nothing else.
fn keeper(clock: &ShiftClock, concurrency: u32, over: Over, gate: &Arc<Gate>) -> Result<Keeper> {
    let limits = LaneLimits { interval: Duration::ZERO, burst: u32::MAX, concurrency };
    let budgets = BudgetSettings { limits, ..BudgetSettings::default() };
    let keeper = match over {
        Over::Hyper => Keeper::builder().transport(Gated::new(Transport::plain(), gate)),
        Over::Reqwest => Keeper::builder().transport(Gated::new(client()?, gate)),
    };
    let keeper = keeper.clock(clock.clone()).budgets(budgets).replica_seed(1);
    Ok(keeper.exchange_deadline(REAL).build()?)
}

async fn signed_in(
    keeper: &Keeper,
    server: &Server,
    sessions: usize,
    concurrency: u32,
) -> Result<Vec<Session>> {
    let provider: Arc<dyn AuthProvider> = Arc::new(Ibex::at(server.url())?);
    let source: Arc<dyn CredentialSource> =
        Arc::new(Credentials::new().with_password(FLEET_PASSWORD.to_owned()));
    let mut held = Vec::with_capacity(sessions);
    let mut signing_in = JoinSet::new();
    for n in 0..sessions {
        let builder = keeper.session_of(Arc::clone(&provider), &fleet_account(n));
        let builder = builder.credentials_from(Arc::clone(&source)).keep_alive();
        if signing_in.len() >= concurrency as usize
            && let Some(ended) = signing_in.join_next().await
        {
            held.push(ended??);
        }
        signing_in.spawn(async move {
            let session = builder.open().await?;
            session.authorization().await?;
            Ok::<_, Error>(session)
        });
    }
    while let Some(ended) = signing_in.join_next().await {
        held.push(ended??);
    }
    Ok(held)
}

/// Lets time pass here and at the server.
fn passed(clock: &ShiftClock, server: &Server, span: Duration) -> Result<()> {
    server.set("ahead_ms", u64::try_from(span.as_millis())?)?;
    clock.pass(span, Sleepers::Woken);
    Ok(())
}

fn is_renewed(session: &Session) -> bool {
    session.status().generation.is_some_and(|generation| generation.counter == 2 * WAVES as u64 + 1)
}

impl Rate {
    /// The same where each piece has also taken so much of the processor before, of which there are several.
    fn with(self, before: Duration) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let each = 1.0 / self.per_second + before.as_secs_f64() / cores as f64;
        let cpu_us = self.cpu_us + before.as_secs_f64() * 1e6;
        Self { per_second: 1.0 / each, cpu_us, ..self }
    }

    fn between(&self, other: &Self) -> Self {
        let mean = |of: fn(&Self) -> f64| (of(self) + of(other)) / 2.0;
        Self {
            per_second: mean(|rate| rate.per_second),
            cpu_us: mean(|rate| rate.cpu_us),
            server_us: mean(|rate| rate.server_us),
        }
    }
}

impl Began {
    fn now(server: &Server) -> Result<Self> {
        Ok(Self { at: wall(), cpu: process_cpu(), server: server.cpu()? })
    }

    fn rate(&self, server: &Server, pieces: usize) -> Result<Rate> {
        let (took, cpu) = (wall() - self.at, process_cpu() - self.cpu);
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / pieces as f64;
        let server_us = each(server.cpu()?.saturating_sub(self.server));
        let per_second = pieces as f64 / took.as_secs_f64();
        Ok(Rate { per_second, cpu_us: each(cpu), server_us })
    }
}
