//! Refreshing in each of the documented ways, and logging out.

use http::StatusCode;
use serde_json::json;

use super::{LEE, call, claims, members, refused, sign_in};
use crate::testing::{Answer, NOW, answer, json_request, post};
use crate::{Absurd, ExpiryForm, Fault, Operation, RefreshAnswer, Simulator};

const WEEK: i64 = 604_800_000;

fn refresh(simulator: &Simulator, token: &str, now_ms: i64) -> Answer {
    post(simulator, "/api/v1/auth/refresh/", &json!({ "refresh": token }), now_ms)
}

#[test]
fn a_refresh_gives_one_token_or_two_and_may_blacklist_the_old_one() {
    for (setting, given, again) in [
        (RefreshAnswer::AccessOnly, vec!["access"], 200),
        (RefreshAnswer::Both, vec!["access", "refresh"], 200),
        (RefreshAnswer::BothAndBlacklist, vec!["access", "refresh"], 401),
    ] {
        let simulator = Simulator::igny8().refresh_answer(setting).build();
        let token = sign_in(&simulator, NOW).text_of("/data/refresh");
        let refreshed = refresh(&simulator, &token, NOW + 1000);
        assert_eq!((refreshed.status, members(&refreshed.json["data"])), (200, given));
        assert_eq!(call(&simulator, &refreshed.text_of("/data/access"), NOW + 1000).status, 200);
        assert_eq!(refresh(&simulator, &token, NOW + 1000).status, again);
        assert_eq!(simulator.totals().spent_refresh_token_presented, u64::from(again == 401));
        if setting != RefreshAnswer::AccessOnly {
            let next = refreshed.text_of("/data/refresh");
            assert_eq!(refresh(&simulator, &next, NOW + WEEK).status, 200, "a life of its own");
        }
    }
}

#[test]
fn a_dead_refresh_token_is_401_or_400() {
    for (builder, status) in
        [(Simulator::igny8(), 401), (Simulator::igny8().dead_refresh(StatusCode::BAD_REQUEST), 400)]
    {
        let simulator = builder.build();
        let token = sign_in(&simulator, NOW).text_of("/data/refresh");
        assert_eq!(refresh(&simulator, &token, NOW + WEEK - 1).status, 200);
        let text = "Invalid or expired refresh token";
        refused(&refresh(&simulator, &token, NOW + WEEK), status, text);
        refused(&refresh(&simulator, "junk", NOW), status, text);
        simulator.revoke_all(LEE, crate::RefreshTokens::Revoke);
        refused(&refresh(&simulator, &token, NOW), status, text);
    }
    let missing = post(&Simulator::igny8().build(), "/api/v1/auth/refresh/", &json!({}), NOW);
    assert_eq!(missing.json["errors"], json!({ "refresh": ["This field is required."] }));
}

#[test]
fn paths_are_settings_and_logging_out_exists_by_setting_only() {
    let simulator = Simulator::igny8().refresh_path("/auth/token/refresh/").logout().build();
    let signed_in = sign_in(&simulator, NOW);
    let token = signed_in.text_of("/data/refresh");
    assert_eq!(refresh(&simulator, &token, NOW).status, 404);
    let body = json!({ "refresh": token });
    assert_eq!(post(&simulator, "/api/v1/auth/token/refresh/", &body, NOW).status, 200);
    let logout = |simulator: &Simulator| {
        let bearer = format!("Bearer {}", signed_in.text_of("/data/access"));
        let headers = [("authorization", bearer.as_str())];
        answer(simulator, &json_request("/api/v1/auth/logout/", &headers, &json!({})), NOW)
    };
    assert_eq!(logout(&simulator).json["data"], json!({ "message": "Logged out successfully" }));
    refused(&logout(&simulator), 401, "Authentication required");
    assert_eq!(post(&simulator, "/api/v1/auth/token/refresh/", &body, NOW).status, 401);
    assert_eq!(logout(&Simulator::igny8().build()).status, 404);
}

#[test]
fn an_expiry_that_the_tokens_alone_tell_is_spoiled_in_them() {
    for (fault, told) in [
        (Fault::MissingExpiry, json!(null)),
        (Fault::AbsurdExpiry(Absurd::Negative), json!(-1)),
        (Fault::AbsurdExpiry(Absurd::Huge), json!(1e300)),
        (Fault::AbsurdExpiry(Absurd::String), json!("soon")),
    ] {
        let simulator = Simulator::igny8().build();
        simulator.inject(Operation::ANY, fault, 2);
        let token = sign_in(&simulator, NOW).text_of("/data/refresh");
        let refreshed = refresh(&simulator, &token, NOW);
        let access = refreshed.text_of("/data/access");
        for token in [&token, &access, &refreshed.text_of("/data/refresh")] {
            assert_eq!(claims(token)["exp"], told);
        }
        assert!(simulator.records().iter().all(|record| record.altered && record.success));
        // The server knows what it meant.
        assert_eq!(call(&simulator, &access, NOW + 899_999).status, 200);
        assert_eq!(call(&simulator, &access, NOW + 900_000).status, 401);
    }
}

#[test]
fn a_fault_that_finds_nothing_to_alter_says_so() {
    let simulator = Simulator::igny8().expiry_fields(ExpiryForm::Epoch).build();
    simulator.inject(Operation::SIGN_IN, Fault::MissingExpiry, 2);
    let refused = answer(&simulator, &json_request("/api/v1/auth/login/", &[], &json!({})), NOW);
    let data = &sign_in(&simulator, NOW).json["data"];
    assert_eq!((refused.status, members(data)), (400, vec!["access", "refresh", "user"]));
    let altered = |n: usize| (simulator.records()[n].fault, simulator.records()[n].altered);
    assert_eq!(altered(0), (Some("missing_expiry"), false));
    assert_eq!(altered(1), (Some("missing_expiry"), true));
}

#[test]
fn a_refresh_takes_its_token_by_one_name() {
    for (simulator, right, wrong) in [
        (Simulator::igny8().build(), "refresh", "refresh_token"),
        (Simulator::igny8().refresh_field("refresh_token").build(), "refresh_token", "refresh"),
    ] {
        let token = sign_in(&simulator, NOW).text_of("/data/refresh");
        let ask =
            |name: &str| post(&simulator, "/api/v1/auth/refresh/", &json!({ name: token }), NOW);
        let errors = json!({ right: ["This field is required."] });
        assert_eq!((ask(wrong).status, &ask(wrong).json["errors"]), (400, &errors));
        assert_eq!(ask(right).status, 200);
    }
}
