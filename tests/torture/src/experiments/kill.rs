//! Exchanges of 200 ms, and processes that are killed in them: between the mark in the store and the
//! commit nobody can know whether the refresh token is spent (F05, F28).
//!
//! Some kills fall anywhere; the others wait until a process has written its mark and fall at a random
//! moment of its exchange, since one in fifty would fall there by chance.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_simulator::{Fault, Operation, Times};

use super::processes::findings_ready;
use super::{Cx, End, Failure};
use crate::clock::{Stopwatch, pause};
use crate::dice::Dice;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::phase::{self, Marks, Phase};
use crate::plan::{Plan, Report, Task};
use crate::process::Process;
use crate::stage::Stage;

const EXCHANGE: Duration = Duration::from_millis(200);
const LIFE: Duration = Duration::from_secs(2);

/// How much is done.
struct Size {
    n_processes: usize,
    /// Kills between journal and commit.
    wanted: usize,
    at_most: Duration,
}

pub(crate) async fn run(cx: Cx) -> Result<End, Failure> {
    let size = if cx.quick {
        Size { n_processes: 4, wanted: 3, at_most: Duration::from_secs(60) }
    } else {
        Size { n_processes: 8, wanted: 50, at_most: Duration::from_secs(900) }
    };
    let mut findings = Findings::default();
    for kind in [Kind::Grace, Kind::NoGrace] {
        let mut dice = Dice::new(cx.seed, kind.name());
        let fire = under_fire(kind, &size, &mut dice).await?;
        judge(kind, &size, &fire, &mut findings);
    }
    Ok(End::Findings(findings))
}

/// One kill.
struct Kill {
    process: u32,
    phase: Phase,
}

/// What has happened.
struct Fire {
    kills: Vec<Kill>,
    reports: Vec<Report>,
    stage: Stage,
    seconds: f64,
    /// A process that came afterwards, and had a token bought.
    last: Report,
}

async fn under_fire(kind: Kind, size: &Size, dice: &mut Dice) -> Result<Fire, Failure> {
    let stage = Stage::new(kind, LIFE).await?;
    Process::start(&stage.plan(Task::Call)).await?.report().await?;
    let mut crowd = Crowd::start(&stage, size.n_processes).await?;
    stage.simulator.inject(Operation::REFRESH, Fault::Delay(EXCHANGE), Times::Forever);
    let watch = Stopwatch::start();
    let mut kills: Vec<Kill> = Vec::new();
    let fell = |kills: &[Kill]| {
        kills.iter().filter(|kill| kill.phase.is_between_journal_and_commit()).count()
    };
    while fell(&kills) < size.wanted && watch.elapsed() < size.at_most {
        let victim = if dice.below(4) == 0 {
            pause(dice.span(Duration::from_millis(400))).await;
            kills.len() % size.n_processes
        } else {
            let Some(busy) = crowd.somebody_exchanges(&stage).await else { continue };
            pause(dice.span(EXCHANGE + Duration::from_millis(20))).await;
            busy
        };
        let kill = crowd.kill(victim, &stage).await?;
        let phase = kill.phase;
        kills.push(kill);
        if phase.is_between_journal_and_commit() {
            // The same token is sent three times at most (decision 5), by all processes together.
            pause(LIFE).await;
        }
    }
    // What the last kill has left is settled by the others.
    pause(LIFE * 3).await;
    let reports = crowd.reports().await?;
    let mut plan = stage.plan(Task::Renew);
    plan.phase = Some(stage.phase_file(size.n_processes));
    let last = Process::start(&plan).await?.report().await?.unwrap_or_default();
    Ok(Fire { kills, reports, stage, seconds: watch.seconds(), last })
}

/// The processes, each with its place.
struct Crowd {
    processes: Vec<Option<Process>>,
    plans: Vec<Plan>,
}

impl Crowd {
    async fn start(stage: &Stage, n: usize) -> Result<Self, Failure> {
        let mut plans = Vec::new();
        let mut processes = Vec::new();
        for i in 0..n {
            let mut plan = stage.plan(Task::Load { callers: 2, pause_ms: 30 });
            plan.phase = Some(stage.phase_file(i));
            processes.push(Some(Process::start(&plan).await?));
            plans.push(plan);
        }
        for process in processes.iter_mut().flatten() {
            findings_ready(process.is_ready().await?)?;
        }
        Ok(Self { processes, plans })
    }

    /// Waits until some process is between its mark and its commit, and says which.
    async fn somebody_exchanges(&self, stage: &Stage) -> Option<usize> {
        let watch = Stopwatch::start();
        while watch.elapsed() < LIFE * 3 {
            let n = self.plans.len();
            let busy = |i: &usize| Phase::of(&stage.phase_file(*i)).is_between_journal_and_commit();
            if let Some(found) = (0..n).find(busy) {
                return Some(found);
            }
            pause(Duration::from_millis(3)).await;
        }
        None
    }

    /// Kills a process, and starts another in its place; how far the dead one was.
    async fn kill(&mut self, victim: usize, stage: &Stage) -> Result<Kill, Failure> {
        let victims = self.processes[victim].take().ok_or("nobody to kill")?;
        let process = victims.pid().ok_or("it has died by itself")?.as_raw_nonzero().get();
        victims.kill().await?;
        let phase = Phase::of(&stage.phase_file(victim));
        let mut next = Process::start(&self.plans[victim]).await?;
        findings_ready(next.is_ready().await?)?;
        self.processes[victim] = Some(next);
        Ok(Kill { process: u32::try_from(process)?, phase })
    }

