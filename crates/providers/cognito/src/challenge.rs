//! Reading a challenge out of an answer: what it asks for, and who answers it.

use std::collections::BTreeMap;

use countersign_core::{
    Ambient, Challenge, ChallengeKind, CredentialKind, Error, ErrorKind, MAX_TOKEN_BYTES,
    MemoPatch, Outcome, SecretBytes, SecretString,
};
use serde_json::Value;

use crate::config::Cognito;
use crate::device::Device;
use crate::pending::{Next, Pending, Verifier};
use crate::wire::AuthAnswer;

/// Which challenges can be answered here, by the adapter or by a person. Names are open strings at the
/// service: any other is surfaced as unsupported.
pub(crate) const ANSWERABLE: [&str; 15] = [
    CUSTOM,
    DEVICE_PASSWORD_VERIFIER,
    DEVICE_SRP_AUTH,
    EMAIL_OTP,
    MFA_SETUP,
    NEW_PASSWORD_REQUIRED,
    PASSWORD,
    PASSWORD_SRP,
    PASSWORD_VERIFIER,
    SELECT_CHALLENGE,
    SELECT_MFA_TYPE,
    SMS_MFA,
    SMS_OTP,
    SOFTWARE_TOKEN_MFA,
    WEB_AUTHN,
];

pub(crate) const CUSTOM: &str = "CUSTOM_CHALLENGE";
pub(crate) const DEVICE_PASSWORD_VERIFIER: &str = "DEVICE_PASSWORD_VERIFIER";
pub(crate) const DEVICE_SRP_AUTH: &str = "DEVICE_SRP_AUTH";
pub(crate) const EMAIL_OTP: &str = "EMAIL_OTP";
pub(crate) const MFA_SETUP: &str = "MFA_SETUP";
pub(crate) const NEW_PASSWORD_REQUIRED: &str = "NEW_PASSWORD_REQUIRED";
pub(crate) const PASSWORD: &str = "PASSWORD";
pub(crate) const PASSWORD_SRP: &str = "PASSWORD_SRP";
pub(crate) const PASSWORD_VERIFIER: &str = "PASSWORD_VERIFIER";
pub(crate) const SELECT_CHALLENGE: &str = "SELECT_CHALLENGE";
pub(crate) const SELECT_MFA_TYPE: &str = "SELECT_MFA_TYPE";
pub(crate) const SMS_MFA: &str = "SMS_MFA";
pub(crate) const SMS_OTP: &str = "SMS_OTP";
pub(crate) const SOFTWARE_TOKEN_MFA: &str = "SOFTWARE_TOKEN_MFA";
pub(crate) const WEB_AUTHN: &str = "WEB_AUTHN";

/// Under this name the memo keeps the user name by which the pool itself knows the account.
pub(crate) const USERNAME: &str = "username";

/// The parameter of our own that names what can be chosen.
pub(crate) const CHOICES: &str = "choices";

/// More parameters than any documented challenge has, and longer ones.
const MOST_PARAMETERS: usize = 32;
const LONGEST_PARAMETER: usize = 4096;
/// Options for an authenticator and what is to be signed are worthless if they are cut.
const LONGEST_WHOLE: usize = 16 * 1024;
const WHOLE: [&str; 2] = ["CREDENTIAL_REQUEST_OPTIONS", "SECRET_BLOCK"];
const LONGEST_NAME: usize = 128;

/// Where a chain stands when an answer to it is read.
pub(crate) struct Chain<'a> {
    /// The user name that it has used so far.
    pub(crate) username: &'a str,
    /// Which challenge would be the next.
    pub(crate) round: u8,
}

