//! What is sent, what is refused, and how sure it is that nothing was sent.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use countersign_core::http::HttpRequest;
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{Credentials, HttpTransport};
use countersign_hyper::Transport;
use countersign_ibex::Ibex;
use countersign_runtime::Keeper;
use countersign_simulator::{Operation, Simulator};
use http::{HeaderValue, Method, Uri, header};
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

use crate::server::{Reply, Server};

fn sign_in(server: &Server, path: &str) -> HttpRequest {
    HttpRequest::post_json(&server.url(path), &["canary-password"]).unwrap()
}

/// All that an error shows, with its causes.
fn shown(error: &TransportError) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    shown
}

#[tokio::test]
async fn what_an_adapter_built_is_sent_as_it_is() {
    let server = Server::start(|_| Reply::status(418).header("x-id", "7").body("{\"a\":1}")).await;
    let transport = Transport::plain();
    let answer = transport.send(sign_in(&server, "/auth/login/?a=b%2Fc")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.header("x-id")), (418, Some("7")));
    assert_eq!(answer.body().expose_bytes(), b"{\"a\":1}");

    let mut named = sign_in(&server, "/");
    named.set(header::USER_AGENT, HeaderValue::from_static("mine/1"));
    transport.send(named).await.unwrap();

    let [seen, named] = &server.seen()[..] else { panic!("two requests") };
    assert_eq!((seen.method.as_str(), &*seen.target), ("POST", "/auth/login/?a=b%2Fc"));
    assert_eq!(seen.body, b"[\"canary-password\"]");
    let mut names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "content-length", "content-type", "host", "user-agent"]);
    assert!(seen.header("user-agent").unwrap().starts_with("countersign/"));
    assert_eq!(named.header("user-agent"), Some("mine/1"));
}

#[tokio::test]
async fn f33_p13_no_redirect_is_followed_and_no_cookie_kept() {
    let elsewhere = Server::start(|_| Reply::status(200)).await;
    let to = elsewhere.url("/");
    let server = Server::start(move |_| {
        Reply::redirect(307, &to).header("set-cookie", "sessionid=canary; Path=/")
    })
    .await;
    let transport = Transport::plain();
    for _ in 0..2 {
        let answer = transport.send(sign_in(&server, "/")).await.unwrap();
        assert_eq!(answer.status().as_u16(), 307);
    }
    assert_eq!(elsewhere.seen(), []);
    assert!(server.seen().iter().all(|seen| seen.header("cookie").is_none()));
}

#[tokio::test]
async fn f49_an_endless_and_an_announced_giant_are_cut() {
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/endless" => Reply::status(200).body([b'x'; 10_000]).endless(),
        "/giant" => {
            Reply::status(200).header("content-length", "1099511627776").body("x").endless()
        }
        "/just-too-much" => Reply::status(200).body(vec![b'x'; 1024 * 1024 + 1]),
        _ => Reply::status(200).body(vec![b'x'; 1024 * 1024]),
    })
    .await;
    let transport = Transport::plain();
    for path in ["/endless", "/giant", "/just-too-much"] {
        let error = transport.send(sign_in(&server, path)).await.unwrap_err();
        assert_eq!(error.reason(), Reason::BodyTooLarge, "{path}");
        assert_eq!(error.delivery(), Delivery::Unknown);
    }
    let answer = transport.send(sign_in(&server, "/enough")).await.unwrap();
    assert_eq!(answer.body().len(), 1024 * 1024);
}

#[tokio::test]
async fn f06_f52_a_request_that_may_have_arrived_is_not_resent_below_us() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/first" => Reply::status(200),
        "/cut" => Reply::status(200).body("half").cut(),
        _ => Reply::closed(),
    })
    .await;
    for path in ["/second?canary-query", "/cut?canary-query"] {
        let before = server.seen().len();
        let transport = Transport::plain();
        // The second request goes over the connection that the first one left open.
        transport.send(sign_in(&server, "/first")).await.unwrap();
        let error = transport.send(sign_in(&server, path)).await.unwrap_err();
        assert_eq!((error.delivery(), error.reason()), (Delivery::Unknown, Reason::Interrupted));
        assert_eq!(server.seen().len(), before + 2);
        assert!(!shown(&error).contains("canary"), "{}", shown(&error));
    }
}

