//! Quotas: of the pool's requests and of one user's attempts.

use std::time::Duration;

use serde_json::json;

use super::{CLIENT, KIM, MFA, ask, hash, pool, refused, sign_in};
use crate::testing::{Answer, NOW};
use crate::{Operation, Simulator};

const EXCEEDED: &str = "Attempt limit exceeded, please try after some time.";

#[test]
fn requests_beyond_the_quota_are_throttled_until_its_span_is_over() {
    let simulator = pool().request_rate(2, Duration::from_secs(1)).build();
    assert_eq!(sign_in(&simulator, NOW).status, 200);
    assert_eq!(sign_in(&simulator, NOW + 500).status, 200);
    for at in [600, 999] {
        let throttled = sign_in(&simulator, NOW + at);
        refused(&throttled, "TooManyRequestsException", "Too many requests");
    }
    assert_eq!(sign_in(&simulator, NOW + 1000).status, 200);
    assert_eq!(sign_in(&simulator, NOW + 1001).status, 400);
    assert_eq!(simulator.totals().refused_of(Operation::SIGN_IN), 3);
}

fn forgot(simulator: &Simulator, name: &str, now_ms: i64) -> Answer {
    let body = json!({ "ClientId": CLIENT, "Username": name, "SecretHash": hash(name) });
    ask(simulator, "ForgotPassword", &body, now_ms)
}

#[test]
fn one_users_attempts_are_limited_and_nobody_elses() {
    let simulator = pool().attempt_limit(2, Duration::from_secs(900)).build();
    assert_eq!(forgot(&simulator, KIM, NOW).status, 200);
    assert_eq!(forgot(&simulator, KIM, NOW).status, 200);
    let limited = forgot(&simulator, KIM, NOW + 899_999);
    refused(&limited, "LimitExceededException", EXCEEDED);
    assert_eq!(forgot(&simulator, MFA, NOW).status, 200);
    assert_eq!(forgot(&simulator, KIM, NOW + 900_000).status, 200);
}

#[test]
fn wrong_previous_passwords_are_attempts_and_right_ones_are_not() {
    let simulator = pool().attempt_limit(2, Duration::from_secs(900)).build();
    let token = sign_in(&simulator, NOW).text_of("/AuthenticationResult/AccessToken");
    let change = |previous: &str| {
        let body = json!({
            "AccessToken": token, "PreviousPassword": previous,
            "ProposedPassword": super::PASSWORD,
        });
        ask(&simulator, "ChangePassword", &body, NOW)
    };
    for _ in 0..3 {
        assert_eq!(change(super::PASSWORD).status, 200);
    }
    for _ in 0..2 {
        refused(&change("no"), "NotAuthorizedException", "Incorrect username or password.");
    }
    refused(&change("no"), "LimitExceededException", EXCEEDED);
}
