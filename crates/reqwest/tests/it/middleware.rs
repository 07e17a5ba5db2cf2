//! The middleware for clients of `reqwest-middleware`.

use crate::support::{Fake, Move, Reply, Seen, Server};
use async_trait::async_trait;
use countersign_reqwest::{AuthMiddleware, Redirects, ReplayPolicy, SendError};
use http::{Extensions, Method};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next, Result};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tries once more after a failure of the server, as retry middlewares do.
struct Again;

#[async_trait]
impl Middleware for Again {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let copy = request.try_clone().unwrap();
        let first = next.clone().run(request, extensions).await?;
        if first.status().is_server_error() { next.run(copy, extensions).await } else { Ok(first) }
    }
}

fn plain() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn client(fake: &Fake) -> ClientWithMiddleware {
    ClientBuilder::new(plain()).with(AuthMiddleware::new(fake.clone())).build()
}

fn cause(error: Error) -> SendError {
    match error {
        Error::Middleware(error) => error.downcast().unwrap(),
        Error::Reqwest(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn f20_each_attempt_of_a_retry_gets_an_authorization_of_its_own() {
    let n = AtomicUsize::new(0);
    let server = Server::start(move |_| match n.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::status(503),
        1 => Reply::status(401),
        _ => Reply::status(200),
    })
    .await;
    let fake = Fake::bearer(&[server.origin()]);
    let client =
        ClientBuilder::new(plain()).with(Again).with(AuthMiddleware::new(fake.clone())).build();
    let reply = client.get(server.url("/")).header("authorization", "mine").send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let sent: Vec<_> =
        server.seen().iter().map(|s| s.header("authorization").map(str::to_owned)).collect();
    let expected = ["Bearer canary-1", "Bearer canary-1", "Bearer canary-2"];
    assert_eq!(sent, expected.map(|value| Some(value.to_owned())));
    let asked = fake.moves().iter().filter(|made| matches!(made, Move::Authorize(_))).count();
    assert_eq!(asked, 3, "once for each send");
}

/// Refuses the first few requests, so that who would ask for ever comes to an end.
fn refusing(times: usize) -> impl Fn(&Seen) -> Reply {
    let n = AtomicUsize::new(0);
    move |_| {
        let refused = n.fetch_add(1, Ordering::SeqCst) < times;
        Reply::status(if refused { 401 } else { 200 })
    }
}

#[tokio::test]
async fn f21_f23_a_refusal_is_replayed_once() {
    let server = Server::start(refusing(5)).await;
    let fake = Fake::bearer(&[server.origin()]);
    let reply = client(&fake).get(server.url("/")).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), server.seen().len()), (401, 2));
    assert_eq!(fake.moves().last(), Some(&Move::Report { generation: 2, replayed: true }));
}

#[tokio::test]
async fn f33_nothing_is_sent_to_another_origin_or_where_a_redirect_could_carry_a_code_away() {
    let server = Server::start(|_| Reply::status(200)).await;
    let fake = Fake::bearer(&[]);
    let error = client(&fake).get(server.url("/")).send().await.unwrap_err();
    assert!(matches!(cause(error), SendError::Origin(_)));

    let coded = Fake::coded(&[server.origin()]);
    let error = client(&coded).get(server.url("/")).send().await.unwrap_err();
    assert!(matches!(cause(error), SendError::RedirectsUnsafe(name) if name == "otp"));
    assert_eq!((fake.moves(), coded.moves(), server.seen()), (vec![], vec![], vec![]));

    let vouched = AuthMiddleware::new(coded).redirects(Redirects::Vouched);
    let client = ClientBuilder::new(plain()).with(vouched).build();
    client.get(server.url("/")).send().await.unwrap();
    assert_eq!(server.seen()[0].header("otp"), Some("100"));
}

#[tokio::test]
async fn f32_a_session_without_a_token_is_told_as_such_and_nothing_is_sent() {
    let server = Server::start(|_| Reply::status(200)).await;
    let fake = Fake::bearer(&[server.origin()]).has_nothing();
    let error = client(&fake).get(server.url("/?canary")).send().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(matches!(cause(error), SendError::Auth(_)) && !shown.contains("canary"), "{shown}");
    assert_eq!(server.seen(), vec![]);
}

