//! Refreshing with and without rotation, and the ends of sessions.

use std::time::Duration;

use serde_json::json;

use super::{CLIENT, KIM, SECRET, ask, claims, hash, members, pool, refused, sign_in};
use crate::testing::{Answer, NOW};
use crate::{Account, Operation, Simulator};

const DAY: i64 = 86_400_000;

fn refresh(simulator: &Simulator, token: &str, now_ms: i64) -> Answer {
    let body = json!({ "RefreshToken": token, "ClientId": CLIENT, "ClientSecret": SECRET });
    ask(simulator, "GetTokensFromRefreshToken", &body, now_ms)
}

fn by_flow(simulator: &Simulator, flow: &str, token: &str, hash: &str) -> Answer {
    let parameters = json!({ "REFRESH_TOKEN": token, "SECRET_HASH": hash });
    let body = json!({ "AuthFlow": flow, "ClientId": CLIENT, "AuthParameters": parameters });
    ask(simulator, "InitiateAuth", &body, NOW)
}

fn refresh_token(answer: &Answer) -> String {
    answer.text_of("/AuthenticationResult/RefreshToken")
}

fn access_token(answer: &Answer) -> String {
    answer.text_of("/AuthenticationResult/AccessToken")
}

fn revoke(simulator: &Simulator, token: &str) -> Answer {
    let body = json!({ "Token": token, "ClientId": CLIENT, "ClientSecret": SECRET });
    ask(simulator, "RevokeToken", &body, NOW)
}

#[test]
fn without_rotation_both_ways_refresh_and_give_no_refresh_token() {
    let simulator = pool().build();
    let signed_in = sign_in(&simulator, NOW);
    let token = refresh_token(&signed_in);
    let name = claims(&access_token(&signed_in))["username"].as_str().unwrap().to_owned();
    let refreshed = refresh(&simulator, &token, NOW);
    assert_eq!(members(&refreshed.json), ["AuthenticationResult"]);
    let given = ["AccessToken", "ExpiresIn", "IdToken", "TokenType"];
    assert_eq!(members(&refreshed.json["AuthenticationResult"]), given);
    for flow in ["REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"] {
        let refreshed = by_flow(&simulator, flow, &token, &hash(&name));
        assert_eq!(members(&refreshed.json["AuthenticationResult"]), given);
    }
    refused(
        &by_flow(&simulator, "REFRESH_TOKEN_AUTH", &token, &hash(KIM)),
        "NotAuthorizedException",
        "Unable to verify secret hash for client 1canarypoolclient",
    );
    let totals = simulator.totals();
    assert_eq!(
        (totals.exchanges_of(Operation::REFRESH), totals.exchanges_of(Operation::SIGN_IN)),
        (3, 1)
    );
}

#[test]
fn dead_refresh_tokens_are_told_by_their_text() {
    let simulator = pool().build();
    let token = refresh_token(&sign_in(&simulator, NOW));
    assert_eq!(refresh(&simulator, &token, NOW + 30 * DAY - 1).status, 200);
    let name = "NotAuthorizedException";
    refused(&refresh(&simulator, &token, NOW + 30 * DAY), name, "Refresh Token has expired");
    refused(&refresh(&simulator, "never issued", NOW), name, "Invalid Refresh Token");
    let revoked = revoke(&simulator, &token);
    assert_eq!((revoked.status, revoked.text.as_str()), (200, ""));
    refused(&refresh(&simulator, &token, NOW), name, "Refresh Token has been revoked");
    assert_eq!(revoke(&simulator, &token).status, 200);
}

#[test]
fn the_plain_secret_is_checked_and_the_token_is_of_one_client() {
    let simulator = pool().build();
    simulator.add_account(Account::client("2other", "canary-other"));
    let token = refresh_token(&sign_in(&simulator, NOW));
    let with = |client: &str, secret: &str| {
        let body = json!({ "RefreshToken": token, "ClientId": client, "ClientSecret": secret });
        ask(&simulator, "GetTokensFromRefreshToken", &body, NOW)
    };
    let name = "NotAuthorizedException";
    refused(
        &with(CLIENT, "wrong"),
        name,
        "Unable to verify secret hash for client 1canarypoolclient",
    );
    refused(&with("2other", "canary-other"), name, "Invalid Refresh Token");
    let none = json!({ "RefreshToken": token, "ClientId": CLIENT });
    assert_eq!(ask(&simulator, "GetTokensFromRefreshToken", &none, NOW).status, 400);
}

