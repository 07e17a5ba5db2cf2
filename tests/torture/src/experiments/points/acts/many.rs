//! A revocation of two sessions, whose steps come in any order: who dies in it leaves each of them as it was, in
//! doubt or ended, and whoever does it again ends them all.

use std::sync::Arc;

use countersign_simulator::{Account, Operation};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{AT_ONCE, Act, Scene, run, run_to_report};
use crate::experiments::Failure;
use crate::findings::Findings;
use crate::plan::{Plan, Report, Task};

const SECOND: &str = "second@pool.example";

pub(super) async fn run_all(quick: bool, findings: &mut Findings) -> Result<(), Failure> {
    let n_steps = run(&set().await?.dying()).await?.steps.len();
    let leave = Arc::new(Semaphore::new(AT_ONCE));
    let mut runs = JoinSet::new();
    for n in (0..n_steps).step_by(if quick { 4 } else { 1 }) {
        let leave = Arc::clone(&leave);
        runs.spawn(async move {
            let _leave = leave.acquire().await?;
            Ok::<_, Failure>((n, die_at(n).await?))
        });
    }
    let (mut n_deaths, mut broken) = (0, Vec::new());
    while let Some(run) = runs.join_next().await {
        let (n, end) = run??;
        n_deaths += 1;
        broken.extend(end.err().map(|what| format!("step {n}: {what}")));
    }
    findings.claim(
        broken.is_empty() && n_deaths > 9,
        format!("two sessions: {n_deaths} of {n_steps} steps of their revocation, and whoever does it again ends both {broken:?}"),
    );
    Ok(())
}

/// Two accounts of one password with a session each.
async fn set() -> Result<Scene, Failure> {
    let scene = Scene::new(Act::RevokeAll).await?;
    let password = scene.stage.facts.password.clone();
    scene.stage.simulator.add_account(Account::user(SECOND, password));
    run(&of_second(&scene, Task::Call)).await?;
    Ok(scene)
}

fn of_second(scene: &Scene, task: Task) -> Plan {
    let mut plan = scene.plan(task);
    plan.facts.identity = SECOND.to_owned();
    plan
}

async fn die_at(n: usize) -> Result<Result<(), String>, Failure> {
    let scene = set().await?;
    let mut plan = scene.dying();
    plan.dies_at = Some(u32::try_from(n)?);
    if run_to_report(&plan).await?.is_some() {
        return Ok(Err("it did not die".to_owned()));
    }
    let again = scene.done(Task::RevokeAll).await?;
    if !again.said.starts_with("complete: ") {
        return Ok(Err(format!("the second revocation is {}", again.said)));
    }
    let ended = |report: &Report| report.refused_kind.as_deref() == Some("SignedOut");
    let (first, second) = (scene.done(Task::Use).await?, run(&of_second(&scene, Task::Use)).await?);
    let (revoked, bought) =
        (scene.done_at_server(Operation::REVOKE), scene.stage.seen().exchanges());
    Ok(match (ended(&first) && ended(&second), revoked, bought) {
        (true, 2.., 2) => Ok(()),
        found => Err(format!("ended, revoked, bought: {found:?}")),
    })
}
