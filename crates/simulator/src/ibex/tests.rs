//! The hub's documented rows, through the simulator without a socket.

mod accounts;
mod oauth;

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::testing::{Answer, NOW, answer, post, request};
use crate::{Account, AuthVerdict, ErrorBody, Operation, RefreshTokens, Simulator};

const EMAIL: &str = "ops@merchant.example";
const PASSWORD: &str = "Canary-ibex-p4ssword!";

fn sign_in(simulator: &Simulator, now_ms: i64) -> Answer {
    sign_in_as(simulator, EMAIL, PASSWORD, now_ms)
}

fn sign_in_as(simulator: &Simulator, email: &str, password: &str, now_ms: i64) -> Answer {
    post(simulator, "/auth/signin", &json!({ "email": email, "password": password }), now_ms)
}

fn call(simulator: &Simulator, authorization: &str, now_ms: i64) -> Answer {
    answer(simulator, &request("GET", "/sim/echo", &[("authorization", authorization)], ""), now_ms)
}

fn refresh(simulator: &Simulator, token: &str, now_ms: i64) -> Answer {
    post(simulator, "/auth/refresh-access-token", &json!({ "refreshToken": token }), now_ms)
}

fn revoke(simulator: &Simulator, token: &str, now_ms: i64) -> Answer {
    post(simulator, "/auth/revoke-refresh-token", &json!({ "refreshToken": token }), now_ms)
}

#[test]
fn a_sign_in_gives_two_tokens_with_absolute_ends_in_seconds() {
    let simulator = Simulator::ibex().build();
    let signed_in = sign_in(&simulator, NOW + 999);
    assert_eq!(signed_in.status, 200);
    let members: Vec<&String> = signed_in.json.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["accessToken", "accessTokenExpiresAt", "refreshToken", "refreshTokenExpiresAt"]
    );
    assert_eq!(signed_in.json["accessTokenExpiresAt"], NOW / 1000 + 3600);
    assert_eq!(signed_in.json["refreshTokenExpiresAt"], NOW / 1000 + 604_800);
    assert_eq!(signed_in.head.headers()["date"], "Tue, 01 Jan 2030 00:00:00 GMT");
}

#[test]
fn tokens_are_rs256_jwts_with_the_documented_claims() {
    let signed_in = sign_in(&Simulator::ibex().build(), NOW);
    for (name, kind) in [("/accessToken", "access"), ("/refreshToken", "refresh")] {
        let token = signed_in.text_of(name);
        let parts: Vec<serde_json::Value> = token
            .split('.')
            .take(2)
            .map(|part| {
                serde_json::from_slice(
                    &data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).unwrap(),
                )
                .unwrap()
            })
            .collect();
        assert_eq!(parts[0]["alg"], "RS256");
        let claims: Vec<&String> = parts[1].as_object().unwrap().keys().collect();
        assert_eq!(claims, ["ID", "Permissions", "Pool", "Type", "UserID", "exp"]);
        assert_eq!(parts[1]["Type"], kind);
        assert_eq!(parts[1]["Pool"], "IBEX_HUB");
    }
}

