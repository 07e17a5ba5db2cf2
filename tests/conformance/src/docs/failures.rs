//! `docs/FAILURES.md`: every row with its proofs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cases;
use crate::rows::{self, NamedTest, Row};

const HEAD: &str = "\
# What goes wrong in the wild, and what proves that it does not here

Written by `cargo xtask docs` from the requirements (`tests/conformance/failures.md`), the cases of the
conformance suite and the names of tests; CI compares it. Each row is a requirement, and has a case of the
suite or, where a case cannot reach it, a test whose name begins with the row's number.

`id` is a case: `cargo xtask conformance --case id` runs it. `fn name` is a test, with its file.
";

/// The whole document.
pub(crate) fn write(_: &str) -> Result<String, String> {
    let rows = rows::all()?;
    let tests = rows::named_tests()?;
    let mut out = HEAD.to_owned();
    let part = |out: &mut String, letter: char, heading: &str, columns: &[&str]| {
        let _ = writeln!(out, "\n## {heading}\n\n| {} |", columns.join(" | "));
        let _ = writeln!(out, "|{}", "---|".repeat(columns.len()));
        for row in rows.iter().filter(|row| row.id.starts_with(letter)) {
            let beside = row.provider.as_ref().or(row.evidence.as_ref());
            let Row { id, failure, behaviour, .. } = row;
            let cells = match letter {
                'P' => format!("{id} | {} | {failure}", beside.map_or("", String::as_str)),
                _ => format!("{id} | {failure} | {}", beside.map_or("", String::as_str)),
            };
            let _ = writeln!(out, "| {cells} | {behaviour} | {} |", proofs(id, &tests));
        }
    };
    part(
        &mut out,
        'F',
        "F: token clients in general",
        &["#", "Failure", "Evidence", "Right behaviour", "Proved by"],
    );
    part(
        &mut out,
        'P',
        "P: what these providers add",
        &["#", "Provider", "Trap", "Right behaviour", "Proved by"],
    );
    Ok(out)
}

fn proofs(row: &str, tests: &BTreeMap<String, Vec<NamedTest>>) -> String {
    let cases = cases::all();
    let cases =
        cases.iter().filter(|case| case.proves.iter().any(|proved| proved.to_string() == row));
    let mut proofs: Vec<String> = cases.map(|case| format!("`{}`", case.id)).collect();
    proofs.sort();
    for test in tests.get(row).into_iter().flatten() {
        proofs.push(format!("`fn {}` ({})", test.name, test.file));
    }
    match proofs.is_empty() {
        true => "**nothing yet**".to_owned(),
        false => proofs.join("<br>"),
    }
}
