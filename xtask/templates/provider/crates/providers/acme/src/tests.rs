//! What one look at the adapter must show; case by case it is held by `tests/fixtures/acme`.

use std::time::Duration;

use countersign_core::http::HttpResponse;
use countersign_core::{
    Ambient, AuthProvider, Certainty, Credentials, Error, ErrorKind, Lifetime, Memo, Operation,
    Outcome, Recovery, SecretBytes, Seed, Timestamp,
};
use http::{HeaderMap, StatusCode};

use crate::Acme;

fn acme() -> Acme {
    Acme::at("https://api.acme.example").unwrap()
}

fn with_ambient<T>(act: impl FnOnce(&Ambient<'_>) -> T) -> T {
    let credentials = Credentials::password("canary-kim", "canary-password".to_owned());
    let (seed, memo) = (Seed::default(), Memo::default());
    let now = Timestamp::from_seconds(1_893_456_000);
    act(&Ambient { now, seed: &seed, credentials: &credentials, tokens: None, memo: &memo })
}

fn read(operation: &Operation, status: StatusCode, body: &str) -> Result<Outcome, Error> {
    let body = SecretBytes::copy_from(body.as_bytes());
    let response = HttpResponse::new(status, HeaderMap::new(), body);
    with_ambient(|ambient| acme().interpret(operation, &response, ambient))
}

fn refused(operation: &Operation, status: u16) -> (ErrorKind, Recovery, Certainty) {
    let error = read(operation, StatusCode::from_u16(status).unwrap(), "{}").unwrap_err();
    (error.kind(), error.recovery(), error.certainty())
}

#[test]
fn a_lifetime_is_in_seconds_and_zero_is_not_known() {
    for (told, expected) in
        [("5", Some(Lifetime::For(Duration::from_secs(5)))), ("0", None), ("-1", None)]
    {
        let body = format!(r#"{{"access_token":"canary-a","expires_in":{told}}}"#);
        let Ok(Outcome::Tokens(tokens, _)) = read(&Operation::SignIn, StatusCode::OK, &body) else {
            panic!("no tokens")
        };
        assert_eq!(tokens.access_expiry, expected);
        assert!(tokens.refresh_token.is_none(), "none came: the engine keeps the one it has");
    }
}

#[test]
fn a_refused_secret_a_dead_refresh_token_and_an_outage_are_told_apart() {
    let sign_in = refused(&Operation::SignIn, 401);
    assert_eq!(sign_in, (ErrorKind::InvalidGrant, Recovery::AskUser, Certainty::Certain));
    let refresh = refused(&Operation::Refresh, 401);
    assert_eq!(refresh, (ErrorKind::InvalidGrant, Recovery::Reauthenticate, Certainty::Certain));
    for operation in [Operation::SignIn, Operation::Refresh] {
        let (kind, recovery, _) = refused(&operation, 503);
        assert_eq!((kind, recovery), (ErrorKind::TemporarilyUnavailable, Recovery::Retry));
    }
}

#[test]
fn f32_no_secret_is_shown() {
    let request = with_ambient(|ambient| acme().request(&Operation::SignIn, ambient)).unwrap();
    let body = r#"{"code":"no","message":"m","access_token":"canary-a"}"#;
    let error = read(&Operation::SignIn, StatusCode::UNAUTHORIZED, body).unwrap_err();
    let shown = format!("{request:?} {error:?} {error} {:?}", acme());
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn what_is_not_claimed_is_unsupported() {
    for operation in [Operation::Revoke, Operation::WhoAmI, Operation::ForgotPassword] {
        let asked = with_ambient(|ambient| acme().request(&operation, ambient)).unwrap_err();
        let told = read(&operation, StatusCode::OK, "{}").unwrap_err();
        assert_eq!((asked.kind(), told.kind()), (ErrorKind::Unsupported, ErrorKind::Unsupported));
    }
}
