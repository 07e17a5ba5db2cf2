//! How the cases ended.

use std::fmt;

use countersign_core::Error;

/// What a store did that it must not do. It never holds a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure(Box<str>);

impl Failure {
    pub(super) fn new(what: impl Into<Box<str>>) -> Self {
        Self(what.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(format!("an operation that must succeed failed: {error}").into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// How one case ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// As it must.
    Passed,
    /// It did not run, and this is why.
    LeftOut(Box<str>),
    /// Otherwise.
    Failed(Failure),
}

/// What a case says that did not fail.
pub(super) enum Verdict {
    Passed,
    LeftOut(Box<str>),
}

impl Verdict {
    pub(super) fn left_out(why: impl Into<Box<str>>) -> Self {
        Self::LeftOut(why.into())
    }
}

/// How every case ended, in the order in which they ran.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report(Vec<(&'static str, Outcome)>);

impl Report {
    pub(super) fn add(&mut self, case: &'static str, end: Result<Verdict, Failure>) {
        let outcome = match end {
            Ok(Verdict::Passed) => Outcome::Passed,
            Ok(Verdict::LeftOut(why)) => Outcome::LeftOut(why),
            Err(failure) => Outcome::Failed(failure),
        };
        self.0.push((case, outcome));
    }

    /// The cases by name.
    pub fn cases(&self) -> impl Iterator<Item = (&'static str, &Outcome)> {
        self.0.iter().map(|(case, outcome)| (*case, outcome))
    }

    /// The names of the cases that did not run.
    pub fn left_out(&self) -> Vec<&'static str> {
        let is_left_out = |outcome: &Outcome| matches!(outcome, Outcome::LeftOut(_));
        self.cases().filter(|(_, outcome)| is_left_out(outcome)).map(|(case, _)| case).collect()
    }

    /// The names of the cases that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        let is_failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
        self.cases().filter(|(_, outcome)| is_failed(outcome)).map(|(case, _)| case).collect()
    }

    /// Whether no case failed.
    ///
    /// # Errors
    /// The first one that did, by name.
    pub fn into_result(self) -> Result<(), Failure> {
        self.0.into_iter().try_for_each(|(case, outcome)| match outcome {
            Outcome::Passed | Outcome::LeftOut(_) => Ok(()),
            Outcome::Failed(failure) => Err(Failure::new(format!("{case}: {failure}"))),
        })
    }
}

/// One line a case.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(case, outcome)| match outcome {
            Outcome::Passed => writeln!(f, "passed    {case}"),
            Outcome::LeftOut(why) => writeln!(f, "left out  {case}: {why}"),
            Outcome::Failed(failure) => writeln!(f, "FAILED    {case}: {failure}"),
        })
    }
}
