//! The experiments in small, with engines that are broken on purpose: what the simulator has recorded must
//! show it, or it would show nothing of a real defect either.

use std::time::Duration;

use countersign_simulator::{Fault, Operation, Times};

use super::points::counted;
use super::processes::findings_ready;
use super::{Cx, End, Failure};
use crate::clock::pause;
use crate::defect::Defect;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::Task;
use crate::process::Process;
use crate::stage::Stage;

pub(crate) async fn run(_: Cx) -> Result<End, Failure> {
    let mut findings = Findings::default();
    no_lock(&mut findings).await?;
    no_mark(&mut findings).await?;
    Ok(End::Findings(findings))
}

/// Without a lock a process meets the mark of another that lives, and takes it for one that has died.
async fn no_lock(findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::NoGrace, Duration::from_secs(2)).await?;
    Process::start(&stage.plan(Task::Call)).await?.report().await?;
    let delay = Fault::Delay(Duration::from_millis(300));
    stage.simulator.inject(Operation::REFRESH, delay, Times::Forever);
    let mut plan = stage.plan(Task::Load { callers: 2, pause_ms: 20 });
    plan.defect = Some(Defect::NoLock);
    let mut processes = Vec::new();
    for _ in 0..4 {
        processes.push(Process::start(&plan).await?);
    }
    for process in &mut processes {
        findings_ready(process.is_ready().await?)?;
    }
    pause(Duration::from_secs(8)).await;
    for process in processes {
        process.report().await?;
    }
    let seen = stage.seen();
    findings.claim(
        seen.sign_ins > 1,
        format!(
            "a store without a lock is seen: {} spent tokens presented, {} sign-ins",
            seen.spent_presented, seen.sign_ins
        ),
    );
    Ok(())
}

/// Without a mark the next process sends a token that is spent.
async fn no_mark(findings: &mut Findings) -> Result<(), Failure> {
    let steps = counted(Kind::NoGrace).await?;
    let at = steps.iter().position(|step| step == "after the answer has come");
    let stage = Stage::new(Kind::NoGrace, Duration::from_secs(3600)).await?;
    let mut plan = stage.plan(Task::Renew);
    plan.counts_steps = true;
    plan.defect = Some(Defect::NoMark);
    // The mark's own write is two steps, and is left out.
    let dies_at = at.and_then(|at| at.checked_sub(2)).ok_or("no such step")?;
    plan.dies_at = Some(u32::try_from(dies_at)?);
    let died = Process::start(&plan).await?.report().await?.is_none();
    Process::start(&stage.plan(Task::Renew)).await?.report().await?;
    let seen = stage.seen();
    findings.claim(
        died && seen.spent_presented == 1 && seen.refused == 1,
        format!(
            "a driver without a mark is seen: {} spent token presented, {} refused",
            seen.spent_presented, seen.refused
        ),
    );
    Ok(())
}
