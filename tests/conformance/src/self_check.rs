//! The proof of the suite itself: each defect must be caught by the case that names it, and the
//! unbroken engine must pass that case.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use countersign_conformance::report::model::Outcome;
use countersign_conformance::{Engine, Plan, Unbroken, run_apart};

use crate::defects::Defect;
use crate::{select, targets};

/// What has become of the defects.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// Caught by their cases.
    pub(crate) n_caught: usize,
    /// A sentence for each that was not, and for each case that fails without any defect.
    pub(crate) wrong: Vec<String>,
}

/// Runs the case of each defect with it, and each such case without.
pub(crate) fn run(
    defects: &[Defect],
    seed: u64,
    progress: impl Fn(&str),
) -> Result<Verdicts, String> {
    let mut verdicts = Verdicts::default();
    let places: BTreeSet<(&str, &str)> =
        defects.iter().map(|defect| (defect.caught_by, defect.target)).collect();
    for (case, target) in places {
        match outcome(case, target, Arc::new(Unbroken), seed)? {
            Outcome::Passed => {}
            Outcome::Failed { finding } => {
                verdicts.wrong.push(format!("{target} {case} fails without a defect: {finding}"));
            }
            Outcome::Skipped { reason } => {
                verdicts.wrong.push(format!("{target} {case} is skipped: {reason}"));
            }
        }
    }
    for defect in defects {
        let Defect { id, title, target, caught_by, engine } = defect;
        match outcome(caught_by, target, engine(), seed)? {
            Outcome::Failed { finding } => {
                verdicts.n_caught += 1;
                progress(&format!("caught  {id:<32} by {caught_by}: {finding}"));
            }
            _ => {
                progress(&format!("MISSED  {id:<32} by {caught_by}"));
                verdicts.wrong.push(format!("{id} survives {caught_by} on {target}: {title}"));
            }
        }
    }
    Ok(verdicts)
}

fn outcome(
    case: &str,
    target: &str,
    engine: Arc<dyn Engine>,
    seed: u64,
) -> Result<Outcome, String> {
    let case = select::case(case)?;
    let target = targets::named(target).ok_or_else(|| format!("no target `{target}`"))?;
    let plan = Plan { target, engine, seed, deadline: Duration::from_secs(30) };
    run_apart(case, plan).map(|report| report.outcome)
}
