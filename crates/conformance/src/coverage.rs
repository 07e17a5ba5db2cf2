//! What a run has proved, and what it has not.

use std::collections::BTreeMap;

use crate::report::model::{Outcome, ProviderReport, RowReport};

/// Every row that a case names, with the cases that have proved it.
pub(crate) fn rows(providers: &[ProviderReport]) -> Vec<RowReport> {
    let mut rows: BTreeMap<&str, BTreeMap<&str, Proof>> = BTreeMap::new();
    for case in providers.iter().flat_map(|provider| &provider.cases) {
        for row in &case.proves {
            let proof = rows.entry(row).or_default().entry(&case.id).or_default();
            match case.outcome {
                Outcome::Passed => proof.passed = true,
                Outcome::Failed { .. } => proof.failed = true,
                Outcome::Skipped { .. } => {}
            }
        }
    }
    let report = |(row, cases): (&str, BTreeMap<&str, Proof>)| {
        let good = cases.into_iter().filter(|(_, proof)| proof.passed && !proof.failed);
        let cases: Vec<String> = good.map(|(id, _)| id.to_owned()).collect();
        RowReport { row: row.to_owned(), proved: !cases.is_empty(), cases, ..RowReport::default() }
    };
    rows.into_iter().map(report).collect()
}

#[derive(Default)]
struct Proof {
    passed: bool,
    failed: bool,
}

/// Every claim that no case has exercised, as a sentence.
pub(crate) fn unproved(providers: &[ProviderReport]) -> Vec<String> {
    let of = |provider: &ProviderReport| {
        let name = provider.name.clone();
        let bare = provider.claims.iter().filter(|claim| claim.cases.is_empty());
        let sentence = move |claim: &str| {
            format!("the adapter of {name} claims `{claim}`, and no case exercises that")
        };
        bare.map(|claim| sentence(&claim.claim)).collect::<Vec<_>>()
    };
    providers.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::{CaseReport, ClaimReport};

    fn case(id: &str, outcome: Outcome) -> CaseReport {
        CaseReport {
            id: id.into(),
            title: String::new(),
            group: String::new(),
            proves: vec!["F01".into()],
            harm: String::new(),
            outcome,
            virtual_ms: 0,
            real_ms: 0,
            timeline: Vec::new(),
        }
    }

    fn provider(claims: &[(&str, &[&str])], cases: Vec<CaseReport>) -> ProviderReport {
        let claim = |(claim, cases): &(&str, &[&str])| ClaimReport {
            claim: (*claim).to_owned(),
            cases: cases.iter().map(|id| (*id).to_owned()).collect(),
        };
        ProviderReport { name: "acme".into(), claims: claims.iter().map(claim).collect(), cases }
    }

    #[test]
    fn a_row_is_proved_by_cases_that_pass_somewhere_and_fail_nowhere() {
        let skipped = || Outcome::Skipped { reason: String::new() };
        let failed = || Outcome::Failed { finding: crate::Finding::new("", "") };
        let one = provider(
            &[],
            vec![case("a", Outcome::Passed), case("b", Outcome::Passed), case("c", skipped())],
        );
        let two =
            provider(&[], vec![case("a", skipped()), case("b", failed()), case("c", skipped())]);
        let rows = rows(&[one, two]);
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].row.as_str(), rows[0].cases.as_slice()),
            ("F01", &["a".to_owned()][..])
        );
    }

    #[test]
    fn a_claim_without_a_case_is_a_problem() {
        let claims: &[(&str, &[&str])] = &[("refresh", &["a"]), ("revoke", &[])];
        let found = unproved(&[provider(claims, Vec::new())]);
        assert_eq!(found, ["the adapter of acme claims `revoke`, and no case exercises that"]);
    }
}
