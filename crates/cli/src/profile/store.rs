//! The table `[store]` of a profile file: what the keys of the store are under. One place for all profiles,
//! since they share the store.

use std::path::Path;

use toml::{Table, Value};

use super::nearest;
use crate::keyring;
use crate::problem::Problem;
use crate::source::Source;

/// The words of `key`.
const WORDS: [&str; 3] = ["file", "passphrase", "keyring"];

/// How the keys of the store are protected. Holds no secret.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct StoreSettings {
    /// Where the passphrase comes from; `None` if the keys are under none.
    passphrase: Option<Source>,
    /// The keys are under one that the keyring of the desktop keeps.
    keyring: bool,
    /// A file of the user's alone is what somebody has written, and not what holds where nothing is said.
    in_the_clear: bool,
    /// Nobody but the user can read the folder, where nobody can tell (Windows).
    vouched: bool,
    /// Environment variables that a program which tells it is not given: they hold other secrets.
    withheld: Vec<String>,
}

impl StoreSettings {
    /// Reads the table of the file `path`.
    ///
    /// # Errors
    /// [`crate::exit::Exit::Usage`]. Nothing weaker than what is asked for is ever taken in its place.
    pub(super) fn parse(path: &Path, table: &Table) -> Result<Self, Problem> {
        let shown = path.display();
        let wrong = |key: &str, what: &str, help: String| {
            Err(Problem::usage(format!("{shown}: `store.{key}` {what}"), help))
        };
        let known = ["key", "passphrase", "vouched"];
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            let near = nearest(key, known).unwrap_or_default();
            return wrong(key, "is unknown", format!("did you mean `{near}`?"));
        }
        let vouched = match table.get("vouched").map(Value::as_bool) {
            None => false,
            Some(Some(said)) => said,
            Some(None) => {
                let help =
                    "write vouched = true if nobody but you can read the folder of the store";
                return wrong("vouched", "is neither true nor false", help.to_owned());
            }
        };
        let source = match table.get("passphrase") {
            None => None,
            Some(value) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                match Source::parse(value.as_str().unwrap_or_default(), folder) {
                    Ok(source) => Some(source),
                    Err(none) => {
                        let (what, help) = none.explain("passphrase");
                        return wrong("passphrase", &what, help);
                    }
                }
            }
        };
        let protected = match (table.get("key").map(Value::as_str), source) {
            (Some(Some("passphrase")), Some(passphrase)) => {
                Ok(Self { passphrase: Some(passphrase), ..Self::default() })
            }
            (Some(Some("passphrase")), None) => {
                let help = "say where it comes from, for instance passphrase = \"env:NAME\"";
                wrong("passphrase", "is missing", help.to_owned())
            }
            (None, None) => Ok(Self::default()),
            (Some(Some("file")), None) => Ok(Self { in_the_clear: true, ..Self::default() }),
            (None | Some(Some("file")), Some(_)) => {
                let help = "write key = \"passphrase\" beside it, or take it out";
                wrong("passphrase", "says nothing by itself", help.to_owned())
            }
            (Some(Some("keyring")), Some(_)) => {
                let help = "take it out, or write key = \"passphrase\" beside it";
                wrong("passphrase", "is not asked for where key = \"keyring\"", help.to_owned())
            }
            (Some(Some("keyring")), None) if keyring::NAME.is_some() => {
                Ok(Self { keyring: true, ..Self::default() })
            }
            (Some(Some("keyring")), None) => {
                let help = format!(
                    "{}, or use key = \"passphrase\", or key = \"file\" (mode 600)",
                    keyring::HOW_TO_GET_IT
                );
                wrong("key", "is the keyring, which this build cannot use", help)
            }
            (Some(word), _) => {
                let near = word.and_then(|word| nearest(word, WORDS)).unwrap_or("passphrase");
                wrong("key", "has no value that is known", format!("did you mean \"{near}\"?"))
            }
        };
        protected.map(|settings| Self { vouched, ..settings })
    }

    /// Whether the folder is the user's alone wherever it is, as he says. On Unix that is looked at all the same.
    pub(crate) const fn vouched(&self) -> bool {
        self.vouched
    }

    /// Where the passphrase comes from.
    pub(crate) const fn passphrase(&self) -> Option<&Source> {
        self.passphrase.as_ref()
    }

    /// Whether the keys are under one that the keyring keeps.
    pub(crate) const fn keyring(&self) -> bool {
        self.keyring
    }

    /// Whether somebody has written that the keys are to be under nothing but the mode of their file.
    pub(crate) const fn in_the_clear(&self) -> bool {
        self.in_the_clear
    }

    /// What the keys are under, in words.
    pub(crate) const fn under(&self) -> &'static str {
        match (&self.passphrase, self.keyring) {
            (Some(_), _) => "a passphrase",
            (None, true) => "a key in your keyring",
            (None, false) => "a file of yours alone",
        }
    }

    /// The same, whose program is not given these variables either.
    pub(crate) fn withholding(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.withheld.extend(names);
        self
    }

    /// Environment variables that no program is given which tells the passphrase.
    pub(crate) fn withheld(&self) -> &[String] {
        &self.withheld
    }

    /// Whether the keys can be had without asking anybody and without starting a program.
    pub(crate) const fn is_plain(&self) -> bool {
        !self.keyring && matches!(self.passphrase, None | Some(Source::Env(_) | Source::File(_)))
    }

    /// The environment variable that the passphrase comes from.
    pub(super) fn variable(&self) -> Option<&str> {
        match &self.passphrase {
            Some(Source::Env(name)) => Some(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<StoreSettings, String> {
        let table: Table = text.parse().unwrap();
        StoreSettings::parse(Path::new("/c/config.toml"), &table).map_err(|problem| problem.lines())
    }

    #[test]
    fn f31_the_choice_is_explicit_and_nothing_weaker_takes_its_place() {
        assert_eq!(parse("").unwrap(), StoreSettings::default());
        assert!(!StoreSettings::default().in_the_clear(), "nobody has said so");
        let written = parse("key = \"file\"").unwrap();
        assert!(written.in_the_clear() && written.is_plain());
        let chosen = parse("key = \"passphrase\"\npassphrase = \"file:store.txt\"").unwrap();
        assert_eq!(chosen.passphrase(), Some(&Source::File("/c/store.txt".into())));
        let vouched = parse("vouched = true\nkey = \"file\"").unwrap();
        assert!(vouched.vouched() && vouched.is_plain() && !StoreSettings::default().vouched());
        let keyring = parse("key = \"keyring\"");
        if keyring::NAME.is_some() {
            assert!(
                keyring
                    .is_ok_and(|chosen| chosen.under().ends_with("keyring") && !chosen.is_plain())
            );
        } else {
            let lines = keyring.unwrap_err();
            assert!(lines.contains("which this build cannot use"), "{lines}");
            assert!(lines.contains("--features keyring"), "{lines}");
        }
        for (text, says) in [
            ("key = \"keyring\"\npassphrase = \"env:P\"", "is not asked for"),
            ("key = \"passphrase\"", "`store.passphrase` is missing"),
            ("passphrase = \"env:P\"", "says nothing by itself"),
            ("key = \"file\"\npassphrase = \"env:P\"", "says nothing by itself"),
            ("key = \"pasphrase\"", "did you mean \"passphrase\"?"),
            ("key = 1", "has no value that is known"),
            ("kye = \"file\"", "did you mean `key`?"),
            ("vouched = \"true\"", "is neither true nor false"),
            ("key = \"passphrase\"\npassphrase = \"canary-literal\"", "names no source"),
        ] {
            let lines = parse(text).unwrap_err();
            assert!(lines.contains(says) && !lines.contains("canary"), "{lines}");
        }
    }
}