/// Reads the challenge `name` out of an answer.
pub(crate) fn read(
    cognito: &Cognito,
    name: &str,
    answer: AuthAnswer,
    chain: &Chain<'_>,
    ambient: &Ambient<'_>,
) -> Result<Outcome, Error> {
    if name.len() > LONGEST_NAME {
        return Err(too_long());
    }
    let mut parameters = parameters(answer.challenge_parameters.unwrap_or_default());
    if let Some(choices) = answer.available_challenges.filter(|choices| !choices.is_empty()) {
        parameters.insert("AvailableChallenges".into(), bounded(choices.join(",")));
    }
    // What the pool says about the name wins: it may be internal, where an alias was typed.
    let told = ["USERNAME", "USER_ID_FOR_SRP"]
        .iter()
        .find_map(|key| parameters.get(*key).filter(|told| !told.is_empty()));
    let patch = told.map_or_else(MemoPatch::none, |told| remember(told, ambient));

    let mut pending = Pending::step(Next::Respond, told.map_or(chain.username, String::as_str));
    pending.challenge = name.to_owned();
    pending.session = bounded_session(answer.session)?;
    pending.round = chain.round;
    if answered_alone(cognito, &mut pending, &parameters, ambient)? {
        return Ok(Outcome::Continue(pending.keep()?, patch));
    }
    let challenge = surfaced(cognito, &pending, parameters, ambient)?;
    Ok(Outcome::Challenge(Box::new(challenge), patch))
}

/// What a person must answer. `pending` is what the answer has to repeat.
pub(crate) fn surfaced(
    cognito: &Cognito,
    pending: &Pending,
    mut parameters: BTreeMap<String, String>,
    ambient: &Ambient<'_>,
) -> Result<Challenge, Error> {
    let name = &*pending.challenge;
    let offered = choices(name, &parameters);
    let kind = kind(pending, &offered);
    let expires_at = ambient.now.after(cognito.challenge_length);
    let mut challenge = Challenge::new(name, kind, pending.keep()?, expires_at);
    match (kind, name) {
        (ChallengeKind::NewPassword, _) => {
            challenge.wants.extend(required_attributes(&parameters));
        }
        (ChallengeKind::Choice, _) => {
            parameters.insert(CHOICES.into(), bounded(offered.join(",")));
        }
        (ChallengeKind::Code, CUSTOM) => challenge.wants = vec!["answer".into()],
        (ChallengeKind::Code, PASSWORD | PASSWORD_SRP) => {
            challenge.wants = vec!["password".into()];
        }
        (ChallengeKind::Code, WEB_AUTHN) => challenge.wants = vec!["credential".into()],
        _ => {}
    }
    // A session is used up by a successful answer only.
    challenge.reanswerable = kind != ChallengeKind::Unsupported;
    challenge.parameters = parameters;
    Ok(challenge)
}

/// Keeps the internal user name, if it is news.
pub(crate) fn remember(username: &str, ambient: &Ambient<'_>) -> MemoPatch {
    let username = SecretBytes::copy_from(username.as_bytes());
    match ambient.memo.get(USERNAME) {
        Some(known) if known.matches(&username) => MemoPatch::none(),
        _ => MemoPatch::none().set(USERNAME, username),
    }
}

/// A session handle of a length that can be kept.
pub(crate) fn bounded_session(
    session: Option<SecretString>,
) -> Result<Option<SecretString>, Error> {
    match &session {
        Some(handle) if handle.len() > MAX_TOKEN_BYTES => Err(too_long()),
        _ => Ok(session),
    }
}

/// Whether the adapter goes on by itself; then `pending` says how.
fn answered_alone(
    cognito: &Cognito,
    pending: &mut Pending,
    parameters: &BTreeMap<String, String>,
    ambient: &Ambient<'_>,
) -> Result<bool, Error> {
    let has = |kind| ambient.credentials.has(kind);
    Ok(match &*pending.challenge {
        PASSWORD_VERIFIER | DEVICE_PASSWORD_VERIFIER => {
            pending.verifier = Some(verifier(parameters, &pending.username)?);
            true
        }
        DEVICE_SRP_AUTH => Device::confirmed(ambient.memo).is_some(),
        PASSWORD => has(CredentialKind::Password) && cognito.flow.sends_password(),
        PASSWORD_SRP => has(CredentialKind::Password),
        SOFTWARE_TOKEN_MFA => has(CredentialKind::TotpSecret),
        SELECT_MFA_TYPE => {
            let offered = choices(SELECT_MFA_TYPE, parameters);
            has(CredentialKind::TotpSecret) && offered.iter().any(|c| c == SOFTWARE_TOKEN_MFA)
        }
        MFA_SETUP if choices(MFA_SETUP, parameters) == [SOFTWARE_TOKEN_MFA] => {
            pending.next = Next::Associate;
            true
        }
        _ => false,
    })
}

