//! Devices: their keys, their confirmation, their proof, and the refreshes that are bound to them.

use data_encoding::BASE64;
use num_bigint::BigUint;
use serde_json::{Value, json};

use super::super::{srp, timestamp};
use super::srp::{Prover, prove, prove_from, start};
use super::{CLIENT, KIM, PASSWORD, SECRET, ask, hash, members, pool, refused};
use crate::testing::{Answer, NOW};
use crate::{Account, Remembering, Simulator};

const DEVICE_PASSWORD: &str = "canary-device-password";
const GONE: &str = "Device does not exist.";

fn token(answer: &Answer) -> String {
    answer.text_of("/AuthenticationResult/AccessToken")
}

fn new_device(answer: &Answer) -> (String, String) {
    let metadata = "/AuthenticationResult/NewDeviceMetadata";
    let text = |name: &str| answer.text_of(&format!("{metadata}/{name}"));
    (text("DeviceKey"), text("DeviceGroupKey"))
}

fn confirm(simulator: &Simulator, answer: &Answer) -> (Answer, String, String) {
    let (key, group) = new_device(answer);
    let salt = BigUint::from(0x00c0_ffee_u32);
    let verifier = srp::verifier(&salt, &group, &key, DEVICE_PASSWORD);
    let config = json!({
        "Salt": BASE64.encode(&salt.to_bytes_be()),
        "PasswordVerifier": BASE64.encode(&verifier.to_bytes_be()),
    });
    let body = json!({
        "AccessToken": token(answer), "DeviceKey": key, "DeviceName": "test",
        "DeviceSecretVerifierConfig": config,
    });
    (ask(simulator, "ConfirmDevice", &body, NOW), key, group)
}

fn about(simulator: &Simulator, operation: &str, mut body: Value, token: &str) -> Answer {
    body["AccessToken"] = json!(token);
    ask(simulator, operation, &body, NOW)
}

/// From the password to `DEVICE_SRP_AUTH`.
fn until_device(simulator: &Simulator, key: &str) -> Answer {
    prove_from(simulator, &start(simulator, KIM, NOW), PASSWORD, Some(key), NOW)
}

fn answer(simulator: &Simulator, asked: &Answer, challenge: &str, mut answers: Value) -> Answer {
    answers["USERNAME"] = json!(KIM);
    let internal = internal_name(simulator);
    answers["SECRET_HASH"] = json!(hash(&internal));
    let body = json!({
        "ClientId": CLIENT, "ChallengeName": challenge, "Session": asked.json["Session"],
        "ChallengeResponses": answers,
    });
    ask(simulator, "RespondToAuthChallenge", &body, NOW)
}

fn internal_name(simulator: &Simulator) -> String {
    start(simulator, KIM, NOW).1.text_of("/ChallengeParameters/USERNAME")
}

fn prove_device(simulator: &Simulator, asked: &Answer, key: &str, group: &str) -> Answer {
    let prover = Prover::new(group);
    let begun = json!({ "DEVICE_KEY": key, "SRP_A": prover.srp_a() });
    let next = answer(simulator, asked, "DEVICE_SRP_AUTH", begun);
    assert_eq!(next.text_of("/ChallengeName"), "DEVICE_PASSWORD_VERIFIER", "{}", next.text);
    assert_eq!(
        members(&next.json["ChallengeParameters"]),
        ["DEVICE_KEY", "SALT", "SECRET_BLOCK", "SRP_B", "USERNAME"]
    );
    let mut answers = prover.answers(&next, key, DEVICE_PASSWORD, &timestamp::at(NOW));
    answers["DEVICE_KEY"] = json!(key);
    answer(simulator, &next, "DEVICE_PASSWORD_VERIFIER", answers)
}

fn refresh(simulator: &Simulator, answer: &Answer, key: Option<&str>) -> Answer {
    let body = json!({
        "RefreshToken": answer.text_of("/AuthenticationResult/RefreshToken"),
        "ClientId": CLIENT, "ClientSecret": SECRET, "DeviceKey": key,
    });
    ask(simulator, "GetTokensFromRefreshToken", &body, NOW)
}

