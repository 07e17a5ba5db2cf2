//! Ibanera's documented rows, through the simulator without a socket.

mod calls;

use std::time::Duration;

use serde_json::{Value, json};

use crate::testing::{Answer, NOW, post};
use crate::totp::{Totp, base32_key};
use crate::{Account, Ibanera, Operation, SecretEncoding, Simulator};

const LOGIN: &str = "/api/v1/public/auth/login";
const IDENTITY: &str = "canary-ibanera-api";
const PASSWORD: &str = "canary-ibanera-password";
const SECRET: &str = "CANARYIBANERACANARYIBANERACANARY";
const STEP_MS: i64 = 30_000;

fn code(now_ms: i64) -> String {
    let totp = Totp::default();
    totp.code(&base32_key(SECRET).unwrap(), totp.step(now_ms))
}

fn login(simulator: &Simulator, identity: &str, password: &str, otp: &str, now_ms: i64) -> Answer {
    post(
        simulator,
        LOGIN,
        &json!({ "username": identity, "password": password, "otp": otp }),
        now_ms,
    )
}

fn sign_in(simulator: &Simulator, now_ms: i64) -> Answer {
    login(simulator, IDENTITY, PASSWORD, &code(now_ms), now_ms)
}

/// The message codes of a failure, after a check of the whole envelope.
fn codes(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.json["id"], 0);
    assert_eq!(answer.json["details"], Value::Null);
    assert_eq!(answer.json["status"], "0");
    let errors = answer.json["errors"].as_array().unwrap();
    errors.iter().map(|error| error["messageCode"].as_str().unwrap().to_owned()).collect()
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, codes(answer)), (status, vec![code.to_owned()]));
}

#[test]
fn a_sign_in_answers_in_the_envelope_with_relative_seconds() {
    let simulator = Simulator::ibanera().build();
    let signed_in = sign_in(&simulator, NOW);
    assert_eq!(signed_in.status, 200);
    assert_eq!(signed_in.json["id"], 0);
    assert_eq!(signed_in.json["status"], "1");
    assert_eq!(signed_in.json["errors"], json!([]));
    let members: Vec<&String> = signed_in.json["details"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["accessToken", "expiresIn", "refreshToken", "refreshTokenExpiresIn"]);
    assert_eq!(signed_in.json["details"]["expiresIn"], 3600);
    assert_eq!(signed_in.json["details"]["refreshTokenExpiresIn"], 86_400);
    let header = signed_in.text_of("/details/accessToken");
    let header = data_encoding::BASE64URL_NOPAD
        .decode(header.split('.').next().unwrap().as_bytes())
        .unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&header).unwrap()["alg"], "HS256");
}

#[test]
fn lives_may_be_texts_and_the_refresh_fields_may_be_missing() {
    let simulator =
        Simulator::ibanera().expires_in_as_text().access_life(Duration::from_secs(2)).build();
    let signed_in = sign_in(&simulator, NOW);
    assert_eq!(signed_in.json["details"]["expiresIn"], "2");
    assert_eq!(signed_in.json["details"]["refreshTokenExpiresIn"], "86400");
    let simulator = Simulator::ibanera().without_refresh_token().build();
    let signed_in = sign_in(&simulator, NOW);
    let members: Vec<&String> = signed_in.json["details"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["accessToken", "expiresIn"]);
}

#[test]
fn every_missing_field_is_named() {
    let simulator = Simulator::ibanera().build();
    let missing = post(&simulator, LOGIN, &json!({ "username": IDENTITY }), NOW);
    assert_eq!((missing.status, codes(&missing)), (400, vec!["Required".to_owned(); 2]));
    assert_eq!(missing.json["errors"][0]["fieldName"], "password");
    assert_eq!(missing.json["errors"][1]["fieldName"], "otp");
    let number = post(
        &simulator,
        LOGIN,
        &json!({ "username": IDENTITY, "password": PASSWORD, "otp": 42_917 }),
        NOW,
    );
    refused(&number, 400, "Required");
    assert_eq!(simulator.account().failed_attempts, 0);
}

#[test]
fn wrong_name_password_and_code_are_told_by_one_message_code() {
    let simulator = Simulator::ibanera().build();
    for (identity, password, otp, reason) in [
        ("who", PASSWORD, code(NOW), "unknown_account"),
        (IDENTITY, "wrong", code(NOW), "wrong_password"),
        (IDENTITY, PASSWORD, "000000".to_owned(), "wrong_code"),
        (IDENTITY, PASSWORD, code(NOW - 2 * STEP_MS), "wrong_code"),
    ] {
        refused(
            &login(&simulator, identity, password, &otp, NOW),
            400,
            "Username_Or_Password_Incorrect",
        );
        assert_eq!(simulator.records().last().unwrap().reason, Some(reason));
    }
}

