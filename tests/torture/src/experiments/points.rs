//! A process dies at every step of an exchange, one run for each step and each kind of refresh: the steps
//! are counted in a run that lives, not sampled. What the next process makes of it is what `docs/CRASHES.md`
//! promises, which is made here and compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Cx, End, Failure};
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::{Report, Task};
use crate::process::Process;
use crate::stage::Stage;

/// No token ends by itself here.
const LIFE: Duration = Duration::from_secs(3600);
const AT_ONCE: usize = 3;
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CRASHES.md");

/// What becomes of the session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
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

impl Outcome {
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

pub(crate) async fn run(cx: Cx) -> Result<End, Failure> {
    let mut findings = Findings::default();
    let mut tables: BTreeMap<usize, Vec<(String, Outcome)>> = BTreeMap::new();
    let mut n_points = 0;
    for (column, kind) in Kind::ALL.into_iter().enumerate() {
        let steps = counted(kind).await?;
        let found = die_at_each(kind, steps.len()).await?;
        let promised = promises(kind, &steps);
        let broken: Vec<String> = (0..steps.len())
            .filter(|n| found[*n] != promised[*n])
            .map(|n| format!("{}: {:?} instead of {:?}", steps[n], found[n], promised[n]))
            .collect();
        n_points += steps.len();
        findings.claim(
            broken.is_empty() && steps.len() > 15,
            format!("{}: {} steps, each ends as promised {broken:?}", kind.name(), steps.len()),
        );
        tables.insert(column, steps.into_iter().zip(found).collect());
    }
    findings.note(format!("{n_points} deaths"));
    let text = document(&tables);
    let path = Path::new(DOCUMENT);
    if cx.write_docs {
        std::fs::write(path, &text)?;
        findings.note("docs/CRASHES.md is written");
    } else {
        let same = std::fs::read_to_string(path).is_ok_and(|known| known == text);
        findings
            .claim(same, "docs/CRASHES.md says this (`cargo xtask torture points --write-docs`)");
    }
    Ok(End::Findings(findings))
}

/// The steps of one exchange, from a process that lives.
pub(super) async fn counted(kind: Kind) -> Result<Vec<String>, Failure> {
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

fn document(tables: &BTreeMap<usize, Vec<(String, Outcome)>>) -> String {
    let mut text = String::from(PREFACE);
    let _ = write!(text, "| the process dies |");
    for kind in Kind::ALL {
        let _ = write!(text, " {} |", kind.name());
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(Kind::ALL.len()));
    for (step, nth) in rows(tables) {
        let _ = write!(text, "| {step}{} |", if nth == 0 { "" } else { ", once more" });
        for table in tables.values() {
            let mut same = table.iter().filter(|(of, _)| *of == step);
            let _ = write!(text, " {} |", same.nth(nth).map_or("–", |(_, outcome)| outcome.text()));
        }
        text.push('\n');
    }
    text
}

/// The steps of all kinds in one order: those of the kind that has most, and each of the others after the
/// one that it follows.
fn rows(tables: &BTreeMap<usize, Vec<(String, Outcome)>>) -> Vec<(String, usize)> {
    let mut rows: Vec<(String, usize)> = Vec::new();
    for table in tables.values() {
        let mut last = 0;
        let mut met: BTreeMap<&str, usize> = BTreeMap::new();
        for (step, _) in table {
            let nth = met.entry(step.as_str()).or_default();
            let row = (step.clone(), *nth);
            *nth += 1;
            match rows.iter().position(|known| *known == row) {
                Some(at) => last = at + 1,
                None => {
                    rows.insert(last, row);
                    last += 1;
                }
            }
        }
    }
    rows
}

const PREFACE: &str = "# Crashes

What becomes of a session whose process is killed in the middle of an exchange, at each step of it, by the
kind of refresh that the provider has. The table is what `cargo xtask torture points` has found: one process
killed at each step, and what the next process and the provider's own books showed. It is compared in CI.

* **renewed**: the dead process has bought nothing, or nothing that counts; the next one buys the next token.
* **kept**: what the dead process has bought is in the store, and the next one goes on from it.
* **sent again**: the answer is lost; the refresh token stays good, and the next process sends it again.
* **replayed in the grace**: the answer is lost and the refresh token is spent; the next process finds the
  mark, sends the token again while the provider still takes it, and has the session. One token is sent at
  most three times by all processes together.
* **ambiguous**: the mark says that the token was about to be sent, and nobody can know whether it was. It is
  never sent again. The access token is served to its end; then the session signs in again, by itself where
  that is allowed, else whoever asks is told `Ambiguous`.
* **repeated**: there is no refresh; the grant is repeated, as at every renewal.

A process that dies in a *sign-out* has ended the session for everybody from the moment that it wrote its first
record of it, which is before the provider is asked: nobody hands the tokens out again, and the next sign-out
revokes them if that is still to be done
([decision 34](/docs/decisions/0034-the-end-is-written-before-the-revocation.md)).

The lock of a process that dies is free at once (file store), or with its lease (stores in a network). A
process that is stopped instead of killed keeps the file store's lock, and others wait, bounded, and are told
its number.

";
