//! What goes wrong behind the service and in it.

use serde_json::json;

use super::{INCORRECT, INTERNAL, refresh, refused, revoke, sign_in};
use crate::testing::{NOW, post};
use crate::{Fault, InternalForm, Operation, RetryAfter, Simulator};

#[test]
fn an_outage_of_the_pool_looks_like_refused_credentials() {
    let simulator = Simulator::wikimedia().pool_outage().build();
    let token = sign_in(&simulator, NOW).text_of("/refresh_token");
    simulator.outage(true);
    refused(&sign_in(&simulator, NOW), 401, INCORRECT);
    refused(&refresh(&simulator, &token, NOW), 401, "Unauthorized.");
    refused(&revoke(&simulator, &token), 401, "Unauthorized");
    let nobody = json!({});
    refused(&post(&simulator, "/v1/forgot-password", &nobody, NOW), 401, INTERNAL);
    refused(&post(&simulator, "/v1/new-password-required", &nobody, NOW), 401, "Unauthorized.");
    refused(&post(&simulator, "/v1/change-password", &nobody, NOW), 500, INTERNAL);
    let confirm = post(&simulator, "/v1/forgot-password-confirm", &nobody, NOW);
    assert!(
        confirm.status == 401
            && confirm.text_of("/message").starts_with("RequestError: send request failed")
    );
    simulator.outage(false);
    assert_eq!(refresh(&simulator, &token, NOW).status, 200, "nothing was ended by it");
    assert_eq!(simulator.totals().faults_of("outage"), 7);
}

#[test]
fn an_outage_of_the_service_is_a_page() {
    let simulator = Simulator::wikimedia().build();
    simulator.outage(true);
    let page = sign_in(&simulator, NOW);
    assert_eq!(
        (page.status, page.head.headers()["content-type"].as_bytes()),
        (503, &b"text/html; charset=utf-8"[..])
    );
}

#[test]
fn a_failure_has_three_forms() {
    for (form, message) in
        [(InternalForm::Message, INTERNAL), (InternalForm::StatusText, "Internal Server Error")]
    {
        let simulator = Simulator::wikimedia().internal_error(form).build();
        simulator.inject(Operation::SIGN_IN, Fault::Status500, 1);
        refused(&sign_in(&simulator, NOW), 500, message);
    }
    let simulator = Simulator::wikimedia().internal_error(InternalForm::Empty).build();
    simulator.inject(Operation::SIGN_IN, Fault::Status500, 1);
    let empty = sign_in(&simulator, NOW);
    assert_eq!((empty.status, empty.text.as_str()), (500, ""));
    assert!(empty.head.headers().get("content-type").is_none());
}

#[test]
fn a_throttle_of_a_proxy_is_not_the_budget() {
    let simulator = Simulator::wikimedia().build();
    let fault = Fault::Status429 { retry_after: RetryAfter::Seconds(5) };
    simulator.inject(Operation::REFRESH, fault, 1);
    let throttled = refresh(&simulator, "junk", NOW);
    refused(&throttled, 429, "Too Many Requests");
    assert_eq!(throttled.head.headers()["retry-after"], "5");
}
