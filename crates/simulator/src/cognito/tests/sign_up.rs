//! `SignUp`, `ConfirmSignUp` and `ResendConfirmationCode`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CLIENT, KIM, ask, hash, pool, refused, sign_in_as};
use crate::testing::{Answer, NOW};
use crate::{Cognito, Operation, Simulator};

const JO: &str = "jo";
const CHOSEN: &str = "Canary-s1gn-up!";
const DAY: i64 = 86_400_000;

fn sign_up_with(simulator: &Simulator, name: &str, password: &str, attributes: Value) -> Answer {
    let body = json!({
        "ClientId": CLIENT, "Username": name, "Password": password, "SecretHash": hash(name),
        "UserAttributes": attributes,
    });
    ask(simulator, "SignUp", &body, NOW)
}

fn sign_up(simulator: &Simulator) -> Answer {
    sign_up_with(simulator, JO, CHOSEN, json!([{ "Name": "email", "Value": "jo@pool.example" }]))
}

fn confirm(simulator: &Simulator, name: &str, code: &str, now_ms: i64) -> Answer {
    let body = json!({
        "ClientId": CLIENT, "Username": name, "SecretHash": hash(name), "ConfirmationCode": code,
    });
    ask(simulator, "ConfirmSignUp", &body, now_ms)
}

fn resend(simulator: &Simulator, name: &str) -> Answer {
    let body = json!({ "ClientId": CLIENT, "Username": name, "SecretHash": hash(name) });
    ask(simulator, "ResendConfirmationCode", &body, NOW)
}

#[test]
fn a_user_signs_up_confirms_and_signs_in() {
    let simulator = pool().build();
    let signed_up = sign_up(&simulator);
    assert_eq!(signed_up.status, 200, "{}", signed_up.text);
    let delivery =
        json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "j***@p***" });
    assert_eq!(signed_up.json["CodeDeliveryDetails"], delivery);
    assert_eq!(signed_up.json["UserConfirmed"], false);
    assert_eq!(signed_up.text_of("/UserSub").len(), 36);
    let early = sign_in_as(&simulator, JO, CHOSEN, NOW);
    refused(&early, "UserNotConfirmedException", "User is not confirmed.");
    let code = simulator.delivered(JO).unwrap();
    assert_eq!(code.len(), 6);
    refused(
        &confirm(&simulator, JO, "no", NOW),
        "CodeMismatchException",
        "Invalid verification code provided, please try again.",
    );
    assert_eq!(confirm(&simulator, JO, &code, NOW).text, "{}");
    assert_eq!(sign_in_as(&simulator, JO, CHOSEN, NOW).status, 200);
    refused(
        &confirm(&simulator, JO, &code, NOW),
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    );
    refused(&resend(&simulator, JO), "InvalidParameterException", "User is already confirmed.");
    assert_eq!(simulator.totals().exchanges_of(Operation::REGISTER), 1);
}

#[test]
fn a_code_ends_after_a_day_and_a_new_one_replaces_it() {
    let simulator = pool().build();
    let _signed_up = sign_up(&simulator);
    let first = simulator.delivered(JO).unwrap();
    let expired = "Invalid code provided, please request a code again.";
    refused(&confirm(&simulator, JO, &first, NOW + DAY), "ExpiredCodeException", expired);
    let resent = resend(&simulator, JO);
    assert_eq!(resent.text_of("/CodeDeliveryDetails/Destination"), "j***@p***");
    let second = simulator.delivered(JO).unwrap();
    assert_eq!(confirm(&simulator, JO, &first, NOW).text_of("/__type"), "CodeMismatchException");
    assert_eq!(confirm(&simulator, JO, &second, NOW + DAY - 1).status, 200);
    let short = pool().confirmation_code(Duration::from_secs(5)).build();
    let _signed_up = sign_up(&short);
    let code = short.delivered(JO).unwrap();
    refused(&confirm(&short, JO, &code, NOW + 5000), "ExpiredCodeException", expired);
}

#[test]
fn what_cannot_be_a_user_is_refused() {
    let simulator = pool().build();
    let email = |value: &str| json!([{ "Name": "email", "Value": value }]);
    let taken = sign_up_with(&simulator, KIM, CHOSEN, json!([]));
    refused(&taken, "UsernameExistsException", "User already exists");
    refused(
        &sign_up_with(&simulator, JO, "weak", email("jo@pool.example")),
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    );
    let name = "InvalidParameterException";
    for (username, attributes) in [
        ("jo jo", json!([])),
        ("", json!([])),
        (JO, json!([{ "Name": "sub", "Value": "x" }])),
        (JO, json!([{ "Name": "shoe_size", "Value": "43" }])),
    ] {
        let odd = sign_up_with(&simulator, username, CHOSEN, attributes);
        assert_eq!(odd.text_of("/__type"), name, "{username}");
    }
    assert!(simulator.account_of(JO).is_none());
    let closed = pool().without_sign_up().build();
    refused(
        &sign_up(&closed),
        "NotAuthorizedException",
        "SignUp is not permitted for this user pool",
    );
    let body = json!({ "ClientId": CLIENT, "Username": JO, "Password": CHOSEN });
    let unhashed = ask(&simulator, "SignUp", &body, NOW);
    assert!(unhashed.text_of("/message").contains("SECRET_HASH was not received"));
}

#[test]
fn without_an_address_no_code_is_sent() {
    let simulator = pool().build();
    let signed_up = sign_up_with(&simulator, JO, CHOSEN, json!([]));
    assert!(signed_up.json.get("CodeDeliveryDetails").is_none());
    assert!(simulator.delivered(JO).is_none());
    assert_eq!(resend(&simulator, JO).text_of("/__type"), "InvalidParameterException");
    let expired = "Invalid code provided, please request a code again.";
    refused(&confirm(&simulator, JO, "123456", NOW), "ExpiredCodeException", expired);
}

#[test]
fn an_unknown_user_is_told_or_hidden() {
    let text = "Username/client id combination not found.";
    let simulator = pool().build();
    refused(&confirm(&simulator, "who", "1", NOW), "UserNotFoundException", text);
    refused(&resend(&simulator, "who"), "UserNotFoundException", text);
    let hiding = pool().hide_unknown_users().build();
    assert_eq!(confirm(&hiding, "who", "1", NOW).text_of("/__type"), "CodeMismatchException");
    assert_eq!(resend(&hiding, "who@x").text_of("/CodeDeliveryDetails/Destination"), "w***@x***");
    let taken = sign_up_with(&hiding, KIM, CHOSEN, json!([]));
    refused(&taken, "UsernameExistsException", "User already exists");
}

#[test]
fn wrong_codes_are_attempts() {
    let simulator = Cognito::default().attempt_limit(2, Duration::from_secs(900)).build();
    let _signed_up = sign_up(&simulator);
    for _ in 0..2 {
        assert_eq!(confirm(&simulator, JO, "no", NOW).text_of("/__type"), "CodeMismatchException");
    }
    refused(
        &confirm(&simulator, JO, "no", NOW),
        "LimitExceededException",
        "Attempt limit exceeded, please try after some time.",
    );
}
