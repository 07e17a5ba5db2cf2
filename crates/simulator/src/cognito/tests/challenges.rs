//! Challenges: their parameters, their sessions, their answers and chains of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    CLIENT, KIM, MFA, NEW, PASSWORD, ask, code, hash, pool, refused, respond, respond_with,
    sign_in, sign_in_as,
};
use crate::testing::{Answer, NOW};
use crate::{Account, Operation, Simulator};

const TEMPORARY: &str = "Canary-cognito-t3mporary!";
const CHOSEN: &str = "Canary-ch0sen!";

fn with_mfa(mfa: &str) -> Simulator {
    let simulator = pool().build();
    simulator.change_account(KIM, |account| {
        account.attributes.insert("mfa".to_owned(), mfa.to_owned());
    });
    simulator
}

fn mfa_sign_in(simulator: &Simulator, now_ms: i64) -> Answer {
    sign_in_as(simulator, MFA, "Canary-cognito-mfa-p4ssword!", now_ms)
}

fn inside(asked: &Answer, pointer: &str) -> Value {
    serde_json::from_str(&asked.text_of(pointer)).unwrap()
}

#[test]
fn a_first_sign_in_wants_a_new_password_and_the_attributes_that_are_required() {
    let simulator = pool().build();
    simulator.change_account(NEW, |account| {
        account.attributes.insert("required_attributes".to_owned(), "name".to_owned());
    });
    let asked = sign_in_as(&simulator, NEW, TEMPORARY, NOW);
    assert_eq!(
        (asked.status, asked.text_of("/ChallengeName").as_str()),
        (200, "NEW_PASSWORD_REQUIRED")
    );
    assert_eq!(super::members(&asked.json), ["ChallengeName", "ChallengeParameters", "Session"]);
    let required = inside(&asked, "/ChallengeParameters/requiredAttributes");
    assert_eq!(required, json!(["userAttributes.name"]));
    assert_eq!(inside(&asked, "/ChallengeParameters/userAttributes"), json!({ "email": NEW }));
    refused(
        &respond(&simulator, &asked, "NEW_PASSWORD", CHOSEN, NOW),
        "InvalidParameterException",
        "Invalid attributes given, name is missing",
    );
    let weak = json!({ "NEW_PASSWORD": "weak", "userAttributes.name": "Kim" });
    refused(
        &respond_with(&simulator, &asked, &weak, NOW),
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    );
    let good = json!({ "NEW_PASSWORD": CHOSEN, "userAttributes.name": "Kim" });
    let answered = respond_with(&simulator, &asked, &good, NOW);
    assert!(answered.json["AuthenticationResult"]["AccessToken"].is_string(), "{}", answered.text);
    assert_eq!(simulator.account_of(NEW).unwrap().attributes["user.name"], "Kim");
    let signed_in = sign_in_as(&simulator, NEW, CHOSEN, NOW);
    assert!(signed_in.json["AuthenticationResult"].is_object());
    assert_eq!(sign_in_as(&simulator, NEW, TEMPORARY, NOW).status, 400);
    assert_eq!(simulator.totals().exchanges_of(Operation::ANSWER), 1);
}

#[test]
fn a_code_of_one_time_step_is_taken_once() {
    let simulator = pool().build();
    let asked = mfa_sign_in(&simulator, NOW);
    assert_eq!(asked.text_of("/ChallengeName"), "SOFTWARE_TOKEN_MFA");
    let code = code(&simulator, MFA, NOW);
    let key = "SOFTWARE_TOKEN_MFA_CODE";
    refused(
        &respond(&simulator, &asked, key, "000000", NOW),
        "CodeMismatchException",
        "Invalid code received for user",
    );
    assert_eq!(respond(&simulator, &asked, key, &code, NOW).status, 200, "the session lived on");
    let again = mfa_sign_in(&simulator, NOW);
    refused(
        &respond(&simulator, &again, key, &code, NOW),
        "ExpiredCodeException",
        "Your software token has already been used once.",
    );
    let next = super::code(&simulator, MFA, NOW + 30_000);
    assert_eq!(respond(&simulator, &again, key, &next, NOW + 30_000).status, 200);
}

#[test]
fn codes_that_are_sent_have_their_digits_and_their_destination() {
    for (challenge, key, digits, medium, destination) in [
        ("SMS_MFA", "SMS_MFA_CODE", 6, "SMS", "+*******0123"),
        ("SMS_OTP", "SMS_OTP_CODE", 6, "SMS", "+*******0123"),
        ("EMAIL_OTP", "EMAIL_OTP_CODE", 8, "EMAIL", "k***@p***"),
    ] {
        let simulator = with_mfa(challenge);
        let asked = sign_in(&simulator, NOW);
        assert_eq!(asked.text_of("/ChallengeName"), challenge);
        let parameters = "/ChallengeParameters/CODE_DELIVERY_";
        assert_eq!(asked.text_of(&format!("{parameters}DELIVERY_MEDIUM")), medium);
        assert_eq!(asked.text_of(&format!("{parameters}DESTINATION")), destination);
        let code = simulator.delivered(KIM).unwrap();
        assert_eq!(code.len(), digits);
        for _ in 0..6 {
            refused(
                &respond(&simulator, &asked, key, "wrong", NOW),
                "CodeMismatchException",
                "Invalid code or auth state for the user.",
            );
        }
        assert_eq!(respond(&simulator, &asked, key, &code, NOW).status, 200);
        refused(
            &respond(&simulator, &asked, key, &code, NOW),
            "NotAuthorizedException",
            "Invalid session for the user, session can only be used once.",
        );
    }
}

