//! Sign-ins that ask for more.

use std::time::Duration;

use countersign_cognito::Cognito;
use countersign_core::totp::{SecretEncoding, Totp};
use countersign_core::{
    Answers, Challenge, ChallengeKind, Clock, Credentials, Error, ErrorKind, Operation, Outcome,
    SecretString,
};
use countersign_runtime::{Session, SignIn, SystemClock};

use super::Emulator::{self, Ministack, Moto};
use crate::bare::Bare;
use crate::support::{class, pause, refused, signed_in, told};

const NEW_PASSWORD: &str = "Chosen-canary-1!";

pub(super) async fn new_password(at: Emulator) {
    let temporary = Credentials::password("first", at.key("TEMPORARY_PASSWORD"));
    let how = set_password(at, at.public(), temporary).await;
    at.ok("NEW_PASSWORD_REQUIRED", &how);
}

/// Where the emulator's own way in is the password: the same after a proof.
pub(super) async fn new_password_after_a_proof(at: Emulator) {
    let temporary = Credentials::password("first-srp", at.key("TEMPORARY_PASSWORD"));
    let session = at.session(at.proving("CLIENT_ID"), temporary).await;
    assert_eq!(challenged(&session).await.kind, ChallengeKind::NewPassword);
    answered(&session, || Answers::new_password(NEW_PASSWORD.to_owned())).await;
    session.authorization().await.unwrap();
    at.ok("NEW_PASSWORD_REQUIRED after SRP", "answered; laxer: no proof is looked at");
}

pub(super) async fn software_token_after_a_proof(at: Emulator) {
    let credentials = at.user("totp").with_totp_secret(at.totp_secret("totp"));
    away_from_the_end_of_a_step().await;
    signed_in(&at.session(at.proving("CLIENT_ID"), credentials).await).await;
    at.ok("SOFTWARE_TOKEN_MFA after SRP", "answered by the adapter; laxer: no proof is looked at");
}

pub(super) async fn new_password_with_a_client_secret(at: Emulator) {
    let temporary = Credentials::password("first-secret", at.key("TEMPORARY_PASSWORD"))
        .with_client_secret(at.key("SECRET_CLIENT_SECRET"));
    let how = set_password(at, at.confidential(), temporary).await;
    at.ok("NEW_PASSWORD_REQUIRED with a client secret", &how);
}

async fn set_password(at: Emulator, client: Cognito, temporary: Credentials) -> String {
    let session = at.session(client.clone(), temporary.clone()).await;
    let challenge = challenged(&session).await;
    assert_eq!(challenge.kind, ChallengeKind::NewPassword);
    assert_eq!(&*challenge.name, "NEW_PASSWORD_REQUIRED");
    let how = match at {
        Ministack => "laxer: neither the challenge's session nor the password is checked".into(),
        Moto => {
            let weak = answer_refused(&session, Answers::new_password("canary".to_owned())).await;
            assert_eq!(weak.kind(), ErrorKind::PasswordRefused, "{weak:?}");
            let lax = "laxer: the session of a challenge never ends, no hash is checked";
            format!("weak password: {}; {lax}", class(&weak))
        }
    };
    let taken = answered(&session, || Answers::new_password(NEW_PASSWORD.to_owned())).await;
    session.authorization().await.unwrap();

    let now =
        at.session(client.clone(), temporary.clone().with_password(NEW_PASSWORD.to_owned())).await;
    signed_in(&now).await;
    let old = refused(&at.session(client, temporary).await).await;
    assert_eq!(old.kind(), ErrorKind::InvalidGrant, "{old:?}");
    format!("answered {taken}; {how}")
}

pub(super) async fn software_token(at: Emulator) {
    let credentials = at.user("totp").with_totp_secret(at.totp_secret("totp"));
    away_from_the_end_of_a_step().await;
    let session = at.session(at.public(), credentials).await;
    signed_in(&session).await;
    at.ok("SOFTWARE_TOKEN_MFA", &format!("answered by the adapter; {}", drift(at)));
}

pub(super) async fn software_token_with_a_client_secret(at: Emulator) {
    let credentials = at.secret_user("totp-secret").with_totp_secret(at.totp_secret("totp-secret"));
    away_from_the_end_of_a_step().await;
    let session = at.session(at.confidential(), credentials).await;
    signed_in(&session).await;
    at.ok("SOFTWARE_TOKEN_MFA with a client secret", "answered by the adapter, hash and all");
}

