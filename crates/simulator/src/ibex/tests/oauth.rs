//! OAuth 2 client credentials.

use std::time::Duration;

use http::StatusCode;

use super::call;
use crate::testing::{Answer, NOW, answer, request};
use crate::{Account, Operation, Simulator};

const AUDIENCE: &str = "https%3A%2F%2Fapi-sandbox.poweredbyibex.io";

fn grant(simulator: &Simulator, client_id: &str, client_secret: &str, audience: &str) -> Answer {
    form(
        simulator,
        &format!(
            "grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}&audience={audience}"
        ),
    )
}

fn form(simulator: &Simulator, body: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    answer(simulator, &request("POST", "/oauth/token", &headers, body), NOW)
}

fn granted(simulator: &Simulator) -> Answer {
    let client = simulator.client();
    grant(simulator, &client.identity, &client.password, AUDIENCE)
}

#[test]
fn a_grant_gives_one_token_with_a_relative_life_and_no_refresh_token() {
    let simulator = Simulator::ibex().oauth_life(Duration::from_secs(5)).build();
    let granted = granted(&simulator);
    assert_eq!(granted.status, 200);
    let members: Vec<&String> = granted.json.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "expires_in", "token_type"]);
    assert_eq!(granted.json["expires_in"], 5);
    let token = granted.text_of("/access_token");
    assert_eq!(call(&simulator, &token, NOW + 4999).json["account"], simulator.client().identity);
    assert_eq!(call(&simulator, &token, NOW + 5000).status, 401);
    assert_eq!(call(&simulator, &format!("Bearer {token}"), NOW).status, 401);
}

#[test]
fn a_repeated_grant_is_the_next_generation() {
    let simulator = Simulator::ibex().build();
    let first = granted(&simulator).text_of("/access_token");
    let second = granted(&simulator).text_of("/access_token");
    assert_eq!(call(&simulator, &first, NOW).json["generation"], 1);
    assert_eq!(call(&simulator, &second, NOW).json["generation"], 2);
    assert_eq!(simulator.totals().exchanges_of(Operation::SIGN_IN), 2);
}

#[test]
fn a_wrong_client_secret_or_audience_is_refused_by_an_error_object() {
    let simulator = Simulator::ibex().build();
    let id = simulator.client().identity;
    let refused = grant(&simulator, &id, "wrong", AUDIENCE);
    assert_eq!((refused.status, refused.json["error"].as_str()), (401, Some("invalid_client")));
    assert_eq!(grant(&simulator, "who", "wrong", AUDIENCE).status, 401);
    let refused =
        grant(&simulator, &id, &simulator.client().password, "https%3A%2F%2Fother.example");
    assert_eq!((refused.status, refused.json["error"].as_str()), (403, Some("access_denied")));
    let strict = Simulator::ibex().client_refused(StatusCode::FORBIDDEN).build();
    assert_eq!(grant(&strict, &id, "wrong", AUDIENCE).status, 403);
}

#[test]
fn a_malformed_request_is_told_apart() {
    let simulator = Simulator::ibex().build();
    for (body, error) in [
        ("grant_type=client_credentials&client_id=a&client_secret=b", "invalid_request"),
        ("grant_type=password&client_id=a&client_secret=b&audience=c", "unsupported_grant_type"),
        ("nonsense", "invalid_request"),
    ] {
        let refused = form(&simulator, body);
        assert_eq!((refused.status, refused.json["error"].as_str()), (400, Some(error)), "{body}");
    }
    let json = answer(
        &simulator,
        &request("POST", "/oauth/token", &[("content-type", "application/json")], "{}"),
        NOW,
    );
    assert_eq!((json.status, json.json["error"].as_str()), (400, Some("invalid_request")));
}

#[test]
fn a_user_is_no_client_and_a_blocked_client_is_refused() {
    let simulator = Simulator::ibex().build();
    let user = simulator.account();
    assert_eq!(grant(&simulator, &user.identity, "Canary-ibex-p4ssword%21", AUDIENCE).status, 401);
    simulator.add_account(Account::client("closed", "canary-closed").disabled());
    assert_eq!(grant(&simulator, "closed", "canary-closed", AUDIENCE).status, 403);
}
