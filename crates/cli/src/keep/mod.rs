//! Where new secrets are kept: beside the file that they replace until they are proved, then in its
//! place.
//!
//! What lies beside may be the only copy of a secret that holds: the answer to an earlier try was lost. It
//! is never overwritten, and removed only by whoever knows that it does not hold.

mod file;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use countersign_core::{AccountKey, CredentialKind, Error, ErrorKind, SecretString};
use countersign_runtime::{CredentialSink, PasswordStage};
use serde_json::json;

use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::protected::Refusal;
use crate::source::{self, Source};
use file::Lies;
pub(crate) use file::beside;

/// Takes the new secrets of one kind that a command sets. Clones are one.
#[derive(Clone)]
pub(crate) struct Keep(Arc<Inner>);

struct Inner {
    kind: CredentialKind,
    /// What the profile reads, where that is a file.
    source: Option<PathBuf>,
    /// Where the person wants it too.
    copy: Option<PathBuf>,
    print: Option<Form>,
    heard: Mutex<Heard>,
}

/// How a secret is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// The secret and a line end.
    Plain,
    /// One JSON object.
    Json,
}

#[derive(Default)]
struct Heard {
    printed: bool,
    /// This process has put it there.
    written: bool,
    /// It lay there before.
    found: bool,
    stage: Option<PasswordStage>,
    trouble: Option<Refusal>,
}

impl Keep {
    /// Keeps secrets of `kind` in the file that the profile reads them from, if it is a file.
    pub(crate) fn of(profile: &Profile, kind: CredentialKind) -> Self {
        let source = match profile.source(kind) {
            Some(Source::File(path)) => Some(path.clone()),
            _ => None,
        };
        Self(Arc::new(Inner { kind, source, copy: None, print: None, heard: Mutex::default() }))
    }

    /// Keeps them also in `copy`, and prints them before they are sent.
    ///
    /// # Errors
    /// [`Exit::Usage`] if there is a file already that the profile does not read.
    pub(crate) fn also(self, copy: Option<PathBuf>, print: Option<Form>) -> Result<Self, Problem> {
        let source = self.0.source.clone();
        let copy = copy.filter(|copy| source.as_ref() != Some(copy));
        if let Some(path) = copy.as_ref().filter(|path| path.exists()) {
            return Err(Problem::usage(
                format!("{} exists; it is not overwritten", path.display()),
                "name another file, or remove this one",
            ));
        }
        let heard = Mutex::default();
        Ok(Self(Arc::new(Inner { kind: self.0.kind, source, copy, print, heard })))
    }

    /// Whether a secret that nobody has typed would be found again.
    pub(crate) fn finds(&self) -> bool {
        self.files().next().is_some() || self.0.print.is_some()
    }

    /// Whether it goes into a file.
    pub(crate) fn has_file(&self) -> bool {
        self.files().next().is_some()
    }

    /// The secret that an earlier try has left beside the old one, whose end is not known.
    pub(crate) fn earlier(&self) -> Option<(PathBuf, SecretString)> {
        let mut lying = self.files().map(beside).filter(|path| path.exists());
        lying.find_map(|path| source::from_file(&path).ok().map(|secret| (path, secret)))
    }

    /// A secret is about to be sent: it is kept beside the old one.
    ///
    /// # Errors
    /// If that cannot be done, or another one lies there: then nothing may be sent.
    pub(crate) fn pending(&self, secret: &SecretString) -> Result<(), Refusal> {
        if self.has_file() && !source::comes_back(secret) {
            return Err(Refusal::new(
                format!(
                    "the new {} ends in a carriage return, which no file gives back",
                    self.0.kind
                ),
                "take it off: the line that it comes from ends as lines of Windows do",
            ));
        }
        let mut found = false;
        for path in self.files() {
            match file::lies_beside(path, secret) {
                Lies::Nothing => {}
                Lies::This => found = true,
                // Who begins again gets another secret of the provider, and cannot go on with this one.
                Lies::Other if self.0.kind == CredentialKind::TotpSecret => {
                    let aside = file::set_aside(path)?;
                    let (kind, aside) = (self.0.kind, aside.display());
                    output::say(&format!("{aside} keeps the {kind} of an earlier try"));
                }
                Lies::Other => return Err(self.kept_already(path)),
            }
        }
        let mut written = Vec::new();
        let mut write = || {
            for path in self.files() {
                if file::lies_beside(path, secret) == Lies::Nothing {
                    file::write_beside(path, secret)?;
                    written.push(path);
                }
            }
            self.print(secret)
        };
        if let Err(refusal) = write() {
            // Nothing is sent, so what this call has written is nobody's. What cannot be removed is told by the next try.
            written.into_iter().for_each(|path| drop(file::withdraw(path, secret)));
            return Err(refusal);
        }
        let mut heard = self.heard();
        heard.found |= found && !heard.written;
        heard.written = true;
        heard.stage = Some(PasswordStage::Pending);
        Ok(())
    }

