//! Refreshing, its budget, and revoking.

use std::time::Duration;

use super::{DAY, NAME, PASSWORD, call, members, refresh, refresh_as, refused, revoke, sign_in};
use crate::testing::NOW;
use crate::{Operation, Simulator};

const SPENT: &str = "Refresh tokens limit has been exceeded.";

#[test]
fn a_refresh_gives_no_refresh_token() {
    let simulator = Simulator::wikimedia().build();
    let token = sign_in(&simulator, NOW).text_of("/refresh_token");
    let refreshed = refresh(&simulator, &token, NOW);
    assert_eq!(
        (refreshed.status, members(&refreshed)),
        (200, vec!["access_token", "expires_in", "id_token"])
    );
    let bearer = format!("Bearer {}", refreshed.text_of("/access_token"));
    assert_eq!(call(&simulator, &bearer, NOW).json["generation"], 2);
}

#[test]
fn every_refusal_of_a_refresh_is_one_text() {
    let simulator = Simulator::wikimedia().build();
    let token = sign_in(&simulator, NOW).text_of("/refresh_token");
    for (name, token, now_ms, reason) in [
        (NAME, "junk", NOW, "unknown_refresh_token"),
        ("CANARY-archivist", token.as_str(), NOW, "wrong_username"),
        ("archivist@library.example", token.as_str(), NOW, "wrong_username"),
        (NAME, token.as_str(), NOW + 90 * DAY, "dead_refresh_token"),
    ] {
        refused(&refresh_as(&simulator, name, token, now_ms), 401, "Unauthorized.");
        assert_eq!(simulator.records().last().unwrap().reason, Some(reason));
    }
    assert_eq!(refresh(&simulator, &token, NOW + 90 * DAY - 1).status, 200);
}

#[test]
fn where_the_case_of_names_is_ignored_a_login_passes_and_its_refresh_fails() {
    let simulator = Simulator::wikimedia().ignore_case().build();
    let signed_in = super::sign_in_as(&simulator, "CANARY-ARCHIVIST", PASSWORD, NOW);
    let token = signed_in.text_of("/refresh_token");
    refused(&refresh_as(&simulator, "CANARY-ARCHIVIST", &token, NOW), 401, "Unauthorized.");
    assert_eq!(refresh(&simulator, &token, NOW).status, 200);
}

#[test]
fn the_ninety_first_refresh_is_refused_and_only_successes_count() {
    let simulator = Simulator::wikimedia().build();
    let signed_in = sign_in(&simulator, NOW);
    let token = signed_in.text_of("/refresh_token");
    for _ in 0..90 {
        assert_eq!(refresh_as(&simulator, "other", &token, NOW).status, 401);
        assert_eq!(refresh(&simulator, &token, NOW).status, 200);
    }
    let spent = refresh(&simulator, &token, NOW);
    refused(&spent, 429, SPENT);
    assert!(spent.head.headers().get("retry-after").is_none());
    assert_eq!(simulator.records().last().unwrap().reason, Some("budget_spent"));
    let other = sign_in(&simulator, NOW).text_of("/refresh_token");
    assert_eq!(refresh(&simulator, &other, NOW).status, 200, "another token has its own");
    assert_eq!(revoke(&simulator, &token).status, 204);
    refused(&refresh(&simulator, &token, NOW), 401, "Unauthorized.");
    assert_eq!(simulator.totals().exchanges_of(Operation::REFRESH), 91);
}

#[test]
fn a_budget_is_of_a_window_from_the_first_refresh_on() {
    let window = Duration::from_secs(100);
    let simulator = Simulator::wikimedia().budget(2).budget_window(window).build();
    let token = sign_in(&simulator, NOW).text_of("/refresh_token");
    assert_eq!(refresh(&simulator, &token, NOW).status, 200);
    assert_eq!(refresh(&simulator, &token, NOW + 99_000).status, 200);
    refused(&refresh(&simulator, &token, NOW + 99_999), 429, SPENT);
    assert_eq!(refresh(&simulator, &token, NOW + 100_000).status, 200);
}

#[test]
fn a_revocation_spares_a_login_token_that_was_validated_before() {
    let simulator = Simulator::wikimedia().build();
    let signed_in = sign_in(&simulator, NOW);
    let token = signed_in.text_of("/refresh_token");
    let used = format!("Bearer {}", signed_in.text_of("/access_token"));
    let made = format!("Bearer {}", refresh(&simulator, &token, NOW).text_of("/access_token"));
    assert_eq!(call(&simulator, &used, NOW).status, 200);
    assert_eq!(call(&simulator, &made, NOW).status, 200);
    let unused = sign_in(&simulator, NOW);
    for one in [&signed_in, &unused] {
        let revoked = revoke(&simulator, &one.text_of("/refresh_token"));
        assert_eq!((revoked.status, revoked.text.as_str()), (204, ""));
    }
    let dead = "NotAuthorizedException: Access Token has been revoked";
    refused(&call(&simulator, &made, NOW), 401, dead);
    let never_used = format!("Bearer {}", unused.text_of("/access_token"));
    refused(&call(&simulator, &never_used, NOW), 401, dead);
    assert_eq!(call(&simulator, &used, NOW + DAY - 1).status, 200);
    assert_eq!(call(&simulator, &used, NOW + DAY).status, 401);
    refused(&revoke(&simulator, &token), 401, "Unauthorized");
    refused(&revoke(&simulator, "junk"), 401, "Unauthorized");
}
