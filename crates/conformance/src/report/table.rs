//! The report for a terminal: providers by groups, then what failed.

use std::fmt::Write as _;

use crate::expect::How;
use crate::report::model::{CaseReport, Entry, Outcome, Run, Tally};
use crate::report::text::plain;

/// Exchanges that are shown of a case that failed: the last ones.
const SHOWN: usize = 12;

/// The run as plain text.
pub fn write(run: &Run) -> String {
    let mut out = String::new();
    matrix(&mut out, run);
    for (provider, case) in run.cases() {
        if let Outcome::Failed { finding } = &case.outcome {
            let how = match finding.how {
                How::Check => String::new(),
                how => format!(" ({})", how.as_str()),
            };
            let _ = writeln!(out, "\nFAILED{how} {} {}: {}", provider.name, case.id, case.title);
            let _ = writeln!(out, "  proves    {}", case.proves.join(", "));
            let _ = writeln!(out, "  expected  {}", plain(&finding.expected));
            let _ = writeln!(out, "  came      {}", plain(&finding.came));
            let _ = writeln!(out, "  at        {}", finding.at);
            exchanges(&mut out, case);
        }
    }
    if !run.problems.is_empty() {
        out.push('\n');
    }
    for row in run.rows.iter().filter(|row| !row.proved && !row.not_run.is_empty()) {
        let tests = row.not_run.join(", ");
        let _ =
            writeln!(out, "NOT PROVED HERE {}: no case, and not run: {}", row.row, plain(&tests));
    }
    for problem in &run.problems {
        let _ = writeln!(out, "PROBLEM {}", plain(problem));
    }
    let tally = run.tally();
    let _ = writeln!(
        out,
        "\n{} passed, {} failed, {} skipped in {:.1} s; seed {}",
        tally.passed,
        tally.failed,
        tally.skipped,
        std::time::Duration::from_millis(run.took_ms).as_secs_f64(),
        run.seed
    );
    out
}

fn matrix(out: &mut String, run: &Run) {
    let mut groups: Vec<&str> = Vec::new();
    for (_, case) in run.cases() {
        if !groups.contains(&case.group.as_str()) {
            groups.push(&case.group);
        }
    }
    let width = groups.iter().map(|group| group.len()).max().unwrap_or_default().max(8);
    let _ = write!(out, "{:<width$}", "");
    for provider in &run.providers {
        let _ = write!(out, "  {:>11}", provider.name);
    }
    out.push('\n');
    for group in groups {
        let _ = write!(out, "{group:<width$}");
        for provider in &run.providers {
            let tally = Tally::of(provider.cases.iter().filter(|case| case.group == group));
            let _ = write!(out, "  {:>11}", cell(tally));
        }
        out.push('\n');
    }
}

/// `12`, `12-3` with skipped ones, `12 !1` with failed ones, `-` if none was tried.
fn cell(tally: Tally) -> String {
    let Tally { passed, failed, skipped } = tally;
    match (passed, failed, skipped) {
        (0, 0, _) => "-".to_owned(),
        (_, 0, 0) => passed.to_string(),
        (_, 0, _) => format!("{passed} -{skipped}"),
        (..) => format!("{passed} !{failed}"),
    }
}

fn exchanges(out: &mut String, case: &CaseReport) {
    let left_out = case.timeline.len().saturating_sub(SHOWN);
    if left_out > 0 {
        let _ = writeln!(out, "  … {left_out} earlier entries");
    }
    for entry in case.timeline.iter().skip(left_out) {
        let at = std::time::Duration::from_millis(entry.at_ms()).as_secs_f64();
        let _ = match entry {
            Entry::Exchange { operation, method, path, status, fault, end, .. } => {
                let status = status.map_or_else(|| end.clone(), |status| status.to_string());
                let fault = fault.as_ref().map(|fault| format!(" [{fault}]")).unwrap_or_default();
                writeln!(
                    out,
                    "  {at:>12.3} s  {operation:<16} {method} {} -> {status}{fault}",
                    plain(path)
                )
            }
            Entry::Mark { what, .. } => writeln!(out, "  {at:>12.3} s  · {}", plain(what)),
        };
    }
}
