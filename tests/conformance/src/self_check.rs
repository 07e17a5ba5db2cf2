//! The proof of the suite itself: each defect must be caught by the case that names it, and the
//! unbroken engine must pass that case.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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

/// One run of a case: with a defect, or without.
#[derive(Clone, Copy)]
enum Trial {
    Broken(Defect),
    Unbroken { case: &'static str, target: &'static str },
}

/// Runs the case of each defect with it, and each such case without; `n_threads` at a time.
pub(crate) fn run(
    defects: &[Defect],
    seed: u64,
    n_threads: usize,
    progress: impl Fn(&str) + Sync,
) -> Result<Verdicts, String> {
    let places: BTreeSet<(&str, &str)> =
        defects.iter().map(|defect| (defect.caught_by, defect.target)).collect();
    let unbroken = places.into_iter().map(|(case, target)| Trial::Unbroken { case, target });
    let trials: Vec<Trial> = unbroken.chain(defects.iter().copied().map(Trial::Broken)).collect();
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Ok(Verdicts::default()));
    std::thread::scope(|scope| {
        for _ in 0..n_threads.max(1) {
            scope.spawn(|| {
                while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = trial.outcome(seed);
                    let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                    match (outcome, &mut *verdicts) {
                        (Ok(outcome), Ok(verdicts)) => {
                            verdicts.add(*trial, &outcome, &progress);
                        }
                        (Err(why), verdicts) => *verdicts = Err(why),
                        (_, Err(_)) => return,
                    }
                }
            });
        }
    });
    verdicts.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Trial {
    fn outcome(self, seed: u64) -> Result<Outcome, String> {
        match self {
            Self::Broken(defect) => {
                outcome(defect.caught_by, defect.target, (defect.engine)(), seed)
            }
            Self::Unbroken { case, target } => outcome(case, target, Arc::new(Unbroken), seed),
        }
    }
}

impl Verdicts {
    fn add(&mut self, trial: Trial, outcome: &Outcome, progress: &impl Fn(&str)) {
        match (trial, outcome) {
            (Trial::Unbroken { .. }, Outcome::Passed) => {}
            (Trial::Unbroken { case, target }, Outcome::Failed { finding }) => {
                self.wrong.push(format!("{target} {case} fails without a defect: {finding}"));
            }
            (Trial::Unbroken { case, target }, Outcome::Skipped { reason }) => {
                self.wrong.push(format!("{target} {case} is skipped: {reason}"));
            }
            (Trial::Broken(Defect { id, caught_by, .. }), Outcome::Failed { finding }) => {
                self.n_caught += 1;
                progress(&format!("caught  {id:<32} by {caught_by}: {finding}"));
            }
            (Trial::Broken(Defect { id, caught_by, target, title, .. }), _) => {
                progress(&format!("MISSED  {id:<32} by {caught_by}"));
                self.wrong.push(format!("{id} survives {caught_by} on {target}: {title}"));
            }
        }
    }
}

fn outcome(
    case: &str,
    target: &str,
    engine: Arc<dyn Engine>,
    seed: u64,
) -> Result<Outcome, String> {
    let case = select::case(case)?;
    let target = targets::named(target).ok_or_else(|| format!("no target `{target}`"))?;
    let plan = Plan { target, engine, seed, deadline: Duration::from_secs(120) };
    run_apart(case, plan).map(|report| report.outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harmless(caught_by: &'static str, target: &'static str) -> Defect {
        let engine = || -> Arc<dyn Engine> { Arc::new(Unbroken) };
        Defect { id: "harmless", title: "Nothing is wrong", target, caught_by, engine }
    }

    #[test]
    fn a_defect_that_its_case_does_not_catch_is_named() {
        let verdicts = run(&[harmless("sign-in-and-call", "ibex")], 7, 2, |_| ()).unwrap();
        assert_eq!(verdicts.n_caught, 0);
        assert_eq!(
            verdicts.wrong,
            ["harmless survives sign-in-and-call on ibex: Nothing is wrong"]
        );
    }

    #[test]
    fn a_case_that_is_skipped_catches_nothing() {
        let skipped = [harmless("refresh-in-the-background", "ibanera")];
        let verdicts = run(&skipped, 7, 1, |_| ()).unwrap();
        assert_eq!((verdicts.n_caught, verdicts.wrong.len()), (0, 2), "{:?}", verdicts.wrong);
        assert!(verdicts.wrong[0].contains("is skipped: the adapter does not claim refresh"));
        let unknown = [harmless("no-such-case", "ibex")];
        assert!(run(&unknown, 7, 1, |_| ()).unwrap_err().contains("no case `no-such-case`"));
    }
}
