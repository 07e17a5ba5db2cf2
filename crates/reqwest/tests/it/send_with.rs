//! Sending on somebody else's `reqwest::Client`.

use crate::support::{Fake, Move, Reply, Server};
use countersign_reqwest::{Redirects, ReplayPolicy, SendError, send_with};
use reqwest::{Client, Request};

fn theirs() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn get(url: &str) -> Request {
    Request::new(http::Method::GET, url.parse().unwrap())
}

const ALWAYS: ReplayPolicy = ReplayPolicy::Always;

#[tokio::test]
async fn f33_p08_a_code_is_not_given_to_a_client_that_would_carry_it_away() {
    let thief = Server::start(|_| Reply::status(200)).await;
    let to = thief.url("/steal");
    let server = Server::start(move |_| Reply::redirect(302, &to)).await;
    let fake = Fake::coded(&[server.origin()]);
    let request = get(&server.url("/"));
    let error = send_with(&fake, &theirs(), request, Redirects::Unknown, ALWAYS).await.unwrap_err();
    assert!(matches!(&error, SendError::RedirectsUnsafe(name) if name == "otp"), "{error}");
    assert!(error.not_sent());
    assert_eq!((fake.moves(), server.seen(), thief.seen()), (vec![], vec![], vec![]));

    // The control: this is what such a client does.
    let request = get(&server.url("/"));
    let _ = send_with(&fake, &theirs(), request, Redirects::Vouched, ALWAYS).await.unwrap();
    let stolen = &thief.seen()[0];
    assert_eq!((stolen.header("otp"), stolen.header("authorization")), (Some("100"), None));
}

#[tokio::test]
async fn f33_a_header_that_reqwest_strips_may_go_with_any_client() {
    let other = Server::start(|_| Reply::status(401)).await;
    let to = other.url("/");
    let server = Server::start(move |_| Reply::redirect(302, &to)).await;
    let fake = Fake::bearer(&[server.origin()]);
    let request = get(&server.url("/"));
    let reply = send_with(&fake, &theirs(), request, Redirects::Unknown, ALWAYS).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.url().as_str()), (401, &*other.url("/")));
    assert_eq!(other.seen()[0].header("authorization"), None);
    assert_eq!(fake.moves().len(), 1, "who saw no credentials cannot refuse them");
}

#[tokio::test]
async fn f21_f23_a_refusal_is_replayed_once() {
    let server = Server::start(|_| Reply::status(401)).await;
    let fake = Fake::bearer(&[server.origin()]);
    let request = get(&server.url("/"));
    let reply = send_with(&fake, &theirs(), request, Redirects::Unknown, ALWAYS).await.unwrap();
    assert_eq!((reply.status().as_u16(), server.seen().len()), (401, 2));
    assert_eq!(fake.moves().last(), Some(&Move::Report { generation: 2, replayed: true }));
}

#[tokio::test]
async fn p13_a_post_that_is_sent_elsewhere_by_301_is_handed_back_if_the_client_follows_nothing() {
    let server = Server::start(|seen| match &*seen.target {
        "/invoices" => Reply::redirect(301, "/invoices/"),
        _ => Reply::status(200),
    })
    .await;
    let fake = Fake::bearer(&[server.origin()]);
    let post = || Request::new(http::Method::POST, server.url("/invoices").parse().unwrap());
    let none = reqwest::redirect::Policy::none();
    let client = Client::builder().no_proxy().redirect(none).build().unwrap();
    let reply = send_with(&fake, &client, post(), Redirects::Unknown, ALWAYS).await.unwrap();
    assert_eq!((reply.status().as_u16(), server.seen().len()), (301, 1));

    // The control: this is what any other client does, and the reason for the warning.
    let reply = send_with(&fake, &theirs(), post(), Redirects::Unknown, ALWAYS).await.unwrap();
    let sent: Vec<_> = server.seen().into_iter().skip(1).map(|seen| seen.method).collect();
    assert_eq!((reply.status().as_u16(), &*sent), (200, &["POST".into(), "GET".into()][..]));
}

#[tokio::test]
async fn f33_another_origin_is_refused_before_anything_is_sent() {
    let server = Server::start(|_| Reply::status(200)).await;
    let fake = Fake::bearer(&[]);
    let request = get(&server.url("/"));
    let error = send_with(&fake, &theirs(), request, Redirects::Vouched, ALWAYS).await.unwrap_err();
    assert!(matches!(error, SendError::Origin(_)));
    assert_eq!(server.seen(), []);
}
