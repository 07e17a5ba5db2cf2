//! The pure pieces: the table of refusals, absurd answers, addresses. Requests and answers as a whole are
//! checked over fixtures.

use std::time::Duration;

use countersign_core::http::HttpResponse;
use countersign_core::{
    Ambient, AuthProvider, Certainty, Credentials, Error, ErrorKind, Memo, Operation, Outcome,
    Recovery, SecretBytes, SecretString, Seed, Timestamp,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::Wikimedia;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn response(status: u16, body: &str) -> HttpResponse {
    let body = SecretBytes::copy_from(body.as_bytes());
    HttpResponse::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body)
}

fn interpret(operation: &Operation, response: &HttpResponse) -> Result<Outcome, Error> {
    let (seed, memo) = (Seed::default(), Memo::default());
    let credentials = Credentials::password("Archivist ", "pw".to_owned());
    let ambient =
        Ambient { now: NOW, seed: &seed, credentials: &credentials, tokens: None, memo: &memo };
    Wikimedia::production().interpret(operation, response, &ambient)
}

fn refused(operation: &Operation, status: u16, message: &str) -> Error {
    let body = format!(r#"{{"status":{status},"message":"{message}"}}"#);
    interpret(operation, &response(status, &body)).unwrap_err()
}

#[test]
fn the_documented_addresses_are_addresses() {
    let realm = Wikimedia::production().realm().clone();
    assert_eq!(realm.auth_origin.to_string(), "https://auth.enterprise.wikimedia.com");
    let apis: Vec<_> = realm.api_origins.iter().map(ToString::to_string).collect();
    let expected =
        ["https://api.enterprise.wikimedia.com", "https://realtime.enterprise.wikimedia.com"];
    assert_eq!(apis, expected);
    let local = Wikimedia::at("http://127.0.0.1:4050").unwrap();
    assert_eq!(local.realm().api_origins, [local.realm().auth_origin.clone()]);
    assert!(Wikimedia::at("http://auth.example").is_err());
}

#[test]
fn p16_a_spent_budget_is_no_rate_limit_but_a_gateways_429_is() {
    let spent = refused(&Operation::Refresh, 429, "Refresh tokens limit has been exceeded.");
    assert_eq!(
        (spent.kind(), spent.recovery()),
        (ErrorKind::InvalidGrant, Recovery::Reauthenticate)
    );
    assert_eq!(spent.code(), Some("refresh_budget"));

    let gateway = interpret(&Operation::Refresh, &response(429, "<html>")).unwrap_err();
    assert_eq!((gateway.kind(), gateway.recovery()), (ErrorKind::RateLimited, Recovery::Retry));

    let body = SecretBytes::copy_from(br#"{"status":429,"message":"slow down"}"#);
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("9"));
    let timed = HttpResponse::new(StatusCode::TOO_MANY_REQUESTS, headers, body);
    let timed = interpret(&Operation::Refresh, &timed).unwrap_err();
    let until = Recovery::WaitUntil(NOW.after(Duration::from_secs(9)));
    assert_eq!((timed.kind(), timed.recovery()), (ErrorKind::RateLimited, until));

    let elsewhere = refused(&Operation::SignIn, 429, "slow down");
    assert_eq!(elsewhere.kind(), ErrorKind::RateLimited);
}

#[test]
fn p17_a_422_is_a_malformed_request_whatever_it_says() {
    let changing = Operation::ChangePassword { new_password: SecretString::new("n") };
    for operation in [Operation::SignIn, Operation::Refresh, Operation::Revoke, changing] {
        let error = refused(&operation, 422, "Internal error, please try again later.");
        assert_eq!((error.kind(), error.recovery()), (ErrorKind::InvalidRequest, Recovery::GiveUp));
    }
}

#[test]
fn p18_a_401_is_possible_and_tried_once_slowly() {
    let until = Recovery::WaitUntil(NOW.after(Duration::from_secs(60)));
    for operation in [Operation::SignIn, Operation::Refresh] {
        let error = refused(&operation, 401, "Unauthorized.");
        assert_eq!((error.kind(), error.recovery()), (ErrorKind::InvalidGrant, until));
        assert_eq!(error.certainty(), Certainty::Possible);
    }
}

#[test]
fn f42_a_fault_or_a_page_ends_no_session() {
    for (status, kind) in [
        (500, ErrorKind::TemporarilyUnavailable),
        (503, ErrorKind::TemporarilyUnavailable),
        (404, ErrorKind::Protocol),
        (307, ErrorKind::Protocol),
        (400, ErrorKind::Protocol),
    ] {
        for body in ["", "<html>canary", r#"{"message":7}"#] {
            let error = interpret(&Operation::Refresh, &response(status, body)).unwrap_err();
            assert_eq!(error.kind(), kind, "{status} {body}");
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}

#[test]
fn f49_absurd_answers_are_typed_errors_or_unknown_lives() {
    for body in ["", "{}", "[]", "<html>", r#"{"access_token":""}"#, r#"{"challenge_name":""}"#] {
        let error = interpret(&Operation::SignIn, &response(200, body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
    }
    for life in ["0", "-3", "\"soon\"", "null", "{}"] {
        let body = format!(r#"{{"access_token":"opaque","expires_in":{life}}}"#);
        let outcome = interpret(&Operation::Refresh, &response(200, &body));
        let Ok(Outcome::Tokens(tokens, _)) = outcome else { panic!("{life}") };
        assert_eq!(tokens.access_expiry, None, "{life}");
    }
    let page = interpret(&Operation::Revoke, &response(200, "<html>")).unwrap_err();
    assert_eq!(page.kind(), ErrorKind::Protocol);
}
