//! What is told about an account beside identity and password.

use countersign_core::{Answers, RegisterSupport, SecretString};

use crate::ask::Typing;
use crate::inputs::Inputs;
use crate::problem::Problem;
use crate::profile::nearest;

/// Words in the names of attributes whose values are secret.
const SECRET: [&str; 5] = ["password", "secret", "code", "token", "pin"];

/// Attributes that were given on the command line, for a provider with these rules.
#[derive(Debug)]
pub(super) struct Attributes {
    given: Vec<(String, String)>,
    rules: RegisterSupport,
}

impl Attributes {
    /// Reads `NAME=VALUE`. A value that may be secret is not repeated.
    ///
    /// # Errors
    /// [`crate::exit::Exit::Usage`] for a name that the provider does not know, or whose value is secret.
    pub(super) fn parse(options: &[String], rules: RegisterSupport) -> Result<Self, Problem> {
        let mut attributes = Self { given: Vec::new(), rules };
        for option in options {
            let (name, value) =
                option.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or_else(|| {
                    Problem::usage(
                        "--attribute: this is not NAME=VALUE",
                        "write it as email=kim@example.org",
                    )
                })?;
            if is_secret(name) {
                return Err(Problem::usage(
                    format!("--attribute {name}: a secret is not taken on the command line"),
                    format!("give it by --answer {name}=env:NAME, file:PATH, fd:NUMBER or -"),
                ));
            }
            attributes.check(name)?;
            attributes.given.push((name.to_owned(), value.to_owned()));
        }
        Ok(attributes)
    }

    /// Every name that the provider knows.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.rules.required.iter().chain(self.rules.optional).copied()
    }

    /// What was given; what is required and missing comes from `inputs`.
    pub(super) async fn complete(&mut self, inputs: &mut Inputs) -> Result<Answers, Problem> {
        let mut answers = Answers::new();
        for (name, value) in self.given.drain(..) {
            answers = answers.with(&name, SecretString::new(value));
        }
        for name in self
            .rules
            .required
            .iter()
            .filter(|name| answers.get(name).is_none())
            .copied()
            .collect::<Vec<_>>()
        {
            let typing = if is_secret(name) { Typing::Hidden } else { Typing::Shown };
            let label = name.replace('_', " ");
            answers = answers.with(name, inputs.get(name, &label, typing).await?);
        }
        for name in self.rules.optional {
            if let Some(value) = inputs.take(name).await? {
                answers = answers.with(name, value);
            }
        }
        Ok(answers)
    }

    fn check(&self, name: &str) -> Result<(), Problem> {
        // A pool has attributes of its own, such as custom:team, which the adapter judges.
        let of_its_own = name.contains(':') && !self.rules.optional.is_empty();
        if of_its_own || self.names().any(|known| known == name) {
            return Ok(());
        }
        let known: Vec<&str> = self.names().collect();
        let near = nearest(name, known.iter().copied()).unwrap_or_default();
        Err(Problem::usage(
            format!("--attribute {name}: the provider knows no such attribute"),
            format!("did you mean `{near}`? It knows: {}", known.join(", ")),
        ))
    }
}

fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: RegisterSupport = RegisterSupport {
        required: &["username", "temporary_password"],
        optional: &["nickname"],
        signs_in: false,
    };

    fn parse(options: &[&str]) -> Result<Attributes, Problem> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        Attributes::parse(&options, RULES)
    }

    #[tokio::test]
    async fn what_is_given_by_either_way_is_sent() {
        let environment = |_: &str| Some("canary-value".into());
        let options = ["temporary_password=env:T".to_owned(), "nickname=env:N".to_owned()];
        let mut inputs = Inputs::parse(&options, environment).unwrap();
        let mut attributes = parse(&["username=kim=k"]).unwrap();
        let answers = attributes.complete(&mut inputs).await.unwrap();
        let sent: Vec<_> = answers.iter().map(|(name, value)| (name, value.expose())).collect();
        assert_eq!(
            sent,
            [
                ("nickname", "canary-value"),
                ("temporary_password", "canary-value"),
                ("username", "kim=k")
            ]
        );
    }

    #[test]
    fn a_secret_or_an_unknown_name_is_refused_before_anything_is_sent() {
        let lines = parse(&["temporary_password=canary"]).unwrap_err().lines();
        assert!(lines.contains("--answer temporary_password=env:NAME"), "{lines}");
        assert!(!lines.contains("canary"), "{lines}");
        let lines = parse(&["usrname=kim"]).unwrap_err().lines();
        assert!(lines.contains("did you mean `username`?"), "{lines}");
        assert!(parse(&["custom:team=hub"]).is_ok());
        assert!(parse(&["username"]).is_err() && parse(&["username="]).is_err());
    }
}
