//! The pure pieces: the secret hash, names of exceptions, the table of refusals, what is kept between two
//! steps. Requests and answers as a whole are checked over fixtures.

use std::time::Duration;

use countersign_core::http::HttpResponse;
use countersign_core::{
    Ambient, Answers, AuthProvider, Challenge, ChallengeKind, Continuation, Credentials, Error,
    ErrorKind, Memo, MemoPatch, Operation, Outcome, Recovery, SecretBytes, SecretString, Seed,
    Timestamp,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::error::plain_name;
use crate::secret_hash::secret_hash;
use crate::{Cognito, FirstFactor, Flow, Presented};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn pool() -> Cognito {
    Cognito::pool("eu-west-1_AbCdEfGhI", "1example23456789").unwrap()
}

fn response(status: u16, body: &str) -> HttpResponse {
    let body = SecretBytes::copy_from(body.as_bytes());
    HttpResponse::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body)
}

fn interpret_with(
    pool: &Cognito,
    credentials: &Credentials,
    operation: &Operation,
    response: &HttpResponse,
) -> Result<Outcome, Error> {
    let (seed, memo) = (Seed::default(), Memo::default());
    let ambient = Ambient { now: NOW, seed: &seed, credentials, tokens: None, memo: &memo };
    pool.interpret(operation, response, &ambient)
}

fn interpret(operation: &Operation, response: &HttpResponse) -> Result<Outcome, Error> {
    interpret_with(&pool(), &Credentials::password("kim", "pw".to_owned()), operation, response)
}

fn answering() -> Operation {
    let kept = br#"{"challenge":"SMS_MFA","session":"s","username":"kim"}"#;
    let continuation = Continuation::new(SecretBytes::copy_from(kept));
    let challenge = Challenge::new("SMS_MFA", ChallengeKind::Code, continuation, NOW);
    Operation::Answer {
        challenge: Box::new(challenge),
        answers: Answers::code("123456".to_owned()),
    }
}

fn changing() -> Operation {
    Operation::ChangePassword { new_password: SecretString::new("n") }
}

#[test]
fn p22_the_published_secret_hash_is_reproduced() {
    let credentials = Credentials::new().with_client_secret("c13nt-s3cr3t".to_owned());
    let hash = secret_hash(&credentials, "kim", "1example23456789").unwrap();
    assert_eq!(hash.expose(), "1quDWfL/2lA/oDHjAU0ntPJNv1m1mE0lIE53hyTPI00=");
    assert!(secret_hash(&Credentials::new(), "kim", "c").is_none());
}

#[test]
fn p21_a_name_is_read_with_namespace_url_or_trailing_colon() {
    for raw in [
        "NotAuthorizedException",
        "NotAuthorizedException:",
        "NotAuthorizedException:http://internal.example/doc/",
        "NotAuthorizedException,more",
        "com.amazonaws.cognito#NotAuthorizedException",
        "com.amazonaws.cognito#NotAuthorizedException:http://x#y",
    ] {
        assert_eq!(plain_name(raw), Some("NotAuthorizedException"), "{raw}");
    }
    for bad in ["", "#", ":", "1st", "<script>", "two words", "a\u{1b}[31m", &"x".repeat(65)] {
        assert_eq!(plain_name(bad), None, "{bad}");
    }
}

