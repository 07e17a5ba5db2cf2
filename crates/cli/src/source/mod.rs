//! Where a secret comes from: named in the profile, read when it is needed, never kept.

mod at_hand;
mod command;
mod credentials;
mod words;

pub(crate) use at_hand::AtHand;
pub(crate) use credentials::{ProfileCredentials, set};

use std::ffi::OsString;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use countersign_core::{Clock, SecretString};

use crate::apart::apart;
use crate::ask::{self, Typing};
use crate::protected::{self, Refusal, Trust};
use crate::terminal;

/// The longest secret that is read.
pub(crate) const LONGEST: usize = 64 * 1024;

/// The forms of a source, for messages.
pub(crate) const FORMS: &str = "env:NAME, file:PATH, command:ARGV or prompt";

/// Looks up an environment variable.
pub(crate) type Environment = fn(&str) -> Option<OsString>;

/// What reading a source needs.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// The environment of this process.
    pub(crate) environment: Environment,
    /// Variables that no program is given which is started for a secret: they hold others.
    pub(crate) withheld: Vec<String>,
    /// For deadlines.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Where one secret comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// An environment variable.
    Env(String),
    /// A file, or a pipe, that is open to its owner only; one newline at its end is not part of the secret.
    File(PathBuf),
    /// The first line that a program writes; started without a shell, stopped after ten seconds.
    Command(Vec<String>),
    /// A person at the terminal.
    Prompt,
}

/// Why a text names no source. Never repeats the text, which may be the secret itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoSource {
    /// It is none of the forms: most likely a literal secret.
    Literal,
    /// The form is right, and what follows it is empty or cannot be split into words.
    Incomplete(&'static str),
    /// The keyring is not part of this build.
    Keyring,
}

impl Source {
    /// Reads `env:NAME`, `file:PATH` (relative to `folder`), `command:ARGV` or `prompt`.
    pub(crate) fn parse(text: &str, folder: &Path) -> Result<Self, NoSource> {
        if text == "prompt" {
            return Ok(Self::Prompt);
        }
        let Some((scheme, rest)) = text.split_once(':') else { return Err(NoSource::Literal) };
        match scheme {
            "env" if rest.is_empty() || rest.contains(['=', '\0']) => {
                Err(NoSource::Incomplete("env:NAME"))
            }
            "env" => Ok(Self::Env(rest.to_owned())),
            "file" if rest.is_empty() => Err(NoSource::Incomplete("file:PATH")),
            "file" => Ok(Self::File(folder.join(rest))),
            "command" => match words::split(rest) {
                Some(mut words) if words.first().is_some_and(|program| !program.is_empty()) => {
                    if let Some(program) = words.first_mut().filter(|name| names_a_place(name)) {
                        *program = folder.join(&*program).to_string_lossy().into_owned();
                        if depends_on_a_drive(program) {
                            return Err(NoSource::Incomplete("command:DRIVE:\\PATH [ARGUMENT…]"));
                        }
                    }
                    Ok(Self::Command(words))
                }
                _ => Err(NoSource::Incomplete("command:PROGRAM [ARGUMENT…]")),
            },
            "keyring" => Err(NoSource::Keyring),
            _ => Err(NoSource::Literal),
        }
    }

    /// Whether asking needs a person.
    pub(crate) const fn is_interactive(&self) -> bool {
        matches!(self, Self::Prompt)
    }

    /// Whether it is a file that does not exist (yet). One that may not be looked at is none of these.
    pub(crate) fn is_to_be_made(&self) -> bool {
        matches!(self, Self::File(path) if matches!(path.try_exists(), Ok(false)))
    }

    /// The secret as it is now.
    ///
    /// `label` is what a person is asked for.
    ///
    /// # Errors
    /// The fact and the remedy, never the value.
    pub(crate) async fn read(
        &self,
        label: &str,
        around: &Surroundings,
    ) -> Result<SecretString, Refusal> {
        let secret = match self {
            Self::Env(name) => from_environment(name, around.environment)?,
            Self::File(path) => from_file_or_pipe(path).await?,
            Self::Command(words) => {
                command::first_line(words, &around.withheld, &around.clock).await?
            }
            Self::Prompt => ask(label).await?,
        };
        if secret.is_empty() {
            return Err(Refusal::new(format!("{self} is empty"), "put the secret there"));
        }
        Ok(secret)
    }
}

