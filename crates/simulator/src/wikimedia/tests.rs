//! The service's documented rows, through the simulator without a socket.

mod budget;
mod calls;
mod form;
mod outages;
mod passwords;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::testing::{Answer, NOW, answer, post, request};
use crate::{Account, Operation, Simulator};

const NAME: &str = "canary-archivist";
const PASSWORD: &str = "Canary-wikimedia-p4ssword!";
const NEWCOMER: &str = "canary-newcomer";
const TEMPORARY: &str = "Canary-wikimedia-t3mporary!";
const CHOSEN: &str = "Canary-ch0sen!";
const INTERNAL: &str = "Internal error, please try again later.";
const INCORRECT: &str = "Incorrect username or password.";
const DAY: i64 = 86_400_000;

fn sign_in_as(simulator: &Simulator, name: &str, password: &str, now_ms: i64) -> Answer {
    post(simulator, "/v1/login", &json!({ "username": name, "password": password }), now_ms)
}

fn sign_in(simulator: &Simulator, now_ms: i64) -> Answer {
    sign_in_as(simulator, NAME, PASSWORD, now_ms)
}

fn refresh_as(simulator: &Simulator, name: &str, token: &str, now_ms: i64) -> Answer {
    let body = json!({ "username": name, "refresh_token": token });
    post(simulator, "/v1/token-refresh", &body, now_ms)
}

fn refresh(simulator: &Simulator, token: &str, now_ms: i64) -> Answer {
    refresh_as(simulator, NAME, token, now_ms)
}

fn revoke(simulator: &Simulator, token: &str) -> Answer {
    post(simulator, "/v1/token-revoke", &json!({ "refresh_token": token }), NOW)
}

fn call(simulator: &Simulator, authorization: &str, now_ms: i64) -> Answer {
    let headers = [("authorization", authorization)];
    answer(simulator, &request("GET", "/sim/echo", &headers, ""), now_ms)
}

fn choose(simulator: &Simulator, name: &str, session: &str, password: &str, now_ms: i64) -> Answer {
    let body = json!({ "username": name, "session": session, "new_password": password });
    post(simulator, "/v1/new-password-required", &body, now_ms)
}

fn refused(answer: &Answer, status: u16, message: &str) {
    let body = format!("{}\n", json!({ "status": status, "message": message }));
    assert_eq!((answer.status, answer.text.as_str()), (status, body.as_str()));
}

fn claims(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(middle.as_bytes()).unwrap()).unwrap()
}

