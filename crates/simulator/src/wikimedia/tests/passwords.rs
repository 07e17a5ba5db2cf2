//! Recovery, whose refusals show the pool's text, and the change of a password, whose refusals show nothing.

use serde_json::json;

use super::{CHOSEN, DAY, INCORRECT, INTERNAL, NAME, PASSWORD, refused, sign_in, sign_in_as};
use crate::testing::{Answer, NOW, post};
use crate::{Account, RefreshTokens, Simulator};

fn forgot(simulator: &Simulator, name: &str) -> Answer {
    post(simulator, "/v1/forgot-password", &json!({ "username": name }), NOW)
}

fn confirm(simulator: &Simulator, name: &str, code: &str, password: &str, now_ms: i64) -> Answer {
    let body = json!({ "username": name, "confirmation_code": code, "password": password });
    post(simulator, "/v1/forgot-password-confirm", &body, now_ms)
}

fn change(simulator: &Simulator, token: &str, old: &str, new: &str, now_ms: i64) -> Answer {
    let body = json!({ "access_token": token, "previous_password": old, "proposed_password": new });
    post(simulator, "/v1/change-password", &body, now_ms)
}

#[test]
fn a_recovery_takes_a_name_or_an_address() {
    let simulator = Simulator::wikimedia().build();
    simulator.add_account(Account::user("off", PASSWORD).disabled());
    refused(&forgot(&simulator, "who@library.example"), 401, "User not found.");
    refused(&forgot(&simulator, "who"), 401, INTERNAL);
    refused(&forgot(&simulator, "off"), 401, INTERNAL);
    for name in [NAME, "archivist@library.example"] {
        let sent = forgot(&simulator, name);
        assert_eq!((sent.status, sent.text.as_str()), (204, ""));
        let code = simulator.delivered(NAME).unwrap();
        let done = confirm(&simulator, NAME, &code, CHOSEN, NOW);
        assert_eq!((done.status, done.text.as_str()), (204, ""));
        assert_eq!(sign_in_as(&simulator, NAME, CHOSEN, NOW).status, 200);
    }
}

#[test]
fn a_refused_confirmation_shows_the_exception_of_the_pool() {
    let simulator = Simulator::wikimedia().build();
    let expired = "ExpiredCodeException: Invalid code provided, please request a code again.";
    refused(&confirm(&simulator, NAME, "1", CHOSEN, NOW), 401, expired);
    let unknown = "UserNotFoundException: Username/client id combination not found.";
    refused(&confirm(&simulator, "who", "1", CHOSEN, NOW), 401, unknown);
    let _sent = forgot(&simulator, NAME);
    let code = simulator.delivered(NAME).unwrap();
    let mismatch = "CodeMismatchException: Invalid verification code provided, please try again.";
    refused(&confirm(&simulator, NAME, "wrong", CHOSEN, NOW), 401, mismatch);
    let weak =
        "InvalidPasswordException: Password did not conform with policy: Password not long enough";
    refused(&confirm(&simulator, NAME, &code, "x", NOW), 401, weak);
    refused(&confirm(&simulator, NAME, &code, CHOSEN, NOW + 3_600_000), 401, expired);
    refused(&confirm(&simulator, NAME, &"1".repeat(2049), CHOSEN, NOW), 422, INTERNAL);
}

#[test]
fn any_exception_of_the_pool_shows_at_a_confirmation_and_nowhere_else() {
    let simulator = Simulator::wikimedia().build();
    let _sent = forgot(&simulator, NAME);
    let code = simulator.delivered(NAME).unwrap();
    for _ in 0..5 {
        assert_eq!(confirm(&simulator, NAME, "wrong", CHOSEN, NOW).status, 401);
    }
    let spent = "TooManyFailedAttemptsException: Too many failed attempts, please try again later.";
    refused(&confirm(&simulator, NAME, &code, CHOSEN, NOW), 401, spent);
    let token = sign_in(&simulator, NOW).text_of("/access_token");
    let history = "PasswordHistoryPolicyViolationException: Password was used before";
    simulator.change_account(NAME, |account| {
        account.attributes.insert("error".to_owned(), history.to_owned());
    });
    refused(&confirm(&simulator, NAME, &code, CHOSEN, NOW), 401, history);
    refused(&sign_in(&simulator, NOW), 401, INCORRECT);
    refused(&change(&simulator, &token, PASSWORD, CHOSEN, NOW), 500, INTERNAL);
}

#[test]
fn four_causes_of_a_refused_change_have_one_text() {
    let simulator = Simulator::wikimedia().build();
    let token = sign_in(&simulator, NOW).text_of("/access_token");
    refused(&change(&simulator, &token, "wrong-one", CHOSEN, NOW), 401, INCORRECT);
    refused(&change(&simulator, &token, PASSWORD, "weakling", NOW), 401, INCORRECT);
    refused(&change(&simulator, &token, PASSWORD, CHOSEN, NOW + DAY), 401, INCORRECT);
    refused(&change(&simulator, "junk", PASSWORD, CHOSEN, NOW), 401, INCORRECT);
    refused(&change(&simulator, &token, "short", CHOSEN, NOW), 422, INTERNAL);
    refused(&change(&simulator, &token, PASSWORD, "short", NOW), 422, INTERNAL);
    simulator.change_account(NAME, |account| {
        account.attributes.insert("change_limit".to_owned(), "reached".to_owned());
    });
    refused(&change(&simulator, &token, PASSWORD, CHOSEN, NOW), 500, INTERNAL);
    simulator.change_account(NAME, |account| account.attributes.clear());
    let done = change(&simulator, &token, PASSWORD, CHOSEN, NOW);
    assert_eq!((done.status, done.text.as_str()), (204, ""));
    assert_eq!(sign_in_as(&simulator, NAME, CHOSEN, NOW).status, 200);
    simulator.revoke_all(NAME, RefreshTokens::Keep);
    refused(&change(&simulator, &token, CHOSEN, PASSWORD, NOW), 401, INCORRECT);
}
