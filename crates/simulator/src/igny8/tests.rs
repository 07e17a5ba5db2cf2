//! IGNY8's documented rows, through the simulator without a socket.

mod accounts;
mod calls;
mod refreshing;

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::testing::{Answer, NOW, answer, post, request};
use crate::{ExpiryForm, Fault, Operation, RetryAfter, Simulator, TokenNames};

const LEE: &str = "lee@studio.example";
const PASSWORD: &str = "canary-igny8-password";
const LOGIN: &str = "/api/v1/auth/login/";
const ECHO: &str = "/api/v1/sim/echo/";

fn sign_in_as(simulator: &Simulator, email: &str, password: &str, now_ms: i64) -> Answer {
    post(simulator, LOGIN, &json!({ "email": email, "password": password }), now_ms)
}

fn sign_in(simulator: &Simulator, now_ms: i64) -> Answer {
    sign_in_as(simulator, LEE, PASSWORD, now_ms)
}

fn call(simulator: &Simulator, token: &str, now_ms: i64) -> Answer {
    let authorization = format!("Bearer {token}");
    answer(simulator, &request("GET", ECHO, &[("authorization", &authorization)], ""), now_ms)
}

/// The envelope of a failure without messages by field.
fn refused(answer: &Answer, status: u16, error: &str) {
    let id = answer.text_of("/request_id");
    let body = json!({ "success": false, "error": error, "request_id": id });
    assert_eq!((answer.status, &answer.json, id.len()), (status, &body, 36));
}

fn claims(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(middle.as_bytes()).unwrap()).unwrap()
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_sign_in_answers_in_the_envelope_with_the_user_and_two_tokens() {
    let signed_in = sign_in(&Simulator::igny8().build(), NOW);
    assert_eq!(signed_in.status, 200);
    assert_eq!(members(&signed_in.json), ["data", "request_id", "success"]);
    assert_eq!(signed_in.json["success"], true);
    let data = &signed_in.json["data"];
    assert_eq!(members(data), ["access", "refresh", "user"]);
    let account = json!({ "id": 7, "name": "Studio", "slug": "studio" });
    let user = json!({
        "id": 41, "email": LEE, "username": "lee", "role": "owner", "account": account,
    });
    assert_eq!(data["user"], user);
    let cookie = signed_in.head.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("sessionid=") && cookie.contains("HttpOnly"), "{cookie}");
}

#[test]
fn tokens_are_hs256_jwts_whose_exp_is_the_only_end_that_is_told() {
    let simulator = Simulator::igny8().build();
    let signed_in = sign_in(&simulator, NOW);
    let access = claims(&signed_in.text_of("/data/access"));
    assert_eq!(members(&access), ["account_id", "email", "exp", "iat", "jti", "type", "user_id"]);
    assert_eq!((&access["type"], &access["user_id"]), (&json!("access"), &json!(41)));
    assert_eq!(access["exp"], NOW / 1000 + 900);
    let refresh = claims(&signed_in.text_of("/data/refresh"));
    assert_eq!(
        (&refresh["type"], &refresh["exp"]),
        (&json!("refresh"), &json!(NOW / 1000 + 604_800))
    );
    let bare = Simulator::igny8().bare_claims().access_life(Duration::from_secs(5)).build();
    let access = claims(&sign_in(&bare, NOW).text_of("/data/access"));
    assert_eq!(access, json!({ "exp": NOW / 1000 + 5, "user_id": 41 }));
}

#[test]
fn names_depth_and_expiry_fields_are_settings() {
    let long = Simulator::igny8().token_names(TokenNames::Long).nested().build();
    let signed_in = sign_in(&long, NOW);
    assert_eq!(members(&signed_in.json["data"]), ["tokens", "user"]);
    assert_eq!(members(&signed_in.json["data"]["tokens"]), ["access_token", "refresh_token"]);
    let epoch = Simulator::igny8().expiry_fields(ExpiryForm::Epoch).build();
    let signed_in = sign_in(&epoch, NOW);
    assert_eq!(signed_in.json["data"]["access_expires_at"], NOW / 1000 + 900);
    let iso = Simulator::igny8().expiry_fields(ExpiryForm::Iso).build();
    assert_eq!(sign_in(&iso, NOW).text_of("/data/refresh_expires_at"), "2030-01-08T00:00:00Z");
}

#[test]
fn bad_credentials_are_401_and_missing_fields_400() {
    let simulator = Simulator::igny8().build();
    refused(&sign_in_as(&simulator, LEE, "wrong", NOW), 401, "Invalid credentials");
    refused(
        &sign_in_as(&simulator, "who@studio.example", PASSWORD, NOW),
        401,
        "Invalid credentials",
    );
    let missing = post(&simulator, LOGIN, &json!({ "password": "" }), NOW);
    let errors = json!({
        "email": ["This field is required."], "password": ["This field may not be blank."],
    });
    assert_eq!((missing.status, &missing.json["errors"]), (400, &errors));
    assert_eq!(missing.json["error"], "Validation failed");
    assert_eq!(simulator.totals().refused_of(Operation::SIGN_IN), 3);
}

