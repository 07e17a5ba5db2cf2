//! Writing the answer to a challenge: that of a person, and those that the adapter gives alone.

use countersign_core::totp::{SecretEncoding, Totp};
use countersign_core::{
    Ambient, Answers, Challenge, Error, ErrorKind, FieldError, Operation, SecretString,
};

use crate::challenge::{
    CHOICES, CUSTOM, DEVICE_PASSWORD_VERIFIER, DEVICE_SRP_AUTH, EMAIL_OTP, MFA_SETUP,
    NEW_PASSWORD_REQUIRED, PASSWORD, PASSWORD_SRP, PASSWORD_VERIFIER, SELECT_CHALLENGE,
    SELECT_MFA_TYPE, SMS_MFA, SMS_OTP, SOFTWARE_TOKEN_MFA, WEB_AUTHN,
};
use crate::config::Cognito;
use crate::device::Device;
use crate::input::{self, Digits, given};
use crate::pending::{Pending, Verifier};
use crate::prove;
use crate::srp::{Client, Party};
use crate::wire::Parameters;

/// The answer of a person, without the user name and its hash.
pub(crate) fn by_person<'a>(
    cognito: &Cognito,
    pending: &Pending,
    challenge: &Challenge,
    answers: &'a Answers,
    ambient: &Ambient<'_>,
) -> Result<Parameters<'a>, Error> {
    let name = &*pending.challenge;
    let one = |key: &'static str, value: SecretString| {
        Ok(Parameters::default().with_secret(key, Some(value)))
    };
    let wanted = |want: &str| given(answers, want).cloned();
    complete(challenge, answers)?;
    match name {
        NEW_PASSWORD_REQUIRED => new_password(cognito, challenge, answers),
        SOFTWARE_TOKEN_MFA => one("SOFTWARE_TOKEN_MFA_CODE", input::code(answers, Digits::Six)?),
        SMS_MFA => one("SMS_MFA_CODE", input::code(answers, Digits::SixOrMore)?),
        SMS_OTP => one("SMS_OTP_CODE", input::code(answers, Digits::SixOrMore)?),
        EMAIL_OTP => one("EMAIL_OTP_CODE", input::code(answers, Digits::SixOrMore)?),
        CUSTOM => one("ANSWER", wanted("answer")?),
        WEB_AUTHN => one("CREDENTIAL", wanted("credential")?),
        PASSWORD => one("PASSWORD", wanted("password")?),
        PASSWORD_SRP => one("SRP_A", public_half(ambient)?),
        SELECT_MFA_TYPE => one("ANSWER", SecretString::new(choice(challenge, answers)?)),
        SELECT_CHALLENGE => first_factor(cognito, challenge, answers, ambient),
        MFA_SETUP if choice(challenge, answers)? == EMAIL_OTP => {
            let email = given(answers, "email")?;
            input::email("email", email)?;
            one("EMAIL", email.clone())
        }
        _ => Err(unanswerable(name)),
    }
}

/// The answer that the adapter gives alone, without the user name and its hash. `of` is the operation
/// that it belongs to.
pub(crate) fn alone(
    cognito: &Cognito,
    pending: &Pending,
    of: &Operation,
    ambient: &Ambient<'_>,
) -> Result<Parameters<'static>, Error> {
    let empty = Parameters::default();
    let device = Device::confirmed(ambient.memo);
    match &*pending.challenge {
        SOFTWARE_TOKEN_MFA => {
            let code = current_code(cognito, ambient)?;
            Ok(empty.with_secret("SOFTWARE_TOKEN_MFA_CODE", Some(code)))
        }
        SELECT_MFA_TYPE => Ok(empty.with("ANSWER", SOFTWARE_TOKEN_MFA)),
        PASSWORD => Ok(empty.with_secret("PASSWORD", Some(password(of, ambient)?))),
        PASSWORD_SRP => Ok(empty.with_secret("SRP_A", Some(public_half(ambient)?))),
        PASSWORD_VERIFIER => {
            let verifier = expect_verifier(pending)?;
            let party = Party { realm: cognito.pool_name(), name: &verifier.user_id };
            let password = password(of, ambient)?;
            let proof = prove::proof("user", party, &password, verifier, ambient)?;
            // A device that the pool may ask for its own proof next.
            Ok(proof.with_secret("DEVICE_KEY", device.map(|(device, _)| device.key)))
        }
        DEVICE_SRP_AUTH => {
            let (device, _) = device.ok_or_else(|| unanswerable(DEVICE_SRP_AUTH))?;
            let public = Client::new(ambient.seed, "device")?.public_hex();
            Ok(empty.with("SRP_A", &public).with_secret("DEVICE_KEY", Some(device.key)))
        }
        DEVICE_PASSWORD_VERIFIER => {
            let verifier = expect_verifier(pending)?;
            let (device, password) =
                device.ok_or_else(|| unanswerable(DEVICE_PASSWORD_VERIFIER))?;
            let proof = prove::proof("device", device.party(), &password, verifier, ambient)?;
            Ok(proof.with_secret("DEVICE_KEY", Some(device.key)))
        }
        // The session that follows a verified code says all.
        MFA_SETUP => Ok(empty),
        name => Err(unanswerable(name)),
    }
}

