//! `USER_AUTH`: what is offered, preferred and chosen.

use serde_json::{Value, json};

use super::srp::{Prover, prove};
use super::{CLIENT, KIM, MFA, NEW, PASSWORD, ask, hash, members, refused, respond, respond_with};
use crate::testing::{Answer, NOW};
use crate::{Account, AuthFlow, Cognito, Simulator};

const INCORRECT: &str = "Incorrect username or password.";

fn choosing() -> Cognito {
    Simulator::cognito().allow(AuthFlow::User).first_factors([
        "PASSWORD",
        "PASSWORD_SRP",
        "EMAIL_OTP",
        "SMS_OTP",
        "WEB_AUTHN",
    ])
}

fn begin(simulator: &Simulator, name: &str, mut parameters: Value) -> Answer {
    parameters["USERNAME"] = json!(name);
    parameters["SECRET_HASH"] = json!(hash(name));
    let body = json!({ "AuthFlow": "USER_AUTH", "ClientId": CLIENT, "AuthParameters": parameters });
    ask(simulator, "InitiateAuth", &body, NOW)
}

fn is_signed_in(answer: &Answer) {
    assert!(answer.json["AuthenticationResult"]["AccessToken"].is_string(), "{}", answer.text);
}

#[test]
fn the_factors_that_a_user_has_are_offered() {
    let simulator = choosing().build();
    let asked = begin(&simulator, KIM, json!({}));
    assert_eq!(asked.text_of("/ChallengeName"), "SELECT_CHALLENGE");
    assert_eq!(
        members(&asked.json),
        ["AvailableChallenges", "ChallengeName", "ChallengeParameters", "Session"]
    );
    let offered = |answer: &Answer| answer.json["AvailableChallenges"].clone();
    let all = json!(["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "WEB_AUTHN"]);
    assert_eq!(offered(&asked), all, "no number, so no code by message");
    let invited = begin(&simulator, NEW, json!({}));
    assert_eq!(offered(&invited), json!(["PASSWORD", "PASSWORD_SRP"]));
    let passwordless = Account::user("otp@pool.example", "")
        .attribute("user.phone_number", "+15550123")
        .attribute("first_factors", "PASSWORD, EMAIL_OTP, SMS_OTP");
    simulator.add_account(passwordless);
    let asked = begin(&simulator, "otp@pool.example", json!({}));
    assert_eq!(offered(&asked), json!(["EMAIL_OTP", "SMS_OTP"]));
    let plain = Simulator::cognito().allow(AuthFlow::User).build();
    assert_eq!(offered(&begin(&plain, KIM, json!({}))), json!(["PASSWORD", "PASSWORD_SRP"]));
}

#[test]
fn a_preference_that_is_offered_is_taken_at_once() {
    let simulator = choosing().build();
    let preferred = |challenge: &str| json!({ "PREFERRED_CHALLENGE": challenge });
    for challenge in ["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "WEB_AUTHN"] {
        let asked = begin(&simulator, KIM, preferred(challenge));
        assert_eq!(asked.text_of("/ChallengeName"), challenge);
    }
    for unavailable in ["SMS_OTP", "PIGEON"] {
        let asked = begin(&simulator, KIM, preferred(unavailable));
        assert_eq!(asked.text_of("/ChallengeName"), "SELECT_CHALLENGE");
    }
    let with = json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": PASSWORD });
    is_signed_in(&begin(&simulator, KIM, with));
    let wrong = json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": "no" });
    refused(&begin(&simulator, KIM, wrong), "NotAuthorizedException", INCORRECT);
    let prover = Prover::new("CanaryPool");
    let with = json!({ "PREFERRED_CHALLENGE": "PASSWORD_SRP", "SRP_A": prover.srp_a() });
    let asked = begin(&simulator, KIM, with);
    assert_eq!(asked.text_of("/ChallengeName"), "PASSWORD_VERIFIER");
    assert!(asked.json["Session"].is_string());
    is_signed_in(&prove(&simulator, &(prover, asked), PASSWORD, NOW));
}

#[test]
fn a_choice_brings_its_password_or_is_asked_for_it() {
    let simulator = choosing().build();
    let select = || begin(&simulator, KIM, json!({}));
    let with = json!({ "ANSWER": "PASSWORD", "PASSWORD": PASSWORD });
    is_signed_in(&respond_with(&simulator, &select(), &with, NOW));
    let asked = respond(&simulator, &select(), "ANSWER", "PASSWORD", NOW);
    assert_eq!(asked.text_of("/ChallengeName"), "PASSWORD");
    let wrong = respond(&simulator, &asked, "PASSWORD", "no", NOW);
    refused(&wrong, "NotAuthorizedException", INCORRECT);
    is_signed_in(&respond(&simulator, &asked, "PASSWORD", PASSWORD, NOW));
    let prover = Prover::new("CanaryPool");
    let asked = respond(&simulator, &select(), "ANSWER", "PASSWORD_SRP", NOW);
    assert_eq!(asked.text_of("/ChallengeName"), "PASSWORD_SRP");
    let asked = respond(&simulator, &asked, "SRP_A", &prover.srp_a(), NOW);
    assert_eq!(asked.text_of("/ChallengeName"), "PASSWORD_VERIFIER");
    is_signed_in(&prove(&simulator, &(prover, asked), PASSWORD, NOW));
    let prover = Prover::new("CanaryPool");
    let with = json!({ "ANSWER": "PASSWORD_SRP", "SRP_A": prover.srp_a() });
    let asked = respond_with(&simulator, &select(), &with, NOW);
    is_signed_in(&prove(&simulator, &(prover, asked), PASSWORD, NOW));
    refused(
        &respond(&simulator, &select(), "ANSWER", "PIGEON", NOW),
        "InvalidParameterException",
        "Invalid answer for challenge: PIGEON",
    );
}

#[test]
fn a_code_is_a_first_factor_by_itself_and_a_password_is_followed_by_the_second() {
    let simulator = choosing().build();
    let select = begin(&simulator, MFA, json!({}));
    let asked = respond(&simulator, &select, "ANSWER", "EMAIL_OTP", NOW);
    let code = simulator.delivered(MFA).unwrap();
    let wrong = respond(&simulator, &asked, "EMAIL_OTP_CODE", "0", NOW);
    refused(&wrong, "CodeMismatchException", "Invalid code or auth state for the user.");
    is_signed_in(&respond(&simulator, &asked, "EMAIL_OTP_CODE", &code, NOW));
    let password = "Canary-cognito-mfa-p4ssword!";
    let with = json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": password });
    let next = begin(&simulator, MFA, with);
    assert_eq!(next.text_of("/ChallengeName"), "SOFTWARE_TOKEN_MFA");
}

#[test]
fn a_passkey_has_options_and_no_answer_is_taken() {
    let simulator = choosing().build();
    let asked = begin(&simulator, KIM, json!({ "PREFERRED_CHALLENGE": "WEB_AUTHN" }));
    let options = asked.text_of("/ChallengeParameters/CREDENTIAL_REQUEST_OPTIONS");
    let options: Value = serde_json::from_str(&options).unwrap();
    assert!(options["challenge"].is_string() && options["rpId"].is_string());
    let answered = respond(&simulator, &asked, "CREDENTIAL", "{}", NOW);
    refused(&answered, "NotAuthorizedException", INCORRECT);
    let without = respond(&simulator, &asked, "OTHER", "x", NOW);
    refused(&without, "InvalidParameterException", "Missing required parameter CREDENTIAL");
}

#[test]
fn a_hidden_user_is_offered_the_same_and_never_gets_in() {
    let simulator = choosing().hide_unknown_users().build();
    let offered = begin(&simulator, "who", json!({})).json["AvailableChallenges"].clone();
    assert_eq!(offered, json!(["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"]));
    let asked = begin(&simulator, "who", json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" }));
    assert_eq!(asked.text_of("/ChallengeName"), "EMAIL_OTP");
    assert!(simulator.delivered("who").is_none(), "a simulated delivery");
    for _ in 0..6 {
        let answered = respond(&simulator, &asked, "EMAIL_OTP_CODE", "12345678", NOW);
        refused(&answered, "CodeMismatchException", "Invalid code or auth state for the user.");
    }
    let asked = begin(&simulator, "who", json!({ "PREFERRED_CHALLENGE": "PASSWORD" }));
    let answered = respond(&simulator, &asked, "PASSWORD", PASSWORD, NOW);
    refused(&answered, "NotAuthorizedException", INCORRECT);
    let told = choosing().build();
    let unknown = begin(&told, "who", json!({}));
    refused(&unknown, "UserNotFoundException", "User does not exist.");
}
