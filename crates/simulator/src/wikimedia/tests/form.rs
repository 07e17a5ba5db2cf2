//! How bodies are read and answers labelled.

use serde_json::json;

use super::{INTERNAL, NAME, PASSWORD, refused, sign_in, sign_in_as};
use crate::Simulator;
use crate::testing::{Answer, NOW, answer, post, request};

fn login(simulator: &Simulator, content_type: Option<&str>, body: &str) -> Answer {
    let headers: Vec<(&str, &str)> =
        content_type.map(|of| ("content-type", of)).into_iter().collect();
    answer(simulator, &request("POST", "/v1/login", &headers, body), NOW)
}

#[test]
fn json_under_another_type_is_invalid_and_a_real_form_is_taken() {
    let simulator = Simulator::wikimedia().build();
    let body = json!({ "username": NAME, "password": PASSWORD }).to_string();
    for content_type in [
        None,
        Some("Application/JSON"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        refused(&login(&simulator, content_type, &body), 422, INTERNAL);
    }
    assert_eq!(login(&simulator, Some("application/json; charset=utf-8"), &body).status, 200);
    let form = format!("username={NAME}&password=Canary-wikimedia-p4ssword%21");
    assert_eq!(login(&simulator, Some("application/x-www-form-urlencoded"), &form).status, 200);
}

#[test]
fn json_is_read_laxly() {
    let simulator = Simulator::wikimedia().build();
    let json = Some("application/json");
    for body in [
        format!(r#"{{"username":"{NAME}","password":"{PASSWORD}","other":1}}"#),
        format!(r#"{{"USERNAME":"{NAME}","Password":"{PASSWORD}"}}"#),
        format!(r#"{{"username":"{NAME}","password":"{PASSWORD}"}} rubbish"#),
        format!(r#"{{"username":"first","username":"{NAME}","password":"{PASSWORD}"}}"#),
    ] {
        assert_eq!(login(&simulator, json, &body).status, 200, "{body}");
    }
    for body in ["", "[]", "null", "{", r#"{"username":1,"password":"x"}"#, r#"{"username":"x"}"#] {
        refused(&login(&simulator, json, body), 422, INTERNAL);
    }
}

#[test]
fn limits_count_characters() {
    let simulator = Simulator::wikimedia().build();
    refused(&sign_in_as(&simulator, NAME, &"é".repeat(256), NOW), 422, INTERNAL);
    assert_eq!(sign_in_as(&simulator, NAME, &"é".repeat(255), NOW).status, 401);
    refused(&sign_in_as(&simulator, "", PASSWORD, NOW), 422, INTERNAL);
    let choose = |password: &str| super::choose(&simulator, NAME, "session", password, NOW).status;
    assert_eq!((choose("12345"), choose("123456"), choose(&"x".repeat(256))), (422, 401, 422));
}

#[test]
fn an_error_is_labelled_as_the_client_accepts() {
    let simulator = Simulator::wikimedia().build();
    let body = json!({ "username": NAME, "password": "wrong" }).to_string();
    for (accept, label) in [
        ("application/json", "application/json"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/html", "text/plain; charset=utf-8"),
    ] {
        let headers = [("content-type", "application/json"), ("accept", accept)];
        let refusal = answer(&simulator, &request("POST", "/v1/login", &headers, &body), NOW);
        refused(&refusal, 401, super::INCORRECT);
        assert_eq!(refusal.head.headers()["content-type"], label);
    }
}

#[test]
fn a_slash_too_many_is_redirected_and_a_wrong_method_is_no_path() {
    let simulator = Simulator::wikimedia().build();
    let body = json!({ "username": NAME, "password": PASSWORD });
    let redirected = post(&simulator, "/v1/login/", &body, NOW);
    assert_eq!(
        (redirected.status, redirected.head.headers()["location"].as_bytes()),
        (307, &b"/v1/login"[..])
    );
    for (method, path) in [
        ("GET", "/v1/login"),
        ("PUT", "/v1/login"),
        ("GET", "/v1/captcha"),
        ("POST", "/v1/status"),
        ("POST", "/v2/login"),
    ] {
        refused(&answer(&simulator, &request(method, path, &[], ""), NOW), 404, "Not Found");
    }
    let status = answer(&simulator, &request("GET", "/v1/status", &[], ""), NOW);
    assert_eq!((status.status, status.text.as_str()), (200, ""));
    assert_eq!(sign_in(&simulator, NOW).status, 200);
}