#[test]
fn a_session_ends_after_three_minutes_or_as_set() {
    for (builder, life) in [(pool(), 180), (pool().session_life(Duration::from_secs(2)), 2)] {
        let simulator = builder.build();
        let asked = mfa_sign_in(&simulator, NOW);
        let end = NOW + life * 1000;
        let late = respond(&simulator, &asked, "SOFTWARE_TOKEN_MFA_CODE", "000000", end);
        refused(
            &late,
            "NotAuthorizedException",
            "Invalid session for the user, session is expired.",
        );
        let code = code(&simulator, MFA, end - 1);
        let in_time = respond(&simulator, &asked, "SOFTWARE_TOKEN_MFA_CODE", &code, end - 1);
        assert_eq!(in_time.status, 200);
    }
}

#[test]
fn a_session_is_of_one_user_and_one_challenge() {
    let simulator = pool().build();
    simulator.add_account(Account::user("eve@pool.example", PASSWORD).attribute("mfa", "SMS_MFA"));
    let asked = mfa_sign_in(&simulator, NOW);
    let eve = sign_in_as(&simulator, "eve@pool.example", PASSWORD, NOW);
    let eves_name = eve.text_of("/ChallengeParameters/USER_ID_FOR_SRP");
    let foreign = "Invalid session for the user.";
    let body = |name: &str, challenge: &str, session: &Value| {
        json!({
            "ClientId": CLIENT, "ChallengeName": challenge, "Session": session,
            "ChallengeResponses": {
                "USERNAME": name, "SECRET_HASH": hash(name), "SMS_MFA_CODE": "1",
                "SOFTWARE_TOKEN_MFA_CODE": code(&simulator, MFA, NOW),
            },
        })
    };
    let mine = &asked.json["Session"];
    for body in [
        body(&eves_name, "SOFTWARE_TOKEN_MFA", mine),
        body(&asked.text_of("/ChallengeParameters/USER_ID_FOR_SRP"), "SMS_MFA", mine),
        body(&eves_name, "SMS_MFA", &json!("never issued, and long enough")),
    ] {
        let answer = ask(&simulator, "RespondToAuthChallenge", &body, NOW);
        refused(&answer, "NotAuthorizedException", foreign);
    }
    let mut short = body(&eves_name, "SMS_MFA", &json!("short"));
    let refusal = ask(&simulator, "RespondToAuthChallenge", &short, NOW);
    assert_eq!(refusal.text_of("/__type"), "InvalidParameterException");
    short["Session"] = json!("");
    let refusal = ask(&simulator, "RespondToAuthChallenge", &short, NOW);
    assert_eq!(refusal.text_of("/message"), "Missing required parameter Session");
    let without = json!({
        "ClientId": CLIENT, "ChallengeName": "SMS_MFA", "ChallengeResponses": { "USERNAME": "x" },
    });
    refused(
        &ask(&simulator, "RespondToAuthChallenge", &without, NOW),
        "InvalidParameterException",
        "Missing required parameter Session",
    );
}

#[test]
fn challenges_follow_one_another_each_with_a_new_session() {
    let simulator = pool().build();
    simulator.change_account(NEW, |account| {
        account.attributes.insert("mfa".to_owned(), "SELECT_MFA_TYPE".to_owned());
        account.attributes.insert("mfa_choices".to_owned(), "EMAIL_OTP, SMS_MFA".to_owned());
    });
    let first = sign_in_as(&simulator, NEW, TEMPORARY, NOW);
    let second = respond(&simulator, &first, "NEW_PASSWORD", CHOSEN, NOW);
    assert_eq!(second.text_of("/ChallengeName"), "SELECT_MFA_TYPE");
    let choices = inside(&second, "/ChallengeParameters/MFAS_CAN_CHOOSE");
    assert_eq!(choices, json!(["EMAIL_OTP", "SMS_MFA"]));
    assert_ne!(first.json["Session"], second.json["Session"]);
    assert_eq!(respond(&simulator, &second, "ANSWER", "PIGEON", NOW).status, 400);
    let third = respond(&simulator, &second, "ANSWER", "EMAIL_OTP", NOW);
    assert_eq!(third.text_of("/ChallengeName"), "EMAIL_OTP");
    let code = simulator.delivered(NEW).unwrap();
    let done = respond(&simulator, &third, "EMAIL_OTP_CODE", &code, NOW);
    assert!(done.json["AuthenticationResult"]["RefreshToken"].is_string());
}

#[test]
fn custom_challenges_are_answered_and_unknown_ones_only_handed_out() {
    let simulator = with_mfa("CUSTOM_CHALLENGE, EMAIL_MFA");
    simulator.change_account(KIM, |account| {
        account.attributes.insert("custom_answer".to_owned(), "canary-answer".to_owned());
    });
    let asked = sign_in(&simulator, NOW);
    let next = respond(&simulator, &asked, "ANSWER", "canary-answer", NOW);
    assert_eq!(next.text_of("/ChallengeName"), "EMAIL_MFA");
    assert_eq!(respond(&simulator, &next, "EMAIL_MFA_CODE", "1", NOW).status, 400);
}
