//! The authorised resource, the session cookie, slashes and pages.

use http::StatusCode;
use serde_json::json;

use super::{ECHO, LEE, LOGIN, PASSWORD, call, refused, sign_in, sign_in_as};
use crate::testing::{Answer, NOW, answer, json_request, post, request};
use crate::{AuthVerdict, Fault, MissingSlash, Operation, Simulator};

#[test]
fn a_bearer_token_opens_the_resource_until_its_end() {
    let simulator = Simulator::igny8().build();
    let token = sign_in(&simulator, NOW).text_of("/data/access");
    let echo = call(&simulator, &token, NOW + 899_999);
    assert_eq!((echo.status, &echo.json["success"]), (200, &json!(true)));
    assert_eq!(echo.json["data"]["account"], LEE);
    refused(&call(&simulator, &token, NOW + 900_000), 401, "Authentication required");
    assert_eq!(simulator.records().last().unwrap().auth, AuthVerdict::Expired);
    let raw = answer(&simulator, &request("GET", ECHO, &[("authorization", &token)], ""), NOW);
    refused(&raw, 401, "Authentication required");
    refused(
        &answer(&simulator, &request("GET", ECHO, &[], ""), NOW),
        401,
        "Authentication required",
    );
}

#[test]
fn a_bad_token_may_fall_through_under_either_status() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        let simulator = Simulator::igny8().fall_through(status).build();
        let text = "Authentication credentials were not provided.";
        refused(&call(&simulator, "junk", NOW), status.as_u16(), text);
        let token = sign_in(&simulator, NOW).text_of("/data/access");
        simulator.inject(Operation::RESOURCE, Fault::Unauthorized, 1);
        refused(&call(&simulator, &token, NOW), status.as_u16(), text);
        simulator.change_account(LEE, |account| {
            account.attributes.insert("resource".to_owned(), "forbidden".to_owned());
        });
        refused(&call(&simulator, &token, NOW), 403, "Permission denied");
        assert_eq!(simulator.records().last().unwrap().reason, Some("not_allowed"));
    }
}

#[test]
fn a_session_cookie_of_another_account_logs_out() {
    let simulator = Simulator::igny8().build();
    let cookie = |answer: &Answer| {
        let cookie = answer.head.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };
    let lee = sign_in_as(&simulator, LEE, PASSWORD, NOW);
    let sam = sign_in_as(&simulator, "sam@agency.example", "canary-igny8-other-password", NOW);
    let call = |token: &Answer, cookie: &str| {
        let bearer = format!("Bearer {}", token.text_of("/data/access"));
        let headers = [("authorization", bearer.as_str()), ("cookie", cookie)];
        answer(&simulator, &request("GET", ECHO, &headers, ""), NOW)
    };
    assert_eq!(call(&lee, &format!("theme=dark; {}", cookie(&lee))).status, 200);
    refused(&call(&sam, &cookie(&lee)), 401, "Session expired. Please log in again.");
    assert_eq!(simulator.records().last().unwrap().reason, Some("session_contaminated"));
    assert_eq!(call(&sam, &cookie(&lee)).status, 200, "the session is gone, the token is not");
    let alone = answer(&simulator, &request("GET", ECHO, &[("cookie", &cookie(&sam))], ""), NOW);
    assert_eq!(alone.status, 401);
}

#[test]
fn a_path_without_its_slash_is_redirected_or_an_error() {
    let body = json!({ "email": LEE, "password": PASSWORD });
    let bare = LOGIN.trim_end_matches('/');
    let simulator = Simulator::igny8().build();
    let redirected = post(&simulator, bare, &body, NOW);
    assert_eq!(
        (redirected.status, redirected.head.headers()["location"].as_bytes()),
        (301, LOGIN.as_bytes())
    );
    let simulator = Simulator::igny8().missing_slash(MissingSlash::Error).build();
    let failed = post(&simulator, bare, &body, NOW);
    assert!(failed.status == 500 && failed.text.contains("<h1>Server Error (500)</h1>"));
    let get = answer(&simulator, &request("GET", ECHO.trim_end_matches('/'), &[], ""), NOW);
    assert_eq!(get.status, 301);
    assert_eq!(simulator.totals().exchanges_of(Operation::SIGN_IN), 0);
}

#[test]
fn django_answers_by_itself_with_pages() {
    let simulator = Simulator::igny8().html_errors().build();
    let missing = post(&simulator, "/api/v1/auth/me/", &json!({}), NOW);
    assert_eq!(
        (missing.status, missing.head.headers()["content-type"].as_bytes()),
        (404, &b"text/html; charset=utf-8"[..])
    );
    for (fault, status) in [(Fault::Status500, 500), (Fault::Status503, 503)] {
        simulator.inject(Operation::SIGN_IN, fault, 1);
        let page = sign_in(&simulator, NOW);
        assert!(page.status == status && page.text.starts_with("<!doctype html>"));
    }
    let enveloped = Simulator::igny8().build();
    enveloped.inject(Operation::SIGN_IN, Fault::Status500, 1);
    refused(&sign_in(&enveloped, NOW), 500, "Internal server error");
    let form =
        request("POST", LOGIN, &[], &json!({ "email": LEE, "password": PASSWORD }).to_string());
    assert_eq!(answer(&enveloped, &form, NOW).status, 400, "no type, no fields");
    assert_eq!(answer(&enveloped, &json_request(LOGIN, &[], &json!([])), NOW).status, 400);
}