#[test]
fn a_confirmed_device_proves_itself_in_place_of_the_second_factor() {
    let simulator = pool().devices(Remembering::Always).build();
    let first = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    let (confirmed, key, group) = confirm(&simulator, &first);
    assert_eq!(confirmed.json, json!({ "UserConfirmationNecessary": false }));
    assert!(key.starts_with("eu-west-1_") && group.starts_with('-'));
    simulator.change_account(KIM, |account| {
        account.attributes.insert("mfa".to_owned(), "EMAIL_OTP".to_owned());
    });
    let asked = until_device(&simulator, &key);
    assert_eq!(asked.text_of("/ChallengeName"), "DEVICE_SRP_AUTH");
    let done = prove_device(&simulator, &asked, &key, &group);
    assert!(done.json["AuthenticationResult"]["AccessToken"].is_string(), "{}", done.text);
    assert!(done.json["AuthenticationResult"].get("NewDeviceMetadata").is_none());
    let elsewhere = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    assert_eq!(elsewhere.text_of("/ChallengeName"), "EMAIL_OTP");
}

#[test]
fn a_pool_without_devices_gives_no_keys_and_knows_none() {
    let simulator = pool().build();
    let first = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    assert!(first.json["AuthenticationResult"].get("NewDeviceMetadata").is_none());
    let unknown = until_device(&simulator, "eu-west-1_none");
    refused(&unknown, "ResourceNotFoundException", GONE);
}

#[test]
fn the_second_factor_stays_where_the_pool_says_so() {
    let simulator = pool().devices(Remembering::Always).devices_keep_mfa().build();
    let first = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    let (_, key, group) = confirm(&simulator, &first);
    simulator.change_account(KIM, |account| {
        account.attributes.insert("mfa".to_owned(), "EMAIL_OTP".to_owned());
    });
    let asked = until_device(&simulator, &key);
    assert_eq!(asked.text_of("/ChallengeName"), "EMAIL_OTP");
    let code = simulator.delivered(KIM).unwrap();
    let asked = answer(&simulator, &asked, "EMAIL_OTP", json!({ "EMAIL_OTP_CODE": code }));
    let done = prove_device(&simulator, &asked, &key, &group);
    assert_eq!(done.status, 200);
}

#[test]
fn a_device_is_remembered_once_its_user_says_so() {
    let simulator = pool().devices(Remembering::OptIn).build();
    let first = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    let (confirmed, key, group) = confirm(&simulator, &first);
    assert_eq!(confirmed.json["UserConfirmationNecessary"], true);
    let known = until_device(&simulator, &key);
    assert!(known.json["AuthenticationResult"]["AccessToken"].is_string());
    assert!(known.json["AuthenticationResult"].get("NewDeviceMetadata").is_none());
    let status = |status: &str| {
        let body = json!({ "DeviceKey": key, "DeviceRememberedStatus": status });
        about(&simulator, "UpdateDeviceStatus", body, &token(&first))
    };
    assert_eq!(status("maybe").text_of("/__type"), "InvalidParameterException");
    assert_eq!(status("remembered").status, 200);
    let asked = until_device(&simulator, &key);
    assert_eq!(prove_device(&simulator, &asked, &key, &group).status, 200);
    assert_eq!(status("not_remembered").status, 200);
    assert_eq!(until_device(&simulator, &key).json["ChallengeName"], Value::Null);
}

#[test]
fn a_device_that_is_gone_is_named_and_uses_nothing_up() {
    let simulator = pool().devices(Remembering::Always).build();
    let first = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    let (_, key, _) = confirm(&simulator, &first);
    let forget = || about(&simulator, "ForgetDevice", json!({ "DeviceKey": key }), &token(&first));
    let asked = start(&simulator, KIM, NOW);
    let forgotten = forget();
    assert_eq!((forgotten.status, forgotten.text.as_str()), (200, ""));
    refused(&forget(), "ResourceNotFoundException", GONE);
    let gone = prove_from(&simulator, &asked, PASSWORD, Some(&key), NOW);
    refused(&gone, "ResourceNotFoundException", GONE);
    let without = prove_from(&simulator, &asked, PASSWORD, None, NOW);
    assert!(without.json["AuthenticationResult"]["NewDeviceMetadata"].is_object(), "same session");
}

