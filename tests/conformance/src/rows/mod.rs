//! Every row of `failures.md` has a case, or a test that is named after it.

mod in_tree;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign_conformance::report::model::{RowReport, Run};

pub(crate) use in_tree::NamedTest;
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
    judge(run, all()?, &named_tests()?);
    Ok(())
}

fn judge(run: &mut Run, rows: Vec<Row>, tests: &BTreeMap<String, Vec<NamedTest>>) {
    let mut reports = std::mem::take(&mut run.rows);
    for row in rows {
        let found = reports.iter().position(|report| report.row == row.id);
        let mut report = match found {
            Some(place) => reports.remove(place),
            None => RowReport {
                row: row.id,
                about: String::new(),
                cases: Vec::new(),
                tests: Vec::new(),
            },
        };
        report.about = row.failure;
        report.tests =
            tests.get(&report.row).into_iter().flatten().map(NamedTest::to_string).collect();
        if report.cases.is_empty() && report.tests.is_empty() {
            run.problems.push(format!(
                "{} has neither a case that passes nor a test that is named after it: {}",
                report.row, report.about
            ));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: &[(&str, &[&str])]) -> Run {
        let row = |(row, cases): &(&str, &[&str])| RowReport {
            row: (*row).to_owned(),
            about: String::new(),
            cases: cases.iter().map(|id| (*id).to_owned()).collect(),
            tests: Vec::new(),
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
        let judged = |mut run: Run, tests: &[&str]| {
            let test = || vec![NamedTest { name: "a".into(), file: "b".into() }];
            let tests = tests.iter().map(|row| ((*row).to_owned(), test())).collect();
            judge(&mut run, all().unwrap(), &tests);
            run
        };
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

    #[test]
    fn nothing_is_demanded_of_a_selection() {
        let mut selected = run(&[]);
        complete(&mut selected, true).unwrap();
        assert!(selected.problems.is_empty() && selected.rows.is_empty());
    }
}