#[test]
fn refusals_may_have_the_status_200() {
    let simulator = Simulator::igny8().errors_with_200().build();
    refused(&sign_in_as(&simulator, LEE, "wrong", NOW), 200, "Invalid credentials");
    refused(&call(&simulator, "junk", NOW), 401, "Authentication required");
    assert_eq!(simulator.totals().refused_of(Operation::SIGN_IN), 1);
}

#[test]
fn twenty_sign_ins_a_minute_are_let_through_and_the_headers_say_when_to_come_back() {
    let simulator = Simulator::igny8().build();
    let headers = |answer: &Answer| {
        ["limit", "remaining", "reset"].map(|name| {
            answer.head.headers()[&format!("x-throttle-{name}")].to_str().unwrap().to_owned()
        })
    };
    let end = (NOW / 1000 + 60).to_string();
    for left in (0..20).rev() {
        let answer = sign_in_as(&simulator, LEE, "wrong", NOW);
        assert_eq!(headers(&answer), ["20".to_owned(), left.to_string(), end.clone()]);
        assert_eq!(answer.status, 401);
    }
    let throttled = sign_in(&simulator, NOW + 59_999);
    refused(&throttled, 429, "Request was throttled.");
    assert_eq!(headers(&throttled), ["20", "0", &end]);
    assert!(throttled.head.headers().get("retry-after").is_none());
    let register = post(&simulator, "/api/v1/auth/register/", &json!({}), NOW + 59_999);
    assert_eq!(register.status, 429, "the same bucket");
    assert_eq!(sign_in(&simulator, NOW + 60_000).status, 200);
}

#[test]
fn the_throttle_may_be_smaller_or_absent_and_may_say_it_as_the_framework_does() {
    let simulator = Simulator::igny8().throttle(1).retry_after().build();
    assert_eq!(sign_in(&simulator, NOW).status, 200);
    let throttled = sign_in(&simulator, NOW + 20_000);
    assert_eq!(
        (throttled.status, throttled.head.headers()["retry-after"].as_bytes()),
        (429, &b"40"[..])
    );
    let free = Simulator::igny8().without_throttle().build();
    let answers: Vec<Answer> = (0..30).map(|_| sign_in(&free, NOW)).collect();
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert!(answers[0].head.headers().get("x-throttle-limit").is_none());
    let fault = Fault::Status429 { retry_after: RetryAfter::Reset(7) };
    free.inject(Operation::REFRESH, fault, 1);
    let faulty = post(&free, "/api/v1/auth/refresh/", &json!({}), NOW);
    refused(&faulty, 429, "Request was throttled.");
    assert_eq!(faulty.head.headers()["x-throttle-reset"], (NOW / 1000 + 7).to_string());
}

#[test]
fn what_is_no_sign_in_is_let_through_a_hundred_times_a_minute_for_each_user() {
    let simulator = Simulator::igny8().build();
    let token = sign_in(&simulator, NOW).text_of("/data/access");
    let other = sign_in_as(&simulator, "sam@agency.example", "canary-igny8-other-password", NOW);
    for _ in 0..100 {
        assert_eq!(call(&simulator, &token, NOW).status, 200);
        assert_eq!(post(&simulator, "/api/v1/auth/refresh/", &json!({}), NOW).status, 400);
    }
    let throttled = call(&simulator, &token, NOW + 59_999);
    refused(&throttled, 429, "Request was throttled.");
    assert_eq!(throttled.head.headers()["x-throttle-reset"], (NOW / 1000 + 60).to_string());
    let refresh = |at| post(&simulator, "/api/v1/auth/refresh/", &json!({}), at);
    assert_eq!(refresh(NOW + 59_999).status, 429);
    assert_eq!(call(&simulator, &other.text_of("/data/access"), NOW).status, 200);
    assert_eq!(call(&simulator, "unknown", NOW).status, 401);
    assert_eq!(call(&simulator, &token, NOW + 60_000).status, 200);
    assert_eq!(refresh(NOW + 60_000).status, 400);
}

#[test]
fn the_general_throttle_is_a_setting_and_users_may_bypass_it() {
    let simulator = Simulator::igny8().general_throttle(1).users_bypass_throttle().build();
    let token = sign_in(&simulator, NOW).text_of("/data/access");
    assert_eq!(
        [call(&simulator, &token, NOW).status, call(&simulator, &token, NOW).status],
        [200; 2]
    );
    let refresh = || post(&simulator, "/api/v1/auth/refresh/", &json!({}), NOW).status;
    assert_eq!([refresh(), refresh()], [400, 429]);
}
