//! The names of the tests that have run, and how they ended: `target/xtask/tests`. A row of FAILURES.md counts
//! as proved by a test only if it is in there.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::workspace::target_dir;

/// How the runner of the conformance suite is told where the record is.
pub(crate) const VARIABLE: &str = "COUNTERSIGN_TESTS_RECORD";

/// Where the record is.
pub(crate) fn path() -> Result<PathBuf> {
    Ok(target_dir()?.join("xtask").join("tests"))
}

/// Writes the record of a run: one `passed NAME` or `failed NAME` a line, with the id of the test's binary before
/// the name where the runner tells it.
pub(crate) fn write(ends: &[(String, bool)]) -> Result<()> {
    let path = path()?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let line = |(name, passed): &(String, bool)| {
        format!("{} {name}\n", if *passed { "passed" } else { "failed" })
    };
    Ok(std::fs::write(path, ends.iter().map(line).collect::<String>())?)
}

/// The ends in nextest's report.
pub(crate) fn of_nextest(report: &Path) -> Result<Vec<(String, bool)>> {
    Ok(of_junit(&std::fs::read_to_string(report)?))
}

/// Each test case with whether no failure or error follows it.
fn of_junit(text: &str) -> Vec<(String, bool)> {
    let mut ends: Vec<(String, bool)> = Vec::new();
    for part in text.split('<') {
        if let Some(rest) = part.strip_prefix("testcase ") {
            // The space keeps `classname` out.
            let name = rest.split(" name=\"").nth(1).or_else(|| rest.strip_prefix("name=\""));
            let name = name.and_then(|rest| rest.split('"').next()).unwrap_or_default();
            let binary = rest.split("classname=\"").nth(1).and_then(|rest| rest.split('"').next());
            let name = match binary {
                Some(binary) if !binary.is_empty() => format!("{binary} {name}"),
                _ => name.to_owned(),
            };
            ends.push((name, true));
        } else if (part.starts_with("failure") || part.starts_with("error"))
            && let Some((_, passed)) = ends.last_mut()
        {
            *passed = false;
        }
    }
    ends
}

/// The end in a line of libtest: `test a::b ... ok`.
pub(crate) fn of_libtest(line: &str) -> Option<(String, bool)> {
    let (name, rest) = line.trim().strip_prefix("test ")?.split_once(" ... ")?;
    let name = name.split(" - ").next().unwrap_or_default().to_owned();
    // What the test prints may stand before its end.
    match rest.rsplit(' ').next()? {
        "ok" => Some((name, true)),
        "FAILED" => Some((name, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{of_junit, of_libtest};

    #[test]
    fn ends_are_read_from_either_runners_report() {
        let junit = "<testsuite name=\"a\" errors=\"0\">
            <testcase name=\"x::good\" classname=\"a\" time=\"0.1\"><system-out>failure</system-out></testcase>
            <testcase name=\"x::bad\" classname=\"a\"><failure type=\"test failure\"/></testcase>
            <testcase name=\"quick\"/>
            <testcase classname=\"countersign-cli::bin/countersign\" name=\"last\"/>";
        let end = |name: &str, passed| (name.to_owned(), passed);
        assert_eq!(
            of_junit(junit),
            [
                end("a x::good", true),
                end("a x::bad", false),
                end("quick", true),
                end("countersign-cli::bin/countersign last", true),
            ]
        );
        assert_eq!(of_libtest("test a::b ... ok"), Some(end("a::b", true)));
        assert_eq!(of_libtest("test a::b - should panic ... ok"), Some(end("a::b", true)));
        assert_eq!(of_libtest("test a::b ... walk: 12 states ok"), Some(end("a::b", true)));
        assert_eq!(of_libtest("test a::b ... FAILED"), Some(end("a::b", false)));
        assert_eq!(of_libtest("test a::b ... ignored"), None);
        assert_eq!(of_libtest("test result: ok. 3 passed; 0 failed"), None);
    }
}
