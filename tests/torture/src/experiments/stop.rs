//! Processes that are stopped and go on (a debugger, a frozen container, a machine that sleeps): in an
//! exchange they keep the file store's lock, so nobody else can send the same token; others serve what they
//! have, wait, and are told the number of the holder (F08, F27, F28; decision 8).

use std::time::Duration;

use countersign_simulator::{Fault, Operation, Times};

use super::processes::findings_ready;
use super::{Cx, End, Failure};
use crate::clock::{Stopwatch, pause, until};
use crate::dice::Dice;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::phase::Phase;
use crate::plan::{Plan, Task};
use crate::process::Process;
use crate::stage::Stage;

const LIFE: Duration = Duration::from_secs(2);
const EXCHANGE: Duration = Duration::from_millis(200);

pub(crate) async fn run(cx: Cx) -> Result<End, Failure> {
    let mut findings = Findings::default();
    let mut dice = Dice::new(cx.seed, "stop");
    let (n_processes, n_stops) = if cx.quick { (3, 2) } else { (8, 30) };
    // The long ones wait, and have processes and a server of their own.
    let mut long_ones = Findings::default();
    tokio::try_join!(short(n_processes, n_stops, &mut dice, &mut findings), long(&mut long_ones),)?;
    findings.append(long_ones);
    Ok(End::Findings(findings))
}

/// Stops that end before anybody's patience does: nobody fails, nothing is bought twice.
async fn short(
    n_processes: usize,
    n_stops: usize,
    dice: &mut Dice,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let stage = Stage::new(Kind::NoGrace, LIFE).await?;
    let mut processes = Vec::new();
    for n in 0..n_processes {
        let mut plan = stage.plan(Task::Load { callers: 2, pause_ms: 30 });
        plan.phase = Some(stage.phase_file(n));
        processes.push(Process::start(&plan).await?);
    }
    for process in &mut processes {
        findings_ready(process.is_ready().await?)?;
    }
    stage.simulator.inject(Operation::REFRESH, Fault::Delay(EXCHANGE), Times::Forever);
    let mut phases = Vec::new();
    // One that falls just after the exchange is none.
    for _ in 0..n_stops * 3 {
        if phases.len() == n_stops {
            break;
        }
        let busy = |n: &usize| Phase::of(&stage.phase_file(*n)) != Phase::Idle;
        let mut found = None;
        until(LIFE * 3, || {
            found = (0..n_processes).find(busy);
            found.is_some()
        })
        .await;
        let Some(n) = found else { continue };
        pause(dice.span(EXCHANGE)).await;
        processes[n].stop()?;
        let phase = Phase::of(&stage.phase_file(n));
        if phase != Phase::Idle {
            phases.push(format!("{phase:?}"));
        }
        pause(Duration::from_secs(1) + dice.span(LIFE)).await;
        processes[n].go_on()?;
    }
    pause(LIFE).await;
    let (mut failed, mut errors) = (0, Vec::new());
    for process in processes {
        let report = process.report().await?.unwrap_or_default();
        failed += report.failed;
        errors.extend(report.errors);
    }
    let seen = stage.seen();
    // It may find the token due, and renew it.
    let last = Process::start(&stage.plan(Task::Call)).await?.report().await?.unwrap_or_default();
    let exchanges = stage.seen().exchanges();
    findings.note(format!("{} stops of 1 to 3 s, in: {}", phases.len(), phases.join(" ")));
    findings.claim(
        phases.len() == n_stops,
        format!("{} of {n_stops} stops fell into an exchange", phases.len()),
    );
    findings.claim(failed == 0, format!("{failed} failed requests {errors:?}"));
    findings.claim(
        exchanges == last.generation,
        format!("exchanges = generations: {exchanges} and {}", last.generation),
    );
    findings.claim(
        seen.sign_ins == 1 && seen.spent_presented == 0,
        format!(
            "0 sessions lost: {} sign-in, {} spent tokens presented",
            seen.sign_ins, seen.spent_presented
        ),
    );
    Ok(())
}

/// A process that is stopped with the lock for longer than others wait.
async fn long(findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::NoGrace, LIFE).await?;
    let mut plan: Plan = stage.plan(Task::Load { callers: 1, pause_ms: 20 });
    // Others wait for a lock twice as long, and ten seconds: CI has minutes.
    plan.exchange_deadline_ms = Some(1_000);
    plan.phase = Some(stage.phase_file(0));
    let mut holder = Process::start(&plan).await?;
    findings_ready(holder.is_ready().await?)?;
    // It is stopped while the server thinks.
    stage.simulator.inject(
        Operation::REFRESH,
        Fault::Delay(Duration::from_millis(600)),
        Times::Exactly(1),
    );
    let sending = || Phase::of(&stage.phase_file(0)) == Phase::Sending;
    if !until(LIFE * 4, sending).await {
        return Err("no exchange was seen".into());
    }
    pause(Duration::from_millis(100)).await;
    holder.stop()?;
    let pid = holder.pid().map_or(0, |pid| pid.as_raw_nonzero().get());
    let before = stage.seen();
    pause(LIFE).await;
    // The token has ended: whoever needs another waits for the lock, and hears who holds it.
    let mut plan = stage.plan(Task::Renew);
    plan.exchange_deadline_ms = Some(1_000);
    plan.caller_deadline_ms = 10_000;
    let watch = Stopwatch::start();
    let other = Process::start(&plan).await?.report().await?.unwrap_or_default();
    let waited = watch.elapsed();
    let told = other.refused.iter().chain(&other.errors).cloned().collect::<Vec<_>>().join("; ");
    findings.claim(
        other.ok == 0 && told.contains(&format!("process {pid}")),
        format!("whoever waits in vain for a stopped process is told its number ({pid}): {told}"),
    );
    findings.claim(
        waited < Duration::from_secs(60),
        format!("and waits no longer than it should: {:.0} s", waited.as_secs_f64()),
    );
    let meanwhile = stage.seen();
    findings.claim(
        meanwhile.exchanges() == before.exchanges() && meanwhile.spent_presented == 0,
        format!(
            "nothing is sent under a lock that somebody else has: {} exchanges",
            meanwhile.exchanges()
        ),
    );
    holder.go_on()?;
    pause(LIFE * 2).await;
    let held = holder.report().await?.unwrap_or_default();
    let last = Process::start(&stage.plan(Task::Renew)).await?.report().await?.unwrap_or_default();
    let after = stage.seen();
    findings.claim(
        last.ok == 1 && last.refused.is_none() && after.sign_ins == 1 && after.spent_presented == 0,
        format!(
            "when it goes on it reads the answer that has come, and the session does: {} served, {:?}, {} sign-in",
            held.ok, last.refused, after.sign_ins
        ),
    );
    findings.note(format!("{after:?}"));
    Ok(())
}