#[test]
fn accounts_that_may_not_sign_in_have_codes_of_their_own() {
    let simulator = Simulator::ibanera().build();
    let account = |name: &str| Account::user(name, PASSWORD).totp_secret(SECRET);
    simulator.add_account(account("unverified").unverified());
    simulator.add_account(account("suppressed").disabled());
    simulator.add_account(account("locked").locked());
    simulator.add_account(account("several").attribute("message_codes", "Required, Some_New_Code"));
    let code = code(NOW);
    refused(&login(&simulator, "unverified", PASSWORD, &code, NOW), 400, "Account_Not_Verified");
    refused(&login(&simulator, "suppressed", PASSWORD, &code, NOW), 400, "Account_Suppressed");
    refused(&login(&simulator, "locked", PASSWORD, &code, NOW), 400, "Account_Locked");
    let several = login(&simulator, "several", PASSWORD, &code, NOW);
    assert_eq!(codes(&several), ["Required", "Some_New_Code"]);
    refused(
        &login(&simulator, "unverified", "wrong", &code, NOW),
        400,
        "Username_Or_Password_Incorrect",
    );
}

#[test]
fn failures_lock_the_account_for_ten_minutes() {
    let simulator = Simulator::ibanera().build();
    for _ in 0..5 {
        refused(
            &login(&simulator, IDENTITY, "wrong", "000000", NOW),
            400,
            "Username_Or_Password_Incorrect",
        );
    }
    refused(&sign_in(&simulator, NOW), 400, "Account_Locked");
    refused(&sign_in(&simulator, NOW + 599_999), 400, "Account_Locked");
    assert_eq!(sign_in(&simulator, NOW + 600_000).status, 200);
}

#[test]
fn the_lockout_is_a_setting_and_a_success_starts_the_count_again() {
    let simulator = Simulator::ibanera().lockout(2, Duration::from_secs(1)).build();
    let wrong = |now_ms| login(&simulator, IDENTITY, "wrong", "000000", now_ms);
    wrong(NOW);
    assert_eq!(sign_in(&simulator, NOW).status, 200);
    wrong(NOW);
    wrong(NOW);
    refused(&sign_in(&simulator, NOW + 999), 400, "Account_Locked");
    assert_eq!(sign_in(&simulator, NOW + STEP_MS).status, 200);
}

#[test]
fn a_failure_may_have_the_status_200() {
    let simulator = Simulator::ibanera().errors_with_200().build();
    refused(
        &login(&simulator, IDENTITY, "wrong", &code(NOW), NOW),
        200,
        "Username_Or_Password_Incorrect",
    );
    assert_eq!(simulator.totals().refused_of(Operation::SIGN_IN), 1);
    assert_eq!(simulator.totals().exchanges_of(Operation::SIGN_IN), 0);
}

#[test]
fn a_code_signs_in_once_unless_it_may_more_often() {
    let simulator = Simulator::ibanera().build();
    assert_eq!(sign_in(&simulator, NOW).status, 200);
    refused(&sign_in(&simulator, NOW + 1000), 400, "Username_Or_Password_Incorrect");
    assert_eq!(simulator.records().last().unwrap().reason, Some("code_reused"));
    assert_eq!(sign_in(&simulator, NOW + STEP_MS).status, 200);
    let earlier = login(&simulator, IDENTITY, PASSWORD, &code(NOW), NOW + STEP_MS);
    refused(&earlier, 400, "Username_Or_Password_Incorrect");
    let lenient = Simulator::ibanera().reuse_at_sign_in().build();
    assert_eq!((sign_in(&lenient, NOW).status, sign_in(&lenient, NOW).status), (200, 200));
}

#[test]
fn the_secret_is_base32_or_raw_and_base32_in_any_form() {
    let documented = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let at = |builder: Ibanera, secret: &str, otp: &str, now_ms: i64| {
        let simulator = builder.build();
        simulator.add_account(Account::user("documented", PASSWORD).totp_secret(secret));
        login(&simulator, "documented", PASSWORD, otp, now_ms).status
    };
    assert_eq!(at(Simulator::ibanera(), documented, "287082", 59_000), 200);
    assert_eq!(
        at(Simulator::ibanera(), "gezd gnbv gy3t qojq gezd gnbv gy3t qojq", "287082", 59_000),
        200
    );
    assert_eq!(at(Simulator::ibanera(), documented, "081804", 1_111_111_109_000), 200);
    assert_eq!(at(Simulator::ibanera(), documented, "81804", 1_111_111_109_000), 400);
    let raw = || Simulator::ibanera().secret_encoding(SecretEncoding::Raw);
    assert_eq!(at(raw(), documented, "372946", 59_000), 200);
    assert_eq!(at(raw(), documented, "287082", 59_000), 400);
}

#[test]
fn period_tolerance_and_skew_are_settings() {
    let simulator = Simulator::ibanera().period(Duration::from_secs(2)).tolerance(0).build();
    let totp = Totp { period_ms: 2000, ..Totp::default() };
    let code_at = |now_ms| totp.code(&base32_key(SECRET).unwrap(), totp.step(now_ms));
    assert_eq!(login(&simulator, IDENTITY, PASSWORD, &code_at(NOW), NOW + 2000).status, 400);
    assert_eq!(login(&simulator, IDENTITY, PASSWORD, &code_at(NOW), NOW + 1999).status, 200);
    let ahead = Simulator::ibanera().skew_ms(90_000).build();
    assert_eq!(sign_in(&ahead, NOW).status, 400);
    assert_eq!(ahead.server_time_ms(NOW), NOW + 90_000);
    let signed_in = login(&ahead, IDENTITY, PASSWORD, &code(NOW + 90_000), NOW);
    assert_eq!(signed_in.status, 200);
    assert_eq!(signed_in.head.headers()["date"], "Tue, 01 Jan 2030 00:01:30 GMT");
}