#[test]
fn with_rotation_one_operation_refreshes_and_a_spent_token_is_taken_within_its_grace() {
    let simulator = pool().rotating(Duration::from_secs(10)).reuse_spares_family().build();
    let first = refresh_token(&sign_in(&simulator, NOW));
    refused(
        &by_flow(&simulator, "REFRESH_TOKEN_AUTH", &first, ""),
        "InvalidParameterException",
        "REFRESH_TOKEN_AUTH flow not enabled for this client",
    );
    let second = refresh_token(&refresh(&simulator, &first, NOW));
    assert_ne!(first, second);
    let third = refresh_token(&refresh(&simulator, &first, NOW + 9_999));
    refused(
        &refresh(&simulator, &first, NOW + 10_000),
        "RefreshTokenReuseException",
        "Refresh token has already been used",
    );
    assert_eq!(simulator.totals().spent_refresh_token_presented, 2);
    for token in [&second, &third] {
        assert_eq!(refresh(&simulator, token, NOW + 10_000).status, 200, "the family lives");
    }
    let late = refresh_token(&refresh(&simulator, &second, NOW + 10_001));
    refused(
        &refresh(&simulator, &late, NOW + 30 * DAY),
        "NotAuthorizedException",
        "Refresh Token has expired",
    );
}

#[test]
fn without_grace_a_lost_answer_ends_the_session_and_its_family() {
    let simulator = pool().rotating(Duration::ZERO).build();
    let first = refresh_token(&sign_in(&simulator, NOW));
    let second = refresh_token(&refresh(&simulator, &first, NOW));
    assert_eq!(refresh(&simulator, &first, NOW).text_of("/__type"), "RefreshTokenReuseException");
    refused(
        &refresh(&simulator, &second, NOW),
        "NotAuthorizedException",
        "Refresh Token has been revoked",
    );
}

#[test]
fn a_revocation_ends_one_sign_in_with_its_access_tokens() {
    let simulator = pool().build();
    let (one, other) = (sign_in(&simulator, NOW), sign_in(&simulator, NOW));
    let unsupported = revoke(&simulator, &access_token(&one));
    refused(&unsupported, "UnsupportedTokenTypeException", "Unsupported token type");
    assert_eq!(revoke(&simulator, &refresh_token(&one)).status, 200);
    let me = |answer: &Answer| {
        ask(&simulator, "GetUser", &json!({ "AccessToken": access_token(answer) }), NOW)
    };
    refused(&me(&one), "NotAuthorizedException", "Access Token has been revoked");
    assert_eq!(me(&other).status, 200);
    refused(&revoke(&simulator, "junk"), "InvalidParameterException", "Invalid refresh token");
    let body = json!({ "Token": refresh_token(&other), "ClientId": CLIENT, "ClientSecret": "no" });
    let refusal = ask(&simulator, "RevokeToken", &body, NOW);
    assert_eq!(refusal.text_of("/__type"), "UnauthorizedException");
    let off = pool().without_revocation().build();
    let token = refresh_token(&sign_in(&off, NOW));
    assert_eq!(revoke(&off, &token).text_of("/__type"), "UnsupportedOperationException");
}

#[test]
fn a_global_sign_out_ends_every_session_of_the_user() {
    let simulator = pool().build();
    let (one, other) = (sign_in(&simulator, NOW), sign_in(&simulator, NOW));
    let body = json!({ "AccessToken": access_token(&one) });
    let done = ask(&simulator, "GlobalSignOut", &body, NOW);
    assert_eq!((done.status, done.text.as_str()), (200, "{}"));
    for token in [refresh_token(&one), refresh_token(&other)] {
        let refusal = refresh(&simulator, &token, NOW);
        refused(&refusal, "NotAuthorizedException", "Refresh Token has been revoked");
    }
    let again = ask(&simulator, "GlobalSignOut", &body, NOW);
    refused(&again, "NotAuthorizedException", "Access Token has been revoked");
}

#[test]
fn a_user_who_was_disabled_gets_no_more_tokens() {
    let simulator = pool().build();
    let token = refresh_token(&sign_in(&simulator, NOW));
    simulator.change_account(KIM, |account| account.disabled = true);
    refused(&refresh(&simulator, &token, NOW), "NotAuthorizedException", "User is disabled.");
}
