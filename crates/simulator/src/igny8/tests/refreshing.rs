//! Refreshing in each of the documented ways, and logging out.

use http::StatusCode;
use serde_json::json;

use super::{LEE, call, members, refused, sign_in};
use crate::testing::{Answer, NOW, answer, json_request, post};
use crate::{RefreshAnswer, Simulator};

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