/// The public half of the user's SRP exchange.
pub(crate) fn public_half(ambient: &Ambient<'_>) -> Result<SecretString, Error> {
    Ok(SecretString::new(Client::new(ambient.seed, "user")?.public_hex()))
}

/// The name that was chosen, as the pool spells it.
pub(crate) fn choice<'c>(challenge: &'c Challenge, answers: &Answers) -> Result<&'c str, Error> {
    let chosen = given(answers, "choice")?.expose().trim();
    let offered = challenge.parameters.get(CHOICES).map_or("", String::as_str);
    // One page of the documentation says EMAIL_MFA where the service says EMAIL_OTP.
    let same = |name: &&str| {
        let other = |name: &str| name.eq_ignore_ascii_case("EMAIL_OTP");
        name.eq_ignore_ascii_case(chosen)
            || (chosen.eq_ignore_ascii_case("EMAIL_MFA") && other(name))
    };
    offered.split(',').find(same).ok_or_else(|| {
        Error::new(ErrorKind::InvalidRequest)
            .with_fields([FieldError::new("choice", "not offered")])
            .hint(format!("one of these can be chosen: {}", offered.replace(',', ", ")))
    })
}

pub(crate) fn unanswerable(name: &str) -> Error {
    Error::new(ErrorKind::Unsupported)
        .with_code(name)
        .hint("this challenge cannot be answered here")
}

fn complete(challenge: &Challenge, answers: &Answers) -> Result<(), Error> {
    let absent = |want: &&str| answers.get(want).is_none_or(SecretString::is_empty);
    let mut lacking = challenge.wants.iter().map(|want| &**want).filter(absent).peekable();
    if lacking.peek().is_some() { Err(input::missing(lacking)) } else { Ok(()) }
}

fn new_password<'a>(
    cognito: &Cognito,
    challenge: &Challenge,
    answers: &'a Answers,
) -> Result<Parameters<'a>, Error> {
    let password = given(answers, "new_password")?;
    input::new_password(password, cognito.password_policy)?;
    let mut responses = Parameters::default().with_secret("NEW_PASSWORD", Some(password.clone()));
    for (name, value) in answers.iter().filter(|(name, _)| *name != "new_password") {
        let Some(attribute) = name.strip_prefix("attribute.") else {
            let hint = "a new password goes with attributes only, each spelled attribute.NAME";
            return Err(input::refused(name, "unknown", hint));
        };
        if challenge.wants.iter().any(|want| **want == *name) {
            input::value_of(attribute, value)?;
        } else {
            input::attribute(attribute, value)?;
        }
        responses =
            responses.with_secret(format!("userAttributes.{attribute}"), Some(value.clone()));
    }
    Ok(responses)
}

/// `SELECT_CHALLENGE`: what was chosen, and what can be said with it in the same answer.
fn first_factor(
    cognito: &Cognito,
    challenge: &Challenge,
    answers: &Answers,
    ambient: &Ambient<'_>,
) -> Result<Parameters<'static>, Error> {
    let chosen = choice(challenge, answers)?;
    let responses = Parameters::default().with("ANSWER", chosen);
    Ok(match chosen {
        // Where a proof was chosen, an offer of the server alone does not bring it the password that is held.
        PASSWORD if !cognito.flow.sends_password() => {
            responses.with_secret("PASSWORD", Some(given(answers, "password")?.clone()))
        }
        PASSWORD => responses.with_secret("PASSWORD", Some(typed_or_held(answers, ambient)?)),
        PASSWORD_SRP => {
            // The proof itself comes with the next challenge; without a password it never will.
            typed_or_held(answers, ambient)?;
            responses.with_secret("SRP_A", Some(public_half(ambient)?))
        }
        WEB_AUTHN => responses.with_secret("CREDENTIAL", answers.get("credential").cloned()),
        _ => responses,
    })
}

/// The password of this operation: what a person has typed into its answer, else that of the credentials.
fn password(of: &Operation, ambient: &Ambient<'_>) -> Result<SecretString, Error> {
    match of {
        Operation::Answer { answers, .. } => typed_or_held(answers, ambient),
        _ => ambient.credentials.expect_password().cloned(),
    }
}

fn typed_or_held(answers: &Answers, ambient: &Ambient<'_>) -> Result<SecretString, Error> {
    match answers.get("password").filter(|typed| !typed.is_empty()) {
        Some(typed) => Ok(typed.clone()),
        None => ambient.credentials.expect_password().cloned(),
    }
}

fn expect_verifier(pending: &Pending) -> Result<&Verifier, Error> {
    pending.verifier.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::ChallengeExpired)
            .hint("the stored challenge is incomplete; begin the sign-in again")
    })
}

/// The code of the software token at this moment.
fn current_code(cognito: &Cognito, ambient: &Ambient<'_>) -> Result<SecretString, Error> {
    let secret = ambient.credentials.expect_totp_secret()?;
    let totp = Totp::new(secret, SecretEncoding::Base32, cognito.code_step)?;
    Ok(totp.code(totp.step_at(ambient.now)))
}
