//! Calls with an access token.

use serde_json::json;

use super::{DAY, NAME, call, refused, sign_in};
use crate::testing::{Answer, NOW, answer, request};
use crate::{AuthVerdict, Fault, Operation, RefreshTokens, Simulator};

fn get_user(simulator: &Simulator, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    answer(simulator, &request("POST", "/v1/get-user", &headers, ""), NOW)
}

fn set(simulator: &Simulator, name: &str, value: &str) {
    simulator.change_account(NAME, |account| {
        account.attributes.insert(name.to_owned(), value.to_owned());
    });
}

#[test]
fn exactly_one_word_and_one_space_or_no_word_at_all() {
    let simulator = Simulator::wikimedia().build();
    let signed_in = sign_in(&simulator, NOW);
    let token = signed_in.text_of("/access_token");
    assert_eq!(call(&simulator, &format!("Bearer {token}"), NOW).status, 200);
    assert_eq!(call(&simulator, &token, NOW).status, 200);
    for (authorization, message) in [
        (format!("bearer {token}"), "illegal base64 data at input byte 6"),
        (format!("Bearer  {token}"), "illegal base64 data at input byte 0"),
        (format!("Bearer {}", signed_in.text_of("/id_token")), "incorrect client id"),
        ("Bearer junk".to_owned(), "token contains an invalid number of segments"),
        ("Bearer a.b.c".to_owned(), "crypto/rsa: verification error"),
    ] {
        refused(&call(&simulator, &authorization, NOW), 401, message);
    }
    let missing = answer(&simulator, &request("GET", "/sim/echo", &[], ""), NOW);
    refused(&missing, 401, "Unauthorized");
    refused(&call(&simulator, &token, NOW + DAY + 3_725_000), 401, "token is expired by 1h2m5s");
    assert_eq!(simulator.records().last().unwrap().auth, AuthVerdict::Expired);
}

#[test]
fn the_resource_may_not_be_in_the_plan_or_its_cap_be_reached() {
    let simulator = Simulator::wikimedia().build();
    let token = sign_in(&simulator, NOW).text_of("/access_token");
    set(&simulator, "resource", "forbidden");
    refused(&call(&simulator, &token, NOW), 403, "Forbidden");
    set(&simulator, "resource", "capped");
    refused(&call(&simulator, &token, NOW), 429, "Too Many Requests");
}

#[test]
fn get_user_tells_name_groups_and_counters() {
    let simulator = Simulator::wikimedia().build();
    let token = sign_in(&simulator, NOW).text_of("/access_token");
    let user = get_user(&simulator, &token);
    assert_eq!((user.status, &user.json["username"]), (200, &json!(NAME)));
    assert_eq!(user.json["groups"], json!(["group_1"]));
    assert_eq!(user.json["ondemand_limit"], 5000);
    refused(&get_user(&simulator, "junk"), 401, "token contains an invalid number of segments");
    set(&simulator, "groups", "");
    refused(&get_user(&simulator, &token), 500, "User has no allocated permissions!");
}

#[test]
fn an_administrator_and_a_fault_end_every_token() {
    let simulator = Simulator::wikimedia().build();
    let token = sign_in(&simulator, NOW).text_of("/access_token");
    let dead = "NotAuthorizedException: Access Token has been revoked";
    simulator.inject(Operation::RESOURCE, Fault::Unauthorized, 1);
    refused(&call(&simulator, &token, NOW), 401, dead);
    assert_eq!(call(&simulator, &token, NOW).status, 200);
    simulator.revoke_all(NAME, RefreshTokens::Keep);
    refused(&call(&simulator, &token, NOW), 401, dead);
    simulator.expire_access_tokens(NAME);
    assert_eq!(call(&simulator, &token, NOW).status, 401);
}
