//! Tests whose names begin with rows: `fn f07_…`, `fn f10_p02_…`, read from the repository's files.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// One such test.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct NamedTest {
    /// Its name.
    pub(crate) name: String,
    /// Its file, from the root of the repository.
    pub(crate) file: String,
    /// It is left out unless it is asked for, or of another system.
    pub(crate) ignored: bool,
}

impl fmt::Display for NamedTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.file, self.name)
    }
}

/// All tests under `root` by the rows in their names, each list in the order of files and names.
pub(crate) fn find(root: &Path) -> Result<BTreeMap<String, Vec<NamedTest>>, String> {
    let mut found = BTreeMap::new();
    for folder in ["crates", "tests", "xtask"] {
        walk(root, &root.join(folder), &mut found)?;
    }
    found.values_mut().for_each(|tests: &mut Vec<NamedTest>| tests.sort());
    Ok(found)
}

fn walk(
    root: &Path,
    folder: &Path,
    found: &mut BTreeMap<String, Vec<NamedTest>>,
) -> Result<(), String> {
    let unreadable = |error| format!("{}: {error}; run this in a checkout", folder.display());
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            // What templates hold runs nowhere until it is written out.
            let left_out = ["target", "node_modules", "templates"];
            if !left_out.iter().any(|name| path.ends_with(name)) {
                walk(root, &path, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).map_err(unreadable)?;
            let file = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            for (name, rows, ignored) in tests_of(&text) {
                for row in rows {
                    let test = NamedTest { name: name.to_owned(), file: file.clone(), ignored };
                    found.entry(row).or_default().push(test);
                }
            }
        }
    }
    Ok(())
}

/// The first line of a file whose tests are of another system, and run by `cargo xtask elsewhere --run`.
const ELSEWHERE: &str = "#![cfg(windows)]";

/// Functions that follow a test attribute and are named after rows, with these rows, and whether they are
/// ignored here.
fn tests_of(text: &str) -> Vec<(&str, Vec<String>, bool)> {
    let mut found = Vec::new();
    let elsewhere = cfg!(unix) && text.lines().any(|line| line == ELSEWHERE);
    let (mut is_test, mut ignored) = (false, elsewhere);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            ignored = true;
        } else if let Some(name) = function(line) {
            let rows = rows_of(name);
            if is_test && !rows.is_empty() {
                found.push((name, rows, ignored));
            }
            (is_test, ignored) = (false, elsewhere);
        }
    }
    found
}

fn function(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// `F10` and `P02` of `f10_p02_a_sentence`.
fn rows_of(name: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for word in name.split('_') {
        let (letter, number) = word.split_at_checked(1).unwrap_or_default();
        let numbered = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
        if !numbered || !matches!(letter, "f" | "p") {
            break;
        }
        rows.push(word.to_uppercase());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_rows_and_a_helper_is_no_test() {
        // No attribute of this text begins as those do that are looked for in the tree.
        let text = "
            #[\x74est]
            fn f10_p02_the_old_token_is_kept() {}
            #[\x74okio::test(start_paused = true)]
            #[ignore = \"needs a server\"]
            async fn f07_a_dropped_caller() {}
            fn f08_a_helper() {}
            #[\x74est]
            fn it_has_f09_in_it() {}";
        assert_eq!(
            tests_of(text),
            [
                ("f10_p02_the_old_token_is_kept", vec!["F10".to_owned(), "P02".to_owned()], false),
                ("f07_a_dropped_caller", vec!["F07".to_owned()], true),
            ]
        );
        let elsewhere = format!("{ELSEWHERE}\n{text}");
        assert!(tests_of(&elsewhere).iter().all(|(.., ignored)| *ignored));
    }
}
