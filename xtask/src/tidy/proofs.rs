//! Every feature that a document claims names its proof, and the proof is there.
//!
//! In the tables of such a document the last cell of a row holds proofs in backticks: `fn name` is a
//! function of this repository's tests, anything else the id of a case of the conformance suite.

use std::collections::BTreeSet;

use super::{File, Finding, numbered};

/// Documents whose tables are claims.
const CLAIMS: &[&str] = &["docs/FEATURES.md"];

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    let claims: Vec<&File> =
        files.iter().filter(|file| CLAIMS.contains(&file.path.as_str())).collect();
    if claims.is_empty() {
        return;
    }
    let known = Known::of(files);
    for document in claims {
        for (line, row) in numbered(document.text.as_deref().unwrap_or_default()) {
            if let Some(what) = fault(row, &known) {
                findings.push(Finding::new(&document.path, line, what));
            }
        }
    }
}

/// What a proof may be.
struct Known<'a> {
    functions: BTreeSet<&'a str>,
    cases: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn of(files: &'a [File]) -> Self {
        let (mut functions, mut cases) = (BTreeSet::new(), BTreeSet::new());
        for file in files {
            let Some(text) = file.text_if("rs") else { continue };
            functions.extend(tests(text));
            if file.path.split('/').any(|part| part == "cases") {
                cases.extend(text.split('"').skip(1).step_by(2).filter(|word| is_id(word)));
            }
        }
        Self { functions, cases }
    }

    fn has(&self, proof: &str) -> bool {
        match proof.strip_prefix("fn ") {
            Some(name) => self.functions.contains(name),
            None => self.cases.contains(proof),
        }
    }
}

/// The names of the functions that follow a test attribute.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    let mut attributed = false;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with("#[") {
            attributed |= line.starts_with("#[test") || line.starts_with("#[tokio::test");
            return None;
        }
        let name = line.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
        let found = attributed.then_some(name).flatten().map(|(name, _)| name);
        attributed &= line.starts_with("//");
        found
    })
}

fn is_id(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What is wrong with a row of a table of claims.
fn fault(row: &str, known: &Known<'_>) -> Option<String> {
    let cells: Vec<&str> = row.strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
    let last = cells.last()?.trim();
    // The head of a table and the line below it.
    if last == "proof" || last.starts_with("---") {
        return None;
    }
    let proofs: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
    if proofs.is_empty() {
        return Some("a claim without a proof: name a case or a test in the last cell".into());
    }
    let gone = proofs.into_iter().find(|proof| !known.has(proof))?;
    Some(format!("`{gone}` is no test and no case of this repository (any more)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_needs_a_proof_that_exists() {
        let text = "/// A doc.\n#[tokio::test]\nasync fn good() {}\nfn helper() {}\n";
        let known =
            Known { functions: tests(text).collect(), cases: ["f01-herd"].into_iter().collect() };
        assert_eq!(fault("| feature | here | proof |", &known), None);
        assert_eq!(fault("|---|---|---|", &known), None);
        assert_eq!(fault("no row at all", &known), None);
        assert_eq!(fault("| one | yes | `f01-herd`, `fn good` |", &known), None);
        let without = fault("| one | yes | |", &known);
        assert!(without.is_some_and(|what| what.contains("without a proof")));
        for gone in ["fn helper", "fn gone", "f02-gone"] {
            let row = format!("| one | yes | `f01-herd`, `{gone}` |");
            assert!(fault(&row, &known).is_some_and(|what| what.contains(gone)), "{gone}");
        }
    }
}
