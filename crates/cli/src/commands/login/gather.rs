//! From what a challenge wants to answers: those given on the command line, else those typed.

use countersign_core::{
    Answers, Challenge, ChallengeKind, Error, PasswordPolicy, SecretString, Timestamp,
};

use super::choice;
use crate::ask::Typing;
use crate::code;
use crate::enrolment::Enrolment;
use crate::exit::Exit;
use crate::inputs::{self, Inputs};
use crate::keep::Keep;
use crate::new_password::{self, Choice};
use crate::output;
use crate::problem::{Problem, headline};
use crate::profile::nearest;
use crate::terminal::{self, escape};

/// How often a person may try to type something that can be right.
const MOST_TRIES: usize = 5;

/// Where answers come from.
pub(super) struct Gathering<'a> {
    pub(super) inputs: Inputs,
    pub(super) new_password: &'a Choice,
    pub(super) keep: Keep,
    pub(super) policy: Option<PasswordPolicy>,
    pub(super) profile: &'a str,
    pub(super) enrolment: Enrolment<'a>,
}

impl Gathering<'_> {
    /// All that `challenge` wants. `refused` is why the answer before was not taken.
    ///
    /// # Errors
    /// [`Exit::ChallengePending`] if something is missing and nobody can be asked, or cannot be right;
    /// [`Exit::Refused`] if nobody can answer.
    pub(super) async fn answers(
        &mut self,
        challenge: &Challenge,
        refused: Option<&Error>,
        now: Timestamp,
    ) -> Result<Answers, Problem> {
        if challenge.kind == ChallengeKind::Unsupported {
            return Err(unanswerable(challenge));
        }
        let enrols = self.enrolment.begin(challenge)?;
        let mut answers = Answers::new();
        let mut missing = Vec::new();
        for want in &challenge.wants {
            let made = match &**want {
                "code" if enrols && !self.inputs.has(want) => self.enrolment.made(now)?,
                _ => None,
            };
            let known = match made {
                Some(made) => Some(made),
                None => self.known(challenge, want).await?,
            };
            match known {
                Some(value) => answers = answers.with(want, value),
                None => missing.push(&**want),
            }
        }
        if !missing.is_empty() && !terminal::can_ask() {
            return Err(self.pending(challenge, &missing, refused));
        }
        for name in self.beside(challenge) {
            if let Some(value) = self.inputs.take(&name).await? {
                answers = answers.with(&name, value);
            }
        }
        if missing.is_empty() {
            return Ok(answers);
        }
        if let Some(error) = refused {
            output::report(&Problem::from(error));
        }
        output::say(&describe(challenge));
        for want in missing {
            answers = answers.with(want, self.ask(challenge, want).await?);
        }
        Ok(answers)
    }

    /// An answer that needs nobody at the terminal.
    async fn known(
        &mut self,
        challenge: &Challenge,
        want: &str,
    ) -> Result<Option<SecretString>, Problem> {
        if let Some(given) = self.inputs.take(want).await? {
            let given = if want == "code" { code::tidy(given) } else { given };
            self.check(challenge, want, &given).map_err(|what| self.cannot_be(&what))?;
            return Ok(Some(given));
        }
        match want {
            new_password::KEY if self.new_password.generates() => self
                .new_password
                .make(&mut self.inputs, &self.keep, self.policy, want)
                .await
                .map(Some),
            "choice" => Ok(choice::the_only_one(challenge)),
            _ => Ok(None),
        }
    }

    /// What can be known to be wrong before it is sent.
    fn check(&self, challenge: &Challenge, want: &str, value: &SecretString) -> Result<(), String> {
        let authenticator = matches!(&*challenge.name, "SOFTWARE_TOKEN_MFA" | "MFA_SETUP");
        match want {
            new_password::KEY => {
                let broken = self.policy.map(|policy| policy.broken_by(value.expose()));
                match broken.unwrap_or_default() {
                    broken if broken.is_empty() => Ok(()),
                    broken => Err(format!("the new password needs {}", broken.join(", "))),
                }
            }
            "code" if authenticator && !code::is_of_authenticator(value) => {
                Err("a code of an authenticator has six digits".to_owned())
            }
            "choice" => choice::check(challenge, value),
            _ => Ok(()),
        }
    }

    async fn ask(&self, challenge: &Challenge, want: &str) -> Result<SecretString, Problem> {
        match want {
            new_password::KEY => {
                return new_password::typed(self.policy, want, "new password").await;
            }
            "choice" => return choice::ask(challenge).await,
            _ => {}
        }
        let shown = want == "email" || want.starts_with("attribute.");
        let typing = if shown { Typing::Shown } else { Typing::Hidden };
        for _ in 0..MOST_TRIES {
            let typed = inputs::ask(want, want, typing).await?;
            let typed = if want == "code" { code::tidy(typed) } else { typed };
            match self.check(challenge, want, &typed) {
                Ok(()) => return Ok(typed),
                Err(what) => output::say(&format!("{what}; nothing was sent")),
            }
        }
        Err(self.cannot_be("an answer is still missing"))
    }

    /// What was given and this challenge takes without wanting it.
    fn beside(&self, challenge: &Challenge) -> Vec<String> {
        let takes = |key: &str| match challenge.kind {
            ChallengeKind::NewPassword => key.starts_with("attribute."),
            ChallengeKind::Choice => matches!(key, "password" | "credential"),
            ChallengeKind::Code => key == "device_name",
            _ => false,
        };
        self.inputs.keys().filter(|key| takes(key)).map(str::to_owned).collect()
    }

    fn cannot_be(&self, what: &str) -> Problem {
        Problem::new(
            Exit::ChallengePending,
            format!("{what}; nothing was sent"),
            format!("run `countersign login --continue --profile {}`", self.profile),
        )
    }

    fn pending(&self, challenge: &Challenge, missing: &[&str], refused: Option<&Error>) -> Problem {
        let wanted = missing.join(", ");
        let options: Vec<String> =
            missing.iter().map(|want| format!("--answer {want}=env:NAME")).collect();
        let mut problem = Problem::new(
            Exit::ChallengePending,
            format!("the provider asks for {} ({wanted})", challenge.name),
            format!(
                "on a terminal run `countersign login --continue --profile {0}`, or anywhere \
                 `countersign login --continue --profile {0} {1}`",
                self.profile,
                options.join(" ")
            ),
        )
        .note(format!("it can be answered until {}", challenge.expires_at));
        if let Some(error) = refused {
            let (what, why) = (headline(error), error.hint_text());
            problem = problem.note(format!("the last answer was refused: {what}: {why}"));
        }
        for (name, value) in &challenge.parameters {
            problem = problem.note(format!("{name}: {value}"));
        }
        for key in self.inputs.keys() {
            let near = nearest(key, challenge.wants.iter().map(|want| &**want));
            problem = problem.note(format!(
                "`{key}` is not what it wants; did you mean `{}`?",
                near.unwrap_or_default()
            ));
        }
        problem
    }
}

/// A challenge for a person: its name and what the provider says beside it.
fn describe(challenge: &Challenge) -> String {
    let mut text = format!("the provider asks for {}", escape(&challenge.name));
    // Choices follow as a list.
    for (name, value) in challenge.parameters.iter().filter(|(name, _)| *name != "choices") {
        text.push_str(&format!("\n  {}: {}", escape(name), escape(value)));
    }
    text
}

fn unanswerable(challenge: &Challenge) -> Problem {
    let mut problem = Problem::new(
        Exit::Refused,
        format!("the provider asks for {}, which cannot be answered here", challenge.name),
        "sign in by the provider's own means once, or have this kind of proof switched off",
    );
    for (name, value) in &challenge.parameters {
        problem = problem.note(format!("{name}: {value}"));
    }
    problem
}

#[cfg(test)]
mod tests;