fn kind(pending: &Pending, offered: &[String]) -> ChallengeKind {
    match &*pending.challenge {
        NEW_PASSWORD_REQUIRED => ChallengeKind::NewPassword,
        CUSTOM | EMAIL_OTP | SMS_MFA | SMS_OTP | SOFTWARE_TOKEN_MFA | WEB_AUTHN => {
            ChallengeKind::Code
        }
        // What is held and was not answered alone is for a person to say.
        PASSWORD | PASSWORD_SRP => ChallengeKind::Code,
        MFA_SETUP if pending.next == Next::Verify => ChallengeKind::Code,
        MFA_SETUP if offered.iter().any(|c| c == SOFTWARE_TOKEN_MFA || c == EMAIL_OTP) => {
            ChallengeKind::Choice
        }
        SELECT_CHALLENGE | SELECT_MFA_TYPE if !offered.is_empty() => ChallengeKind::Choice,
        _ => ChallengeKind::Unsupported,
    }
}

/// What can be chosen, by the pool's own names.
pub(crate) fn choices(name: &str, parameters: &BTreeMap<String, String>) -> Vec<String> {
    let of = |key: &str| parameters.get(key).map_or("", String::as_str);
    let names: Vec<String> = match name {
        SELECT_CHALLENGE => of("AvailableChallenges").split(',').map(str::to_owned).collect(),
        SELECT_MFA_TYPE => serde_json::from_str(of("MFAS_CAN_CHOOSE")).unwrap_or_default(),
        MFA_SETUP => serde_json::from_str(of("MFAS_CAN_SETUP"))
            // Pools of older days offer what they do not name.
            .unwrap_or_else(|_| vec![SOFTWARE_TOKEN_MFA.to_owned()]),
        _ => Vec::new(),
    };
    let plain = |name: &String| {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(word)
    };
    names.into_iter().filter(plain).take(MOST_PARAMETERS).collect()
}

fn verifier(parameters: &BTreeMap<String, String>, username: &str) -> Result<Verifier, Error> {
    let part = |name: &str| {
        parameters.get(name).filter(|part| !part.is_empty()).cloned().ok_or_else(|| {
            Error::new(ErrorKind::Protocol)
                .hint(format!("the challenge that asks for a proof of the password lacks {name}"))
        })
    };
    Ok(Verifier {
        block: part("SECRET_BLOCK")?,
        salt: part("SALT")?,
        srp_b: part("SRP_B")?,
        user_id: part("USER_ID_FOR_SRP").unwrap_or_else(|_| username.to_owned()),
    })
}

/// What the pool says beside the challenge, bounded. Values are strings by the model; anything else is
/// kept as its JSON text.
fn parameters(wire: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    wire.into_iter()
        .take(MOST_PARAMETERS)
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let whole = WHOLE.contains(&&*name);
            let most = if whole { LONGEST_WHOLE } else { LONGEST_PARAMETER };
            (name.chars().take(LONGEST_NAME).collect(), value.chars().take(most).collect())
        })
        .collect()
}

fn bounded(text: String) -> String {
    text.chars().take(LONGEST_PARAMETER).collect()
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

fn too_long() -> Error {
    Error::new(ErrorKind::Protocol)
        .hint("the answer holds a challenge beyond the documented lengths")
}
