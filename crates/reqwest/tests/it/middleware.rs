//! The middleware for clients of `reqwest-middleware`.

use crate::support::{Fake, Move, Reply, Server};
use async_trait::async_trait;
use countersign_reqwest::{AuthMiddleware, Redirects, SendError};
use http::Extensions;
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

#[tokio::test]
async fn f21_f23_a_refusal_is_replayed_once() {
    let server = Server::start(|_| Reply::status(401)).await;
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
