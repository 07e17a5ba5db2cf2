//! Eight processes, one file store, one account whose refresh tokens are spent on use and have no grace:
//! a token that is redeemed twice ends the session at once (F03, F04).

use std::time::Duration;

use super::{Cx, End, Failure};
use crate::clock::pause;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::{Report, Task};
use crate::process::Process;
use crate::stage::Stage;

const N_PROCESSES: usize = 8;
const LIFE: Duration = Duration::from_secs(2);

pub(crate) async fn run(cx: Cx) -> Result<End, Failure> {
    let span = Duration::from_secs(if cx.quick { 8 } else { 120 });
    let stage = Stage::new(Kind::NoGrace, LIFE).await?;
    let plan = stage.plan(Task::Load { callers: 4, pause_ms: 20 });
    let mut processes = Vec::new();
    for _ in 0..N_PROCESSES {
        processes.push(Process::start(&plan).await?);
    }
    let mut findings = Findings::default();
    for process in &mut processes {
        findings_ready(process.is_ready().await?)?;
    }
    pause(span).await;
    let mut all = Report::default();
    let (mut n_reports, mut buyers) = (0, Vec::new());
    for process in processes {
        if let Some(report) = process.report().await? {
            n_reports += 1;
            all.ok += report.ok;
            all.failed += report.failed;
            all.bought += report.bought;
            buyers.push(report.bought);
            all.errors.extend(report.errors);
        }
    }
    let seen = stage.seen();
    // It may find the token due, and renew it.
    let last = Process::start(&stage.plan(Task::Call)).await?.report().await?.unwrap_or_default();
    let after = stage.seen();
    findings.note(format!(
        "{N_PROCESSES} processes for {} s on {} s tokens: {} calls, {} exchanges",
        span.as_secs(),
        LIFE.as_secs(),
        seen.calls,
        seen.exchanges()
    ));
    findings.claim(
        n_reports == N_PROCESSES,
        format!("{n_reports} of {N_PROCESSES} processes came to their end"),
    );
    findings.claim(
        all.failed == 0 && all.ok == seen.calls && seen.calls > 0,
        format!(
            "0 failed requests: {} failed, {} of {} answered {:?}",
            all.failed, all.ok, seen.calls, all.errors
        ),
    );
    let served = u64::from(span.as_secs() > 0) * span.as_secs() / (2 * LIFE.as_secs());
    findings.claim(
        after.exchanges() == last.generation && seen.refreshes >= served,
        format!(
            "exchanges = generations: the server carried out {}, the store counts {}",
            after.exchanges(),
            last.generation
        ),
    );
    // If one bought for all, nothing would have been put to the test.
    let n_buyers = buyers.iter().filter(|bought| **bought > 0).count();
    findings.claim(
        n_buyers > 1 && all.bought == seen.exchanges(),
        format!("{n_buyers} of the processes bought some: {buyers:?}"),
    );
    findings.claim(
        seen.sign_ins == 1 && seen.refused == 0 && seen.spent_presented == 0,
        format!(
            "0 sessions lost: {} sign-in, {} refused refreshes, {} spent tokens presented",
            seen.sign_ins, seen.refused, seen.spent_presented
        ),
    );
    findings.note(format!(
        "{} calls met a token that had ended on the way, and were repeated",
        seen.unauthorized
    ));
    Ok(End::Findings(findings))
}

/// A process that does not even open its session is no finding about sessions.
pub(crate) fn findings_ready(ready: bool) -> Result<(), Failure> {
    if ready { Ok(()) } else { Err("a process did not open its session".into()) }
}
