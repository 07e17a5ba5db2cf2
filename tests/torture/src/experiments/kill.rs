//! Exchanges of 200 ms, and processes that are killed in them: between the mark in the store and the
//! commit nobody can know whether the refresh token is spent (F05, F28).
//!
//! Some kills fall anywhere; the others wait until a process has written its mark and fall at a random
//! moment of its exchange, since one in fifty would fall there by chance.

use std::time::Duration;

use countersign_simulator::{Fault, Operation, Record, Times};

use super::processes::findings_ready;
use super::{Cx, End, Failure};
use crate::clock::{Stopwatch, now_ms, pause};
use crate::dice::Dice;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::phase::{self, Phase};
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
        Size { n_processes: 4, wanted: 4, at_most: Duration::from_secs(60) }
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
    /// Between these two moments it fell.
    from_ms: i64,
    to_ms: i64,
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
    let last = Process::start(&stage.plan(Task::Renew)).await?.report().await?.unwrap_or_default();
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
        let from_ms = now_ms();
        if let Some(process) = self.processes[victim].take() {
            process.kill().await?;
        }
        let (to_ms, phase) = (now_ms(), Phase::of(&stage.phase_file(victim)));
        let mut next = Process::start(&self.plans[victim]).await?;
        findings_ready(next.is_ready().await?)?;
        self.processes[victim] = Some(next);
        Ok(Kill { from_ms, to_ms, phase })
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
        // A sign-in that is cut off is made once more, and is no refresh that is lost. Who held the lock
        // and no more may have had his mark on the disk already.
        let cut_off = kills
            .iter()
            .filter(|kill| matches!(kill.phase, Phase::SigningIn | Phase::Locked))
            .collect::<Vec<&Kill>>();
        let explaining = [&between[..], &cut_off[..]].concat();
        let records = stage.simulator.records();
        let unexplained = unexplained(&exchanges(&records), kills, &explaining);
        for loss in &unexplained {
            for line in loss.story(stage, &records, size.n_processes) {
                findings.note(line);
            }
        }
        findings.claim(
            lost <= (n + cut_off.len()) as u64 && unexplained.is_empty(),
            format!(
                "{kind}: {lost} sessions lost, each after a kill between journal and commit ({} without one {:?}; {} kills fell into a sign-in or the mark's own write)",
                unexplained.len(),
                unexplained.iter().map(|loss| &*loss.what).collect::<Vec<&str>>(),
                cut_off.len()
            ),
        );
    }
    findings.claim(
        last.generation >= 1 && last.saved,
        format!("{kind}: the store holds generation {}", last.generation),
    );
}

/// A sign-in that no kill explains.
struct Loss {
    /// When the exchange before it came, and when it came itself.
    from_ms: i64,
    to_ms: i64,
    what: String,
}

impl Loss {
    /// What the server and the processes have written down around it, in the order of time.
    fn story(&self, stage: &Stage, records: &[Record], n_processes: usize) -> Vec<String> {
        let (from, to) = (self.from_ms - 500, self.to_ms + 500);
        let served = records.iter().filter(|record| (from..=to).contains(&record.at_ms));
        let served = served.filter(|record| record.operation != Operation::RESOURCE);
        let mut all: Vec<(i64, String)> = served
            .map(|record| (record.at_ms, format!("{} server: {record:?}", record.at_ms)))
            .collect();
        for n in 0..n_processes {
            all.extend(phase::steps(&stage.phase_file(n), from, to));
        }
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, line)| line).collect()
    }
}

/// An exchange that the server has carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Exchange {
    at_ms: i64,
    operation: Operation,
}

fn exchanges(records: &[Record]) -> Vec<Exchange> {
    let bought = |record: &&Record| {
        record.success && matches!(record.operation, Operation::SIGN_IN | Operation::REFRESH)
    };
    let told = |record: &Record| Exchange { at_ms: record.at_ms, operation: record.operation };
    records.iter().filter(bought).map(told).collect()
}

/// The sign-ins after the first that have no kill before them which explains them: one in the exchange
/// whose answer was lost, or before it was sent. Each with what was recorded around it.
fn unexplained(exchanges: &[Exchange], kills: &[Kill], explaining: &[&Kill]) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (n, pair) in exchanges.windows(2).enumerate() {
        let [last, next] = pair else { continue };
        if next.operation != Operation::SIGN_IN {
            continue;
        }
        // A request outlives its process: it may come to the server after the kill. A refresh that came
        // after one of a process that was sending is its own, since nobody else sends one over its mark.
        let before = n.checked_sub(1).and_then(|n| exchanges.get(n)).map_or(0, |e| e.at_ms);
        let outlives = |kill: &Kill| {
            kill.phase == Phase::Sending
                && last.operation == Operation::REFRESH
                && kill.to_ms >= before
        };
        let explains = |kill: &Kill| {
            kill.from_ms <= next.at_ms && (kill.to_ms >= last.at_ms || outlives(kill))
        };
        if explaining.iter().any(|kill| explains(kill)) {
            continue;
        }
        let (from_ms, to_ms) = (last.at_ms, next.at_ms);
        let near = kills.iter().filter(|kill| kill.to_ms > from_ms - 3_000 && kill.from_ms < to_ms);
        let near: Vec<String> =
            near.map(|kill| format!("{:?} at {}", kill.phase, kill.from_ms - from_ms)).collect();
        let what = format!("{} ms after a {}: {near:?}", to_ms - from_ms, last.operation);
        losses.push(Loss { from_ms, to_ms, what });
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(exchanges: &[(i64, Operation)], kills: &[(i64, Phase)]) -> usize {
        let exchanges: Vec<Exchange> =
            exchanges.iter().map(|&(at_ms, operation)| Exchange { at_ms, operation }).collect();
        let kills: Vec<Kill> =
            kills.iter().map(|&(at, phase)| Kill { from_ms: at, to_ms: at + 5, phase }).collect();
        let explaining: Vec<&Kill> =
            kills.iter().filter(|kill| kill.phase.is_between_journal_and_commit()).collect();
        unexplained(&exchanges, &kills, &explaining).len()
    }

    #[test]
    fn a_loss_is_explained_by_the_kill_that_caused_it_and_by_no_other() {
        use Operation as Op;
        let lost = [(0, Op::SIGN_IN), (1000, Op::REFRESH), (3000, Op::SIGN_IN)];
        assert_eq!(losses(&lost, &[]), 1);
        assert_eq!(losses(&lost, &[(1100, Phase::Idle)]), 1);
        // After the request has come; before another one was sent.
        assert_eq!(losses(&lost, &[(1100, Phase::Sending)]), 0);
        assert_eq!(losses(&lost, &[(2000, Phase::Journaled)]), 0);
        // Its request came to the server after the kill.
        assert_eq!(losses(&lost, &[(990, Phase::Sending)]), 0);
        // The answer of that refresh was there; so this kill was in another exchange.
        assert_eq!(losses(&lost, &[(990, Phase::Committing)]), 1);
        assert_eq!(losses(&lost, &[(3100, Phase::Sending)]), 1);
        // One kill explains one loss.
        let twice =
            [(0, Op::SIGN_IN), (1000, Op::REFRESH), (2000, Op::SIGN_IN), (3000, Op::SIGN_IN)];
        assert_eq!(losses(&twice, &[(990, Phase::Sending)]), 1);
        let after =
            [(0, Op::SIGN_IN), (1000, Op::REFRESH), (2000, Op::REFRESH), (3000, Op::SIGN_IN)];
        assert_eq!(losses(&after, &[(990, Phase::Sending)]), 1);
    }
}
