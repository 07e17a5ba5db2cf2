//! The chain of challenges: reading one, keeping what its answer needs, writing the answer.

use std::collections::BTreeMap;

use countersign_core::totp::{SecretEncoding, Totp};
use countersign_core::{
    Ambient, Answers, Challenge, ChallengeKind, Continuation, CredentialKind, Error, ErrorKind,
    FieldError, MAX_TOKEN_BYTES, MemoPatch, Outcome, SecretBuffer, SecretBytes, SecretString,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Cognito;
use crate::wire::{AuthAnswer, Parameters, RespondToAuthChallenge};

/// Which challenges can be answered here, and the key under which the answer is sent. Names are open
/// strings at the service: any other is surfaced as unsupported.
pub(crate) const ANSWERABLE: [(&str, &str); 5] = [
    ("NEW_PASSWORD_REQUIRED", "NEW_PASSWORD"),
    (SOFTWARE_TOKEN_MFA, "SOFTWARE_TOKEN_MFA_CODE"),
    ("SMS_MFA", "SMS_MFA_CODE"),
    ("EMAIL_OTP", "EMAIL_OTP_CODE"),
    ("SMS_OTP", "SMS_OTP_CODE"),
];

const SOFTWARE_TOKEN_MFA: &str = "SOFTWARE_TOKEN_MFA";

/// Under this name the memo keeps the user name by which the pool itself knows the account.
pub(crate) const USERNAME: &str = "username";

/// More parameters than any documented challenge has, and longer ones.
const MOST_PARAMETERS: usize = 32;
const LONGEST_PARAMETER: usize = 4096;
const LONGEST_NAME: usize = 128;

/// What the answer to a challenge must repeat. It travels as a [`Continuation`].
#[derive(Deserialize)]
pub(crate) struct Pending {
    challenge: String,
    session: Option<SecretString>,
    /// The user name of the answer, which also goes into its secret hash.
    username: String,
    /// The shared secret of a software token that is being set up.
    #[serde(default)]
    shared_secret: Option<SecretString>,
}

#[derive(Serialize)]
struct PendingOut<'a> {
    challenge: &'a str,
    session: Option<&'a str>,
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

    /// The user name that the chain has used so far.
    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    /// The shared secret of a software token that is being set up.
    pub(crate) fn shared_secret(self) -> Option<SecretString> {
        self.shared_secret
    }

    /// The answer of a person to what `challenge` wants.
    pub(crate) fn answer<'a>(
        &'a self,
        cognito: &'a Cognito,
        challenge: &Challenge,
        answers: &'a Answers,
        hash: Option<&'a SecretString>,
    ) -> Result<RespondToAuthChallenge<'a>, Error> {
        let Some((_, key)) = ANSWERABLE.iter().find(|(name, _)| *name == self.challenge) else {
            return Err(Error::new(ErrorKind::Unsupported)
                .with_code(&self.challenge)
                .hint("this challenge cannot be answered here"));
        };
        let wanted = match kind_of(&self.challenge) {
            ChallengeKind::NewPassword => "new_password",
            _ => "code",
        };
        let given = |name: &str| answers.get(name).filter(|value| !value.is_empty());
        let missing: Vec<_> = challenge.wants.iter().filter(|w| given(w).is_none()).collect();
        let Some(value) = given(wanted).filter(|_| missing.is_empty()) else {
            return Err(Error::new(ErrorKind::InvalidRequest)
                .with_fields(missing.iter().map(|name| FieldError::new(name, "missing")))
                .hint("the challenge wants answers that were not given"));
        };
        let mut responses = self.responses(hash).with(*key, value.expose());
        if wanted == "new_password" {
            for (name, value) in answers.iter() {
                if let Some(attribute) = name.strip_prefix("attribute.") {
                    responses =
                        responses.with(format!("userAttributes.{attribute}"), value.expose());
                }
            }
        }
        Ok(self.respond(cognito, responses))
    }

    /// The answer that the adapter gives alone: `code` was made of the shared secret.
    pub(crate) fn answer_alone<'a>(
        &'a self,
        cognito: &'a Cognito,
        code: &'a SecretString,
        hash: Option<&'a SecretString>,
    ) -> RespondToAuthChallenge<'a> {
        let responses = self.responses(hash).with("SOFTWARE_TOKEN_MFA_CODE", code.expose());
        self.respond(cognito, responses)
    }

    fn responses<'a>(&'a self, hash: Option<&'a SecretString>) -> Parameters<'a> {
        Parameters::default().with("USERNAME", &self.username).with_secret("SECRET_HASH", hash)
    }

    fn respond<'a>(
        &'a self,
        cognito: &'a Cognito,
        responses: Parameters<'a>,
    ) -> RespondToAuthChallenge<'a> {
        RespondToAuthChallenge {
            client_id: &cognito.client_id,
            challenge_name: &self.challenge,
            session: self.session.as_ref().map(SecretString::expose),
            challenge_responses: responses,
        }
    }
}

