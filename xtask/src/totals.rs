//! How many tests passed, failed and were skipped, read from what the test runners print.

use std::fmt;
use std::ops::AddAssign;

/// Counts of one or several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Totals {
    /// Reads libtest's `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; ...`.
    pub(crate) fn of_libtest(line: &str) -> Option<Self> {
        let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
        let counts = || counts.split(';');
        Some(Self {
            passed: count(counts(), "passed"),
            failed: count(counts(), "failed"),
            skipped: count(counts(), "ignored"),
        })
    }

    /// Reads nextest's `Summary [ 1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
    pub(crate) fn of_nextest(line: &str) -> Option<Self> {
        let (_, counts) = line.trim().strip_prefix("Summary [")?.split_once(" run: ")?;
        let counts = || counts.split([',', '(']);
        Some(Self {
            passed: count(counts(), "passed"),
            failed: count(counts(), "failed")
                + count(counts(), "timed out")
                + count(counts(), "exec failed"),
            skipped: count(counts(), "skipped"),
        })
    }

    /// The number of tests that were run.
    pub(crate) fn run(self) -> u64 {
        self.passed + self.failed
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

fn count<'a>(mut parts: impl Iterator<Item = &'a str>, word: &str) -> u64 {
    parts.find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Totals;

    fn totals(passed: u64, failed: u64, skipped: u64) -> Option<Totals> {
        Some(Totals { passed, failed, skipped })
    }

    #[test]
    fn libtest_is_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 2 ignored; 0 measured; 7 filtered out; finished in 0.01s";
        assert_eq!(Totals::of_libtest(line), totals(12, 3, 2));
        assert_eq!(Totals::of_libtest("test tidy::a ... ok"), None);
    }

    #[test]
    fn nextest_is_read() {
        let line = "     Summary [   0.014s] 4 tests run: 4 passed, 0 skipped";
        assert_eq!(Totals::of_nextest(line), totals(4, 0, 0));
        let line = "     Summary [   9.1s] 9/12 tests run: 5 passed (1 slow, 1 leaky), 2 failed, 1 exec failed, 1 timed out, 3 skipped";
        assert_eq!(Totals::of_nextest(line), totals(5, 4, 3));
        let line = "     Summary [   0.1s] 1 test run: 0 passed, 1 failed, 0 skipped";
        assert_eq!(Totals::of_nextest(line), totals(0, 1, 0));
    }
}
