//! The one challenge that has an answer, and those that have none.

use countersign_core::{
    Ambient, Answers, Challenge, ChallengeKind, Continuation, Error, ErrorKind, FieldError,
    MAX_TOKEN_BYTES, MemoPatch, Outcome, SecretBuffer, SecretString,
};
use serde::{Deserialize, Serialize};

use crate::config::{PASSWORD_POLICY, Wikimedia};
use crate::wire::NewPasswordRequired;

/// Asked of an account that an administrator has made.
pub(crate) const NEW_PASSWORD_REQUIRED: &str = "NEW_PASSWORD_REQUIRED";

const LONGEST_NAME: usize = 128;

/// What the answer must repeat. It travels as a [`Continuation`].
#[derive(Deserialize)]
pub(crate) struct Pending {
    session: SecretString,
    /// Exactly as it was sent at login.
    username: String,
}

#[derive(Serialize)]
struct PendingOut<'a> {
    session: &'a str,
    username: &'a str,
}

impl Pending {
    /// Reads what [`read`] left.
    pub(crate) fn from_continuation(continuation: &Continuation) -> Result<Self, Error> {
        serde_json::from_slice(continuation.bytes().expose_bytes()).map_err(|_| {
            Error::new(ErrorKind::ChallengeExpired)
                .hint("the stored challenge was not made by this adapter; begin the sign-in again")
        })
    }

    /// The user name that was sent at login.
    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    /// The body that answers `challenge`.
    pub(crate) fn answer<'a>(
        &'a self,
        challenge: &Challenge,
        answers: &'a Answers,
    ) -> Result<NewPasswordRequired<'a>, Error> {
        if &*challenge.name != NEW_PASSWORD_REQUIRED {
            return Err(Error::new(ErrorKind::Unsupported).with_code(&challenge.name).hint(
                "the provider has no way to answer this challenge; switch it off for the account",
            ));
        }
        let given = answers.get("new_password").filter(|password| !password.is_empty());
        let new_password = given.ok_or_else(|| {
            Error::new(ErrorKind::InvalidRequest)
                .with_fields([FieldError::new("new_password", "missing")])
                .hint("the challenge wants answers that were not given")
        })?;
        let broken = PASSWORD_POLICY.broken_by(new_password.expose());
        if !broken.is_empty() {
            return Err(Error::new(ErrorKind::PasswordRefused)
                .hint(format!("the new password needs {}; nothing was sent", broken.join(", "))));
        }
        Ok(NewPasswordRequired {
            username: &self.username,
            session: self.session.expose(),
            new_password: new_password.expose(),
        })
    }
}

/// Makes a challenge of the `name` and `session` of an answer to the login of `username`.
pub(crate) fn read(
    wikimedia: &Wikimedia,
    name: &str,
    session: Option<&SecretString>,
    username: &str,
    ambient: &Ambient<'_>,
) -> Result<Outcome, Error> {
    let session = session.map(SecretString::expose).unwrap_or_default();
    if name.len() > LONGEST_NAME || session.len() > MAX_TOKEN_BYTES {
        return Err(Error::new(ErrorKind::Protocol)
            .hint("the answer holds a challenge beyond the documented lengths"));
    }
    let mut buffer = SecretBuffer::new();
    serde_json::to_writer(&mut buffer, &PendingOut { session, username })
        .map_err(|_| Error::new(ErrorKind::Internal).hint("a challenge could not be kept"))?;
    let continuation = Continuation::new(buffer.finish());
    let kind = match name {
        NEW_PASSWORD_REQUIRED => ChallengeKind::NewPassword,
        _ => ChallengeKind::Unsupported,
    };
    let expires_at = ambient.now.after(wikimedia.challenge_length);
    // A refused answer cannot be told from a dead session, so none is given twice.
    let challenge = Challenge::new(name, kind, continuation, expires_at);
    Ok(Outcome::Challenge(Box::new(challenge), MemoPatch::none()))
}