#[test]
fn p21_the_header_is_read_before_the_body_and_a_bad_one_is_passed_over() {
    let body = r#"{"__type":"ns#CodeMismatchException","message":"canary"}"#;
    for (header, expected) in [
        (None, ErrorKind::CodeMismatch),
        (Some("UserNotConfirmedException:"), ErrorKind::AccountUnverified),
        (Some("<no name>"), ErrorKind::CodeMismatch),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(header));
        }
        let body = SecretBytes::copy_from(body.as_bytes());
        let answer = HttpResponse::new(StatusCode::BAD_REQUEST, headers, body);
        let error = interpret(&Operation::SignIn, &answer).unwrap_err();
        assert_eq!(error.kind(), expected);
        assert_eq!(error.detail(), Some("canary"));
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn p21_not_authorized_is_told_apart_by_operation_and_text() {
    let wait = Recovery::WaitUntil(NOW.after(Duration::from_secs(60)));
    let usual = ErrorKind::usual_recovery;
    for (operation, text, kind, recovery) in [
        (Operation::SignIn, "Incorrect username or password.", ErrorKind::InvalidGrant, None),
        (Operation::SignIn, "Something new.", ErrorKind::InvalidGrant, None),
        (Operation::SignIn, "Password attempts exceeded", ErrorKind::AccountLocked, Some(wait)),
        (Operation::SignIn, "User is disabled.", ErrorKind::AccountDisabled, None),
        (
            Operation::SignIn,
            "Temporary password has expired and must be reset by an administrator.",
            ErrorKind::PasswordResetRequired,
            None,
        ),
        (
            Operation::SignIn,
            "Client 1 is configured with secret but SECRET_HASH was not received",
            ErrorKind::InvalidClient,
            None,
        ),
        (
            Operation::Refresh,
            "Unable to verify secret hash for client 1",
            ErrorKind::InvalidClient,
            None,
        ),
        (
            answering(),
            "Invalid session for the user, session is expired.",
            ErrorKind::ChallengeExpired,
            None,
        ),
        (
            answering(),
            "Invalid session for the user, session can only be used once.",
            ErrorKind::ChallengeExpired,
            None,
        ),
        (
            Operation::Refresh,
            "Refresh Token has been revoked",
            ErrorKind::InvalidGrant,
            Some(Recovery::Reauthenticate),
        ),
        (changing(), "Access Token has expired", ErrorKind::InvalidToken, None),
        (changing(), "Incorrect username or password.", ErrorKind::InvalidGrant, None),
        (Operation::WhoAmI, "Access Token has been revoked", ErrorKind::InvalidToken, None),
        (
            Operation::WhoAmI,
            "Access Token does not have required scopes",
            ErrorKind::AccessDenied,
            None,
        ),
    ] {
        let body = format!(r#"{{"__type":"NotAuthorizedException","message":"{text}"}}"#);
        let error = interpret(&operation, &response(400, &body)).unwrap_err();
        let expected = (kind, recovery.unwrap_or(usual(kind)));
        assert_eq!((error.kind(), error.recovery()), expected, "{text}");
        assert_eq!(error.operation(), Some(operation.name()));
        assert_eq!(error.code(), Some("NotAuthorizedException"));
    }
}

#[test]
fn a_dead_token_is_as_good_as_revoked_but_a_refused_client_is_not() {
    let refusal = |name: &str, text: &str| {
        let body = format!(r#"{{"__type":"{name}","message":"{text}"}}"#);
        interpret(&Operation::Revoke, &response(400, &body))
    };
    let done = refusal("NotAuthorizedException", "Refresh Token has been revoked");
    assert!(matches!(done, Ok(Outcome::Done(..))));
    for (name, kind) in [
        ("UnauthorizedException", ErrorKind::InvalidClient),
        ("UnsupportedTokenTypeException", ErrorKind::InvalidRequest),
    ] {
        assert_eq!(refusal(name, "").unwrap_err().kind(), kind);
    }
}

#[test]
fn f42_what_has_no_name_is_judged_by_status() {
    for (status, kind) in [
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::TemporarilyUnavailable),
        (503, ErrorKind::TemporarilyUnavailable),
        (404, ErrorKind::Protocol),
        (302, ErrorKind::Protocol),
    ] {
        for body in ["", "<html>canary", r#"{"code":7,"message":[]}"#] {
            let error = interpret(&Operation::Refresh, &response(status, body)).unwrap_err();
            assert_eq!(error.kind(), kind, "{status} {body}");
        }
    }
    // A name that the model does not have is no verdict on the session either.
    let unknown = r#"{"__type":"BrandNewException"}"#;
    for (status, kind) in
        [(400, ErrorKind::InvalidRequest), (503, ErrorKind::TemporarilyUnavailable)]
    {
        let error = interpret(&Operation::Refresh, &response(status, unknown)).unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn f43_a_success_status_with_a_refusal_or_a_page_is_no_success() {
    let refusal = r#"{"__type":"NotAuthorizedException","message":"x"}"#;
    let error = interpret(&Operation::SignIn, &response(200, refusal)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidGrant);
    for operation in [Operation::SignIn, Operation::Refresh, Operation::Revoke] {
        for body in ["<html>", "[]", "7"] {
            let error = interpret(&operation, &response(200, body)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        }
    }
    for body in ["", "{}"] {
        assert!(interpret(&Operation::Revoke, &response(200, body)).is_ok());
        assert!(interpret(&Operation::SignIn, &response(200, body)).is_err());
    }
}

#[test]
fn f49_an_absurd_lifetime_is_unknown_and_a_bad_token_is_refused() {
    let answer = |expires: &str, token: &str| {
        let result = format!(r#"{{"AccessToken":"{token}","ExpiresIn":{expires}}}"#);
        interpret(
            &Operation::SignIn,
            &response(200, &format!(r#"{{"AuthenticationResult":{result}}}"#)),
        )
    };
    for absurd in ["0", "-5", "\"soon\"", "null", "[]", "0.2"] {
        let Ok(Outcome::Tokens(tokens, _)) = answer(absurd, "opaque") else { panic!("{absurd}") };
        assert_eq!(tokens.access_expiry, None, "{absurd}");
    }
    for huge in ["1e300", "18446744073709551615"] {
        let Ok(Outcome::Tokens(tokens, _)) = answer(huge, "opaque") else { panic!("{huge}") };
        assert!(tokens.access_expiry.is_some(), "{huge}");
    }
    for bad in ["", "canary\\r\\nx", "caf\u{e9}"] {
        let error = answer("3600", bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn an_id_token_is_presented_no_longer_than_it_lives() {
    let jwt = |claims: &str| {
        format!("e30.{}.c2ln", data_encoding::BASE64URL_NOPAD.encode(claims.as_bytes()))
    };
    let id = jwt(r#"{"iat":1700000000,"exp":1700000300}"#);
    let body = format!(
        r#"{{"AuthenticationResult":{{"AccessToken":"a","IdToken":"{id}","ExpiresIn":3600}}}}"#
    );
    let credentials = Credentials::password("kim", "pw".to_owned());
    let lifetime = |pool: Cognito, body: &str| match interpret_with(
        &pool,
        &credentials,
        &Operation::SignIn,
        &response(200, body),
    )? {
        Outcome::Tokens(tokens, _) => Ok(tokens.access_expiry),
        _ => Err(Error::new(ErrorKind::Internal)),
    };
    let seconds = |s| Some(countersign_core::Lifetime::For(Duration::from_secs(s)));
    assert_eq!(lifetime(pool(), &body).unwrap(), seconds(3600));
    assert_eq!(lifetime(pool().present(Presented::IdToken), &body).unwrap(), seconds(300));

    let without = r#"{"AuthenticationResult":{"AccessToken":"a"}}"#;
    let error = lifetime(pool().present(Presented::IdToken), without).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[test]
fn a_continuation_of_another_making_restarts_the_sign_in() {
    let continuation = Continuation::new(SecretBytes::copy_from(b"canary"));
    let operation = Operation::Continue { of: Box::new(Operation::SignIn), continuation };
    let error = interpret(&operation, &response(200, "{}")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChallengeExpired);
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn settings_that_cannot_be_right_are_refused_at_once() {
    for bad in ["", "eu-west-1", "_AbC", "eu-west-1_", "eu west_AbC", "evil.example/_A", "a_b.c"] {
        assert!(Cognito::pool(bad, "client").is_err(), "{bad}");
    }
    assert!(Cognito::pool("eu-west-1_AbC", "").is_err());
    assert!(pool().endpoint("http://pool.example").is_err());
    let realm = pool().endpoint("http://127.0.0.1:5003").unwrap().realm().clone();
    assert_eq!(realm.auth_origin.to_string(), "http://127.0.0.1:5003");
    assert_eq!((&*realm.tenant, &*realm.client), ("eu-west-1_AbCdEfGhI", "1example23456789"));
}

#[test]
fn p24_what_costs_milliseconds_is_said_beforehand() {
    let going_on = |kept: &str| Operation::Continue {
        of: Box::new(Operation::SignIn),
        continuation: Continuation::new(SecretBytes::copy_from(kept.as_bytes())),
    };
    let proof = going_on(r#"{"challenge":"PASSWORD_VERIFIER","session":"s","username":"kim"}"#);
    let device =
        going_on(r#"{"challenge":"","next":"confirm_device","session":null,"username":""}"#);
    for costly in [&Operation::SignIn, &proof, &device] {
        assert!(pool().computes(costly), "{costly:?}");
    }
    let sends = pool().flow(Flow::UserPassword);
    let code = going_on(r#"{"challenge":"SMS_MFA","session":"s","username":"kim"}"#);
    for cheap in [&Operation::SignIn, &code, &answering(), &Operation::Refresh, &going_on("canary")]
    {
        assert!(!sends.computes(cheap), "{cheap:?}");
    }
}

#[test]
fn a_flow_says_which_credentials_it_needs() {
    use countersign_core::CredentialKind::Password;
    for (flow, needed) in [
        (Flow::default(), true),
        (Flow::UserPassword, true),
        (Flow::CustomSrp, true),
        (Flow::UserAuth(FirstFactor::PasswordSrp), true),
        (Flow::Custom, false),
        (Flow::UserAuth(FirstFactor::Any), false),
        (Flow::UserAuth(FirstFactor::EmailOtp), false),
    ] {
        let pool = pool().flow(flow);
        let kinds = &pool.capabilities().credentials;
        assert_eq!(kinds.required.contains(&Password), needed, "{flow:?}");
        assert!(kinds.uses(Password), "{flow:?}");
    }
    assert_eq!(Flow::default(), Flow::UserSrp);
}

#[test]
fn p20_an_offer_of_the_server_does_not_bring_it_the_held_password_where_a_proof_was_chosen() {
    let kept = br#"{"challenge":"SELECT_CHALLENGE","session":"s","username":"kim"}"#;
    let continuation = Continuation::new(SecretBytes::copy_from(kept));
    let mut challenge =
        Challenge::new("SELECT_CHALLENGE", ChallengeKind::Choice, continuation, NOW);
    challenge.parameters.insert("choices".into(), "PASSWORD".into());
    let choose = |flow, answers: Answers| {
        let credentials = Credentials::password("kim", "canary-held".to_owned());
        let (seed, memo) = (Seed::default(), Memo::default());
        let credentials = &credentials;
        let ambient = Ambient { now: NOW, seed: &seed, credentials, tokens: None, memo: &memo };
        let answers = answers.with("choice", SecretString::new("PASSWORD"));
        let operation = Operation::Answer { challenge: Box::new(challenge.clone()), answers };
        pool().flow(flow).request(&operation, &ambient).map(drop).map_err(|error| error.kind())
    };
    for flow in [Flow::UserSrp, Flow::CustomSrp, Flow::UserAuth(FirstFactor::PasswordSrp)] {
        assert_eq!(choose(flow, Answers::new()), Err(ErrorKind::InvalidRequest), "{flow:?}");
        let typed = Answers::new().with("password", SecretString::new("canary-typed"));
        assert_eq!(choose(flow, typed), Ok(()), "{flow:?}");
    }
    assert_eq!(choose(Flow::UserAuth(FirstFactor::Any), Answers::new()), Ok(()));
}

#[test]
fn f49_a_shared_secret_that_is_more_than_one_word_is_refused() {
    let associate =
        Operation::Extension { name: "associate_software_token".into(), input: Answers::new() };
    for (secret, taken) in [
        ("JBSWY3DPEHPK3PXP", true),
        ("7b6e2c1a-canary-uuid", true),
        ("A\\nTOTP_SECRET=canary", false),
        ("\\u001b[2Jcanary", false),
        ("$(canary)", false),
        (&*"A".repeat(2000), false),
    ] {
        let answer = response(200, &format!(r#"{{"SecretCode":"{secret}"}}"#));
        let read = interpret(&associate, &answer).map(drop).map_err(|error| error.kind());
        assert_eq!(read, if taken { Ok(()) } else { Err(ErrorKind::Protocol) }, "{secret}");
    }
}

#[test]
fn f48_only_a_step_that_judged_the_held_password_proves_it() {
    let challenged = |name: &str| {
        let challenge = Challenge::new(
            name,
            ChallengeKind::Code,
            Continuation::new(SecretBytes::default()),
            NOW,
        );
        Outcome::Challenge(Box::new(challenge), MemoPatch::none())
    };
    let step = |name: &str, of: Operation| {
        let kept = format!(r#"{{"challenge":"{name}","session":"s","username":"kim"}}"#);
        let continuation = Continuation::new(SecretBytes::copy_from(kept.as_bytes()));
        Operation::Continue { of: Box::new(of), continuation }
    };
    let typed = |name: &str| {
        let Operation::Answer { challenge, .. } = answering() else { panic!("no answer") };
        let answers = Answers::new().with("password", "pw".to_owned());
        step(name, Operation::Answer { challenge, answers })
    };
    let mail = Flow::UserAuth(FirstFactor::EmailOtp);
    let password = Flow::UserAuth(FirstFactor::Password);
    for (flow, operation, next, proves) in [
        (Flow::UserPassword, Operation::SignIn, "SMS_MFA", true),
        (Flow::UserSrp, Operation::SignIn, "PASSWORD_VERIFIER", false),
        (Flow::UserSrp, step("PASSWORD_VERIFIER", Operation::SignIn), "EMAIL_OTP", true),
        (Flow::UserSrp, step("SOFTWARE_TOKEN_MFA", Operation::SignIn), "EMAIL_OTP", false),
        (Flow::Custom, Operation::SignIn, "CUSTOM_CHALLENGE", false),
        (mail, Operation::SignIn, "EMAIL_OTP", false),
        (mail, Operation::SignIn, "SELECT_CHALLENGE", false),
        (mail, answering(), "SMS_MFA", false),
        (password, Operation::SignIn, "SMS_MFA", true),
        (password, Operation::SignIn, "SELECT_CHALLENGE", false),
        (password, step("PASSWORD", Operation::SignIn), "SMS_MFA", true),
        (password, step("PASSWORD_SRP", Operation::SignIn), "PASSWORD_VERIFIER", false),
        (password, typed("PASSWORD_VERIFIER"), "SMS_MFA", false),
    ] {
        let said = pool().flow(flow).proves_password(&operation, &challenged(next));
        assert_eq!(said, proves, "{flow:?} {operation:?} {next}");
    }
}
