//! Which tests have run, and how they ended: what `cargo xtask test` has written down.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use super::{NamedTest, root};

/// Where the record is; `cargo xtask` sets it.
const VARIABLE: &str = "COUNTERSIGN_TESTS_RECORD";

/// How the tests of the last run ended, by the last part of their names.
#[derive(Debug, Default)]
pub(crate) struct Record {
    ends: BTreeMap<String, bool>,
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

    /// Reads `passed PATH` and `failed PATH`, one a line. Of two tests of one name, in two crates, one
    /// that fails counts.
    pub(crate) fn parse(text: &str, written: Option<SystemTime>) -> Self {
        let mut ends = BTreeMap::new();
        for (word, path) in text.lines().filter_map(|line| line.split_once(' ')) {
            let name = path.rsplit("::").next().unwrap_or_default().to_owned();
            let passed = word == "passed";
            ends.entry(name).and_modify(|all| *all &= passed).or_insert(passed);
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
        match self.ends.get(&test.name) {
            Some(true) => Fate::Passed,
            Some(false) => Fate::Failed,
            None => Fate::NotRun,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_part_of_a_name_counts_and_of_two_tests_the_one_that_fails() {
        let record = Record::parse("passed a::x\nfailed b::x\npassed y\n\nnoise\n", None);
        let test = |name: &str, file: &str| NamedTest {
            name: name.into(),
            file: file.into(),
            ignored: false,
        };
        assert_eq!(record.fate(&test("x", "")), Fate::Failed);
        assert_eq!(record.fate(&test("y", "")), Fate::Passed);
        assert_eq!(record.fate(&test("z", "")), Fate::NotRun);
        // A file that was changed after the run.
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let record = Record::parse("passed a::x\n", Some(old));
        assert_eq!(record.fate(&test("x", "Cargo.toml")), Fate::NotRun);
    }
}