fn members(answer: &Answer) -> Vec<&str> {
    answer.json.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_login_gives_three_tokens_and_a_day_in_seconds() {
    let simulator = Simulator::wikimedia().build();
    let signed_in = sign_in(&simulator, NOW);
    assert_eq!(signed_in.status, 200);
    assert_eq!(members(&signed_in), ["access_token", "expires_in", "id_token", "refresh_token"]);
    assert_eq!(signed_in.json["expires_in"], 86_400);
    assert_eq!(signed_in.head.headers()["content-type"], "application/json; charset=utf-8");
    let access = claims(&signed_in.text_of("/access_token"));
    assert_eq!((&access["token_use"], &access["username"]), (&json!("access"), &json!(NAME)));
    assert_eq!(access["cognito:groups"], json!(["group_1"]));
    assert!(access["client_id"].is_string() && access["exp"] == NOW / 1000 + 86_400);
    let id = claims(&signed_in.text_of("/id_token"));
    assert_eq!((&id["token_use"], &id["client_id"]), (&json!("id"), &Value::Null));
}

#[test]
fn every_refusal_of_the_pool_is_one_text_at_login() {
    let simulator = Simulator::wikimedia().build();
    simulator.add_account(Account::user("off", PASSWORD).disabled());
    simulator.add_account(Account::user("unconfirmed", PASSWORD).unverified());
    simulator.add_account(Account::user("reset", PASSWORD).attribute("reset_required", "true"));
    for (name, password, reason) in [
        (NAME, "wrong", "wrong_password"),
        ("who", PASSWORD, "unknown_account"),
        ("Canary-Archivist", PASSWORD, "unknown_account"),
        ("off", PASSWORD, "user_disabled"),
        ("unconfirmed", PASSWORD, "user_not_confirmed"),
        ("reset", PASSWORD, "reset_required"),
    ] {
        refused(&sign_in_as(&simulator, name, password, NOW), 401, INCORRECT);
        assert_eq!(simulator.records().last().unwrap().reason, Some(reason));
    }
}

#[test]
fn a_lockout_looks_like_a_wrong_password_too() {
    let simulator = Simulator::wikimedia().build();
    for _ in 0..5 {
        refused(&sign_in_as(&simulator, NAME, "wrong", NOW), 401, INCORRECT);
    }
    refused(&sign_in(&simulator, NOW + 999), 401, INCORRECT);
    assert_eq!(simulator.records().last().unwrap().reason, Some("locked_out"));
    assert_eq!(sign_in(&simulator, NOW + 1000).status, 200);
}

#[test]
fn a_first_sign_in_chooses_a_password() {
    let simulator = Simulator::wikimedia().build();
    let asked = sign_in_as(&simulator, NEWCOMER, TEMPORARY, NOW);
    assert_eq!((asked.status, members(&asked)), (200, vec!["challenge_name", "session"]));
    assert_eq!(asked.text_of("/challenge_name"), "NEW_PASSWORD_REQUIRED");
    let session = asked.text_of("/session");
    let unauthorized = "Unauthorized.";
    refused(&choose(&simulator, NEWCOMER, "junk", CHOSEN, NOW), 401, unauthorized);
    refused(&choose(&simulator, NAME, &session, CHOSEN, NOW), 401, unauthorized);
    refused(&choose(&simulator, NEWCOMER, &session, "weakling", NOW), 401, unauthorized);
    refused(&choose(&simulator, NEWCOMER, &session, CHOSEN, NOW + 180_000), 401, unauthorized);
    let chosen = choose(&simulator, NEWCOMER, &session, CHOSEN, NOW + 179_999);
    assert_eq!(members(&chosen), ["access_token", "expires_in", "id_token", "refresh_token"]);
    refused(&choose(&simulator, NEWCOMER, &session, CHOSEN, NOW), 401, unauthorized);
    assert_eq!(sign_in_as(&simulator, NEWCOMER, CHOSEN, NOW).status, 200);
}

#[test]
fn another_challenge_is_handed_out_and_cannot_be_answered() {
    let simulator = Simulator::wikimedia().build();
    for name in [NAME, NEWCOMER] {
        simulator.change_account(name, |account| {
            account.attributes.insert("mfa".to_owned(), "SMS_MFA".to_owned());
        });
    }
    let asked = sign_in(&simulator, NOW);
    assert_eq!((asked.status, asked.text_of("/challenge_name").as_str()), (200, "SMS_MFA"));
    refused(
        &choose(&simulator, NAME, &asked.text_of("/session"), CHOSEN, NOW),
        401,
        "Unauthorized.",
    );
    let session = sign_in_as(&simulator, NEWCOMER, TEMPORARY, NOW).text_of("/session");
    let further = choose(&simulator, NEWCOMER, &session, CHOSEN, NOW);
    refused(&further, 500, "Internal Server Error");
}

#[test]
fn a_sign_up_is_confirmed_by_a_code() {
    let simulator = Simulator::wikimedia().build();
    simulator.add_account(
        Account::user("max", PASSWORD).unverified().attribute("email", "max@library.example"),
    );
    let resend =
        |name: &str| post(&simulator, "/v1/resend-confirm", &json!({ "username": name }), NOW);
    let confirm = |code: &str| {
        let body = json!({ "username": "max", "confirmation_code": code });
        post(&simulator, "/v1/confirm-user", &body, NOW)
    };
    refused(&resend("who"), 401, "User not found.");
    refused(&resend(NAME), 401, "Unauthorized.");
    let sent = resend("max");
    assert_eq!((sent.status, sent.text.as_str()), (204, ""));
    refused(&confirm("wrong"), 500, INTERNAL);
    refused(&confirm("1234567"), 422, INTERNAL);
    let done = confirm(&simulator.delivered("max").unwrap());
    assert_eq!((done.status, members(&done)), (200, vec!["email", "userId"]));
    assert_eq!(sign_in_as(&simulator, "max", PASSWORD, NOW).status, 200);
    refused(
        &post(&simulator, "/v1/create-user", &json!({ "username": "new" }), NOW),
        422,
        INTERNAL,
    );
    assert_eq!(simulator.records().last().unwrap().operation, Operation::REGISTER);
}