#[test]
fn the_raw_token_opens_the_resource_and_bearer_does_not() {
    let simulator = Simulator::ibex().build();
    let token = sign_in(&simulator, NOW).text_of("/accessToken");
    let raw = call(&simulator, &token, NOW);
    assert_eq!((raw.status, raw.json["generation"].as_u64()), (200, Some(1)));
    assert_eq!(raw.json["account"], EMAIL);
    assert_eq!(call(&simulator, &format!("Bearer {token}"), NOW).status, 401);
    assert_eq!(simulator.records().last().unwrap().auth, AuthVerdict::Malformed);
    let missing = answer(&simulator, &request("GET", "/sim/echo", &[], ""), NOW);
    assert_eq!((missing.status, missing.text.as_str()), (401, r#"{"error":"unauthorized"}"#));
}

#[test]
fn a_post_is_echoed_as_json_or_as_text() {
    let simulator = Simulator::ibex().build();
    let token = sign_in(&simulator, NOW).text_of("/accessToken");
    for (body, echoed) in
        [(r#"{"a":1}"#, json!({ "a": 1 })), ("plain", json!("plain")), ("", json!(null))]
    {
        let posted = answer(
            &simulator,
            &request("POST", "/sim/echo", &[("authorization", &token)], body),
            NOW,
        );
        assert_eq!(
            (posted.status, &posted.json["body"], &posted.json["method"]),
            (200, &echoed, &json!("POST"))
        );
    }
}

#[test]
fn an_access_token_ends_with_its_life() {
    let simulator = Simulator::ibex().access_life(Duration::from_secs(1)).build();
    let token = sign_in(&simulator, NOW).text_of("/accessToken");
    assert_eq!(call(&simulator, &token, NOW + 999).status, 200);
    assert_eq!(call(&simulator, &token, NOW + 1000).status, 401);
    assert_eq!(simulator.records().last().unwrap().auth, AuthVerdict::Expired);
}

#[test]
fn a_refresh_gives_an_access_token_under_another_name_of_its_end_and_no_refresh_token() {
    let simulator = Simulator::ibex().build();
    let signed_in = sign_in(&simulator, NOW);
    let refreshed = refresh(&simulator, &signed_in.text_of("/refreshToken"), NOW + 60_000);
    assert_eq!(refreshed.status, 200);
    let members: Vec<&String> = refreshed.json.as_object().unwrap().keys().collect();
    assert_eq!(members, ["accessToken", "expiresAt"]);
    assert_eq!(refreshed.json["expiresAt"], NOW / 1000 + 3660);
    let echo = call(&simulator, &refreshed.text_of("/accessToken"), NOW + 60_000);
    assert_eq!(echo.json["generation"], 2);
    assert_eq!(
        call(&simulator, &signed_in.text_of("/accessToken"), NOW + 60_000).status,
        200,
        "the old one stays good"
    );
}

#[test]
fn a_dead_refresh_token_is_400_or_by_setting_401() {
    for (builder, status) in
        [(Simulator::ibex(), 400), (Simulator::ibex().dead_refresh(StatusCode::UNAUTHORIZED), 401)]
    {
        let simulator = builder.refresh_life(Duration::from_secs(2)).build();
        let token = sign_in(&simulator, NOW).text_of("/refreshToken");
        assert_eq!(refresh(&simulator, &token, NOW + 1999).status, 200);
        let dead = refresh(&simulator, &token, NOW + 2000);
        assert_eq!((dead.status, dead.text.as_str()), (status, r#"{"error":"token is expired"}"#));
        assert_eq!(refresh(&simulator, "never issued", NOW).status, status);
    }
}

#[test]
fn a_revocation_ends_the_refresh_token_and_the_access_tokens_made_from_it() {
    let simulator = Simulator::ibex().build();
    let (one, other) = (sign_in(&simulator, NOW), sign_in(&simulator, NOW));
    let again = refresh(&simulator, &one.text_of("/refreshToken"), NOW).text_of("/accessToken");
    let revoked = revoke(&simulator, &one.text_of("/refreshToken"), NOW);
    assert_eq!((revoked.status, revoked.text.as_str()), (204, ""));
    for token in [&one.text_of("/accessToken"), &again] {
        assert_eq!(call(&simulator, token, NOW).status, 401);
        assert_eq!(simulator.records().last().unwrap().auth, AuthVerdict::Revoked);
    }
    assert_eq!(refresh(&simulator, &one.text_of("/refreshToken"), NOW).status, 400);
    assert_eq!(
        call(&simulator, &other.text_of("/accessToken"), NOW).status,
        200,
        "another sign-in is not touched"
    );
    assert_eq!(revoke(&simulator, &one.text_of("/refreshToken"), NOW).status, 400);
    assert_eq!(revoke(&simulator, "never issued", NOW).text, r#"{"error":"token is expired"}"#);
}

#[test]
fn credentials_are_refused_by_400_or_404_and_by_403() {
    for (builder, wrong_password) in
        [(Simulator::ibex(), 400), (Simulator::ibex().wrong_password(StatusCode::NOT_FOUND), 404)]
    {
        let simulator = builder.build();
        let refused = sign_in_as(&simulator, EMAIL, "wrong", NOW);
        assert_eq!(
            (refused.status, refused.text.as_str()),
            (wrong_password, r#"{"error":"invalid credentials"}"#)
        );
        assert_eq!(sign_in_as(&simulator, "who@merchant.example", PASSWORD, NOW).status, 403);
        assert_eq!(post(&simulator, "/auth/signin", &json!({ "email": EMAIL }), NOW).status, 400);
        assert_eq!(simulator.totals().refused_of(Operation::SIGN_IN), 3);
        assert_eq!(simulator.totals().exchanges_of(Operation::SIGN_IN), 0);
    }
    let not_json = request(
        "POST",
        "/auth/signin",
        &[],
        &json!({ "email": EMAIL, "password": PASSWORD }).to_string(),
    );
    assert_eq!(answer(&Simulator::ibex().build(), &not_json, NOW).status, 400);
}

#[test]
fn an_error_has_the_body_that_was_chosen() {
    for (form, text) in [
        (ErrorBody::Lower, r#"{"error":"invalid credentials"}"#),
        (ErrorBody::Upper, r#"{"Error":"invalid credentials"}"#),
        (ErrorBody::Text, "invalid credentials"),
        (ErrorBody::Empty, ""),
    ] {
        let simulator = Simulator::ibex().error_body(form).build();
        let refused = sign_in_as(&simulator, EMAIL, "wrong", NOW);
        assert_eq!((refused.status, refused.text.as_str()), (400, text));
    }
}

#[test]
fn the_server_may_end_tokens_in_mid_flight() {
    let simulator = Simulator::ibex().build();
    let signed_in = sign_in(&simulator, NOW);
    simulator.revoke_all(EMAIL, RefreshTokens::Keep);
    assert_eq!(call(&simulator, &signed_in.text_of("/accessToken"), NOW).status, 401);
    let refreshed = refresh(&simulator, &signed_in.text_of("/refreshToken"), NOW);
    assert_eq!(refreshed.status, 200);
    simulator.expire_access_tokens(EMAIL);
    assert_eq!(call(&simulator, &refreshed.text_of("/accessToken"), NOW).status, 401);
    assert_eq!(simulator.records().last().unwrap().auth, AuthVerdict::Expired);
    simulator.revoke_all(EMAIL, RefreshTokens::Revoke);
    assert_eq!(refresh(&simulator, &signed_in.text_of("/refreshToken"), NOW).status, 400);
}

#[test]
fn a_good_token_may_not_be_allowed_and_an_unknown_path_is_not_found() {
    let simulator = Simulator::ibex().build();
    simulator.add_account(
        Account::user("low@merchant.example", PASSWORD).attribute("resource", "forbidden"),
    );
    let token =
        sign_in_as(&simulator, "low@merchant.example", PASSWORD, NOW).text_of("/accessToken");
    assert_eq!(call(&simulator, &token, NOW).status, 403);
    assert_eq!(post(&simulator, "/auth/reset-password", &json!({}), NOW).status, 404);
    assert_eq!(simulator.records().last().unwrap().operation, Operation::UNKNOWN);
}
