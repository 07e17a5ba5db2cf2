//! A redirect to another origin never carries a credential.

use std::time::Duration;

use countersign::ibanera::Ibanera;
use countersign::reqwest::{Redirects, ReplayPolicy, SendError, send_with};
use countersign_simulator::{Fault, Operation, Simulator};
use http::StatusCode;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::bench::Bench;

async fn elsewhere() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    server
}

async fn redirecting(to: &MockServer) -> (Bench, countersign::Session) {
    let bench = Bench::new(Simulator::ibanera().build()).await;
    let session = bench.open(Ibanera::at(&bench.server.url()).expect("an address")).await;
    session.authorization().await.expect("signed in");
    let fault = Fault::Redirect { to: to.uri() };
    bench.simulator.inject(Operation::RESOURCE, fault, 1);
    (bench, session)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f33_p08_our_client_does_not_carry_the_code_to_another_origin() {
    let other = elsewhere().await;
    let (bench, session) = redirecting(&other).await;
    let url = bench.url("/api/v1/customer/sim/echo");
    let reply = bench.api(&session).get(&url).send().await.expect("the redirect itself");
    assert_eq!(reply.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(other.received_requests().await.map(|seen| seen.len()), Some(0));
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f33_p08_a_plain_client_is_refused_with_a_typed_error() {
    let other = elsewhere().await;
    let (bench, session) = redirecting(&other).await;
    let plain = ::reqwest::Client::new();
    let url = bench.url("/api/v1/customer/sim/echo");
    let request = plain.get(&url).timeout(Duration::from_secs(5)).build().expect("a request");
    let end = send_with(&session, &plain, request, Redirects::Unknown, ReplayPolicy::Always).await;
    let error = end.expect_err("its redirects are not known");
    assert!(!matches!(error, SendError::Http { .. }), "{error}");
    assert!(error.to_string().contains("otp"), "{error}");
    assert_eq!(other.received_requests().await.map(|seen| seen.len()), Some(0));

    // The negative control: what the refusal is for. A plain client carries the header on.
    let authorized = session.authorization().await.expect("signed in");
    let mut headers = http::HeaderMap::new();
    authorized.apply(&mut headers);
    plain.get(&url).headers(headers).send().await.expect("followed");
    let seen = other.received_requests().await.unwrap_or_default();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].headers.contains_key("otp"), "reqwest strips it now: the rule can go");
    bench.server.shutdown().await;
}
