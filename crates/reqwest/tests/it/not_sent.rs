//! What a failed request may say about having reached the API.

use crate::support::{Fake, Server, client};
use countersign_core::Origin;
use countersign_reqwest::{Redirects, ReplayPolicy, SendError, send_with};
use reqwest::redirect::Policy;
use reqwest::{Client, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// An API that answers one request and then cannot be reached.
async fn answers_once(head: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            seen.push(stream.read_u8().await.unwrap());
        }
        let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    url
}

async fn cannot_be_reached() -> String {
    let server = Server::start(|_| unreachable!()).await;
    let url = server.url("");
    drop(server);
    // The port is free again once the server's task has gone.
    tokio::task::yield_now().await;
    url
}

/// Why a POST by our client came to nothing.
async fn ours(api: &str) -> SendError {
    let session = client().session(Fake::bearer(&[Origin::parse(api).unwrap()]));
    session.post(format!("{api}/payments")).send().await.unwrap_err()
}

/// Why the same came to nothing by a client with these redirects.
async fn theirs(api: &str, redirects: Policy) -> SendError {
    let client = Client::builder().no_proxy().redirect(redirects).build().unwrap();
    let fake = Fake::bearer(&[Origin::parse(api).unwrap()]);
    let post = Request::new(http::Method::POST, format!("{api}/payments").parse().unwrap());
    send_with(&fake, &client, post, Redirects::Unknown, ReplayPolicy::Always).await.unwrap_err()
}

#[track_caller]
fn assert_doubtful(error: &SendError) {
    let SendError::Http { source, .. } = error else { panic!("{error}") };
    assert!(source.is_connect(), "{source:?}");
    assert!(!error.not_sent(), "{error}");
    assert!(error.to_string().contains("may have been acted on"), "{error}");
}

#[track_caller]
fn assert_certain(error: &SendError) {
    assert!(error.not_sent() && error.to_string().contains("no connection"), "{error}");
}

const SEE_OTHER: &str = "303 X\r\nlocation: /payments/7";

#[tokio::test]
async fn f06_what_was_answered_before_the_connection_failed_has_reached_the_api() {
    assert_certain(&ours(&cannot_be_reached().await).await);
    assert_doubtful(&ours(&answers_once(SEE_OTHER).await).await);
    assert_doubtful(&ours(&answers_once("401 X").await).await);
}

#[tokio::test]
async fn f06_a_client_that_may_have_followed_a_redirect_makes_nothing_certain() {
    assert_certain(&theirs(&cannot_be_reached().await, Policy::none()).await);
    assert_doubtful(&theirs(&answers_once("401 X").await, Policy::none()).await);
    assert_doubtful(&theirs(&answers_once(SEE_OTHER).await, Policy::default()).await);
    // It does not tell, so that this is no different.
    assert_doubtful(&theirs(&cannot_be_reached().await, Policy::default()).await);
}