#[tokio::test]
async fn f32_a_failed_request_shows_no_query_in_its_first_send_nor_in_its_replay() {
    for refused in [0, 1] {
        let n = AtomicUsize::new(0);
        let server = Server::start(move |_| match n.fetch_add(1, Ordering::SeqCst) < refused {
            true => Reply::status(401),
            false => Reply::closed(),
        })
        .await;
        let fake = Fake::bearer(&[server.origin()]);
        let error = client(&fake).get(server.url("/p?token=canary")).send().await.unwrap_err();
        let mut shown = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            shown.push_str(&format!(" {error} {error:?}"));
            cause = error.source();
        }
        assert!(matches!(&error, Error::Reqwest(error) if error.is_request()), "{shown}");
        assert_eq!(
            (server.seen().len(), shown.contains("canary")),
            (refused + 1, false),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn f24_what_must_not_or_cannot_be_sent_twice_is_sent_once() {
    for (policy, post, put) in [
        (ReplayPolicy::Always, 2, 2),
        (ReplayPolicy::Idempotent, 1, 2),
        (ReplayPolicy::Never, 1, 1),
    ] {
        for (method, sends) in [(Method::POST, post), (Method::PUT, put)] {
            let server = Server::start(refusing(5)).await;
            let auth = AuthMiddleware::new(Fake::bearer(&[server.origin()])).replay(policy);
            let client = ClientBuilder::new(plain()).with(auth).build();
            client.request(method.clone(), server.url("/")).send().await.unwrap();
            assert_eq!(server.seen().len(), sends, "{policy:?} {method}");
        }
    }
    let server = Server::start(refusing(5)).await;
    let fake = Fake::bearer(&[server.origin()]);
    let stream = reqwest::Body::wrap(http_body_util::Full::new(bytes::Bytes::from("streamed")));
    let reply = client(&fake).post(server.url("/")).body(stream).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), server.seen().len()), (401, 1));
    assert_eq!(server.seen()[0].body, b"streamed");
    assert_eq!(fake.moves().last(), Some(&Move::Report { generation: 1, replayed: false }));
}

#[tokio::test]
async fn p14_a_refusal_whose_reason_is_in_the_body_is_seen_and_another_one_is_handed_on() {
    let n = AtomicUsize::new(0);
    let server = Server::start(move |_| match n.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::status(403).body("not signed in"),
        _ => Reply::status(403).body("another reason"),
    })
    .await;
    let fake = Fake::bearer(&[server.origin()]);
    let reply = client(&fake).get(server.url("/")).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), server.seen().len()), (403, 2));
    assert_eq!(reply.text().await.unwrap(), "another reason");
}

#[tokio::test]
async fn f33_what_another_origin_answers_is_no_refusal() {
    let elsewhere = Server::start(refusing(5)).await;
    let there = elsewhere.url("/");
    let server = Server::start(move |_| Reply::redirect(307, &there)).await;
    let fake = Fake::bearer(&[server.origin()]);
    let reply = client(&fake).get(server.url("/")).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), elsewhere.seen().len()), (401, 1));
    assert_eq!(elsewhere.seen()[0].header("authorization"), None);
    assert_eq!(fake.moves(), [Move::Authorize(std::time::Duration::ZERO)], "nothing is renewed");
}

#[tokio::test]
async fn f21_what_the_same_origin_refuses_after_a_redirect_is_replayed_where_it_began() {
    let server = Server::start(|seen| match (&*seen.target, seen.header("authorization")) {
        ("/", _) => Reply::redirect(307, "/there"),
        (_, Some("Bearer canary-1")) => Reply::status(401),
        _ => Reply::status(200),
    })
    .await;
    let fake = Fake::bearer(&[server.origin()]);
    assert_eq!(client(&fake).get(server.url("/")).send().await.unwrap().status(), 200);
    let targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets, ["/", "/there", "/", "/there"]);
}

#[tokio::test]
async fn an_answer_is_told_as_an_acceptance_unless_it_says_nothing_about_the_token() {
    let too_long: &[u8] = &[b'x'; 64 * 1024 + 1];
    for (status, body, told) in [
        (200, &b""[..], true),
        (404, b"", true),
        (502, b"", false),
        (403, b"another reason", true),
        (403, too_long, false),
    ] {
        let server = Server::start(move |_| Reply::status(status).body(body)).await;
        let fake = Fake::coded(&[server.origin()]);
        let auth = AuthMiddleware::new(fake.clone()).redirects(Redirects::Vouched);
        let client = ClientBuilder::new(plain()).with(auth).build();
        client.get(server.url("/")).send().await.unwrap();
        assert_eq!(fake.moves().contains(&Move::Accepted), told, "{status}, {} bytes", body.len());
    }
}

/// Passes the request on if the caller has marked it.
struct Marked;

#[derive(Clone)]
struct Mark;

#[async_trait]
impl Middleware for Marked {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        assert!(extensions.get::<Mark>().is_some(), "what the caller has added is lost");
        next.run(request, extensions).await
    }
}

#[tokio::test]
async fn what_callers_and_other_middlewares_hand_each_other_goes_through_with_each_send() {
    let server = Server::start(refusing(1)).await;
    let fake = Fake::bearer(&[server.origin()]);
    let client = ClientBuilder::new(plain()).with(AuthMiddleware::new(fake)).with(Marked).build();
    let request = client.get(server.url("/")).with_extension(Mark);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(server.seen().len(), 2);
}
