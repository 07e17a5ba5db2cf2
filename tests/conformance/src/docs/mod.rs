//! Documents that are made from cases, claims and tests: `cargo xtask docs`.

mod failures;
mod providers;

use crate::args::Docs;
use crate::rows::{self, Fate, NamedTest, Record};

/// Writes the documents, or compares them; whether all are as they must be.
pub(crate) fn run(todo: Docs) -> Result<bool, String> {
    let mut all_well = true;
    for (path, made) in
        [made("docs/FAILURES.md", failures::write)?, made("docs/PROVIDERS.md", providers::write)?]
    {
        let file = rows::root().join(path);
        let unusable = |error: std::io::Error| format!("{path}: {error}");
        let there = read(path)?;
        match (there == made, todo) {
            (true, _) => println!("{path}: as it must be"),
            (false, Docs::Write) => {
                std::fs::write(&file, &made).map_err(unusable)?;
                println!("{path}: written");
            }
            (false, Docs::Check) => {
                let line =
                    there.lines().zip(made.lines()).take_while(|(one, other)| one == other).count()
                        + 1;
                println!(
                    "{path}:{line}: not what cases and claims say; `cargo xtask docs` writes it"
                );
                all_well = false;
            }
        }
    }
    Ok(all_well & (todo == Docs::Write || named_tests_ran()?))
}

/// Whether every test that `docs/FAILURES.md` names was in the last run of the tests, where one was made.
/// Ignored ones are those of `cargo xtask independent` and `cargo xtask elsewhere --run`.
fn named_tests_ran() -> Result<bool, String> {
    let record = Record::read()?;
    if record.is_empty() {
        println!("docs/FAILURES.md: its tests were not run here; run `cargo xtask test` first");
        return Ok(!rows::under_ci());
    }
    let tests = rows::named_tests()?;
    let owed = |test: &&NamedTest| !test.ignored && !record.is_stale(test);
    let mut missing: Vec<&NamedTest> = tests
        .values()
        .flatten()
        .filter(owed)
        .filter(|test| record.fate(test) != Fate::Passed)
        .collect();
    missing.sort();
    missing.dedup();
    for test in &missing {
        println!("docs/FAILURES.md names {test}, which the last run of the tests has not passed");
    }
    Ok(missing.is_empty())
}

type Made = (&'static str, String);

fn made(path: &'static str, write: fn(&str) -> Result<String, String>) -> Result<Made, String> {
    Ok((path, write(&read(path)?)?))
}

/// The document as it is; empty if there is none.
fn read(path: &str) -> Result<String, String> {
    match std::fs::read_to_string(rows::root().join(path)) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("{path}: {error}")),
    }
}

/// Puts `made` between the marks `<!-- NAME: generated -->` and `<!-- NAME: end -->` of `text`.
fn between_marks(text: &str, name: &str, made: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {name}: generated -->\n"), format!("<!-- {name}: end -->"));
    let missing = || format!("the marks `{}` and `{end}` are missing", begin.trim_end());
    let (before, rest) = text.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}\n{made}\n\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = "a\n<!-- x: generated -->\nold\n<!-- x: end -->\nb\n";
        let new = between_marks(text, "x", "new").unwrap();
        assert_eq!(new, "a\n<!-- x: generated -->\n\nnew\n\n<!-- x: end -->\nb\n");
        assert_eq!(between_marks(&new, "x", "new").unwrap(), new);
        assert!(between_marks(text, "y", "new").is_err());
    }
}
