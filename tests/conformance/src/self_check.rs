//! The proof of the suite itself: each defect must be caught by a check of the case that names it, and the
//! unbroken engine must pass that case.
//!
//! A case that hangs or panics over a defect has not found it: it would do so over anything. That is an end
//! of its own, and fails the check unless `defects::ENDS` declares it, with the reason.
//!
//! A case that no defect names has never been seen red: that fails the check too.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_conformance::report::model::Outcome;
use countersign_conformance::{Case, Engine, How, Plan, Unbroken, run_apart};

use crate::defects::{self, Defect};
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
                    let end = trial.run(seed);
                    let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                    match (end, &mut *verdicts) {
                        (Ok(end), Ok(verdicts)) => verdicts.add(*trial, &end, &progress),
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
    fn run(self, seed: u64) -> Result<End, String> {
        match self {
            Self::Broken(defect) => end(defect.caught_by, defect.target, (defect.engine)(), seed),
            Self::Unbroken { case, target } => end(case, target, Arc::new(Unbroken), seed),
        }
    }
}

/// A sentence for each case that none of `defects` names.
pub(crate) fn unnamed(cases: &[Case], defects: &[Defect]) -> Vec<String> {
    let named: BTreeSet<&str> = defects.iter().map(|defect| defect.caught_by).collect();
    let without = cases.iter().filter(|case| !named.contains(case.id));
    let sentence = |case: &Case| {
        format!("{} is named by no defect: add one to `tests/conformance/src/defects`", case.id)
    };
    without.map(sentence).collect()
}

/// How a trial ended.
enum End {
    Of(Outcome),
    /// There was no server, for this reason.
    Unavailable(String),
}

impl Verdicts {
    fn add(&mut self, trial: Trial, end: &End, progress: &impl Fn(&str)) {
        let wrong = match trial {
            Trial::Unbroken { case, target } => unbroken(case, target, end),
            Trial::Broken(defect) => {
                let Defect { id, caught_by, .. } = defect;
                let (word, wrong) = match broken(&defect, end) {
                    Ok(()) => ("caught", None),
                    Err((word, wrong)) => (word, Some(wrong)),
                };
                self.n_caught += usize::from(wrong.is_none());
                let declared = defects::ENDS.iter().find(|end| end.defect == id);
                let how = match (end, declared) {
                    (End::Of(Outcome::Failed { finding }), None) => format!(": {finding}"),
                    (End::Of(Outcome::Failed { finding }), Some(declared)) => {
                        format!(": {finding}; declared: {}", declared.why)
                    }
                    _ => String::new(),
                };
                progress(&format!("{word:<7} {id:<32} by {caught_by}{how}"));
                wrong
            }
        };
        self.wrong.extend(wrong);
    }
}

/// What is wrong with the end of a case without any defect.
fn unbroken(case: &str, target: &str, end: &End) -> Option<String> {
    match end {
        End::Of(Outcome::Passed) => None,
        End::Of(Outcome::Failed { finding }) => {
            Some(format!("{target} {case} fails without a defect: {finding}"))
        }
        End::Of(Outcome::Skipped { reason }) => {
            Some(format!("{target} {case} is skipped: {reason}"))
        }
        End::Unavailable(why) => Some(format!("{target} is not there for {case}: {why}")),
    }
}

/// Whether a defect was caught as it must be; else a word and a sentence about what came instead.
fn broken(defect: &Defect, end: &End) -> Result<(), (&'static str, String)> {
    let Defect { id, caught_by, target, title, .. } = defect;
    let declared = defects::ENDS.iter().find(|end| end.defect == *id).map(|end| end.how);
    match end {
        End::Of(Outcome::Failed { finding }) => match (finding.how, declared) {
            (How::Check, None) => Ok(()),
            (how, Some(declared)) if how == declared => Ok(()),
            (How::Check, Some(_)) => Err((
                "STALE",
                format!("{id} is caught by a check of {caught_by}: take it out of `defects::ENDS`"),
            )),
            (how, _) => Err((
                if how == How::Panic { "PANIC" } else { "HANG" },
                format!(
                    "{id} is not found by a check of {caught_by} on {target}, which ended by {}: {title}",
                    how.as_str()
                ),
            )),
        },
        End::Of(Outcome::Passed) => {
            Err(("MISSED", format!("{id} survives {caught_by} on {target}: {title}")))
        }
        End::Of(Outcome::Skipped { reason }) => {
            Err(("SKIPPED", format!("{id} is not tried by {caught_by} on {target}: {reason}")))
        }
        End::Unavailable(why) => {
            Err(("ABSENT", format!("{id} could not be tried: {target} is not there: {why}")))
        }
    }
}

