//! Rules of this repository that no compiler checks.
//!
//! A rule reads files and answers findings; the task prints them and fails if there is one. The
//! same check runs as a test of this crate, so `cargo test` shows it too.

mod exposure;
mod includes;
mod links;
mod manifests;
mod names;
mod proofs;
mod quotes;
mod source;
mod text;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use crate::Result;
use crate::workspace::{root, tracked};

/// One file of the repository: what is committed, or would be by `git add`.
struct File {
    /// From the root of the repository, with `/`.
    path: String,
    /// `None` where it is not UTF-8.
    text: Option<String>,
}

impl File {
    fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// The text of a file with this extension.
    fn text_if(&self, extension: &str) -> Option<&str> {
        if self.is(extension) { self.text.as_deref() } else { None }
    }

    /// Whether this is test code: a folder `tests` or `benches`, or a sibling `tests.rs`.
    fn is_test_code(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
    }
}

/// A rule broken: where, and what to do.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From one; zero where the whole file is meant.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

pub(crate) fn run(args: &[String]) -> Result<()> {
    let files = repository()?;
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["--list-expose"] => {
            for path in exposure::files_with_calls(&files) {
                println!("{path}");
            }
            return Ok(());
        }
        _ => return Err("usage: cargo xtask tidy [--list-expose]".into()),
    }
    let findings = check(&files);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files", files.len());
            Ok(())
        }
        1 => Err("1 finding".into()),
        count => Err(format!("{count} findings").into()),
    }
}

/// Every rule over every file, in the order of the files.
fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        text::check(file, &mut findings);
        source::check(file, &mut findings);
        manifests::check(file, &mut findings);
        includes::check(file, &mut findings);
    }
    exposure::check(files, &mut findings);
    links::check(files, &mut findings);
    names::check(files, &mut findings);
    proofs::check(files, &mut findings);
    quotes::check(files, &mut findings);
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}

/// All files that git has or would take, in the order of their paths.
fn repository() -> Result<Vec<File>> {
    let mut files = Vec::new();
    for path in tracked()? {
        // A file that is deleted but not yet committed so is still in git's list.
        let Ok(bytes) = std::fs::read(root().join(&path)) else {
            continue;
        };
        files.push(File { path, text: String::from_utf8(bytes).ok() });
    }
    Ok(files)
}

/// The lines of a file with their numbers from one.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}