/// Whether a program is named by where it is, and not looked for in the folders of `PATH`.
fn names_a_place(program: &str) -> bool {
    program.contains('/') || Path::new(program).components().count() > 1
}

/// Whether it is in whatever folder is the current one of a drive of Windows.
fn depends_on_a_drive(program: &str) -> bool {
    let path = Path::new(program);
    matches!(path.components().next(), Some(Component::Prefix(_))) && !path.is_absolute()
}

impl fmt::Display for Source {
    /// Names the source, not its arguments: a command line may hold what should not be repeated.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Command(words) => {
                write!(f, "the command {}", words.first().map_or("", String::as_str))
            }
            Self::Prompt => f.write_str("the answer"),
        }
    }
}

impl NoSource {
    /// What is wrong, to follow the name of the key, and the remedy.
    pub(crate) fn explain(self, key: &str) -> (String, String) {
        match self {
            Self::Literal => (
                "holds a value that names no source; a secret itself is not taken".to_owned(),
                format!(
                    "say where it comes from: {FORMS}; for instance put it into a file of its own \
                     (chmod 600) and write {key} = \"file:{key}.txt\""
                ),
            ),
            Self::Incomplete(form) => {
                ("names its source incompletely".to_owned(), format!("write it as {form}"))
            }
            Self::Keyring => (
                "comes from the keyring, which this build cannot read".to_owned(),
                format!("use {FORMS}"),
            ),
        }
    }
}

/// The value of an environment variable.
pub(crate) fn from_environment(
    name: &str,
    environment: Environment,
) -> Result<SecretString, Refusal> {
    let Some(value) = environment(name) else {
        return Err(Refusal::new(
            format!("the environment variable {name} is not set"),
            format!("set {name}, and export it to this process"),
        ));
    };
    value.into_string().map(SecretString::new).map_err(|_| {
        Refusal::new(format!("the environment variable {name} is not UTF-8"), "set it again")
    })
}

/// The content of a file, without one newline at its end.
pub(crate) fn from_file(path: &Path) -> Result<SecretString, Refusal> {
    let bytes = protected::read(path, Trust::Secret, LONGEST)?;
    text(line(bytes.expose_bytes())).ok_or_else(|| {
        Refusal::new(format!("{} is not UTF-8 text", path.display()), "write the secret as text")
    })
}

/// What of a file is the secret.
fn line(content: &[u8]) -> &[u8] {
    let line = content.strip_suffix(b"\n").unwrap_or(content);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a file that `secret` is written to, with a line end, gives it back.
pub(crate) fn comes_back(secret: &SecretString) -> bool {
    !secret.expose().ends_with('\r')
}

/// The same of what may be a pipe, as secret managers mount them: its writer may be late, or never come. Of a plain
/// file nobody has to wait.
pub(crate) async fn from_file_or_pipe(path: &Path) -> Result<SecretString, Refusal> {
    if path.is_file() {
        return from_file(path);
    }
    let wanted = path.to_owned();
    apart(move || from_file(&wanted)).await.unwrap_or_else(|error| {
        let what = format!("{} cannot be read: {error}", path.display());
        Err(Refusal::new(what, "check the limits of the system"))
    })
}

/// Secret bytes as text.
pub(crate) fn text(bytes: &[u8]) -> Option<SecretString> {
    SecretString::from_bytes(countersign_core::SecretBytes::copy_from(bytes))
}

/// Asks a person, who is not shown what is typed.
pub(crate) async fn ask(label: &str) -> Result<SecretString, Refusal> {
    asked(label, Typing::Hidden).await
}

/// Asks a person.
pub(crate) async fn asked(label: &str, typing: Typing) -> Result<SecretString, Refusal> {
    if !terminal::can_ask() {
        return Err(Refusal::new(
            format!("{label} is asked for on a terminal, and this is none"),
            "run the command on a terminal, or name another source in the profile",
        ));
    }
    ask::line(label, typing)
        .await
        .map_err(|error| Refusal::new(format!("the terminal cannot be read: {error}"), "try again"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
#[cfg(test)]
#[cfg(windows)]
mod windows_tests;
