//! Checks that say what was expected and what came, and never panic.

use std::fmt;
use std::panic::Location;

use countersign_core::session::Status;
use countersign_core::{Error, ErrorKind};
use countersign_runtime::Session;
use serde::Serialize;

/// Why a case failed: what it expected, what came, and where in the case that was.
///
/// Neither text may hold a secret: say that *a token was found in the log*, not which.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What was expected.
    pub expected: String,
    /// What came instead.
    pub came: String,
    /// File and line of the check.
    pub at: String,
    /// Whether that was a check of the case, or the case came to no end of its own.
    pub how: How,
}

/// How a case came to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By a check of the case, or of the suite on its requests.
    Check,
    /// Something panicked that must not.
    Panic,
    /// It did not end in its time.
    NoEnd,
}

impl How {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Panic => "panic",
            Self::NoEnd => "no end",
        }
    }
}

impl Finding {
    /// A finding of the place that calls this.
    #[track_caller]
    pub fn new(expected: impl Into<String>, came: impl Into<String>) -> Self {
        let at = Location::caller();
        let at = format!("{}:{}", at.file().rsplit("src/").next().unwrap_or_default(), at.line());
        Self { expected: expected.into(), came: came.into(), at, how: How::Check }
    }

    /// The same finding, come about in another way than by a check.
    #[must_use]
    pub const fn by(mut self, how: How) -> Self {
        self.how = how;
        self
    }

    /// The same finding at a place that is no line of a case.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.at = place.into();
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            How::Check => String::new(),
            how => format!("{}: ", how.as_str()),
        };
        write!(f, "{how}expected {}; came {} ({})", self.expected, self.came, self.at)
    }
}

impl std::error::Error for Finding {}

/// `?` on an answer of the engine: the case expected success.
impl From<Error> for Finding {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self::new("success", error.to_string())
    }
}

/// `what` is `expected`.
///
/// # Errors
/// A finding with both values. So do the other checks.
#[track_caller]
pub fn same<T: PartialEq<U> + fmt::Debug, U: fmt::Debug>(
    what: &str,
    came: T,
    expected: U,
) -> Result<(), Finding> {
    match came == expected {
        true => Ok(()),
        false => Err(Finding::new(format!("{what}: {expected:?}"), format!("{came:?}"))),
    }
}

/// `what` holds.
#[track_caller]
pub fn holds(what: &str, so: bool) -> Result<(), Finding> {
    match so {
        true => Ok(()),
        false => Err(Finding::new(what, "the opposite")),
    }
}

/// The same with a word about what came instead.
#[track_caller]
pub fn holds_or(what: &str, so: bool, came: impl fmt::Display) -> Result<(), Finding> {
    match so {
        true => Ok(()),
        false => Err(Finding::new(what, came.to_string())),
    }
}

/// Something is there.
#[track_caller]
pub fn there<T>(what: &str, found: Option<T>) -> Result<T, Finding> {
    found.ok_or_else(|| Finding::new(what, "nothing"))
}

/// It failed, with an error of `kind`; that error.
#[track_caller]
pub fn fails<T>(what: &str, kind: ErrorKind, result: Result<T, Error>) -> Result<Error, Finding> {
    match result {
        Err(error) if error.kind() == kind => Ok(error),
        Err(error) => Err(Finding::new(format!("{what} fails with {kind:?}"), error.to_string())),
        Ok(_) => Err(Finding::new(format!("{what} fails with {kind:?}"), "success")),
    }
}

/// The session is in this state.
#[track_caller]
pub fn state(session: &Session, expected: Status) -> Result<(), Finding> {
    let status = session.status();
    match status.state == expected {
        true => Ok(()),
        false => {
            let why = status.last_error.map(|error| format!(" after: {error}")).unwrap_or_default();
            Err(Finding::new(
                format!("the state {}", expected.as_str()),
                format!("{}{why}", status.state.as_str()),
            ))
        }
    }
}