fn end(case: &str, target: &str, engine: Arc<dyn Engine>, seed: u64) -> Result<End, String> {
    let case = select::case(case)?;
    let target = targets::named(target).ok_or_else(|| format!("no target `{target}`"))?;
    let plan = Plan { target, engine, seed, deadline: Duration::from_secs(120) };
    Ok(match run_apart(case, plan) {
        Ok(report) => End::Of(report.outcome),
        Err(why) => End::Unavailable(why),
    })
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use countersign_conformance::Finding;
    use countersign_core::http::{HttpRequest, HttpResponse};
    use countersign_core::transport::TransportError;
    use countersign_core::{AuthProvider, Clock, HttpTransport, Monotonic, Timestamp};

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
    fn every_case_is_named_by_a_defect_and_one_that_is_not_is_told() {
        let cases = crate::cases::all();
        assert_eq!(unnamed(&cases, &defects::all()), Vec::<String>::new());
        let others = defects::all().into_iter().filter(|defect| defect.caught_by != "f01-herd");
        let told = unnamed(&cases, &others.collect::<Vec<_>>());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("f01-herd is named by no defect"), "{told:?}");
    }

    #[test]
    fn a_defect_has_a_name_of_its_own_and_a_case_and_a_target_that_there_are() {
        let mut ids = BTreeSet::new();
        for Defect { id, caught_by, target, .. } in defects::all() {
            assert!(ids.insert(id), "{id} is there twice");
            assert!(select::case(caught_by).is_ok(), "{id}: {caught_by}");
            assert!(targets::named(target).is_some(), "{id}: {target}");
        }
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

    #[test]
    fn a_hang_a_panic_and_a_missing_server_are_ends_of_their_own() {
        let defect = harmless("sign-in-and-call", "ibex");
        let failed = |how| {
            let finding = Finding::new("a", "b").by(how);
            End::Of(Outcome::Failed { finding })
        };
        let word = |end: &End| broken(&defect, end).err().map(|(word, _)| word);
        assert_eq!(word(&failed(How::Check)), None);
        assert_eq!(word(&failed(How::NoEnd)), Some("HANG"));
        assert_eq!(word(&failed(How::Panic)), Some("PANIC"));
        assert_eq!(word(&End::Unavailable("down".into())), Some("ABSENT"));
        assert_eq!(word(&End::Of(Outcome::Passed)), Some("MISSED"));
    }

    #[test]
    fn an_end_is_declared_for_a_defect_that_there_is_with_a_reason() {
        let all = defects::all();
        for end in defects::ENDS {
            assert!(all.iter().any(|defect| defect.id == end.defect), "{}", end.defect);
            assert!(end.how != How::Check && end.why.len() > 20, "{}", end.defect);
        }
    }

    /// Nothing that waits is ever woken, and nothing is ever answered.
    struct Asleep;

    impl Engine for Asleep {
        fn clock(&self, real: Arc<dyn Clock>) -> Arc<dyn Clock> {
            Arc::new(NeverWakes(real))
        }

        fn transport(&self, _: Arc<dyn HttpTransport>) -> Arc<dyn HttpTransport> {
            Arc::new(NeverAnswers)
        }
    }

    struct NeverWakes(Arc<dyn Clock>);

    #[async_trait]
    impl Clock for NeverWakes {
        fn now(&self) -> Timestamp {
            self.0.now()
        }

        fn monotonic(&self) -> Monotonic {
            self.0.monotonic()
        }

        async fn sleep_until(&self, _: Monotonic) {
            std::future::pending::<()>().await;
        }
    }

    struct NeverAnswers;

    #[async_trait]
    impl HttpTransport for NeverAnswers {
        async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
            std::future::pending().await
        }
    }

    /// Panics before there is anything to run.
    struct Burning;

    impl Engine for Burning {
        fn provider(&self, _: Arc<dyn AuthProvider>) -> Arc<dyn AuthProvider> {
            // Without the hook: a panic that is meant writes nothing to standard error.
            std::panic::resume_unwind(Box::new("burning"));
        }
    }

    #[test]
    fn an_engine_that_hangs_or_burns_is_not_caught_but_said_to() {
        let asleep = || -> Arc<dyn Engine> { Arc::new(Asleep) };
        let burning = || -> Arc<dyn Engine> { Arc::new(Burning) };
        let broken = |engine| Defect { engine, ..harmless("sign-in-and-call", "ibex") };
        let said = |defect| {
            let lines = Mutex::new(Vec::new());
            let note = |line: &str| lines.lock().unwrap().push(line.to_owned());
            let verdicts = run(&[defect], 7, 1, note).unwrap();
            assert_eq!((verdicts.n_caught, verdicts.wrong.len()), (0, 1), "{:?}", verdicts.wrong);
            lines.into_inner().unwrap().concat()
        };
        let hung = said(broken(asleep));
        assert!(hung.starts_with("HANG") && hung.contains("can never happen"), "{hung}");
        let burnt = said(broken(burning));
        assert!(burnt.starts_with("PANIC"), "{burnt}");
    }
}
