//! A renewal, for each kind of refresh.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::document::{Tables, Text};
use super::seams;
use crate::experiments::Failure;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::{Report, Task};
use crate::process::Process;
use crate::stage::Stage;

/// No token ends by itself here.
const LIFE: Duration = Duration::from_secs(3600);
const AT_ONCE: usize = 3;

/// What becomes of the session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Outcome {
    /// The dead process has bought nothing; the next one does.
    Renewed,
    /// What the dead process has bought is in the store, and is gone on from.
    Kept,
    /// The refresh token that stays is sent again.
    SentAgain,
    /// The spent refresh token is sent again inside its grace, and taken.
    Replayed,
    /// `Ambiguous`: nothing is sent, the access token is served, and a sign-in helps.
    Ambiguous,
    /// The grant is repeated, as ever.
    Repeated,
    /// None of these.
    Other(&'static str),
}

impl Text for Outcome {
    fn text(self) -> &'static str {
        match self {
            Self::Renewed => "renewed",
            Self::Kept => "kept",
            Self::SentAgain => "sent again",
            Self::Replayed => "replayed in the grace",
            Self::Ambiguous => "ambiguous",
            Self::Repeated => "repeated",
            Self::Other(what) => what,
        }
    }
}

/// Dies at each step of a renewal of each kind, and says what became of it.
pub(super) async fn run(findings: &mut Findings) -> Result<Tables<Outcome>, Failure> {
    let mut tables = Tables::default();
    for kind in Kind::ALL {
        let steps = counted(kind).await?;
        let found = die_at_each(kind, steps.len()).await?;
        let promised = promises(kind, &steps);
        let broken: Vec<String> = (0..steps.len())
            .filter(|n| found[*n] != promised[*n])
            .map(|n| format!("{}: {:?} instead of {:?}", steps[n], found[n], promised[n]))
            .collect();
        findings.claim(
            broken.is_empty() && steps.len() > 15,
            format!("{}: {} steps, each ends as promised {broken:?}", kind.name(), steps.len()),
        );
        seams::tell(kind.name(), &steps, |seam| seams::why_not_in_renewal(kind, seam), findings);
        tables.add(kind.name(), steps.into_iter().zip(found).collect());
    }
    Ok(tables)
}

/// The steps of one exchange, from a process that lives.
pub(in crate::experiments) async fn counted(kind: Kind) -> Result<Vec<String>, Failure> {
    let stage = Stage::new(kind, LIFE).await?;
    let mut plan = stage.plan(Task::Renew);
    plan.counts_steps = true;
    let report = Process::start(&plan).await?.report().await?;
    let report = report.ok_or("the process that counts the steps has died")?;
    let (ok, seen) = (report.ok, stage.seen());
    if ok != 1 || seen.exchanges() != 2 {
        return Err(format!("the process that counts the steps: {report:?} {seen:?}").into());
    }
    Ok(report.steps)
}

async fn die_at_each(kind: Kind, n_steps: usize) -> Result<Vec<Outcome>, Failure> {
    let leave = Arc::new(Semaphore::new(AT_ONCE));
    let mut runs = JoinSet::new();
    for n in 0..n_steps {
        let leave = Arc::clone(&leave);
        runs.spawn(async move {
            let _leave = leave.acquire().await?;
            Ok::<_, Failure>((n, die_at(kind, n).await?))
        });
    }
    let mut found = vec![Outcome::Other("not run"); n_steps];
    while let Some(run) = runs.join_next().await {
        let (n, outcome) = run??;
        found[n] = outcome;
    }
    Ok(found)
}

async fn die_at(kind: Kind, n: usize) -> Result<Outcome, Failure> {
    let stage = Stage::new(kind, LIFE).await?;
    let mut plan = stage.plan(Task::Renew);
    plan.counts_steps = true;
    plan.dies_at = Some(u32::try_from(n)?);
    if Process::start(&plan).await?.report().await?.is_some() {
        return Ok(Outcome::Other("it did not die"));
    }
    let dead = stage.seen();
    let mut plan = stage.plan(Task::Renew);
    if kind != Kind::Absent {
        // Nobody signs in unless a person says so: doubt is then told, and not made good.
        plan.automatic = None;
    }
    let next = Process::start(&plan).await?.report().await?.unwrap_or_default();
    let after = stage.seen();
    if next.ok != 1 {
        return Ok(Outcome::Other("the next process is not served"));
    }
    let bought_by_dead = dead.exchanges() - 1;
    let bought_by_next = after.exchanges() - dead.exchanges();
    if after.refused > 0 {
        return Ok(Outcome::Other("a refresh was refused"));
    }
    if let Some(kind) = &next.refused_kind {
        return doubted(&stage, kind, bought_by_next).await;
    }
    if bought_by_next != 1 || !next.saved {
        return Ok(Outcome::Other("the next process bought another number than one"));
    }
    Ok(match (bought_by_dead, next.generation, after.spent_presented) {
        (0, 2, 0) => Outcome::Renewed,
        (1, 3, 0) => Outcome::Kept,
        (1, 2, 1) => Outcome::Replayed,
        (1, 2, 0) if kind == Kind::Absent => Outcome::Repeated,
        (1, 2, 0) => Outcome::SentAgain,
        _ => Outcome::Other("something else"),
    })
}

/// The next process has refused to renew: it must be for doubt, with nothing sent, and a sign-in must help.
async fn doubted(stage: &Stage, kind: &str, bought: u64) -> Result<Outcome, Failure> {
    if kind != "Ambiguous" || bought != 0 {
        return Ok(Outcome::Other("the next process refuses for another reason"));
    }
    let before = stage.seen();
    let helped: Report =
        Process::start(&stage.plan(Task::Renew)).await?.report().await?.unwrap_or_default();
    let after = stage.seen();
    let signed_in = after.sign_ins == before.sign_ins + 1 && after.refreshes == before.refreshes;
    if helped.ok == 1 && helped.refused.is_none() && signed_in && after.spent_presented == 0 {
        Ok(Outcome::Ambiguous)
    } else {
        Ok(Outcome::Other("a sign-in does not help"))
    }
}

/// What the documents promise for each step.
fn promises(kind: Kind, steps: &[String]) -> Vec<Outcome> {
    let at = |what: &str| steps.iter().position(|step| step == what).unwrap_or(usize::MAX);
    let marked = steps.iter().position(|step| step == "after a record of the mark is written");
    let marked = marked.unwrap_or(usize::MAX);
    let sent = at("after the answer has come");
    let stored = steps.iter().rposition(|step| step == "after a record of the commit is written");
    let stored = stored.unwrap_or(usize::MAX);
    let promised = |n: usize| match kind {
        _ if n >= stored => Outcome::Kept,
        Kind::NoGrace | Kind::Unknown if n >= marked => Outcome::Ambiguous,
        _ if n < sent => Outcome::Renewed,
        Kind::Reusable | Kind::Budget => Outcome::SentAgain,
        Kind::Grace => Outcome::Replayed,
        Kind::Absent | Kind::Codes => Outcome::Repeated,
        Kind::NoGrace | Kind::Unknown => Outcome::Ambiguous,
    };
    (0..steps.len()).map(promised).collect()
}