/// The code of the software token at this moment.
pub(crate) fn current_code(
    cognito: &Cognito,
    ambient: &Ambient<'_>,
) -> Result<SecretString, Error> {
    let secret = ambient.credentials.expect_totp_secret()?;
    let totp = Totp::new(secret, SecretEncoding::Base32, cognito.code_step)?;
    Ok(totp.code(totp.step_at(ambient.now)))
}

/// Reads the challenge `name` out of an answer. `username` is what the chain has used so far.
///
/// A software token is answered by the adapter alone if the credentials hold its secret.
pub(crate) fn read(
    cognito: &Cognito,
    name: &str,
    answer: AuthAnswer,
    username: &str,
    ambient: &Ambient<'_>,
) -> Result<Outcome, Error> {
    let session = answer.session.as_ref();
    if name.len() > LONGEST_NAME || session.is_some_and(|s| s.len() > MAX_TOKEN_BYTES) {
        return Err(Error::new(ErrorKind::Protocol)
            .hint("the answer holds a challenge beyond the documented lengths"));
    }
    let mut parameters = parameters(answer.challenge_parameters.unwrap_or_default());
    if let Some(choices) = answer.available_challenges.filter(|choices| !choices.is_empty()) {
        let choices = choices.join(",").chars().take(LONGEST_PARAMETER).collect();
        parameters.insert("AvailableChallenges".into(), choices);
    }

    // What the pool says about the name wins: it may be internal, where an alias was typed.
    let told = ["USERNAME", "USER_ID_FOR_SRP"]
        .iter()
        .find_map(|key| parameters.get(*key).filter(|told| !told.is_empty()));
    let patch = match told {
        Some(told) => remember(told, ambient),
        None => MemoPatch::none(),
    };
    let pending = PendingOut {
        challenge: name,
        session: session.map(SecretString::expose),
        username: told.map_or(username, String::as_str),
    };
    let mut buffer = SecretBuffer::new();
    serde_json::to_writer(&mut buffer, &pending)
        .map_err(|_| Error::new(ErrorKind::Internal).hint("a challenge could not be kept"))?;
    let continuation = Continuation::new(buffer.finish());

    if name == SOFTWARE_TOKEN_MFA && ambient.credentials.has(CredentialKind::TotpSecret) {
        return Ok(Outcome::Continue(continuation, patch));
    }
    let expires_at = ambient.now.after(cognito.challenge_length);
    let mut challenge = Challenge::new(name, kind_of(name), continuation, expires_at);
    if challenge.kind == ChallengeKind::NewPassword {
        challenge.wants.extend(required_attributes(&parameters));
    }
    // A session is used up by a successful answer only.
    challenge.reanswerable = challenge.kind != ChallengeKind::Unsupported;
    challenge.parameters = parameters;
    Ok(Outcome::Challenge(Box::new(challenge), patch))
}

/// Keeps the internal user name, if it is news.
pub(crate) fn remember(username: &str, ambient: &Ambient<'_>) -> MemoPatch {
    let username = SecretBytes::copy_from(username.as_bytes());
    match ambient.memo.get(USERNAME) {
        Some(known) if known.matches(&username) => MemoPatch::none(),
        _ => MemoPatch::none().set(USERNAME, username),
    }
}

fn kind_of(name: &str) -> ChallengeKind {
    match name {
        "NEW_PASSWORD_REQUIRED" => ChallengeKind::NewPassword,
        _ if ANSWERABLE.iter().any(|(known, _)| *known == name) => ChallengeKind::Code,
        _ => ChallengeKind::Unsupported,
    }
}

/// What the pool says beside the challenge, bounded. Values are strings by the model; anything else is
/// kept as its JSON text.
fn parameters(wire: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let bounded = |text: String, most: usize| text.chars().take(most).collect::<String>();
    wire.into_iter()
        .take(MOST_PARAMETERS)
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            (bounded(name, LONGEST_NAME), bounded(value, LONGEST_PARAMETER))
        })
        .collect()
}

/// `requiredAttributes` is a JSON list inside a string, with or without the prefix of the answer's key.
fn required_attributes(parameters: &BTreeMap<String, String>) -> Vec<Box<str>> {
    let list = parameters.get("requiredAttributes").map_or("[]", String::as_str);
    let names: Vec<String> = serde_json::from_str(list).unwrap_or_default();
    names
        .iter()
        .take(MOST_PARAMETERS)
        .map(|name| name.strip_prefix("userAttributes.").unwrap_or(name))
        .filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME)
        .map(|name| format!("attribute.{name}").into())
        .collect()
}