#[test]
fn a_wrong_proof_of_a_device_is_refused_and_not_counted() {
    let simulator = pool().devices(Remembering::Always).build();
    let first = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    let (_, key, group) = confirm(&simulator, &first);
    let asked = until_device(&simulator, &key);
    let prover = Prover::new(&group);
    let foreign = json!({ "DEVICE_KEY": "eu-west-1_other", "SRP_A": prover.srp_a() });
    let refusal = answer(&simulator, &asked, "DEVICE_SRP_AUTH", foreign);
    refused(&refusal, "ResourceNotFoundException", GONE);
    let begun = json!({ "DEVICE_KEY": key, "SRP_A": prover.srp_a() });
    let next = answer(&simulator, &asked, "DEVICE_SRP_AUTH", begun);
    let mut wrong = prover.answers(&next, &key, "wrong", &timestamp::at(NOW));
    wrong["DEVICE_KEY"] = json!(key);
    let refusal = answer(&simulator, &next, "DEVICE_PASSWORD_VERIFIER", wrong);
    refused(&refusal, "NotAuthorizedException", "Incorrect username or password.");
    assert_eq!(simulator.account().failed_attempts, 0);
}

#[test]
fn a_device_without_a_session_is_known_by_its_key() {
    let simulator = pool().devices(Remembering::Always).build();
    let first = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    let (_, key, group) = confirm(&simulator, &first);
    let mut asked = until_device(&simulator, &key);
    asked.json["Session"] = Value::Null;
    assert_eq!(prove_device(&simulator, &asked, &key, &group).status, 200);
    let other = json!({ "DEVICE_KEY": key, "SRP_A": "2" });
    let nothing = answer(&simulator, &asked, "DEVICE_SRP_AUTH", other);
    refused(&nothing, "InvalidParameterException", "Missing required parameter Session");
}

#[test]
fn a_refresh_brings_the_key_of_its_confirmed_device() {
    let simulator = pool().devices(Remembering::Always).build();
    let first = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    assert_eq!(refresh(&simulator, &first, None).status, 200, "not confirmed yet");
    let (_, key, _) = confirm(&simulator, &first);
    let without = refresh(&simulator, &first, None);
    refused(&without, "NotAuthorizedException", "Invalid Refresh Token");
    assert_eq!(refresh(&simulator, &first, Some(&key)).status, 200);
    let other = refresh(&simulator, &first, Some("eu-west-1_other"));
    refused(&other, "ResourceNotFoundException", GONE);
    let body = json!({ "DeviceKey": key });
    assert_eq!(about(&simulator, "ForgetDevice", body, &token(&first)).status, 200);
    refused(&refresh(&simulator, &first, Some(&key)), "ResourceNotFoundException", GONE);
    assert_eq!(refresh(&simulator, &first, None).status, 200, "dropped, and once more");
}

#[test]
fn a_confirmation_is_of_ones_own_device_once_and_whole() {
    let simulator = pool().devices(Remembering::Always).build();
    simulator.add_account(Account::user("eve@pool.example", PASSWORD));
    let first = prove(&simulator, &start(&simulator, KIM, NOW), PASSWORD, NOW);
    let eve = prove(&simulator, &start(&simulator, "eve@pool.example", NOW), PASSWORD, NOW);
    let (key, _) = new_device(&first);
    let config = json!({ "Salt": "AQ==", "PasswordVerifier": "AQ==" });
    let body = json!({ "DeviceKey": key, "DeviceSecretVerifierConfig": config });
    let foreign = about(&simulator, "ConfirmDevice", body.clone(), &token(&eve));
    refused(&foreign, "ResourceNotFoundException", GONE);
    for config in
        [Value::Null, json!({ "Salt": "AQ==" }), json!({ "Salt": "?", "PasswordVerifier": "AQ==" })]
    {
        let mut body = body.clone();
        body["DeviceSecretVerifierConfig"] = config;
        let odd = about(&simulator, "ConfirmDevice", body, &token(&first));
        assert_eq!(odd.text_of("/__type"), "InvalidParameterException");
    }
    assert_eq!(about(&simulator, "ConfirmDevice", body.clone(), &token(&first)).status, 200);
    let twice = about(&simulator, "ConfirmDevice", body, &token(&first));
    assert_eq!(twice.text_of("/__type"), "InvalidParameterException");
}
