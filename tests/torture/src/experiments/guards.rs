//! The guards of an account, shared by all processes of a store: a refused password, a lockout, a used code
//! step, the budget of a refresh token, the sign-ins of a day. The simulator counts what arrived.

use std::time::Duration;

use countersign_simulator::{Operation, RefreshTokens};

use super::{Cx, End, Failure};
use crate::clock::{now_ms, pause};
use crate::findings::Findings;
use crate::kind::{BUDGET, Kind};
use crate::plan::{Plan, Report, Task};
use crate::process::Process;
use crate::stage::Stage;

const LIFE: Duration = Duration::from_secs(3600);
const N_PROCESSES: usize = 5;

pub(crate) async fn run(_: Cx) -> Result<End, Failure> {
    let mut findings = Findings::default();
    refused_password(&mut findings).await?;
    lockout(&mut findings).await?;
    code_steps(&mut findings).await?;
    budget(&mut findings).await?;
    sign_ins_of_the_day(&mut findings).await?;
    Ok(End::Findings(findings))
}

/// Starts so many processes of one plan at once, and hears them all.
async fn together(plan: &Plan, n: usize) -> Result<Vec<Report>, Failure> {
    let mut processes = Vec::new();
    for _ in 0..n {
        processes.push(Process::start(plan).await?);
    }
    let mut reports = Vec::new();
    for process in processes {
        reports.push(process.report().await?.unwrap_or_default());
    }
    Ok(reports)
}

fn served(reports: &[Report]) -> usize {
    reports.iter().filter(|report| report.ok == 1).count()
}

fn asked(stage: &Stage, operation: Operation) -> usize {
    stage.simulator.count(|record| record.operation == operation)
}

/// A password that the provider has refused is sent once, by all of them together; the right one helps.
async fn refused_password(findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::Reusable, LIFE).await?;
    let mut wrong = stage.plan(Task::Call);
    wrong.facts.password = "Canary-wrong-p4ssword!".to_owned();
    let first = together(&wrong, N_PROCESSES).await?;
    let later = together(&wrong, N_PROCESSES).await?;
    findings.claim(
        asked(&stage, Operation::SIGN_IN) == 1 && served(&first) + served(&later) == 0,
        format!(
            "refused password: {} processes sent it {} time",
            first.len() + later.len(),
            asked(&stage, Operation::SIGN_IN)
        ),
    );
    let right = together(&stage.plan(Task::Call), N_PROCESSES).await?;
    findings.claim(
        served(&right) == N_PROCESSES && stage.seen().sign_ins == 1,
        format!(
            "and the right one, when the source has it: {} served by {} sign-in",
            served(&right),
            stage.seen().sign_ins
        ),
    );
    Ok(())
}

/// A lockout that one process has met is waited out by all.
async fn lockout(findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::Codes, LIFE).await?;
    stage.simulator.change_account(&stage.facts.identity, |account| {
        account.locked_until_ms = Some(now_ms() + 600_000);
    });
    let mut plan = stage.plan(Task::Call);
    plan.caller_deadline_ms = 10_000;
    let first = together(&plan, N_PROCESSES).await?;
    let later = together(&plan, N_PROCESSES).await?;
    let n = asked(&stage, Operation::SIGN_IN);
    findings.claim(
        n == 1 && served(&first) + served(&later) == 0,
        format!("lockout: {} processes sent {n} sign-in before its end", first.len() + later.len()),
    );
    Ok(())
}

/// No two sign-ins use one code.
async fn code_steps(findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::Codes, LIFE).await?;
    let reports = together(&stage.plan(Task::SignIn), N_PROCESSES).await?;
    let seen = stage.seen();
    let refused: Vec<&String> =
        reports.iter().filter_map(|report| report.refused.as_ref()).collect();
    findings.claim(
        seen.sign_ins_refused == 0 && seen.sign_ins == N_PROCESSES as u64 && refused.is_empty(),
        format!(
            "code steps: {} sign-ins by name at once, {} refused {refused:?}",
            seen.sign_ins, seen.sign_ins_refused
        ),
    );
    Ok(())
}

/// A refresh token is not used beyond its budget, whoever counts.
async fn budget(findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::Budget, LIFE).await?;
    together(&stage.plan(Task::Call), 1).await?;
    let rounds = u64::from(BUDGET) + 3;
    for _ in 0..rounds {
        // Whoever waits for the renewal of another shares it: one of the two is enough.
        together(&stage.plan(Task::Renew), 2).await?;
    }
    let seen = stage.seen();
    let renewals = rounds * 2;
    findings.claim(
        seen.refused == 0 && seen.refreshes <= u64::from(BUDGET) * seen.sign_ins && seen.sign_ins >= 2,
        format!(
            "budget of {BUDGET}: {renewals} renewals were asked for, {} refreshes and {} sign-ins were sent, {} refused",
            seen.refreshes, seen.sign_ins, seen.refused
        ),
    );
    Ok(())
}

/// Automatic sign-ins are counted per day, by all of them together.
async fn sign_ins_of_the_day(findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::Reusable, LIFE).await?;
    let mut plan = stage.plan(Task::Renew);
    plan.automatic = Some(3);
    plan.caller_deadline_ms = 10_000;
    let mut failed = 0;
    for _ in 0..4 {
        let reports = together(&plan, 3).await?;
        failed += reports.len() - served(&reports);
        stage.simulator.revoke_all(&stage.facts.identity, RefreshTokens::Revoke);
        pause(Duration::from_millis(20)).await;
    }
    let n = stage.seen().sign_ins;
    findings.claim(
        n == 3 && failed > 0,
        format!("sign-ins of the day: 3 are allowed, {n} were sent, then {failed} processes asked a person"),
    );
    Ok(())
}
