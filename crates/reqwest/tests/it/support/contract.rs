//! What every transport owes, whatever it sends with: the same demands are made of each of them.

use countersign_core::HttpTransport;
use countersign_core::http::HttpRequest;
use countersign_core::transport::{Delivery, Reason, TransportError};
use http::Method;

use super::server::{Reply, Server};

/// `header_names` are those that arrive, sorted.
pub(crate) async fn what_an_adapter_built_is_sent_as_it_is(
    transport: &impl HttpTransport,
    header_names: &[&str],
) {
    let server = Server::start(|_| Reply::status(418).header("x-id", "7").body("{\"a\":1}")).await;
    let answer = transport.send(sign_in(&server, "/auth/login/?a=b%2Fc")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.header("x-id")), (418, Some("7")));
    assert_eq!(answer.body().expose_bytes(), b"{\"a\":1}");
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), &*seen.target), ("POST", "/auth/login/?a=b%2Fc"));
    assert_eq!(seen.body, b"[\"canary-password\"]");
    let mut names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, header_names);
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert!(seen.header("user-agent").unwrap().starts_with("countersign/"));
}

pub(crate) async fn no_redirect_is_followed_and_no_cookie_kept(transport: &impl HttpTransport) {
    let elsewhere = Server::start(|_| Reply::status(200)).await;
    let to = elsewhere.url("/");
    let server = Server::start(move |_| {
        Reply::redirect(307, &to).header("set-cookie", "sessionid=canary; Path=/")
    })
    .await;
    for _ in 0..2 {
        let answer = transport.send(sign_in(&server, "/")).await.unwrap();
        assert_eq!(answer.status().as_u16(), 307);
    }
    assert_eq!(elsewhere.seen(), []);
    assert!(server.seen().iter().all(|seen| seen.header("cookie").is_none()));
}

pub(crate) async fn an_endless_and_an_announced_giant_are_cut(transport: &impl HttpTransport) {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/endless" => Reply::status(200).body([b'x'; 10_000]).endless(),
        "/giant" => {
            Reply::status(200).header("content-length", "1099511627776").body("x").endless()
        }
        "/just-too-much" => Reply::status(200).body(vec![b'x'; 1024 * 1024 + 1]),
        _ => Reply::status(200).body(vec![b'x'; 1024 * 1024]),
    })
    .await;
    for path in ["/endless", "/giant", "/just-too-much"] {
        is_cut(transport, &server, path).await;
    }
    let answer = transport.send(sign_in(&server, "/enough")).await.unwrap();
    assert_eq!(answer.body().len(), 1024 * 1024);
}

/// What `server` answers there is more than is read.
pub(crate) async fn is_cut(transport: &impl HttpTransport, server: &Server, path: &str) {
    let error = transport.send(sign_in(server, path)).await.unwrap_err();
    assert_eq!(error.reason(), Reason::BodyTooLarge, "{path}");
    assert_eq!(error.delivery(), Delivery::Unknown);
}

pub(crate) async fn a_request_that_may_have_arrived_is_not_resent(transport: &impl HttpTransport) {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/first" => Reply::status(200),
        "/cut?canary-query" => Reply::status(200).body("half").cut(),
        _ => Reply::closed(),
    })
    .await;
    for path in ["/second?canary-query", "/cut?canary-query"] {
        let before = server.seen().len();
        // The second request goes over the connection that the first one left open.
        transport.send(sign_in(&server, "/first")).await.unwrap();
        let error = transport.send(sign_in(&server, path)).await.unwrap_err();
        assert_eq!((error.delivery(), error.reason()), (Delivery::Unknown, Reason::Interrupted));
        assert_eq!(server.seen().len(), before + 2, "{path}");
        assert!(!shown(&error).contains("canary"), "{}", shown(&error));
    }
}

pub(crate) async fn without_a_connection_nothing_was_sent(transport: &impl HttpTransport) {
    let server = Server::start(|_| Reply::status(200)).await;
    let request = sign_in(&server, "/?canary-query");
    drop(server);
    // The port is free again once the server's task has gone.
    tokio::task::yield_now().await;
    let over_tls = HttpRequest::new(Method::GET, "https://127.0.0.1:1/?canary-query").unwrap();
    for request in [request, over_tls] {
        let error = transport.send(request).await.unwrap_err();
        assert_eq!((error.delivery(), error.reason()), (Delivery::NotSent, Reason::Connect));
        assert!(!shown(&error).contains("canary"), "{}", shown(&error));
    }
}

pub(crate) async fn plain_http_beyond_loopback_and_user_information_are_forbidden(
    transport: &impl HttpTransport,
) {
    for address in ["http://auth.example/?canary-query", "https://kim:canary@auth.example/"] {
        let request = HttpRequest::new(Method::GET, address).unwrap();
        let error = transport.send(request).await.unwrap_err();
        assert_eq!((error.delivery(), error.reason()), (Delivery::NotSent, Reason::Forbidden));
        assert!(!shown(&error).contains("canary"), "{}", shown(&error));
    }
}

pub(crate) fn sign_in(server: &Server, path: &str) -> HttpRequest {
    HttpRequest::post_json(&server.url(path), &["canary-password"]).unwrap()
}

/// All that an error shows, with its causes.
pub(crate) fn shown(error: &TransportError) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    shown
}
