//! A run that never was, with everything in it that somebody else could have written.

use countersign_conformance::Finding;
use countersign_conformance::report::model::{
    CaseReport, ClaimReport, Entry, Outcome, ProviderReport, Run,
};

/// Would leave its mark in the page's own world.
pub(crate) const SCRIPT: &str = "<script>window.canary = 1</script>";

const IMAGE: &str = "\"><img src=x onerror=\"window.canary=2\"><iframe src='javascript:canary=3'>";
const TURNED: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}desrever\u{0}";

pub(crate) fn hostile() -> Run {
    let texts =
        [SCRIPT, IMAGE, TURNED, "' onmouseover='window.canary=4'", "</style></title></svg>"];
    let provider = |name: &str| ProviderReport {
        name: name.to_owned(),
        claims: vec![ClaimReport { claim: SCRIPT.to_owned(), cases: vec![IMAGE.to_owned()] }],
        cases: texts.iter().enumerate().map(|(n, text)| case(n, text)).collect(),
    };
    Run {
        suite: "0.0.0".to_owned(),
        seed: "00".to_owned(),
        started: TURNED.to_owned(),
        took_ms: 1,
        providers: texts.map(provider).into(),
        rows: Vec::new(),
        problems: texts.map(str::to_owned).into(),
    }
}

fn case(number: usize, text: &str) -> CaseReport {
    let long = text.repeat(40);
    let outcome = match number % 3 {
        0 => Outcome::Failed { finding: Finding::new(text, long.clone()).at(text) },
        1 => Outcome::Skipped { reason: long.clone() },
        _ => Outcome::Passed,
    };
    let exchange = |n: u64| Entry::Exchange {
        at_ms: n * n * 10_000,
        answered_ms: n.is_multiple_of(2).then_some(n * n * 10_000 + 300),
        operation: text.to_owned(),
        method: text.to_owned(),
        path: long.clone(),
        status: n.is_multiple_of(2).then_some(500),
        fault: Some(text.to_owned()),
        end: text.to_owned(),
    };
    let mark = |n: u64| Entry::Mark { at_ms: n * n * 10_000, what: long.clone() };
    CaseReport {
        id: format!("{text}{number}"),
        title: long.clone(),
        group: text.to_owned(),
        proves: vec![text.to_owned()],
        harm: text.to_owned(),
        outcome,
        virtual_ms: u64::MAX,
        real_ms: u64::MAX,
        timeline: (0..60).flat_map(|n| [exchange(n), mark(n)]).collect(),
    }
}
