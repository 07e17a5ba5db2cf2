//! The report as JUnit XML, which every continuous-integration service reads.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::report::model::{CaseReport, Outcome, Run, Tally};
use crate::report::text::plain;

/// The run as JUnit XML: a suite a provider, a case a case, times in real seconds; problems beside failed
/// cases are a suite of their own.
///
/// # Errors
/// None that can come about with a writer in memory.
pub fn write(run: &Run) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("countersign conformance");
    report.set_time(Duration::from_millis(run.took_ms));
    for provider in &run.providers {
        let mut suite = TestSuite::new(plain(&provider.name));
        suite.add_property(("seed", run.seed.as_str()));
        suite.add_property(("suite", run.suite.as_str()));
        let tally = Tally::of(&provider.cases);
        suite.set_time(Duration::from_millis(provider.cases.iter().map(|case| case.real_ms).sum()));
        debug_assert_eq!(tally.passed + tally.failed + tally.skipped, provider.cases.len());
        suite.add_test_cases(provider.cases.iter().map(|case| test_case(&provider.name, case)));
        report.add_test_suite(suite);
    }
    if !run.problems.is_empty() {
        let mut suite = TestSuite::new("problems");
        suite.add_test_cases(run.problems.iter().map(|problem| problem_case(problem)));
        report.add_test_suite(suite);
    }
    report.to_string()
}

/// What is wrong beside failed cases, as a failure of its own.
fn problem_case(problem: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(plain(problem));
    TestCase::new(plain(problem), status)
}

fn test_case(provider: &str, case: &CaseReport) -> TestCase {
    let status = match &case.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Failed { finding } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(format!(
                    "expected {}; came {}",
                    plain(&finding.expected),
                    plain(&finding.came)
                ))
                .set_type(finding.how.as_str())
                .set_description(format!("{}\nat {}", plain(&case.title), plain(&finding.at)));
            status
        }
        Outcome::Skipped { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(plain(reason));
            status
        }
    };
    let mut written = TestCase::new(plain(&case.id), status);
    written
        .set_classname(format!("{}.{}", plain(provider), plain(&case.group)))
        .set_time(Duration::from_millis(case.real_ms));
    written
}