    /// It is known whether the new secret holds. That a repeated try was refused says nothing about the
    /// first one.
    pub(crate) fn settled(&self, secret: &SecretString, holds: bool) {
        let stays = !holds && self.heard().found;
        let mut trouble = None;
        for path in self.files().filter(|_| !stays) {
            let done =
                if holds { file::replace(path, secret) } else { file::withdraw(path, secret) };
            trouble = trouble.or(done.err());
        }
        let mut heard = self.heard();
        heard.stage = Some(PasswordStage::Settled { holds });
        heard.trouble = trouble;
    }

    /// Tells the person where the secret is now, and what is left to do.
    ///
    /// # Errors
    /// [`Exit::Store`] if the secret holds and could not be put where the profile looks for it.
    pub(crate) fn tell(&self, profile: &Profile) -> Result<(), Problem> {
        let kind = self.0.kind;
        let (stage, trouble, found) = {
            let mut heard = self.heard();
            (heard.stage.take(), heard.trouble.take(), heard.found)
        };
        match stage {
            Some(PasswordStage::Settled { holds: true }) => {}
            Some(PasswordStage::Settled { holds: false }) if found => {
                for path in self.files() {
                    let path = beside(path);
                    output::say(&format!(
                        "{} still keeps the {kind} of an earlier try; if the account was made with it, \
                         move it to where the profile reads it, and sign in",
                        path.display()
                    ));
                }
                return Ok(());
            }
            Some(PasswordStage::Pending) => {
                for path in self.files() {
                    let path = beside(path);
                    output::say(&format!("{} keeps the new {kind} meanwhile", path.display()));
                }
                return Ok(());
            }
            _ => return Ok(()),
        }
        if let Some(refusal) = trouble {
            let places: Vec<String> =
                self.files().map(|path| beside(path).display().to_string()).collect();
            return Err(Problem::new(
                Exit::Store,
                format!("the new {kind} holds, but {}", refusal.what),
                format!(
                    "it is kept in {}: move it to where the profile reads it",
                    places.join(", ")
                ),
            ));
        }
        for path in self.files() {
            output::say(&format!("{} holds the new {kind}", path.display()));
        }
        if let Some(todo) = left_to_do(profile, kind) {
            output::say(&todo);
        }
        Ok(())
    }

    fn kept_already(&self, path: &Path) -> Refusal {
        let (kind, beside, path) = (self.0.kind, beside(path), path.display());
        Refusal::new(
            format!(
                "{} keeps the {kind} of an earlier try, whose end is not known; nothing was sent",
                beside.display()
            ),
            format!(
                "--generate goes on with it; or, if it holds, move it to {path} and sign in; if not, \
                 remove it"
            ),
        )
    }

    fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.source.iter().chain(&self.0.copy).map(PathBuf::as_path)
    }

    fn print(&self, secret: &SecretString) -> Result<(), Refusal> {
        let Some(form) = self.0.print.filter(|_| !self.heard().printed) else { return Ok(()) };
        let text = secret.expose();
        let printed = match form {
            Form::Plain => output::line(text),
            Form::Json => {
                let name = format!("new_{}", self.0.kind);
                output::json(&json!({ name: text }))
            }
        };
        printed.map_err(|_| {
            Refusal::new("standard output cannot be written", "check what reads it")
        })?;
        self.heard().printed = true;
        Ok(())
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        // Every holder leaves it whole.
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a person must do so that the profile's source says the new secret.
fn left_to_do(profile: &Profile, kind: CredentialKind) -> Option<String> {
    let place = match profile.source(kind)? {
        Source::Env(name) => format!("set the environment variable {name} to it"),
        Source::Command(_) => "give it to what the profile's command asks".to_owned(),
        Source::File(_) | Source::Prompt => return None,
    };
    Some(format!(
        "the profile still reads the old {kind}: {place} before the next sign-in; until then the old \
         one is not sent again"
    ))
}

/// The engine tells of new passwords: before they are sent, and when it is known which one holds.
#[async_trait]
impl CredentialSink for Keep {
    async fn new_password(
        &self,
        _account: &AccountKey,
        password: &SecretString,
        stage: PasswordStage,
    ) -> Result<(), Error> {
        match stage {
            PasswordStage::Pending => self.pending(password).map_err(|refusal| {
                let (what, help) = (refusal.what, refusal.help);
                Error::new(ErrorKind::Credentials).hint(format!(
                    "the new password cannot be kept: {what}; {help}; nothing was sent"
                ))
            }),
            PasswordStage::Settled { holds } => {
                self.settled(password, holds);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
