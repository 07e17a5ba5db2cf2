//! The data of a report: what every format writes. Its JSON is documented in `docs/CONFORMANCE.md`.

use serde::Serialize;

use crate::case::Case;
use crate::expect::Finding;

/// One run of the suite.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The version of the suite.
    pub suite: String,
    /// The seed of the order and of the servers' random values, in hexadecimal. When inside of its window
    /// a token is renewed is not repeated: the engine draws that with each token.
    pub seed: String,
    /// When it began, as in RFC 3339.
    pub started: String,
    /// How long it took, in milliseconds of real time.
    pub took_ms: u64,
    /// Every target that was selected.
    pub providers: Vec<ProviderReport>,
    /// Every row that a case of this run is there to prove, and those that the runner demands.
    pub rows: Vec<RowReport>,
    /// What is wrong beside failed cases, a sentence each: a claim without a case, a row without proof.
    pub problems: Vec<String>,
}

/// One row of a table of failures, or one section of a standard, and its proofs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RowReport {
    /// `F07`, `P12`, `RFC 6749 §6`.
    pub row: String,
    /// What the row is about, where that is known.
    pub about: String,
    /// The cases that have passed with at least one target and failed with none.
    pub cases: Vec<String>,
    /// Tests elsewhere that are named after the row, of which the runner knows that they have passed.
    pub tests: Vec<String>,
    /// Tests that are named after it and were not run, or not since they were last changed.
    pub not_run: Vec<String>,
    /// Whether a case or a test has proved it, and no test that is named after it has failed.
    pub proved: bool,
}

/// What a run has shown about one target.
#[derive(Clone, Debug, Serialize)]
pub struct ProviderReport {
    /// Its name.
    pub name: String,
    /// What its adapter claims.
    pub claims: Vec<ClaimReport>,
    /// Every case that was selected, in the order of the list.
    pub cases: Vec<CaseReport>,
}

/// One claim of an adapter.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimReport {
    /// The claim: `refresh`, `revoke`, …
    pub claim: String,
    /// The cases of this run that exercise it and were not skipped.
    pub cases: Vec<String>,
}

/// What became of one case with one target.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// Its id.
    pub id: String,
    /// Its sentence.
    pub title: String,
    /// Its group.
    pub group: String,
    /// What it proves: `F07`, `P12`, `RFC 6749 §6`.
    pub proves: Vec<String>,
    /// What it does to a real account.
    pub harm: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How much time passed in it, in milliseconds of its own clock.
    pub virtual_ms: u64,
    /// How long it took, in milliseconds of real time.
    pub real_ms: u64,
    /// What went over the wire, and what was noted.
    pub timeline: Vec<Entry>,
}

impl CaseReport {
    /// The report of a case that has told nothing of its course.
    pub(crate) fn of(case: &Case, outcome: Outcome) -> Self {
        Self {
            id: case.id.to_owned(),
            title: case.title.to_owned(),
            group: case.group.to_owned(),
            proves: case.proves.iter().map(ToString::to_string).collect(),
            harm: case.harm.as_str().to_owned(),
            outcome,
            virtual_ms: 0,
            real_ms: 0,
            timeline: Vec::new(),
        }
    }
}

/// How a case ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The sentence is true.
    Passed,
    /// It is not.
    Failed {
        /// What was expected, what came, and where.
        finding: Finding,
    },
    /// It was not tried.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// One line of a timeline, in the order of time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// One request and its answer. It holds no header, no query and no body.
    Exchange {
        /// When it was sent, in milliseconds since the case began.
        at_ms: u64,
        /// When its answer came; `null` if none came.
        answered_ms: Option<u64>,
        /// What was asked.
        operation: String,
        /// The method.
        method: String,
        /// The path without the query.
        path: String,
        /// The status.
        status: Option<u16>,
        /// The fault that it met.
        fault: Option<String>,
        /// `answered`, `waiting`, `not_sent`, `interrupted`, `dropped` or `stray`.
        end: String,
    },
    /// Something else that happened.
    Mark {
        /// When, in milliseconds since the case began.
        at_ms: u64,
        /// What.
        what: String,
    },
}

impl Entry {
    /// When it was.
    pub const fn at_ms(&self) -> u64 {
        match self {
            Self::Exchange { at_ms, .. } | Self::Mark { at_ms, .. } => *at_ms,
        }
    }
}

/// How many cases ended in which way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// True sentences.
    pub passed: usize,
    /// False ones.
    pub failed: usize,
    /// Untried ones.
    pub skipped: usize,
}

impl Tally {
    /// Counts `cases`.
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a CaseReport>) -> Self {
        let mut tally = Self::default();
        for case in cases {
            match case.outcome {
                Outcome::Passed => tally.passed += 1,
                Outcome::Failed { .. } => tally.failed += 1,
                Outcome::Skipped { .. } => tally.skipped += 1,
            }
        }
        tally
    }
}

impl Run {
    /// Every case of every target.
    pub fn cases(&self) -> impl Iterator<Item = (&ProviderReport, &CaseReport)> {
        self.providers.iter().flat_map(|provider| provider.cases.iter().map(move |c| (provider, c)))
    }

    /// How many ended in which way.
    pub fn tally(&self) -> Tally {
        Tally::of(self.cases().map(|(_, case)| case))
    }

    /// Whether nothing failed and nothing else is wrong.
    pub fn conforms(&self) -> bool {
        self.tally().failed == 0 && self.problems.is_empty()
    }
}
