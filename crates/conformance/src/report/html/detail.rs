//! What happened in each case: the finding or the reason, and the picture of its exchanges.

use maud::{Markup, html};

use super::matrix::proof_key;
use super::{anchor, timeline};
use crate::expect::How;
use crate::report::model::{CaseReport, Outcome, Run};
use crate::report::text::{plain, span};

pub(super) fn articles(run: &Run) -> Markup {
    html! {
        @for (provider, case) in run.cases() { (article(&plain(&provider.name), case)) }
    }
}

fn article(provider: &str, case: &CaseReport) -> Markup {
    let outcome = match case.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed { .. } => "failed",
        Outcome::Skipped { .. } => "skipped",
    };
    let proves: Vec<_> = case.proves.iter().map(|proof| proof_key(proof)).collect();
    let text =
        plain(&format!("{} {} {}", case.id, case.title, case.proves.join(" "))).to_lowercase();
    html! {
        article #(anchor(provider, &case.id)) .(outcome) data-case=(plain(&case.id)) data-provider=(provider)
            data-group=(plain(&case.group)) data-outcome=(outcome) data-proves=(proves.join(" ")) data-text=(text) {
            details open[outcome == "failed"] {
                summary {
                    span.verdict.(outcome) { (outcome) }
                    h3 { (provider) ": " (plain(&case.title)) }
                    code.quiet { (plain(&case.id)) }
                }
                div.body { (body(case)) }
            }
        }
    }
}

fn body(case: &CaseReport) -> Markup {
    html! {
        dl {
            @match &case.outcome {
                Outcome::Passed => {}
                Outcome::Failed { finding } => {
                    @if finding.how != How::Check {
                        dt { "How" } dd { (finding.how.as_str()) }
                    }
                    dt { "Expected" } dd { (plain(&finding.expected)) }
                    dt { "Came" } dd { (plain(&finding.came)) }
                    dt { "Where" } dd { code { (plain(&finding.at)) } }
                }
                Outcome::Skipped { reason } => { dt { "Not tried" } dd { (plain(reason)) } }
            }
            @if !case.proves.is_empty() { dt { "Proves" } dd { (plain(&case.proves.join(", "))) } }
            @if !matches!(case.outcome, Outcome::Skipped { .. }) {
                dt { "Took" }
                dd { (span(case.virtual_ms)) " of its own time, " (case.real_ms) " ms of real time" }
            }
        }
        @if !case.timeline.is_empty() { (timeline::picture(&case.timeline)) }
    }
}
