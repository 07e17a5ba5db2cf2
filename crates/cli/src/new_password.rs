//! The next password: given, chosen by the program, or typed twice; checked before it is sent.

use std::path::PathBuf;

use clap::Args;
use countersign_core::{CredentialKind, PasswordPolicy, SecretString};

use crate::ask::Typing;
use crate::cli::Global;
use crate::exit::Exit;
use crate::generate;
use crate::inputs::{self, Inputs};
use crate::keep::{Form, Keep};
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::terminal;

/// What `--answer` calls it.
pub(crate) const KEY: &str = "new_password";
/// How often a person may try to type one that fits.
const MOST_TRIES: usize = 5;

/// How the next password comes about, and where it goes beside the profile's own file.
#[derive(Args, Debug, Default)]
pub(crate) struct Choice {
    /// Let the program choose the new password, by the provider's rules. It goes to the file that the
    /// profile reads, else name a place by --write-to or --print
    #[arg(long)]
    generate: bool,
    /// Write the new password to a file too, readable for you alone; it is beside it as PATH.new until
    /// the provider has taken it
    #[arg(long, value_name = "file:PATH", value_parser = file)]
    write_to: Option<PathBuf>,
    /// Print the new password to standard output, before it is sent: then it is not lost whatever
    /// happens
    #[arg(long)]
    print: bool,
}

impl Choice {
    /// Where the new password goes.
    ///
    /// # Errors
    /// [`Exit::Usage`] if one that is generated would go nowhere.
    pub(crate) fn keep(&self, profile: &Profile, global: &Global) -> Result<Keep, Problem> {
        let form = if global.json { Form::Json } else { Form::Plain };
        let keep = Keep::of(profile, CredentialKind::Password)
            .also(self.write_to.clone(), self.print.then_some(form))?;
        if self.generate && !keep.finds() {
            return Err(Problem::usage(
                "--generate: the profile does not read its password from a file, so nobody would \
                 know the new one",
                "add --write-to file:PATH, or --print",
            ));
        }
        Ok(keep)
    }

    /// Whether the program chooses it.
    pub(crate) const fn generates(&self) -> bool {
        self.generate
    }

    /// The next password, which follows `policy`.
    ///
    /// # Errors
    /// [`Exit::Refused`] if it does not: nothing was sent.
    pub(crate) async fn make(
        &self,
        inputs: &mut Inputs,
        keep: &Keep,
        policy: Option<PasswordPolicy>,
        label: &str,
    ) -> Result<SecretString, Problem> {
        if let Some(given) = inputs.take(KEY).await? {
            return match broken(policy, &given) {
                Some(what) => Err(against_the_rules(&what)),
                None => Ok(given),
            };
        }
        if self.generate {
            // Whether the one of an earlier try holds is not known: another one would be one too many.
            if let Some((path, earlier)) = keep.earlier() {
                check(policy, &earlier)?;
                let path = path.display();
                output::say(&format!("goes on with {path}, the new password of an earlier try"));
                return Ok(earlier);
            }
            return generate::password(policy);
        }
        typed(policy, KEY, label).await
    }
}

/// A password that is typed twice, since nobody sees it; asked for again while it breaks a rule.
pub(crate) async fn typed(
    policy: Option<PasswordPolicy>,
    key: &str,
    label: &str,
) -> Result<SecretString, Problem> {
    for _ in 0..MOST_TRIES {
        let first = inputs::ask(key, label, Typing::Hidden).await?;
        if let Some(what) = broken(policy, &first) {
            output::say(&format!("it needs {what}; nothing was sent"));
        } else if first.matches(&inputs::ask(key, &format!("{label} again"), Typing::Hidden).await?)
        {
            return Ok(first);
        } else {
            output::say("the two passwords differ; nothing was sent");
        }
    }
    Err(against_the_rules("another try"))
}

/// Checks a password that comes from somewhere else.
pub(crate) fn check(
    policy: Option<PasswordPolicy>,
    password: &SecretString,
) -> Result<(), Problem> {
    broken(policy, password).map_or(Ok(()), |what| Err(against_the_rules(&what)))
}

fn broken(policy: Option<PasswordPolicy>, password: &SecretString) -> Option<String> {
    let broken = policy?.broken_by(password.expose());
    (!broken.is_empty()).then(|| broken.join(", "))
}

fn against_the_rules(what: &str) -> Problem {
    Problem::new(
        Exit::Refused,
        format!("the new password needs {}; nothing was sent", terminal::escape(what)),
        "choose another, or let --generate choose one",
    )
}

/// `file:PATH`.
pub(crate) fn file(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("file:") {
        Some(path) if !path.is_empty() => Ok(path.into()),
        _ => Err("write file:PATH".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::profile::ProfileFile;
    use std::path::Path;

    const PROFILE: &str =
        "[profiles.it]\nprovider = \"ibex\"\nidentity = \"kim\"\npassword = \"env:P\"\n";

    fn environment(name: &str) -> Option<OsString> {
        match name {
            "WEAK" => Some("canary".into()),
            "GOOD" => Some("Canary-pass-1".into()),
            _ => None,
        }
    }

    async fn make(choice: Choice, options: &[&str]) -> Result<SecretString, Problem> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let mut inputs = Inputs::parse(&options, environment).unwrap();
        let policy = PasswordPolicy { min_length: 8, digit: true, ..PasswordPolicy::default() };
        let profile = ProfileFile::parse(Path::new("config.toml"), PROFILE).unwrap();
        let keep = Keep::of(&profile.profile(None).unwrap(), CredentialKind::Password);
        choice.make(&mut inputs, &keep, Some(policy), "new password").await
    }

    #[tokio::test]
    async fn one_that_is_given_follows_the_rules_or_is_not_sent() {
        let good = make(Choice::default(), &["new_password=env:GOOD"]).await.unwrap();
        assert_eq!(good.expose(), "Canary-pass-1");
        let weak = make(Choice::default(), &["new_password=env:WEAK"]).await.unwrap_err();
        assert_eq!(weak.exit(), Exit::Refused);
        let lines = weak.lines();
        assert!(
            lines.contains("needs at least 8 characters, a digit; nothing was sent"),
            "{lines}"
        );
        assert!(!lines.contains("canary"));
    }

    #[tokio::test]
    async fn one_that_is_generated_follows_the_rules() {
        let choice = Choice { generate: true, ..Choice::default() };
        assert_eq!(make(choice, &[]).await.unwrap().len(), 24);
    }

    #[test]
    fn a_place_for_it_is_a_file() {
        assert_eq!(file("file:a/b").unwrap(), PathBuf::from("a/b"));
        assert!(file("canary").is_err() && file("file:").is_err() && file("env:X").is_err());
    }
}
