//! Registration, the change of a password, and accounts that may not use the API.

use http::StatusCode;
use serde_json::{Value, json};

use super::{LEE, PASSWORD, call, members, refused, sign_in, sign_in_as};
use crate::testing::{Answer, NOW, answer, json_request, post};
use crate::{Account, Simulator};

const REGISTER: &str = "/api/v1/auth/register/";

fn change(simulator: &Simulator, path: &str, body: &Value) -> Answer {
    let token = sign_in(simulator, NOW).text_of("/data/access");
    let bearer = format!("Bearer {token}");
    let request = json_request(path, &[("authorization", bearer.as_str())], body);
    answer(simulator, &request, NOW)
}

#[test]
fn a_registration_answers_201_with_the_user_and_without_tokens() {
    let simulator = Simulator::igny8().build();
    let body = json!({
        "email": "max@studio.example", "username": "max", "password": "canary-max-password",
        "first_name": "Max", "last_name": "Muster",
    });
    let made = post(&simulator, REGISTER, &body, NOW);
    assert_eq!((made.status, members(&made.json["data"])), (201, vec!["user"]));
    assert_eq!(made.json["data"]["user"]["username"], "max");
    let signed_in = sign_in_as(&simulator, "max@studio.example", "canary-max-password", NOW);
    assert_eq!(signed_in.status, 200);
    let again = post(&simulator, REGISTER, &body, NOW);
    let errors = json!({
        "email": ["user with this email already exists."],
        "username": ["A user with that username already exists."],
    });
    assert_eq!((again.status, &again.json["errors"]), (400, &errors));
}

#[test]
fn every_field_of_a_registration_is_required() {
    let simulator = Simulator::igny8().build();
    let missing = post(&simulator, REGISTER, &json!({ "email": "max", "password": "short" }), NOW);
    let required = ["This field is required."];
    let errors = json!({
        "email": ["Enter a valid email address."],
        "first_name": required, "last_name": required, "username": required,
        "password": ["This password is too short. It must contain at least 8 characters."],
    });
    assert_eq!((missing.status, &missing.json["errors"]), (400, &errors));
    assert!(simulator.account_of("max").is_none());
}

#[test]
fn a_password_is_changed_by_its_owner() {
    let path = "/api/v1/auth/change-password/";
    let simulator = Simulator::igny8().build();
    let wrong = json!({ "old_password": "wrong", "new_password": "canary-new-password" });
    refused(&change(&simulator, path, &wrong), 400, "Current password is incorrect");
    let short = json!({ "old_password": PASSWORD, "new_password": "short" });
    let short = change(&simulator, path, &short);
    let text = "This password is too short. It must contain at least 8 characters.";
    assert_eq!((short.status, &short.json["errors"]), (400, &json!({ "new_password": [text] })));
    refused(&post(&simulator, path, &wrong, NOW), 401, "Authentication required");
    let before = sign_in(&simulator, NOW).text_of("/data/access");
    let good = json!({ "old_password": PASSWORD, "new_password": "canary-new-password" });
    let done = change(&simulator, path, &good);
    assert_eq!(done.json["data"], json!({ "message": "Password changed successfully" }));
    assert_eq!(sign_in_as(&simulator, LEE, "canary-new-password", NOW).status, 200);
    assert_eq!(call(&simulator, &before, NOW).status, 200);
}

#[test]
fn path_and_fields_of_a_change_are_settings_and_it_may_end_the_tokens() {
    let path = "/api/v1/auth/password/change/";
    let simulator = Simulator::igny8()
        .change_password_path("/auth/password/change/")
        .change_password_fields("current_password", "password")
        .change_revokes()
        .build();
    let before = sign_in(&simulator, NOW).text_of("/data/access");
    let good = json!({ "current_password": PASSWORD, "password": "canary-new-password" });
    assert_eq!(change(&simulator, path, &good).status, 200);
    assert_eq!(call(&simulator, &before, NOW).status, 401);
}

#[test]
fn accounts_that_are_suspended_or_have_no_plan_are_refused_everywhere() {
    for (builder, status) in [
        (Simulator::igny8(), 403),
        (Simulator::igny8().suspended_status(StatusCode::PAYMENT_REQUIRED), 402),
    ] {
        let simulator = builder.build();
        let (token, refresh) = {
            let signed_in = sign_in(&simulator, NOW);
            (signed_in.text_of("/data/access"), signed_in.text_of("/data/refresh"))
        };
        simulator.change_account(LEE, |account| account.disabled = true);
        let text = "Account is suspended";
        refused(&sign_in(&simulator, NOW), status, text);
        refused(&call(&simulator, &token, NOW), status, text);
        let body = json!({ "refresh": refresh });
        refused(&post(&simulator, "/api/v1/auth/refresh/", &body, NOW), status, text);
        simulator.add_account(Account::user("poor", PASSWORD).attribute("plan", "none"));
        refused(&sign_in_as(&simulator, "poor", PASSWORD, NOW), status, "No active plan");
    }
}
