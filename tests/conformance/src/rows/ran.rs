//! Which tests have run, and how they ended: what `cargo xtask test` has written down.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{NamedTest, root};

/// Where the record is; `cargo xtask` sets it.
const VARIABLE: &str = "COUNTERSIGN_TESTS_RECORD";

/// How the tests of the last run ended, by the last part of their names: in each binary that has one of that name,
/// where the runner tells binaries apart.
#[derive(Debug, Default)]
pub(crate) struct Record {
    ends: BTreeMap<String, Vec<(Option<String>, bool)>>,
    /// When it was written; without it nothing is stale.
    written: Option<SystemTime>,
}

/// What has become of a test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Passed,
    Failed,
    /// Not in the last run of the tests, or its file was changed since.
    NotRun,
}

impl Record {
    /// The record of the last run; an empty one if there was none.
    pub(crate) fn read() -> Result<Self, String> {
        let path = std::env::var_os(VARIABLE)
            .map_or_else(|| root().join("target/xtask/tests"), PathBuf::from);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let written = std::fs::metadata(&path).and_then(|facts| facts.modified()).ok();
                Ok(Self::parse(&text, written))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// Reads `passed PATH` and `failed PATH`, one a line, with the id of a binary before the path where it is known.
    pub(crate) fn parse(text: &str, written: Option<SystemTime>) -> Self {
        let mut ends: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (word, told) in text.lines().filter_map(|line| line.split_once(' ')) {
            let (binary, path) = match told.split_once(' ') {
                Some((binary, path)) => (Some(binary.to_owned()), path),
                None => (None, told),
            };
            let name = path.rsplit("::").next().unwrap_or_default().to_owned();
            ends.entry(name).or_default().push((binary, word == "passed"));
        }
        Self { ends, written }
    }

    /// Whether no test has run.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// What has become of `test`.
    pub(crate) fn fate(&self, test: &NamedTest) -> Fate {
        if self.is_stale(test) {
            return Fate::NotRun;
        }
        let told = self.ends.get(&test.name).into_iter().flatten();
        // Of two tests of one name that cannot be told apart the one that fails counts.
        let mut ends = told.filter(|(binary, _)| {
            binary.as_deref().is_none_or(|binary| may_hold(binary, &test.file))
        });
        match ends.next() {
            None => Fate::NotRun,
            Some((_, first)) if *first && ends.all(|(_, passed)| *passed) => Fate::Passed,
            Some(_) => Fate::Failed,
        }
    }

    /// Whether the file of `test` is younger than the record.
    pub(crate) fn is_stale(&self, test: &NamedTest) -> bool {
        let changed = std::fs::metadata(root().join(&test.file)).and_then(|facts| facts.modified());
        match (changed, self.written) {
            (Ok(changed), Some(written)) => changed > written,
            _ => false,
        }
    }
}

/// Whether a binary of that id is made of this file: of its package, and of the same of its test targets.
fn may_hold(binary: &str, file: &str) -> bool {
    let path = Path::new(file);
    // The package's folder is the nearest one with a manifest.
    let manifest =
        |folder: &Path| std::fs::read_to_string(root().join(folder).join("Cargo.toml")).ok();
    let found = path.ancestors().skip(1).find_map(|folder| Some((folder, manifest(folder)?)));
    let Some((folder, manifest)) = found else { return true };
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.split('"').next());
    let (Some(name), Ok(inside)) = (name, path.strip_prefix(folder)) else { return true };
    let mut parts = inside.iter().filter_map(|part| part.to_str());
    match (parts.next(), parts.next()) {
        (Some("tests"), Some(target)) => {
            binary == format!("{name}::{}", target.trim_end_matches(".rs"))
        }
        // The library, or a program of the package.
        _ => {
            binary == name
                || binary.strip_prefix(name).is_some_and(|rest| rest.starts_with("::bin/"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn test(name: &str, file: &str) -> NamedTest {
        NamedTest { name: name.into(), file: file.into(), ignored: false }
    }

    #[test]
    fn the_last_part_of_a_name_counts_and_of_two_tests_the_one_that_fails() {
        let record = Record::parse("passed a::x\nfailed b::x\npassed y\n\nnoise\n", None);
        assert_eq!(record.fate(&test("x", "")), Fate::Failed);
        assert_eq!(record.fate(&test("y", "")), Fate::Passed);
        assert_eq!(record.fate(&test("z", "")), Fate::NotRun);
        // A file that was changed after the run.
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let record = Record::parse("passed a::x\n", Some(old));
        assert_eq!(record.fate(&test("x", "Cargo.toml")), Fate::NotRun);
    }

    #[test]
    fn a_test_of_the_same_name_in_another_binary_is_another_test() {
        let text = "passed countersign-core a::x\nfailed countersign-cli::bin/countersign y\n\
                    passed countersign-runtime::time x\npassed countersign-conformance-runner z\n";
        let record = Record::parse(text, None);
        let fate = |name: &str, file: &str| record.fate(&test(name, file));
        assert_eq!(fate("x", "crates/core/src/clock.rs"), Fate::Passed);
        assert_eq!(fate("x", "crates/runtime/tests/time.rs"), Fate::Passed);
        assert_eq!(fate("x", "crates/runtime/tests/account.rs"), Fate::NotRun);
        assert_eq!(fate("x", "crates/runtime/src/send.rs"), Fate::NotRun);
        assert_eq!(fate("x", "crates/core/tests/walk/main.rs"), Fate::NotRun);
        assert_eq!(fate("y", "crates/cli/src/main.rs"), Fate::Failed);
        assert_eq!(fate("y", "crates/core/src/clock.rs"), Fate::NotRun);
        assert_eq!(fate("z", "tests/conformance/src/args.rs"), Fate::Passed);
    }
}
