//! The form of requests and of errors, and the client's secret in its spellings.

use http::StatusCode;
use serde_json::json;

use super::{CLIENT, KIM, PASSWORD, SECRET, ask, hash, pool, refused, sign_in};
use crate::testing::{Answer, NOW, answer, request};
use crate::{Account, Fault, HashName, Operation, RetryAfter, Simulator};

fn initiate(simulator: &Simulator, hash: Option<&str>) -> Answer {
    let mut parameters = json!({ "USERNAME": KIM, "PASSWORD": PASSWORD });
    if let Some(hash) = hash {
        parameters["SECRET_HASH"] = json!(hash);
    }
    let body = json!({
        "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": CLIENT, "AuthParameters": parameters,
    });
    ask(simulator, "InitiateAuth", &body, NOW)
}

#[test]
fn the_secret_hash_is_checked_where_the_client_has_a_secret() {
    let simulator = pool().build();
    refused(
        &initiate(&simulator, None),
        "NotAuthorizedException",
        "Client 1canarypoolclient is configured with secret but SECRET_HASH was not received",
    );
    refused(
        &initiate(&simulator, Some(&hash("another"))),
        "NotAuthorizedException",
        "Unable to verify secret hash for client 1canarypoolclient",
    );
    assert_eq!(simulator.account().failed_attempts, 0);
    assert_eq!(initiate(&simulator, Some(&hash(KIM))).status, 200);
    let public = pool().public_client().build();
    assert_eq!(initiate(&public, None).status, 200);
    refused(
        &initiate(&public, Some(&hash(KIM))),
        "NotAuthorizedException",
        "Client 1canarypoolclient is not configured for secret but secret hash was received",
    );
}

#[test]
fn the_hash_of_an_answer_is_made_of_the_internal_name() {
    for (builder, by_alias) in [(pool(), 400), (pool().secret_hash_of(HashName::Either), 200)] {
        let simulator = builder.build();
        let asked = super::sign_in_as(&simulator, super::MFA, "Canary-cognito-mfa-p4ssword!", NOW);
        let responses = json!({
            "USERNAME": super::MFA,
            "SECRET_HASH": hash(super::MFA),
            "SOFTWARE_TOKEN_MFA_CODE": super::code(&simulator, super::MFA, NOW),
        });
        let body = json!({
            "ClientId": CLIENT, "ChallengeName": "SOFTWARE_TOKEN_MFA",
            "Session": asked.json["Session"], "ChallengeResponses": responses,
        });
        assert_eq!(ask(&simulator, "RespondToAuthChallenge", &body, NOW).status, by_alias);
    }
}

#[test]
fn flows_that_are_not_enabled_say_so() {
    let simulator = Simulator::cognito().build();
    refused(
        &initiate(&simulator, Some(&hash(KIM))),
        "InvalidParameterException",
        "USER_PASSWORD_AUTH flow not enabled for this client",
    );
    let none = Simulator::cognito().flows([]).build();
    let not_enabled = |simulator: &Simulator, flow: &str, text: &str| {
        let body = json!({ "AuthFlow": flow, "ClientId": CLIENT, "AuthParameters": {} });
        refused(&ask(simulator, "InitiateAuth", &body, NOW), "InvalidParameterException", text);
    };
    not_enabled(&none, "USER_SRP_AUTH", "USER_SRP_AUTH is not enabled for the client.");
    for flow in ["CUSTOM_AUTH", "USER_AUTH", "REFRESH_TOKEN_AUTH", "ADMIN_USER_PASSWORD_AUTH"] {
        not_enabled(&none, flow, &format!("{flow} flow not enabled for this client"));
    }
    simulator.add_account(
        Account::client(CLIENT, SECRET).attribute("flows", "USER_AUTH, USER_PASSWORD_AUTH"),
    );
    assert_eq!(initiate(&simulator, Some(&hash(KIM))).status, 200, "the client's own list counts");
    not_enabled(&simulator, "USER_SRP_AUTH", "USER_SRP_AUTH is not enabled for the client.");
    let body = json!({ "AuthFlow": "PASSWORD", "ClientId": CLIENT });
    let unknown = ask(&simulator, "InitiateAuth", &body, NOW);
    assert!(unknown.text_of("/message").contains("'PASSWORD' at 'authFlow'"));
}

#[test]
fn malformed_requests_have_exceptions_of_their_own() {
    let simulator = pool().build();
    let missing = ask(&simulator, "InitiateAuth", &json!({ "ClientId": CLIENT }), NOW);
    refused(
        &missing,
        "InvalidParameterException",
        "1 validation error detected: Value at 'authFlow' failed to satisfy constraint: Member must not be null",
    );
    let body =
        json!({ "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": CLIENT, "AuthParameters": {} });
    refused(
        &ask(&simulator, "InitiateAuth", &body, NOW),
        "InvalidParameterException",
        "Missing required parameter USERNAME",
    );
    let body = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": "other" });
    refused(
        &ask(&simulator, "InitiateAuth", &body, NOW),
        "ResourceNotFoundException",
        "User pool client other does not exist.",
    );
    let typed = ask(&simulator, "GetUser", &json!({ "AccessToken": 7 }), NOW);
    refused(&typed, "SerializationException", "");
    refused(&ask(&simulator, "AdminGetUser", &json!({}), NOW), "UnknownOperationException", "");
    let target = [("x-amz-target", "AWSCognitoIdentityProviderService.GetUser")];
    let untyped = answer(&simulator, &request("POST", "/", &target, "{}"), NOW);
    refused(&untyped, "SerializationException", "");
}

#[test]
fn errors_may_have_a_namespace_or_no_headers() {
    let namespaced = pool().error_namespace("com.amazonaws.cognito.idp.model").build();
    let refused = initiate(&namespaced, Some("wrong"));
    assert_eq!(
        refused.text_of("/__type"),
        "com.amazonaws.cognito.idp.model#NotAuthorizedException"
    );
    assert_eq!(refused.head.headers()["x-amzn-errortype"], "NotAuthorizedException:");
    assert_eq!(
        refused.head.headers()["x-amzn-errormessage"],
        "Unable to verify secret hash for client 1canarypoolclient"
    );
    let bare = pool().without_error_headers().build();
    let refused = initiate(&bare, Some("wrong"));
    assert!(refused.head.headers().get("x-amzn-errortype").is_none());
    assert_eq!(refused.text_of("/__type"), "NotAuthorizedException");
}

#[test]
fn throttling_and_faults_of_the_service_have_their_names() {
    let throttle = Fault::Status429 { retry_after: RetryAfter::None };
    for (builder, status) in
        [(pool(), 400), (pool().throttle_status(StatusCode::TOO_MANY_REQUESTS), 429)]
    {
        let simulator = builder.build();
        simulator.inject(Operation::SIGN_IN, throttle.clone(), 1);
        let throttled = sign_in(&simulator, NOW);
        assert_eq!(throttled.status, status);
        assert_eq!(throttled.text_of("/__type"), "TooManyRequestsException");
    }
    let simulator = pool().build();
    simulator.inject(Operation::ANY, Fault::Status500, 1);
    let failed = sign_in(&simulator, NOW);
    assert_eq!(
        (failed.status, failed.text_of("/__type").as_str()),
        (500, "InternalErrorException")
    );
    simulator.outage(true);
    let out = sign_in(&simulator, NOW);
    assert_eq!((out.status, out.text.as_str()), (503, ""));
}
