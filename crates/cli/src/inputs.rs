//! What a command wants to know: given by `--answer KEY=SOURCE`, else typed at a terminal.

use countersign_core::SecretString;

use crate::answer::Answer;
use crate::ask::Typing;
use crate::problem::Problem;
use crate::profile::nearest;
use crate::protected::Refusal;
use crate::source::{self, Environment};
use crate::terminal;

/// The forms of an answer, for help texts.
pub(crate) const SOURCES: &str = "env:NAME, file:PATH, fd:NUMBER or -";

/// Values that were given beforehand. Each is used once: a code is not sent twice.
#[derive(Debug)]
pub(crate) struct Inputs {
    left: Vec<Answer>,
    environment: Environment,
}

impl Inputs {
    /// Reads the form of `--answer` options; their values are read when they are wanted.
    pub(crate) fn parse(options: &[String], environment: Environment) -> Result<Self, Problem> {
        let left = options.iter().map(|text| Answer::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { left, environment })
    }

    /// Refuses what nothing will ask for, before anything is sent.
    pub(crate) fn only<'a>(
        &self,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<(), Problem> {
        for key in self.keys() {
            if known.clone().into_iter().any(|known| known == key) {
                continue;
            }
            let all: Vec<&str> = known.clone().into_iter().collect();
            let help = match nearest(key, all.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? It asks for: {}", all.join(", ")),
                None => "leave it out: it asks for nothing".to_owned(),
            };
            let what = format!("--answer {key}: nothing asks for this");
            return Err(Problem::usage(what, help));
        }
        Ok(())
    }

    /// The names of what was given and not yet used.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.left.iter().map(|answer| &*answer.key)
    }

    /// The environment variables that values come from.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.left.iter().filter_map(Answer::variable)
    }

    /// Whether `key` was given.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.keys().any(|given| given == key)
    }

    /// What was given as `key`.
    pub(crate) async fn take(&mut self, key: &str) -> Result<Option<SecretString>, Problem> {
        let Some(at) = self.left.iter().position(|answer| answer.key == key) else {
            return Ok(None);
        };
        self.left.remove(at).read(self.environment).await.map(Some)
    }

    /// What was given as `key`; else what a person types, who is asked for `label`.
    pub(crate) async fn get(
        &mut self,
        key: &str,
        label: &str,
        typing: Typing,
    ) -> Result<SecretString, Problem> {
        match self.take(key).await? {
            Some(value) => Ok(value),
            None => ask(key, label, typing).await,
        }
    }
}

/// Asks a person for `label`; `key` is what `--answer` calls it.
pub(crate) async fn ask(key: &str, label: &str, typing: Typing) -> Result<SecretString, Problem> {
    if !terminal::can_ask() {
        return Err(Problem::usage(
            format!("{label} is needed, and this is no terminal to ask for it"),
            format!("give it by --answer {key}=SOURCE, where SOURCE is {SOURCES}"),
        ));
    }
    let typed = source::asked(label, typing).await.map_err(refused)?;
    if typed.is_empty() {
        return Err(Problem::usage(format!("{label} was left empty"), "begin again"));
    }
    Ok(typed)
}

/// A value that cannot be had.
pub(crate) fn refused(refusal: Refusal) -> Problem {
    Problem::usage(refusal.what, refusal.help)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::exit::Exit;

    fn environment(name: &str) -> Option<OsString> {
        (name == "CODE").then(|| "canary-code".into())
    }

    fn inputs(options: &[&str]) -> Inputs {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        Inputs::parse(&options, environment).unwrap()
    }

    #[tokio::test]
    async fn what_is_given_is_used_once() {
        let mut given = inputs(&["code=env:CODE"]);
        assert!(given.has("code") && given.variables().eq(["CODE"]));
        assert_eq!(given.take("code").await.unwrap().unwrap().expose(), "canary-code");
        assert!(given.take("code").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn f40_off_a_terminal_what_is_missing_is_named_with_its_option() {
        if terminal::can_ask() {
            return;
        }
        let missing = inputs(&[]).get("code", "the code", Typing::Hidden).await.unwrap_err();
        assert_eq!(missing.exit(), Exit::Usage);
        assert!(missing.lines().contains("the code is needed"), "{}", missing.lines());
        assert!(missing.lines().contains("--answer code=SOURCE"), "{}", missing.lines());
    }

    #[test]
    fn a_name_that_nothing_asks_for_is_answered_by_the_nearest() {
        let given = inputs(&["new_pasword=env:CODE"]);
        assert!(given.only(["code", "new_pasword"]).is_ok());
        let lines = given.only(["code", "new_password"]).unwrap_err().lines();
        assert!(lines.contains("did you mean `new_password`?"), "{lines}");
        assert!(given.only([]).unwrap_err().lines().contains("asks for nothing"));
    }
}
