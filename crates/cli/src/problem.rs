//! Why the program cannot do what was asked: the fact, the remedy, the exit code.

use std::fmt::Write as _;

use countersign_core::{Certainty, Error, Recovery};

use crate::exit::Exit;
use crate::terminal::escape;

/// A failure as a person reads it. Holds no secret; text of others is escaped when it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    exit: Exit,
    what: String,
    help: String,
    notes: Vec<String>,
}

impl Problem {
    /// `what` went wrong, and `help` says what to do about it.
    pub(crate) fn new(exit: Exit, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit, what: what.into(), help: help.into(), notes: Vec::new() }
    }

    /// The command line, the profile or a secret source is wrong.
    pub(crate) fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what, help)
    }

    /// Adds a fact, such as what the system or the provider said.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says something else about what to do.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The code that the program ends with.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// The fact.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> &str {
        &self.help
    }

    /// The lines for standard error.
    pub(crate) fn lines(&self) -> String {
        let mut text = format!("error: {}\n", escape(&self.what));
        for note in &self.notes {
            let _ = writeln!(text, "note: {}", escape(note));
        }
        if !self.help.is_empty() {
            let _ = writeln!(text, "help: {}", escape(&self.help));
        }
        text
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let mut problem = Self::new(Exit::of(error), headline(error), error.hint_text());
        for field in error.fields() {
            problem = problem.note(format!("field {}: {}", field.name, field.code));
        }
        if let Some(detail) = error.detail() {
            problem = problem.note(format!("the provider wrote: {detail}"));
        }
        if let Some(id) = error.request_id() {
            problem = problem.note(format!("the provider's request id: {id}"));
        }
        let mut cause = std::error::Error::source(error);
        while let Some(source) = cause {
            problem = problem.note(format!("caused by: {source}"));
            cause = source.source();
        }
        if let Recovery::WaitUntil(until) = error.recovery() {
            problem = problem.note(format!("not before {until}"));
        }
        problem
    }
}

/// Who refused what, and the facts; the hint is shown as help. Holds nothing that a provider wrote but its
/// code, which is harmless.
pub(crate) fn headline(error: &Error) -> String {
    let mut text = match (error.provider(), error.operation()) {
        (Some(provider), Some(operation)) => format!("{provider} {operation}: "),
        (Some(provider), None) => format!("{provider}: "),
        _ => String::new(),
    };
    let _ = write!(text, "{}", error.kind());
    let facts = [
        error.status().map(|status| format!("HTTP {status}")),
        error.code().map(|code| format!("code {code}")),
        (error.certainty() == Certainty::Possible).then(|| "may hide another cause".to_owned()),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    if !facts.is_empty() {
        let _ = write!(text, " ({})", facts.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use countersign_core::{ErrorKind, ProviderId};

    use super::*;

    #[test]
    fn an_error_becomes_a_headline_notes_and_help() {
        let error = Error::new(ErrorKind::InvalidGrant)
            .at(ProviderId::new("ibex"), "sign_in")
            .with_code("Nope")
            .with_detail("wrong \u{202e}password")
            .with_source(std::io::Error::other("deeper"));
        assert_eq!(
            Problem::from(&error).lines(),
            "error: ibex sign_in: grant refused (code Nope)\n\
             note: the provider wrote: wrong \\u{202e}password\n\
             note: caused by: deeper\n\
             help: check the credentials, then sign in again\n"
        );
    }
}
