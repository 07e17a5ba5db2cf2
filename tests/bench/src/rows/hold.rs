//! W4a and W4c: many sessions in a process of their own: what they weigh, and what they cost while
//! nobody asks.

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use countersign_core::{AuthProvider, Clock, CredentialSource, SessionKey};
use countersign_runtime::{Keeper, Session, SystemClock};
use serde::{Deserialize, Serialize};

use super::request::micros;
use super::{Run, on_this_thread};
use crate::Result;
use crate::clocks::process_cpu;
use crate::limit::Arena;
use crate::row::{Measure, Row, Target, Unit};
use crate::subject::{
    HOUR, Minting, Restoring, Rfc6749, ShiftClock, Sleepers, credentials, keeper_over,
};

/// Virtual seconds over which idle CPU is measured, and how much faster than real ones they are.
const IDLE: Duration = Duration::from_secs(600);
const FASTER: u32 = 100;

/// What a process holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Held {
    /// Two boxes a session, and sorted timers.
    Arena,
    /// Sessions as opened from a store.
    Restored,
    /// The same at the moment in which each has been used.
    Used,
    /// The same an hour later: each has been renewed by the clock when its turn came, and rests again.
    Renewed,
}

/// What a process found out about itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Weighed {
    /// Resident bytes that came with the sessions.
    pub(crate) bytes: u64,
    /// All of the process, with them.
    pub(crate) resident: u64,
    /// CPU microseconds a virtual second while nobody asks.
    pub(crate) idle: f64,
    /// CPU seconds to open them all.
    pub(crate) opened: f64,
}

/// A state in which sessions are weighed: what comes after the name of its row, words, and the target.
type State = (Held, &'static str, &'static str, Target);

const MOST: Target = Target::AtMost(1_600.0);
const RESTORED: State = (Held::Restored, "", "opened from a store", MOST);
const RENEWED: State = (Held::Renewed, "/renewed", "an hour later, renewed in turn", MOST);
const USED: State = (Held::Used, "/used", "in use, headers made", Target::None);

/// W4a: resident bytes a session, of ten thousand.
pub(crate) fn memory_of_thousands(run: Run) -> Result<Vec<Row>> {
    let (states, rounds): (&[State], _) =
        if run.quick { (&[RESTORED], 1) } else { (&[RESTORED, RENEWED, USED], 5) };
    memory(10_000, "10k", states, rounds)
}

/// W4a: the same of a million, which takes minutes and gigabytes.
pub(crate) fn memory_of_a_million(run: Run) -> Result<Vec<Row>> {
    if run.quick { Ok(Vec::new()) } else { memory(1_000_000, "1M", &[RESTORED, RENEWED], 1) }
}

fn memory(sessions: usize, name: &str, states: &[State], rounds: usize) -> Result<Vec<Row>> {
    let share = |held| weighed(held, sessions, false).map(|w| w.bytes as f64 / sessions as f64);
    let mut rows = Vec::new();
    for &(held, suffix, state, target) in states {
        let (mut ours, mut limit) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(share(held)?);
            limit.push(share(Held::Arena)?);
        }
        rows.extend(Row::measured(
            format!("W4a/{name}{suffix}"),
            format!("resident bytes a session of {name}, {state}; limit: two boxes and a timer"),
            (Measure::Memory, Unit::Bytes),
            &ours,
            Some(&limit),
            target,
        ));
    }
    Ok(rows)
}

/// W4c: CPU while nobody asks.
pub(crate) fn idle(run: Run) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    // To open a million takes longer than to see that they cost nothing.
    let sizes = [(10_000, "10k", 5), (100_000, "100k", 5), (1_000_000, "1M", 1)];
    for (sessions, name, rounds) in sizes {
        let rounds = match (run.quick, sessions) {
            (true, 10_000) => 1,
            (true, _) => continue,
            _ => rounds,
        };
        let (mut ours, mut limit) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(weighed(Held::Restored, sessions, true)?.idle);
            limit.push(weighed(Held::Arena, sessions, true)?.idle);
        }
        rows.extend(Row::measured(
            format!("W4c/{name}"),
            format!("idle CPU of {name} sessions; limit: a task that wakes twice a minute"),
            (Measure::Cpu, Unit::MicrosecondsPerSecond),
            &ours,
            Some(&limit),
            Target::AtMost(100.0),
        ));
    }
    Ok(rows)
}

