//! The head of the page: the verdict, a card a provider, and the filters.

use maud::{Markup, html};

use crate::report::model::{ProviderReport, Run, Tally};
use crate::report::text::plain;

/// The run in a few words, for the window's title.
pub(super) fn verdict(run: &Run) -> String {
    let tally = run.tally();
    match tally.failed {
        0 if !run.problems.is_empty() => format!("{} problems", run.problems.len()),
        0 => format!("{} passed, none failed", tally.passed),
        failed => format!("{failed} failed of {}", tally.passed + failed),
    }
}

pub(super) fn head(run: &Run) -> Markup {
    let tally = run.tally();
    let (class, word) = match run.conforms() {
        true => ("passed", "conforms"),
        false => ("failed", "does not conform"),
    };
    let seconds = format!("{:.1}", std::time::Duration::from_millis(run.took_ms).as_secs_f64());
    html! {
        h1 { "Countersign conformance " span.verdict.(class) { (word) } }
        ul.facts.quiet {
            li { (tally.passed) " passed" }
            li { (tally.failed) " failed" }
            li { (tally.skipped) " skipped" }
            li { "suite " (plain(&run.suite)) }
            li { (plain(&run.started)) }
            li { (seconds) " s" }
            li { "seed " code { (plain(&run.seed)) } }
        }
        @if !run.problems.is_empty() {
            section.problems {
                h2 { "What is wrong beside failed cases" }
                ul { @for problem in &run.problems { li { (plain(problem)) } } }
            }
        }
        div.providers {
            @for provider in &run.providers { (card(provider)) }
        }
    }
}

fn card(provider: &ProviderReport) -> Markup {
    let tally = Tally::of(&provider.cases);
    let whole = (tally.passed + tally.failed + tally.skipped).max(1);
    let parts = [
        ("passed", 0, tally.passed),
        ("failed", tally.passed, tally.failed),
        ("skipped", tally.passed + tally.failed, tally.skipped),
    ];
    html! {
        section.provider {
            h3 { (plain(&provider.name)) }
            svg.bar viewBox={ "0 0 " (whole) " 1" } preserveAspectRatio="none" role="img"
                aria-label={ (tally.passed) " of " (whole) " passed" } {
                @for (class, begin, n) in parts {
                    rect class=(class) x=(begin) y="0" width=(n) height="1" {}
                }
            }
            span.quiet {
                (tally.passed) " passed"
                @if tally.failed > 0 { ", " (tally.failed) " failed" }
                @if tally.skipped > 0 { ", " (tally.skipped) " skipped" }
            }
            @if !provider.claims.is_empty() {
                details {
                    summary.quiet { (provider.claims.len()) " claims" }
                    ul.claims {
                        @for claim in &provider.claims {
                            li { (plain(&claim.claim)) span.quiet { " " (claim.cases.len()) " cases" } }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn filters(run: &Run) -> Markup {
    let mut groups: Vec<&str> = Vec::new();
    for (_, case) in run.cases() {
        if !groups.contains(&case.group.as_str()) {
            groups.push(&case.group);
        }
    }
    html! {
        form.filters aria-label="Filters" {
            label {
                "Search"
                input type="search" name="text" placeholder="words, case id or F07" autocomplete="off";
            }
            label {
                "Provider"
                select name="provider" {
                    option value="" { "all" }
                    @for provider in &run.providers {
                        option value=(plain(&provider.name)) { (plain(&provider.name)) }
                    }
                }
            }
            label {
                "Group"
                select name="group" {
                    option value="" { "all" }
                    @for group in groups { option value=(plain(group)) { (plain(group)) } }
                }
            }
            fieldset {
                legend { "Outcome" }
                div.choices {
                    @for outcome in ["passed", "failed", "skipped"] {
                        label { input type="checkbox" name="outcome" value=(outcome) checked; (outcome) }
                    }
                }
            }
            button type="reset" { "All" }
            output.count.quiet {}
        }
    }
}