/// Counts connections.
#[derive(Clone)]
struct Counting(HttpConnector, Arc<AtomicUsize>);

impl Service<Uri> for Counting {
    type Response = <HttpConnector as Service<Uri>>::Response;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        self.1.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.0.call(uri))
    }
}

#[tokio::test]
async fn connections_are_kept_and_a_connector_of_ones_own_is_asked_for_them() {
    let server = Server::start(|_| Reply::status(200)).await;
    let made = Arc::new(AtomicUsize::new(0));
    let transport = Transport::over(Counting(HttpConnector::new(), made.clone()));
    for transport in [transport.clone(), transport] {
        for _ in 0..3 {
            transport.send(sign_in(&server, "/")).await.unwrap();
        }
    }
    assert_eq!(made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn f06_without_a_connection_nothing_was_sent() {
    let server = Server::start(|_| Reply::status(200)).await;
    let request = sign_in(&server, "/?canary-query");
    drop(server);
    // The port is free again once the server's task has gone.
    tokio::task::yield_now().await;
    let over_tls = HttpRequest::new(Method::GET, "https://127.0.0.1:1/?canary-query").unwrap();
    for request in [request, over_tls] {
        let error = Transport::plain().send(request).await.unwrap_err();
        assert_eq!((error.delivery(), error.reason()), (Delivery::NotSent, Reason::Connect));
        assert!(!shown(&error).contains("canary"), "{}", shown(&error));
    }
}

#[tokio::test]
async fn f33_plain_http_beyond_loopback_and_user_information_are_forbidden() {
    for address in ["http://auth.example/?canary-query", "https://kim:canary@auth.example/"] {
        let request = HttpRequest::new(Method::GET, address).unwrap();
        let error = Transport::plain().send(request).await.unwrap_err();
        assert_eq!((error.delivery(), error.reason()), (Delivery::NotSent, Reason::Forbidden));
        assert!(!shown(&error).contains("canary"), "{}", shown(&error));
    }
}

#[tokio::test]
async fn whoever_gives_up_leaves_no_answer_to_the_next_request() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/hang" => Reply::hang(),
        _ => Reply::status(204),
    })
    .await;
    let transport = Transport::plain();
    transport.send(sign_in(&server, "/")).await.unwrap();
    let has_arrived = async {
        while server.seen().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = transport.send(sign_in(&server, "/hang")) => panic!("{answer:?}"),
        () = has_arrived => {}
    }
    let answer = transport.send(sign_in(&server, "/")).await.unwrap();
    assert_eq!(answer.status().as_u16(), 204);
}

#[tokio::test]
async fn a_session_signs_in_renews_and_signs_out_over_it() {
    let partner = Simulator::ibex().build();
    let running = partner.serve().await.unwrap();
    let keeper = Keeper::builder().transport(Transport::plain()).build().unwrap();
    let account = partner.account();
    let secrets = Credentials::new().with_password(account.password);
    let provider = Ibex::at(&running.url()).unwrap();
    let session = keeper.session(provider, &account.identity).credentials(secrets).open().await;
    let session = session.unwrap();
    let first = session.authorization().await.unwrap().generation();
    session.refresh().await.unwrap();
    assert!(session.authorization().await.unwrap().generation() > first);
    session.sign_out(Duration::from_secs(5)).await;
    let exchanges = |operation| partner.totals().exchanges_of(operation);
    assert_eq!((exchanges(Operation::SIGN_IN), exchanges(Operation::REFRESH)), (1, 1));
    assert!(keeper.shutdown(Duration::from_secs(5)).await);
}

#[test]
fn f32_debug_shows_nothing_of_the_connector() {
    assert_eq!(format!("{:?}", Transport::plain()), "Transport");
}
