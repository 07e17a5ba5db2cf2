//! The tower layer over a service made of a function.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use crate::support::{Fake, Move};
use bytes::Bytes;
use countersign_core::Origin;
use countersign_reqwest::{AuthLayer, LayerError};
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use tower_layer::Layer;
use tower_service::Service;

type Handler = fn(&Request<Full<Bytes>>) -> Response<Full<Bytes>>;

/// Answers by a function and counts that it was made ready before each call.
#[derive(Clone)]
struct Below {
    handler: Handler,
    seen: Arc<Mutex<Vec<Request<Full<Bytes>>>>>,
    is_ready: bool,
}

impl Service<Request<Full<Bytes>>> for Below {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without being ready");
        let response = (self.handler)(&request);
        self.seen.lock().unwrap().push(request);
        ready(Ok(response))
    }
}

fn reply(status: u16, body: &'static str) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::from(body)).unwrap()
}

fn api() -> Origin {
    Origin::parse("https://api.example").unwrap()
}

async fn call(
    fake: &Fake,
    handler: Handler,
    uri: &str,
) -> (Result<(u16, Bytes), LayerError<Infallible>>, Vec<Request<Full<Bytes>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let below = Below { handler, seen: seen.clone(), is_ready: false };
    let mut service = AuthLayer::new(fake.clone()).layer(below);
    std::future::poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    let request = Request::post(uri)
        .header("authorization", "Basic mine")
        .header("content-type", "text/plain")
        .body(Full::from("body"))
        .unwrap();
    let answer = match service.call(request).await {
        Ok(response) => {
            let status = response.status().as_u16();
            Ok((status, response.into_body().collect().await.unwrap().to_bytes()))
        }
        Err(error) => Err(error),
    };
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (answer, seen)
}

#[tokio::test]
async fn f21_f23_a_refusal_is_replayed_once_with_the_same_body() {
    let fake = Fake::bearer(&[api()]);
    let (answer, seen) = call(&fake, |_| reply(401, "no"), "https://api.example/a?b").await;
    assert_eq!(answer.unwrap(), (401, Bytes::from("no")));
    let tokens: Vec<_> =
        seen.iter().map(|seen| seen.headers()[header::AUTHORIZATION].clone()).collect();
    assert_eq!(tokens, ["Bearer canary-1", "Bearer canary-2"]);
    for request in seen {
        assert_eq!(request.uri(), "https://api.example/a?b");
        assert_eq!(request.into_body().collect().await.unwrap().to_bytes(), "body");
    }
    assert_eq!(fake.moves().last(), Some(&Move::Report { generation: 2, replayed: true }));
}

#[tokio::test]
async fn p14_a_body_that_was_judged_is_handed_on() {
    let fake = Fake::bearer(&[api()]);
    let (answer, seen) =
        call(&fake, |_| reply(403, "another reason"), "https://api.example/").await;
    assert_eq!((answer.unwrap(), seen.len()), ((403, Bytes::from("another reason")), 1));
    let (answer, seen) = call(&fake, |_| reply(403, "not signed in"), "https://api.example/").await;
    assert_eq!((answer.unwrap().0, seen.len()), (403, 2));
}

#[tokio::test]
async fn p08_an_answer_that_could_not_be_judged_says_nothing_about_the_token() {
    let judged: Handler = |_| reply(403, "another reason");
    let too_long: Handler = |_| {
        let body = Full::from(vec![b'x'; 64 * 1024 + 1]);
        Response::builder().status(403).body(body).unwrap()
    };
    for (handler, told) in [(judged, true), (too_long, false)] {
        let fake = Fake::coded(&[api()]);
        let (answer, seen) = call(&fake, handler, "https://api.example/").await;
        assert_eq!((answer.unwrap().0, seen.len()), (403, 1));
        assert_eq!(fake.moves().contains(&Move::Accepted), told);
    }
}

#[tokio::test]
async fn f33_redirects_stay_within_the_origin() {
    let fake = Fake::coded(&[api()]);
    let within: Handler = |request| match request.uri().path() {
        "/" => {
            let mut answer = reply(303, "");
            answer.headers_mut().insert("location", "/next?x".parse().unwrap());
            answer
        }
        _ => reply(200, ""),
    };
    let (answer, seen) = call(&fake, within, "https://api.example/").await;
    assert_eq!((answer.unwrap().0, seen.len()), (200, 2));
    assert_eq!(
        (seen[1].method().as_str(), seen[1].uri().to_string()),
        ("GET", "https://api.example/next?x".into())
    );
    assert_eq!(seen[1].headers().get("content-type"), None);
    assert_ne!(seen[0].headers()["otp"], seen[1].headers()["otp"]);

    let away: Handler = |_| {
        let mut answer = reply(307, "");
        answer.headers_mut().insert("location", "https://evil.example/".parse().unwrap());
        answer
    };
    let (answer, seen) = call(&fake, away, "https://api.example/").await;
    assert_eq!((answer.unwrap().0, seen.len()), (307, 1));
}

#[tokio::test]
async fn p13_a_post_that_is_sent_elsewhere_by_301_or_302_is_handed_back() {
    fn within(status: u16, path: &str) -> Response<Full<Bytes>> {
        let mut answer = reply(if path == "/" { status } else { 200 }, "");
        answer.headers_mut().insert("location", "/next/".parse().unwrap());
        answer
    }
    let handlers: [(u16, Handler); 2] = [
        (301, |request| within(301, request.uri().path())),
        (302, |request| within(302, request.uri().path())),
    ];
    for (status, handler) in handlers {
        let fake = Fake::bearer(&[api()]);
        let (answer, seen) = call(&fake, handler, "https://api.example/").await;
        assert_eq!((answer.unwrap().0, seen.len()), (status, 1));
    }
}

#[tokio::test]
async fn f33_another_origin_gets_nothing() {
    let fake = Fake::bearer(&[api()]);
    for uri in ["https://evil.example/", "http://api.example/", "/relative"] {
        let (answer, seen) = call(&fake, |_| reply(200, ""), uri).await;
        assert!(matches!(answer, Err(LayerError::Origin(_))), "{uri}");
        assert!(seen.is_empty() && fake.moves().is_empty());
    }
}