pub(super) async fn code_of_a_person(at: Emulator) {
    away_from_the_end_of_a_step().await;
    let session = at.session(at.public(), at.user("totp-wrong")).await;
    let challenge = challenged(&session).await;
    assert_eq!((&*challenge.name, challenge.kind), ("SOFTWARE_TOKEN_MFA", ChallengeKind::Code));
    let code = code_now(&at.totp_secret("totp-wrong"));
    let wrong = if code.expose() == "000000" { "111111" } else { "000000" };
    let refusal = answer_refused(&session, Answers::code(wrong.to_owned())).await;
    assert_eq!(refusal.kind(), ErrorKind::CodeMismatch, "{refusal:?}");
    let how = answered(&session, || Answers::code(code.clone())).await;
    let refusal = class(&refusal);
    at.ok("code given by a person", &format!("wrong: {refusal}; then right, {how}; {}", drift(at)));
}

pub(super) async fn wrong_shared_secret(at: Emulator) {
    away_from_the_end_of_a_step().await;
    let wrong = at.user("totp-wrong").with_totp_secret("GEZDGNBVGY3TQOJQ".to_owned());
    let error = refused(&at.session(at.public(), wrong).await).await;
    assert_eq!(error.kind(), ErrorKind::CodeMismatch, "{error:?}");
    at.ok("wrong shared secret", &class(&error));
}

pub(super) async fn code_by_message(at: Emulator) {
    let session = at.session(at.public(), at.user("sms")).await;
    let challenge = challenged(&session).await;
    assert_eq!((&*challenge.name, challenge.kind), ("SMS_MFA", ChallengeKind::Code));
    answered(&session, || Answers::code("123456".to_owned())).await;
    assert!(session.current().is_some());
    at.ok("SMS_MFA", "answered under its own name; laxer: any code is taken, none is sent");
}

/// A challenge that was answered is over.
pub(super) async fn answer_given_twice(at: Emulator) {
    away_from_the_end_of_a_step().await;
    let bare = Bare::new(at.public(), at.user("totp-wrong"));
    let Ok(Outcome::Challenge(challenge, _)) = bare.run(&Operation::SignIn, None).await else {
        panic!("a sign-in that asks for a code")
    };
    let code = code_now(&at.totp_secret("totp-wrong"));
    let answer = Operation::Answer { challenge, answers: Answers::code(code) };
    let end = bare.run(&answer, None).await;
    assert!(matches!(end, Ok(Outcome::Tokens(..))), "{}", told(&end));
    let error = bare.run(&answer, None).await.unwrap_err();
    // The service says NotAuthorizedException with a text; here it is a name of its own, and the text
    // is the session's handle, which an error must not repeat.
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
    assert_eq!(error.detail(), None);
    at.ok("a challenge answered twice", &format!("refused, by another name: {}", class(&error)));
}

const fn drift(at: Emulator) -> &'static str {
    match at {
        Ministack => "laxer: a code works twice, a session serves any number of times",
        Moto => "laxer: one secret for everybody",
    }
}

pub(super) async fn challenged(session: &Session) -> Challenge {
    match session.sign_in().await {
        Ok(SignIn::Challenge(challenge)) => *challenge,
        other => panic!("a sign-in came to {}", told(&other)),
    }
}

/// Gives an answer that the provider does not take: the challenge stays, the reason is in the status.
async fn answer_refused(session: &Session, answers: Answers) -> Error {
    match session.answer(answers).await {
        Ok(SignIn::Challenge(_)) => session.status().last_error.expect("a reason"),
        other => panic!("a wrong answer came to {}", told(&other)),
    }
}

/// Gives a right answer. The service takes it to the challenge of which another answer was refused;
/// an emulator may have ended that one.
async fn answered(session: &Session, answers: impl Fn() -> Answers) -> &'static str {
    match session.answer(answers()).await {
        Ok(SignIn::Complete) => return "to the same challenge",
        Err(error) if error.kind() == ErrorKind::ChallengeExpired => {}
        other => panic!("an answer came to {}", told(&other)),
    }
    challenged(session).await;
    match session.answer(answers()).await {
        Ok(SignIn::Complete) => "to a new challenge, as a refused answer ends one here",
        other => panic!("an answer came to {}", told(&other)),
    }
}

const STEP: Duration = Duration::from_secs(30);

pub(super) fn code_now(secret: &str) -> SecretString {
    let totp = Totp::new(&SecretString::new(secret), SecretEncoding::Base32, STEP).unwrap();
    totp.code(totp.step_at(SystemClock::new().now()))
}

/// One of the emulators knows no drift: a code must arrive in the step that it is of.
pub(super) async fn away_from_the_end_of_a_step() {
    let now = SystemClock::new().now().as_millis();
    let left = 30_000 - now.rem_euclid(30_000);
    if left < 3_000 {
        pause(Duration::from_millis(left.unsigned_abs() + 50)).await;
    }
}
