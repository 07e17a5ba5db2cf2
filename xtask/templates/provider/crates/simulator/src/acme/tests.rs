//! The documented rows of Acme, through the simulator without a socket.

use std::time::Duration;

use serde_json::json;

use crate::testing::{Answer, NOW, answer, post, request};
use crate::{AuthVerdict, Fault, Operation, RefreshTokens, Simulator};

fn sign_in_with(simulator: &Simulator, password: &str) -> Answer {
    let body = json!({ "username": simulator.account().identity, "password": password });
    post(simulator, "/session", &body, NOW)
}

fn sign_in(simulator: &Simulator) -> Answer {
    sign_in_with(simulator, &simulator.account().password)
}

fn refresh(simulator: &Simulator, token: &str, now_ms: i64) -> Answer {
    post(simulator, "/session/refresh", &json!({ "refresh_token": token }), now_ms)
}

fn call(simulator: &Simulator, authorization: &str, now_ms: i64) -> Answer {
    answer(simulator, &request("GET", "/sim/echo", &[("authorization", authorization)], ""), now_ms)
}

#[test]
fn a_sign_in_gives_two_tokens_and_the_first_opens_the_resource() {
    let simulator = Simulator::acme().access_life(Duration::from_secs(5)).build();
    let signed_in = sign_in(&simulator);
    assert_eq!((signed_in.status, &signed_in.json["expires_in"]), (200, &json!(5)));
    let bearer = format!("Bearer {}", signed_in.text_of("/access_token"));
    let echo = call(&simulator, &bearer, NOW + 4999);
    assert_eq!((echo.status, &echo.json["generation"]), (200, &json!(1)));
    assert_eq!(call(&simulator, &bearer, NOW + 5000).status, 401);
    assert_eq!(simulator.records().last().unwrap().auth, AuthVerdict::Expired);
}

#[test]
fn a_refresh_gives_the_next_access_token_until_the_refresh_token_is_dead() {
    let simulator = Simulator::acme().refresh_life(Duration::from_secs(9)).build();
    let token = sign_in(&simulator).text_of("/refresh_token");
    let refreshed = refresh(&simulator, &token, NOW + 8999);
    assert_eq!(refreshed.status, 200);
    let bearer = format!("Bearer {}", refreshed.text_of("/access_token"));
    assert_eq!(call(&simulator, &bearer, NOW + 8999).json["generation"], 2);
    assert_eq!(refresh(&simulator, &token, NOW + 9000).status, 401);
    let token = sign_in(&simulator).text_of("/refresh_token");
    simulator.revoke_all(&simulator.account().identity, RefreshTokens::Revoke);
    assert_eq!(refresh(&simulator, &token, NOW).json["code"], "dead_refresh_token");
}

#[test]
fn wrong_credentials_a_bare_token_and_an_unknown_path_are_refused() {
    let simulator = Simulator::acme().build();
    let refused = sign_in_with(&simulator, "wrong");
    assert_eq!((refused.status, &refused.json["code"]), (401, &json!("bad_credentials")));
    assert_eq!(simulator.totals().refused_of(Operation::SIGN_IN), 1);
    let token = sign_in(&simulator).text_of("/access_token");
    assert_eq!(call(&simulator, &token, NOW).status, 401);
    assert_eq!(simulator.records().last().unwrap().auth, AuthVerdict::Malformed);
    assert_eq!(post(&simulator, "/sessions", &json!({}), NOW).status, 404);
}

#[test]
fn faults_speak_the_words_of_acme() {
    let simulator = Simulator::acme().build();
    simulator.inject(Operation::SIGN_IN, Fault::Status503, 1);
    let refused = sign_in(&simulator);
    assert_eq!((refused.status, &refused.json["code"]), (503, &json!("unavailable")));
    simulator.inject(Operation::SIGN_IN, Fault::MissingExpiry, 1);
    assert!(sign_in(&simulator).json.get("expires_in").is_none());
}
