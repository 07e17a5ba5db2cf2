//! Every row of `failures.md` has a case that has passed in this run, or a test that is named after it and
//! has passed in the last run of the tests. A name alone proves nothing.

mod in_tree;
mod ran;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign_conformance::report::model::{RowReport, Run};

pub(crate) use in_tree::NamedTest;
pub(crate) use ran::{Fate, Record};
pub(crate) use table::{Row, all};

/// The root of the repository, in which this was built.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The tests of the repository that are named after rows, by row.
pub(crate) fn named_tests() -> Result<BTreeMap<String, Vec<NamedTest>>, String> {
    in_tree::find(&root())
}

/// Adds to a run what the rows are about, the tests that prove them, and those that nothing proves.
pub(crate) fn complete(run: &mut Run, selection: bool) -> Result<(), String> {
    if selection {
        return Ok(());
    }
    judge(run, all()?, &named_tests()?, &Record::read()?, under_ci());
    Ok(())
}

/// Whether what was not run is a failure, and not something to say.
pub(crate) fn under_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn judge(
    run: &mut Run,
    rows: Vec<Row>,
    tests: &BTreeMap<String, Vec<NamedTest>>,
    record: &Record,
    strict: bool,
) {
    let mut reports = std::mem::take(&mut run.rows);
    for row in rows {
        let found = reports.iter().position(|report| report.row == row.id);
        let mut report = match found {
            Some(place) => reports.remove(place),
            None => RowReport { row: row.id, ..RowReport::default() },
        };
        report.about = row.failure;
        let mut failed = Vec::new();
        for test in tests.get(&report.row).into_iter().flatten() {
            match record.fate(test) {
                Fate::Passed => report.tests.push(test.to_string()),
                Fate::Failed => failed.push(test.to_string()),
                Fate::NotRun => report.not_run.push(test.to_string()),
            }
        }
        let proofs = report.cases.len() + report.tests.len();
        report.proved = proofs > 0 && failed.is_empty();
        run.problems.extend(wrong(&report, &failed, strict));
        run.rows.push(report);
    }
    // Sections of standards, and rows that the table does not have.
    for report in &reports {
        if !report.row.starts_with("RFC ") {
            run.problems.push(format!("a case proves {}, which is no row", report.row));
        }
    }
    run.rows.append(&mut reports);
}

/// What is wrong with the proof of a row, if anything is.
fn wrong(report: &RowReport, failed: &[String], strict: bool) -> Option<String> {
    let RowReport { row, about, not_run, proved, .. } = report;
    match (proved, failed, not_run.is_empty()) {
        (true, ..) => None,
        (false, [first, ..], _) => Some(format!("{row} has a test that failed, {first}: {about}")),
        (false, [], true) => Some(format!(
            "{row} has neither a case that passes nor a test that is named after it: {about}"
        )),
        (false, [], false) if strict => Some(format!(
            "{row} rests on tests that were not run here; run `cargo xtask test` first: {about}"
        )),
        // The report says so; by hand the suite can be run without the tests.
        (false, [], false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: &[(&str, &[&str])]) -> Run {
        let row = |(row, cases): &(&str, &[&str])| RowReport {
            row: (*row).to_owned(),
            cases: cases.iter().map(|id| (*id).to_owned()).collect(),
            ..RowReport::default()
        };
        Run {
            suite: String::new(),
            seed: String::new(),
            started: String::new(),
            took_ms: 0,
            providers: Vec::new(),
            rows: rows.iter().map(row).collect(),
            problems: Vec::new(),
        }
    }

    #[test]
    fn a_row_without_any_proof_is_a_problem_and_so_is_a_proof_without_a_row() {
        let judged = |run: Run, tests: &[&str]| judged(run, tests, "passed a::a\n", true);
        let bare = judged(run(&[("F16", &[]), ("F99", &["a"]), ("RFC 6749 §6", &["a"])]), &[]);
        let about = |run: &Run, row: &str| run.problems.iter().filter(|p| p.contains(row)).count();
        assert_eq!(about(&bare, "F16 has neither"), 1);
        assert_eq!(about(&bare, "F99, which is no row"), 1);
        assert_eq!((about(&bare, "RFC"), bare.problems.len()), (0, 53 + 24 + 1));
        assert_eq!(bare.rows.len(), 53 + 24 + 2);
        assert_eq!(about(&judged(run(&[("F16", &["a"])]), &[]), "F16"), 0);
        let named = judged(run(&[]), &["F16"]);
        assert_eq!((about(&named, "F16"), about(&named, "F17")), (0, 1));
    }

    /// The rows `tests` have one test each, `a`; the record of the tests is `record`.
    fn judged(mut run: Run, tests: &[&str], record: &str, strict: bool) -> Run {
        let test = || vec![NamedTest { name: "a".into(), file: "b".into(), ignored: false }];
        let tests = tests.iter().map(|row| ((*row).to_owned(), test())).collect();
        judge(&mut run, all().unwrap(), &tests, &Record::parse(record, None), strict);
        run
    }

    #[test]
    fn a_test_that_did_not_run_proves_nothing_and_one_that_failed_is_a_problem() {
        let row = |run: &Run| run.rows.iter().find(|row| row.row == "F16").cloned().unwrap();
        let about = |run: &Run| run.problems.iter().find(|p| p.starts_with("F16")).cloned();
        let by_hand = judged(run(&[]), &["F16"], "passed a::b\n", false);
        assert_eq!((row(&by_hand).proved, row(&by_hand).not_run.len()), (false, 1));
        assert_eq!(about(&by_hand), None);
        let in_ci = judged(run(&[]), &["F16"], "", true);
        assert!(about(&in_ci).unwrap().contains("run `cargo xtask test` first"));
        let failed = judged(run(&[("F16", &["case"])]), &["F16"], "failed a::a\n", false);
        assert!(!row(&failed).proved && about(&failed).unwrap().contains("a test that failed"));
        let passed = judged(run(&[]), &["F16"], "passed a::a\n", true);
        assert!(row(&passed).proved && about(&passed).is_none());
    }

    #[test]
    fn nothing_is_demanded_of_a_selection() {
        let mut selected = run(&[]);
        complete(&mut selected, true).unwrap();
        assert!(selected.problems.is_empty() && selected.rows.is_empty());
    }
}
