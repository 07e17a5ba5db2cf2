//! Recovery by a code, and the change of a password.

use serde_json::{Value, json};

use super::{CLIENT, KIM, PASSWORD, ask, hash, pool, refused, sign_in, sign_in_as};
use crate::Simulator;
use crate::testing::{Answer, NOW};

const CHOSEN: &str = "Canary-ch0sen!";

fn forgot(simulator: &Simulator, name: &str, now_ms: i64) -> Answer {
    let body = json!({ "ClientId": CLIENT, "Username": name, "SecretHash": hash(name) });
    ask(simulator, "ForgotPassword", &body, now_ms)
}

fn confirm(simulator: &Simulator, name: &str, code: &str, new: &str, now_ms: i64) -> Answer {
    let body = json!({
        "ClientId": CLIENT, "Username": name, "SecretHash": hash(name),
        "ConfirmationCode": code, "Password": new,
    });
    ask(simulator, "ConfirmForgotPassword", &body, now_ms)
}

fn change(simulator: &Simulator, members: &Value, now_ms: i64) -> Answer {
    let token = sign_in(simulator, NOW).text_of("/AuthenticationResult/AccessToken");
    let mut body = members.clone();
    body["AccessToken"] = json!(token);
    ask(simulator, "ChangePassword", &body, now_ms)
}

#[test]
fn a_recovery_sends_a_code_of_an_hour() {
    let simulator = pool().build();
    let sent = forgot(&simulator, KIM, NOW);
    let details =
        json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "k***@p***" });
    assert_eq!((sent.status, &sent.json), (200, &json!({ "CodeDeliveryDetails": details })));
    let code = simulator.delivered(KIM).unwrap();
    assert_eq!(code.len(), 6);
    refused(
        &confirm(&simulator, KIM, "wrong", CHOSEN, NOW),
        "CodeMismatchException",
        "Invalid verification code provided, please try again.",
    );
    refused(
        &confirm(&simulator, KIM, &code, CHOSEN, NOW + 3_600_000),
        "ExpiredCodeException",
        "Invalid code provided, please request a code again.",
    );
    refused(
        &confirm(&simulator, KIM, &code, "alllower1!", NOW),
        "InvalidPasswordException",
        "Password did not conform with policy: Password must have uppercase characters",
    );
    let done = confirm(&simulator, KIM, &code, CHOSEN, NOW + 3_599_999);
    assert_eq!((done.status, done.text.as_str()), (200, "{}"));
    assert_eq!(sign_in_as(&simulator, KIM, CHOSEN, NOW).status, 200);
    assert_eq!(sign_in_as(&simulator, KIM, PASSWORD, NOW).status, 400);
    let again = confirm(&simulator, KIM, &code, CHOSEN, NOW);
    assert_eq!(again.text_of("/__type"), "ExpiredCodeException");
}

#[test]
fn too_many_wrong_codes_stop_the_recovery() {
    let simulator = pool().build();
    assert_eq!(
        confirm(&simulator, KIM, "1", CHOSEN, NOW).text_of("/__type"),
        "ExpiredCodeException"
    );
    let _sent = forgot(&simulator, KIM, NOW);
    for _ in 0..5 {
        assert_eq!(
            confirm(&simulator, KIM, "wrong", CHOSEN, NOW).text_of("/__type"),
            "CodeMismatchException"
        );
    }
    let code = simulator.delivered(KIM).unwrap();
    let stopped = confirm(&simulator, KIM, &code, CHOSEN, NOW);
    assert_eq!(stopped.text_of("/__type"), "TooManyFailedAttemptsException");
}

#[test]
fn an_unknown_user_is_told_or_hidden() {
    let simulator = pool().build();
    refused(
        &forgot(&simulator, "who", NOW),
        "UserNotFoundException",
        "Username/client id combination not found.",
    );
    let hiding = pool().hide_unknown_users().build();
    assert_eq!(forgot(&hiding, "who@pool.example", NOW).status, 200);
    assert!(hiding.delivered("who@pool.example").is_none());
    let confirmed = confirm(&hiding, "who@pool.example", "1", CHOSEN, NOW);
    assert_eq!(confirmed.text_of("/__type"), "CodeMismatchException");
}

#[test]
fn the_secret_hash_stands_at_the_top() {
    let simulator = pool().build();
    let body = json!({ "ClientId": CLIENT, "Username": KIM, "SECRET_HASH": hash(KIM) });
    let misspelt = ask(&simulator, "ForgotPassword", &body, NOW);
    assert!(misspelt.text_of("/message").ends_with("SECRET_HASH was not received"));
    assert!(simulator.delivered(KIM).is_none());
}

#[test]
fn a_change_wants_the_previous_password_and_a_good_new_one() {
    let simulator = pool().build();
    let wrong = json!({ "PreviousPassword": "wrong", "ProposedPassword": CHOSEN });
    let refusal = change(&simulator, &wrong, NOW);
    refused(&refusal, "NotAuthorizedException", "Incorrect username or password.");
    let none = change(&simulator, &json!({ "ProposedPassword": CHOSEN }), NOW);
    refused(&none, "NotAuthorizedException", "Incorrect username or password.");
    for (weak, rule) in [
        ("Sh0rt!", "Password not long enough"),
        ("ALLUPPER1!", "Password must have lowercase characters"),
        ("NoDigits!", "Password must have numeric characters"),
        ("NoSymb0ls", "Password must have symbol characters"),
    ] {
        let body = json!({ "PreviousPassword": PASSWORD, "ProposedPassword": weak });
        let text = format!("Password did not conform with policy: {rule}");
        refused(&change(&simulator, &body, NOW), "InvalidPasswordException", &text);
    }
    let good = json!({ "PreviousPassword": PASSWORD, "ProposedPassword": CHOSEN });
    let expired = change(&simulator, &good, NOW + 3_600_000);
    refused(&expired, "NotAuthorizedException", "Access Token has expired");
    let done = change(&simulator, &good, NOW);
    assert_eq!((done.status, done.text.as_str()), (200, "{}"));
    assert_eq!(sign_in_as(&simulator, KIM, CHOSEN, NOW).status, 200);
}
