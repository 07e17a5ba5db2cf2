//! What `doctor` finds, for people and for programs.

use serde_json::json;

use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::terminal::escape;

/// How much it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    /// It is as it must be.
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    /// Something has to be done.
    Problem,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Finding {
    level: Level,
    topic: &'static str,
    what: String,
    help: String,
    exit: Exit,
}

/// All of them, in the order in which they were made.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// It is as it must be.
    pub(super) fn ok(&mut self, topic: &'static str, what: impl Into<String>) {
        self.push(Level::Ok, topic, what.into(), String::new(), Exit::Success);
    }

    /// Worth knowing.
    pub(super) fn note(
        &mut self,
        topic: &'static str,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Level::Note, topic, what.into(), help.into(), Exit::Success);
    }

    /// Profile file, profile or source of a secret is wrong.
    pub(super) fn wrong(
        &mut self,
        topic: &'static str,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Level::Problem, topic, what.into(), help.into(), Exit::Usage);
    }

    /// The store is not as it must be.
    pub(super) fn broken(
        &mut self,
        topic: &'static str,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Level::Problem, topic, what.into(), help.into(), Exit::Store);
    }

    /// A problem as another command would tell it.
    pub(super) fn told(&mut self, topic: &'static str, problem: &Problem) {
        let (what, help) = (problem.what().to_owned(), problem.remedy().to_owned());
        self.push(Level::Problem, topic, what, help, problem.exit());
    }

    /// Prints them: one line each, and what to do below it; with `--json` an object each.
    pub(super) fn print(&self, json: bool) -> Result<(), Problem> {
        for finding in &self.0 {
            let Finding { level, topic, what, help, .. } = finding;
            if json {
                output::json(&json!({
                    "level": level.as_str(),
                    "topic": topic,
                    "what": what,
                    "help": (!help.is_empty()).then_some(help),
                }))?;
                continue;
            }
            output::line(&format!("{:<8} {topic}: {}", level.as_str(), escape(what)))?;
            if !help.is_empty() {
                output::line(&format!("         {}", escape(help)))?;
            }
        }
        Ok(())
    }

    /// The code to end with: that of the store before that of the profiles.
    pub(super) fn exit(&self) -> Exit {
        let problems = self.0.iter().filter(|finding| finding.level == Level::Problem);
        problems.map(|finding| finding.exit).max().unwrap_or(Exit::Success)
    }

    fn push(&mut self, level: Level, topic: &'static str, what: String, help: String, exit: Exit) {
        self.0.push(Finding { level, topic, what, help, exit });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_is_the_end() {
        let mut findings = Findings::default();
        findings.ok("store", "good");
        findings.note("locks", "held", "");
        assert_eq!(findings.exit(), Exit::Success);
        findings.wrong("profiles", "bad", "mend it");
        assert_eq!(findings.exit(), Exit::Usage);
        findings.broken("store", "bad", "mend it");
        findings.wrong("profiles", "bad", "mend it");
        assert_eq!(findings.exit(), Exit::Store);
    }
}
