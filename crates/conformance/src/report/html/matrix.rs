//! The matrix: a row a case, a column a provider.

use std::collections::HashMap;

use maud::{Markup, html};

use super::anchor;
use crate::report::model::{CaseReport, Outcome, Run, Tally};
use crate::report::text::plain;

pub(super) fn table(run: &Run) -> Markup {
    let groups = grouped(run);
    html! {
        div.wall {
            table {
                thead {
                    tr {
                        th scope="col" { "Case" }
                        @for provider in &run.providers {
                            th.mark scope="col" data-column=(plain(&provider.name)) {
                                span { (plain(&provider.name)) }
                            }
                        }
                    }
                }
                tbody {
                    @for (group, cases) in &groups {
                        tr.group data-group=(plain(group)) {
                            th scope="rowgroup" { (plain(group)) }
                            @for provider in &run.providers {
                                th.mark data-column=(plain(&provider.name)) {
                                    (count(Tally::of(provider.cases.iter().filter(|case| &case.group == group))))
                                }
                            }
                        }
                        @for case in cases { (row(run, case)) }
                    }
                }
            }
        }
    }
}

/// Groups and their cases in the order in which the suite lists them, each case once.
fn grouped(run: &Run) -> Vec<(&str, Vec<&CaseReport>)> {
    let mut order: Vec<(&str, Vec<&CaseReport>)> = Vec::new();
    let mut seen: HashMap<&str, ()> = HashMap::new();
    for (_, case) in run.cases() {
        if seen.insert(&case.id, ()).is_some() {
            continue;
        }
        match order.iter_mut().find(|(group, _)| *group == case.group) {
            Some((_, cases)) => cases.push(case),
            None => order.push((&case.group, vec![case])),
        }
    }
    order
}

fn count(tally: Tally) -> String {
    match (tally.passed, tally.failed) {
        (0, 0) => "\u{2013}".to_owned(),
        (passed, 0) => passed.to_string(),
        (passed, failed) => format!("{passed} of {}", passed + failed),
    }
}

fn row(run: &Run, case: &CaseReport) -> Markup {
    html! {
        tr data-case=(plain(&case.id)) data-group=(plain(&case.group)) {
            td.case {
                code.id.quiet { (plain(&case.id)) }
                span.title { (plain(&case.title)) }
                @for proof in &case.proves {
                    button.row type="button" aria-pressed="false" data-proof=(proof_key(proof)) { (plain(proof)) }
                }
            }
            @for provider in &run.providers {
                td.mark data-column=(plain(&provider.name)) {
                    @if let Some(case) = provider.cases.iter().find(|other| other.id == case.id) {
                        (cell(&provider.name, case))
                    }
                }
            }
        }
    }
}

fn cell(provider: &str, case: &CaseReport) -> Markup {
    let (class, sign, why) = match &case.outcome {
        Outcome::Passed => ("passed", "\u{2713}", "passed".to_owned()),
        Outcome::Failed { finding } => {
            ("failed", "\u{2717}", format!("failed: expected {}", plain(&finding.expected)))
        }
        Outcome::Skipped { reason } => {
            ("skipped", "\u{00b7}", format!("skipped: {}", plain(reason)))
        }
    };
    html! {
        a.cell.(class) href={ "#" (anchor(provider, &case.id)) } title=(why)
            aria-label={ (plain(provider)) ", " (class) } { (sign) }
    }
}

/// A row of the requirements as a filter's word: no space in it.
pub(super) fn proof_key(proof: &str) -> String {
    plain(proof).replace(' ', "_")
}