/// Weighs `sessions` in a process of its own.
pub(crate) fn weighed(held: Held, sessions: usize, idle: bool) -> Result<Weighed> {
    let kind = held.to_possible_value().ok_or("a kind without a name")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["hold", kind.get_name(), &sessions.to_string()]);
    if idle {
        command.arg("--idle");
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("holding {sessions} sessions ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The process that holds them: weighs itself.
pub(crate) fn hold(held: Held, sessions: usize, idle: bool) -> Result<Weighed> {
    let runtime = on_this_thread()?;
    runtime.block_on(async {
        let clock = ShiftClock::faster(if idle { FASTER } else { 1 });
        match held {
            Held::Arena => {
                let (start, before) = (process_cpu(), resident()?);
                let arena = Arena::of(sessions);
                black_box(arena.checksum());
                let (opened, after) = (process_cpu() - start, resident()?);
                let beating = clock.clone();
                let beat = tokio::spawn(async move {
                    loop {
                        let next = beating.monotonic().after(Duration::from_secs(30));
                        beating.sleep_until(next).await;
                    }
                });
                let idle = idle_cpu(&clock, idle).await;
                beat.abort();
                black_box(arena.checksum());
                Ok(told(before, after, opened, idle))
            }
            Held::Restored | Held::Used | Held::Renewed => ours(&clock, held, sessions, idle).await,
        }
    })
}

async fn ours(clock: &ShiftClock, held: Held, sessions: usize, idle: bool) -> Result<Weighed> {
    let life = if idle { 24 * HOUR } else { HOUR };
    let store = Restoring::of(clock.now(), life)?;
    let keeper = keeper_over(Minting::new(life), clock, store.clone())?;
    let provider = Arc::new(Rfc6749::at("http://127.0.0.1:9")?);
    let source: Arc<dyn CredentialSource> = Arc::new(credentials());
    let keep_alive = held == Held::Renewed;
    let open = async |n: usize| open(&keeper, &store, &provider, &source, keep_alive, n).await;
    // The first one brings along what all of them share.
    let first = open(sessions).await?;
    let mut held_here: Vec<Session> = Vec::new();
    let (start, before) = (process_cpu(), resident()?);
    held_here.reserve_exact(sessions);
    for n in 0..sessions {
        held_here.push(open(n).await?);
    }
    let opened = process_cpu() - start;
    match held {
        Held::Used => held_here.iter().for_each(|session| drop(session.current())),
        Held::Renewed => {
            pass(clock, HOUR).await;
        }
        Held::Arena | Held::Restored => {}
    }
    let after = resident()?;
    let idle = idle_cpu(clock, idle).await;
    drop(first);
    let is_second = |session: &Session| session.status().generation.is_some_and(|g| g.counter == 2);
    if held == Held::Renewed && !held_here.iter().all(is_second) {
        return Err("a session was not renewed in its hour".into());
    }
    if held_here.iter().any(|session| session.current().is_none()) {
        return Err("a session lost its token while it was weighed".into());
    }
    Ok(told(before, after, opened, idle))
}

async fn open(
    keeper: &Keeper,
    store: &Restoring,
    provider: &Arc<Rfc6749>,
    source: &Arc<dyn CredentialSource>,
    keep_alive: bool,
    n: usize,
) -> Result<Session> {
    let name = format!("account-{n:08}");
    store.next(SessionKey::new(provider.id(), provider.realm(), &name));
    let provider = Arc::clone(provider);
    let builder = keeper.session_of(provider, &name).credentials_from(Arc::clone(source));
    let builder = if keep_alive { builder.keep_alive() } else { builder };
    Ok(builder.open().await?)
}

/// Lets `span` pass, in steps in which what falls due is done.
async fn pass(clock: &ShiftClock, span: Duration) {
    const STEP: Duration = Duration::from_secs(1);
    let system = SystemClock::new();
    for _ in 0..span.div_duration_f64(STEP) as u32 {
        clock.pass(STEP, Sleepers::Woken);
        loop {
            let before = process_cpu();
            system.sleep_until(system.monotonic().after(Duration::from_millis(3))).await;
            if process_cpu() - before < Duration::from_millis(2) {
                break;
            }
        }
    }
}

/// CPU microseconds a virtual second, over some minutes of them.
async fn idle_cpu(clock: &ShiftClock, wanted: bool) -> f64 {
    if !wanted {
        return 0.0;
    }
    let start = process_cpu();
    clock.sleep_until(clock.monotonic().after(IDLE)).await;
    micros(process_cpu() - start) / IDLE.as_secs_f64()
}

fn told(before: u64, after: u64, opened: Duration, idle: f64) -> Weighed {
    let bytes = after.saturating_sub(before);
    Weighed { bytes, resident: after, idle, opened: opened.as_secs_f64() }
}

/// Resident bytes of this process.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.ok_or("the system does not say what is resident")?.trim().parse::<u64>()? * 1_024)
}
