//! From what a challenge wants to answers: those given on the command line, else those typed.

use std::io::Read;

use countersign_core::{Answers, Challenge, ChallengeKind, Error, SecretString};

use crate::answer::Answer;
use crate::exit::Exit;
use crate::output;
use crate::problem::{Problem, headline};
use crate::profile::nearest;
use crate::source::{self, Environment};
use crate::terminal::{self, escape};

/// Answers that were given beforehand. Each is used once: a code is not sent twice.
#[derive(Debug)]
pub(super) struct Given {
    left: Vec<Answer>,
    environment: Environment,
    profile: String,
}

impl Given {
    /// Reads the form of `--answer` options; their values are read when they are wanted.
    pub(super) fn parse(
        options: &[String],
        environment: Environment,
        profile: &str,
    ) -> Result<Self, Problem> {
        let left = options.iter().map(|text| Answer::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { left, environment, profile: profile.to_owned() })
    }

    /// All that `challenge` wants. `refused` is why the answer before was not taken.
    ///
    /// # Errors
    /// [`Exit::ChallengePending`] if something is missing and nobody can be asked;
    /// [`Exit::Refused`] if nobody can answer.
    pub(super) async fn answers(
        &mut self,
        challenge: &Challenge,
        refused: Option<&Error>,
    ) -> Result<Answers, Problem> {
        if challenge.kind == ChallengeKind::Unsupported {
            return Err(unanswerable(challenge));
        }
        let mut answers = Answers::new();
        let mut missing = Vec::new();
        for want in &challenge.wants {
            match self.take(want, &mut std::io::stdin().lock())? {
                Some(value) => answers = answers.with(want, value),
                None => missing.push(&**want),
            }
        }
        if missing.is_empty() {
            return Ok(answers);
        }
        if !terminal::can_ask() {
            return Err(self.pending(challenge, &missing, refused));
        }
        if let Some(error) = refused {
            output::report(&Problem::from(error));
        }
        output::say(&describe(challenge));
        for want in missing {
            answers = answers.with(want, ask(want).await?);
        }
        Ok(answers)
    }

    fn take(&mut self, want: &str, input: &mut impl Read) -> Result<Option<SecretString>, Problem> {
        let Some(at) = self.left.iter().position(|answer| answer.key == want) else {
            return Ok(None);
        };
        self.left.remove(at).read(self.environment, input).map(Some)
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
        for answer in &self.left {
            let near = nearest(&answer.key, challenge.wants.iter().map(|want| &**want));
            problem = problem.note(format!(
                "`{}` is not what it wants; did you mean `{}`?",
                answer.key,
                near.unwrap_or_default()
            ));
        }
        problem
    }
}

/// A challenge for a person: its name and what the provider says beside it.
fn describe(challenge: &Challenge) -> String {
    let mut text = format!("the provider asks for {}", escape(&challenge.name));
    for (name, value) in &challenge.parameters {
        text.push_str(&format!("\n  {}: {}", escape(name), escape(value)));
    }
    text
}

/// Asks for one answer; a new password twice, since nobody sees what is typed.
async fn ask(want: &str) -> Result<SecretString, Problem> {
    let typed = |label: String| async move {
        source::ask(&label).await.map_err(|refusal| Problem::usage(refusal.what, refusal.help))
    };
    let first = typed(want.to_owned()).await?;
    if want == "new_password" && !first.matches(&typed(format!("{want} again")).await?) {
        return Err(Problem::new(
            Exit::ChallengePending,
            "the two passwords differ; nothing was sent",
            "run `countersign login --continue`",
        ));
    }
    Ok(first)
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
mod tests {
    use std::ffi::OsString;

    use countersign_core::{Continuation, Timestamp};

    use super::*;

    fn environment(name: &str) -> Option<OsString> {
        (name == "CODE").then(|| "canary-code".into())
    }

    fn challenge(kind: ChallengeKind) -> Challenge {
        let mut challenge = Challenge::new(
            "SMS_MFA",
            kind,
            Continuation::default(),
            Timestamp::from_seconds(784_111_777),
        );
        challenge.parameters.insert("DESTINATION".into(), "+*\u{202e}78".into());
        challenge
    }

    fn answers(given: &mut Given, challenge: &Challenge) -> Result<Answers, Problem> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(given.answers(challenge, None))
    }

    fn given(options: &[&str]) -> Given {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        Given::parse(&options, environment, "pool").unwrap()
    }

    #[test]
    fn what_is_given_is_used_once() {
        let mut given = given(&["code=env:CODE"]);
        let code = challenge(ChallengeKind::Code);
        let first = answers(&mut given, &code).unwrap();
        assert_eq!(first.get("code").unwrap().expose(), "canary-code");
        if !terminal::can_ask() {
            let again = answers(&mut given, &code).unwrap_err();
            assert_eq!(again.exit(), Exit::ChallengePending);
        }
    }

    #[test]
    fn f40_off_a_terminal_a_challenge_stays_pending_with_the_way_on() {
        if terminal::can_ask() {
            return;
        }
        let problem =
            answers(&mut given(&["cod=env:CODE"]), &challenge(ChallengeKind::Code)).unwrap_err();
        assert_eq!(problem.exit(), Exit::ChallengePending);
        let lines = problem.lines();
        for part in [
            "asks for SMS_MFA (code)",
            "until 1994-11-06T08:49:37Z",
            "DESTINATION: +*\\u{202e}78",
            "did you mean `code`?",
            "countersign login --continue --profile pool --answer code=env:NAME",
        ] {
            assert!(lines.contains(part), "{part:?} is not in {lines}");
        }
    }

    #[test]
    fn p20_an_unknown_challenge_is_named_and_refused() {
        let problem = answers(&mut given(&[]), &challenge(ChallengeKind::Unsupported)).unwrap_err();
        assert_eq!(problem.exit(), Exit::Refused);
        assert!(problem.lines().contains("asks for SMS_MFA, which cannot be answered"));
    }
}
