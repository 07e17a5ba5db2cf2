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
    let tests = named_tests()?;
    let mut reports = std::mem::take(&mut run.rows);
    for row in all()? {
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
    Ok(())
}