    async fn reports(self) -> Result<Vec<Report>, Failure> {
        let mut reports = Vec::new();
        for process in self.processes.into_iter().flatten() {
            reports.extend(process.report().await?);
        }
        Ok(reports)
    }
}

fn judge(kind: Kind, size: &Size, fire: &Fire, findings: &mut Findings) {
    let Fire { kills, reports, stage, seconds, last } = fire;
    let seen = stage.seen();
    let between: Vec<&Kill> =
        kills.iter().filter(|kill| kill.phase.is_between_journal_and_commit()).collect();
    let phases: Vec<String> = kills.iter().map(|kill| format!("{:?}", kill.phase)).collect();
    findings.note(format!(
        "{}: {} kills in {seconds:.0} s, {} of them between journal and commit",
        kind.name(),
        kills.len(),
        between.len()
    ));
    findings.note(format!("where they fell: {}", phases.join(" ")));
    findings.note(format!("{seen:?}"));
    let (kind, n) = (kind.name(), between.len());
    findings.claim(
        n >= size.wanted,
        format!("{kind}: {n} of {} kills fell between journal and commit", size.wanted),
    );
    let failed: u64 = reports.iter().map(|report| report.failed).sum();
    let errors: Vec<&String> = reports.iter().flat_map(|report| &report.errors).collect();
    findings.claim(
        failed == 0,
        format!("{kind}: {failed} failed requests of those that lived {errors:?}"),
    );
    findings.claim(
        last.refused.is_none() && last.ok == 1,
        format!("{kind}: a process that comes afterwards renews and is served {:?}", last.refused),
    );
    findings.claim(
        seen.refused == 0,
        format!("{kind}: {} refreshes were refused, as a spent token would be", seen.refused),
    );
    let lost = seen.sign_ins.saturating_sub(1);
    if fire.stage.kind == Kind::Grace {
        findings.claim(lost == 0, format!("{kind}: {lost} sessions lost"));
        findings.note(format!(
            "{kind}: {} spent tokens were sent again inside the grace and taken",
            seen.spent_presented
        ));
    } else {
        findings.claim(
            seen.spent_presented == 0,
            format!("{kind}: a spent token was sent again {} times", seen.spent_presented),
        );
        let marks: Vec<Marks> =
            (0..=size.n_processes).map(|n| phase::marks(&stage.phase_file(n))).collect();
        let killed: Vec<u32> = kills.iter().map(|kill| kill.process).collect();
        let proofs = Proofs::of(&marks, &killed);
        findings.claim(
            lost <= proofs.n_proven && proofs.unproven.is_empty(),
            format!(
                "{kind}: {lost} sessions lost, each to a mark of a process that was killed: {} sign-ins over {} marks, {} over none of those {:?}",
                proofs.n_proven, proofs.n_marks, proofs.unproven.len(), proofs.unproven
            ),
        );
    }
    findings.claim(
        last.generation >= 1 && last.saved,
        format!("{kind}: the store holds generation {}", last.generation),
    );
}

/// Why sessions were lost, by what was in the store: whoever signs in has read the journal under the lock.
#[derive(Default)]
struct Proofs {
    /// Sign-ins over the mark of a process that was killed. One that was cut off is made once more, over the same
    /// mark: it stays until tokens are written.
    n_proven: u64,
    /// So many marks those were.
    n_marks: usize,
    /// Sign-ins over no mark, or over that of a process that lives.
    unproven: Vec<String>,
}

impl Proofs {
    fn of(marks: &[Marks], killed: &[u32]) -> Self {
        let mut proofs = Self::default();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for mark in marks.iter().flat_map(|marks| &marks.signed_in_over) {
            let Some(mark) = mark else {
                proofs.unproven.push("no mark".to_owned());
                continue;
            };
            let mut writers = marks.iter().flat_map(|marks| &marks.written);
            if writers.any(|(process, written)| written == mark && killed.contains(process)) {
                proofs.n_proven += 1;
                seen.insert(mark);
            } else {
                proofs.unproven.push(format!("{mark} of a process that lives"));
            }
        }
        proofs.n_marks = seen.len();
        proofs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_proven_by_the_mark_of_a_process_that_was_killed_and_by_no_other() {
        let marks = |written: &[(u32, &str)], over: &[Option<&str>]| Marks {
            written: written.iter().map(|(process, mark)| (*process, (*mark).to_owned())).collect(),
            signed_in_over: over.iter().map(|mark| mark.map(str::to_owned)).collect(),
        };
        let proofs = |over: &[Option<&str>], killed: &[u32]| {
            let all = [marks(&[(1, "a"), (2, "b")], &[]), marks(&[(3, "b")], over)];
            let proofs = Proofs::of(&all, killed);
            (proofs.n_proven, proofs.n_marks, proofs.unproven.len())
        };
        assert_eq!(proofs(&[Some("a")], &[1]), (1, 1, 0));
        assert_eq!(proofs(&[Some("a"), Some("a"), Some("b")], &[1, 3]), (3, 2, 0));
        assert_eq!(proofs(&[Some("a"), None], &[1]), (1, 1, 1));
        assert_eq!(proofs(&[Some("a")], &[2, 3]), (0, 0, 1));
        assert_eq!(proofs(&[Some("c")], &[1, 2, 3]), (0, 0, 1));
    }
}
