//! Calls with a token and a code, and the renewal that a setting switches on.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use super::{IDENTITY, LOGIN, PASSWORD, SECRET, STEP_MS, code, codes, login, sign_in};
use crate::testing::{Answer, NOW, answer, post, request};
use crate::{Account, AuthVerdict, Operation, RefreshTokens, Simulator};

const ECHO: &str = "/api/v1/customer/sim/echo";

fn call(simulator: &Simulator, authorization: &str, otp: &str, now_ms: i64) -> Answer {
    let headers = [("authorization", authorization), ("otp", otp)];
    answer(simulator, &request("GET", ECHO, &headers, ""), now_ms)
}

fn bearer(simulator: &Simulator, now_ms: i64) -> String {
    format!("Bearer {}", sign_in(simulator, now_ms).text_of("/details/accessToken"))
}

fn last_verdict(simulator: &Simulator) -> AuthVerdict {
    simulator.records().last().unwrap().auth
}

#[test]
fn a_call_wants_the_token_and_a_code_of_its_own_time() {
    let simulator = Simulator::ibanera().build();
    let bearer = bearer(&simulator, NOW);
    let echo = call(&simulator, &bearer, &code(NOW), NOW);
    assert_eq!((echo.status, echo.json["status"].as_str()), (200, Some("1")));
    assert_eq!(
        echo.json["details"],
        json!({ "account": IDENTITY, "generation": 1, "method": "GET", "body": null })
    );
    assert_eq!(
        call(&simulator, &bearer, &code(NOW), NOW + 1000).status,
        200,
        "calls may share a code"
    );
    assert_eq!(call(&simulator, &bearer, &code(NOW + STEP_MS), NOW + STEP_MS).status, 200);
    let stale = call(&simulator, &bearer, &code(NOW), NOW + 2 * STEP_MS);
    assert_eq!((stale.status, stale.text.as_str()), (401, ""));
    assert_eq!(last_verdict(&simulator), AuthVerdict::BadCode);
    let without = answer(&simulator, &request("GET", ECHO, &[("authorization", &bearer)], ""), NOW);
    assert_eq!((without.status, last_verdict(&simulator)), (401, AuthVerdict::BadCode));
    let totals = simulator.totals();
    assert_eq!((totals.resource_ok, totals.resource_unauthorized), (3, 2));
}

#[test]
fn a_bad_token_is_refused_whatever_the_code() {
    let simulator = Simulator::ibanera().access_life(Duration::from_secs(1)).build();
    let bearer = bearer(&simulator, NOW);
    let raw = bearer.trim_start_matches("Bearer ").to_owned();
    for (authorization, now_ms, verdict) in [
        (raw.as_str(), NOW, AuthVerdict::Malformed),
        ("Bearer unknown", NOW, AuthVerdict::Unknown),
        (bearer.as_str(), NOW + 1000, AuthVerdict::Expired),
    ] {
        assert_eq!(call(&simulator, authorization, &code(now_ms), now_ms).status, 401);
        assert_eq!(last_verdict(&simulator), verdict);
    }
    simulator.revoke_all(IDENTITY, RefreshTokens::Revoke);
    assert_eq!(call(&simulator, &bearer, &code(NOW), NOW).status, 401);
    assert_eq!(last_verdict(&simulator), AuthVerdict::Revoked);
}

#[test]
fn what_a_wrong_code_is_answered_with_is_a_setting() {
    let builder = Simulator::ibanera()
        .wrong_code_status(StatusCode::FORBIDDEN)
        .wrong_code_message("Otp_Incorrect");
    let simulator = builder.build();
    let bearer = bearer(&simulator, NOW);
    let wrong = call(&simulator, &bearer, "000000", NOW);
    assert_eq!((wrong.status, codes(&wrong)), (403, vec!["Otp_Incorrect".to_owned()]));
}

#[test]
fn a_good_token_may_not_be_allowed() {
    let simulator = Simulator::ibanera().build();
    simulator.add_account(
        Account::user("low", PASSWORD).totp_secret(SECRET).attribute("resource", "forbidden"),
    );
    let token = login(&simulator, "low", PASSWORD, &code(NOW), NOW).text_of("/details/accessToken");
    assert_eq!(call(&simulator, &format!("Bearer {token}"), &code(NOW), NOW).status, 403);
}

#[test]
fn there_is_no_refresh_unless_its_path_was_set() {
    let refresh = |simulator: &Simulator, token: &str, now_ms| {
        post(simulator, "/api/v1/public/auth/refresh", &json!({ "refreshToken": token }), now_ms)
    };
    let simulator = Simulator::ibanera().build();
    let token = sign_in(&simulator, NOW).text_of("/details/refreshToken");
    assert_eq!(refresh(&simulator, &token, NOW).status, 404);
    let builder = Simulator::ibanera().refresh_path("/api/v1/public/auth/refresh");
    let simulator = builder.refresh_life(Duration::from_secs(10)).build();
    let token = sign_in(&simulator, NOW).text_of("/details/refreshToken");
    let refreshed = refresh(&simulator, &token, NOW + 9999);
    assert_eq!((refreshed.status, refreshed.json["status"].as_str()), (200, Some("1")));
    assert_eq!(refreshed.json["details"].get("refreshToken"), None);
    let bearer = format!("Bearer {}", refreshed.text_of("/details/accessToken"));
    assert_eq!(call(&simulator, &bearer, &code(NOW), NOW).json["details"]["generation"], 2);
    assert_eq!(refresh(&simulator, &token, NOW + 10_000).status, 401);
    assert_eq!(refresh(&simulator, "unknown", NOW).status, 401);
    assert_eq!(simulator.totals().exchanges_of(Operation::REFRESH), 1);
}

#[test]
fn secrets_and_accepted_codes_are_kept_and_never_shown() {
    let simulator = Simulator::ibanera().build();
    let bearer = bearer(&simulator, NOW);
    let _echo = call(&simulator, &bearer, &code(NOW + STEP_MS), NOW + STEP_MS);
    let secrets = simulator.issued_secrets();
    for secret in
        [PASSWORD, SECRET, &code(NOW), &code(NOW + STEP_MS), bearer.trim_start_matches("Bearer ")]
    {
        assert!(secrets.iter().any(|kept| kept == secret));
    }
    let shown = format!(
        "{simulator:?} {:?} {:?} {:?}",
        simulator.records(),
        simulator.totals(),
        simulator.account()
    );
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "{shown}");
    assert!(!shown.to_lowercase().contains("canary"), "{shown}");
    assert_eq!(post(&simulator, LOGIN, &json!({}), NOW).status, 400);
}

#[test]
fn it_describes_itself_for_a_terminal() {
    let pairs = Simulator::ibanera().build().describe();
    let value =
        |key: &str| pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    assert_eq!(value("IDENTITY"), Some(IDENTITY));
    assert_eq!(value("PASSWORD"), Some(PASSWORD));
    assert_eq!(value("TOTP_SECRET"), Some(SECRET));
    assert_eq!(value("RESOURCE"), Some(ECHO));
    assert_eq!(value("TOTP_PERIOD_MS"), Some("30000"));
}
