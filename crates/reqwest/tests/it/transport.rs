//! Auth calls through [`countersign_reqwest::Client`] as the transport.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::contract::{self, shown, sign_in};
use crate::support::{Reply, Server, client};
use countersign_core::http::HttpRequest;
use countersign_core::transport::{Delivery, Reason};
use countersign_core::{ErrorKind, HttpTransport};
use countersign_reqwest::Client;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::test]
async fn what_an_adapter_built_is_sent_as_it_is() {
    let names =
        ["accept", "accept-encoding", "content-length", "content-type", "host", "user-agent"];
    contract::what_an_adapter_built_is_sent_as_it_is(&client(), &names).await;
}

#[tokio::test]
async fn the_callers_user_agent_stays() {
    let server = Server::start(|_| Reply::status(200)).await;
    let builder = reqwest::Client::builder().no_proxy().user_agent("mine/1");
    Client::new(builder).unwrap().send(sign_in(&server, "/")).await.unwrap();
    assert_eq!(server.seen()[0].header("user-agent"), Some("mine/1"));
}

#[tokio::test]
async fn f33_p13_no_redirect_is_followed_and_no_cookie_kept() {
    contract::no_redirect_is_followed_and_no_cookie_kept(&client()).await;
}

#[tokio::test]
async fn f49_an_endless_and_an_announced_giant_are_cut() {
    contract::an_endless_and_an_announced_giant_are_cut(&client()).await;
}

#[tokio::test]
async fn f49_a_gzip_bomb_is_cut() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        bomb.write_all(&[b' '; 1024 * 1024]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 100_000);
    let server = Server::start(move |_| {
        Reply::status(200).header("content-encoding", "gzip").body(bomb.clone())
    })
    .await;
    contract::is_cut(&client(), &server, "/bomb").await;
}

#[tokio::test]
async fn f06_f52_a_request_that_may_have_arrived_is_not_resent_below_us() {
    contract::a_request_that_may_have_arrived_is_not_resent(&client()).await;
}

#[tokio::test]
async fn f06_without_a_connection_nothing_was_sent() {
    contract::without_a_connection_nothing_was_sent(&client()).await;
}

#[tokio::test]
async fn f33_plain_http_beyond_loopback_and_user_information_are_forbidden() {
    contract::plain_http_beyond_loopback_and_user_information_are_forbidden(&client()).await;
}

#[tokio::test]
async fn f52_a_proxy_that_the_caller_names_is_used() {
    let proxy = Server::start(|_| Reply::status(203)).await;
    let server = Server::start(|_| Reply::status(200)).await;
    let builder = reqwest::Client::builder().proxy(reqwest::Proxy::http(proxy.url("")).unwrap());
    let answer = Client::new(builder).unwrap().send(sign_in(&server, "/")).await.unwrap();
    assert_eq!((answer.status().as_u16(), server.seen().len()), (203, 0));
    assert_eq!(proxy.seen()[0].target, server.url("/"));
}

#[tokio::test]
async fn f52_a_proxy_of_the_environment_sees_neither_password_nor_token() {
    let proxy = Server::start(|_| Reply::status(203)).await;
    let server = Server::start(|_| Reply::status(200)).await;
    among_proxies(&proxy, None, &server, "helper_plain_reqwest_call").await;
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 0), "a plain client is caught");

    among_proxies(&proxy, None, &server, "helper_calls_with_the_usual_builder").await;
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 2));
}

// macOS has no second loopback address unless somebody sets it up.
#[cfg(not(target_os = "macos"))]
#[tokio::test]
async fn f52_an_exception_for_one_loopback_address_is_none_for_the_others() {
    let usual = Some("localhost,127.0.0.1,::1");
    let proxy = Server::start(|_| Reply::status(203)).await;
    let server = Server::start_at("127.0.0.2", |_| Reply::status(200)).await;
    among_proxies(&proxy, usual, &server, "helper_plain_reqwest_call").await;
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 0), "a plain client is caught");

    among_proxies(&proxy, usual, &server, "helper_calls_with_the_usual_builder").await;
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 2));
}

/// Runs a helper against `server` in a process whose environment names `proxy` for everything, with the
/// given exceptions.
async fn among_proxies(proxy: &Server, except: Option<&str>, server: &Server, helper: &str) {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("transport::{helper}"), "--ignored", "--nocapture"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        command.env(name, proxy.url(""));
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    command.envs(except.map(|except| ("NO_PROXY", except))).env("TARGET", server.url("/"));
    let end = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
}

#[tokio::test]
#[ignore = "run in a process of its own by among_proxies"]
async fn helper_plain_reqwest_call() {
    let target = std::env::var("TARGET").unwrap();
    reqwest::Client::new().get(target).send().await.unwrap();
}

#[tokio::test]
#[ignore = "run in a process of its own by among_proxies"]
async fn helper_calls_with_the_usual_builder() {
    let target = std::env::var("TARGET").unwrap();
    let origin = countersign_core::Origin::parse(target.trim_end_matches('/')).unwrap();
    let client = Client::new(reqwest::Client::builder()).unwrap();
    let request = HttpRequest::post_json(&target, &["canary-password"]).unwrap();
    assert_eq!(client.send(request).await.unwrap().status().as_u16(), 200);
    let session = client.session(crate::support::Fake::bearer(&[origin]));
    assert_eq!(session.get(&target).send().await.unwrap().status(), 200);

    let over_tls = target.replacen("http", "https", 1);
    let over_tls = HttpRequest::new(Method::GET, &over_tls).unwrap();
    let error = client.send(over_tls).await.unwrap_err();
    assert_eq!((error.delivery(), error.reason()), (Delivery::NotSent, Reason::Forbidden));
    assert!(shown(&error).contains("NO_PROXY"));
}

#[tokio::test]
async fn a_builder_that_cannot_be_built_is_told_as_a_setting() {
    let builder = reqwest::Client::builder().user_agent("line\nbreak");
    let error = Client::new(builder).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

/// Counts how often the settings of a lazy client are asked for.
fn counted() -> (Client, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&made);
    let client = Client::lazy(move || {
        counting.fetch_add(1, Ordering::SeqCst);
        reqwest::Client::builder().no_proxy().user_agent("lazy/1")
    });
    (client.unwrap(), made)
}

#[tokio::test]
async fn a_lazy_client_sets_up_tls_for_the_first_https_address_and_once() {
    let server = Server::start(|_| Reply::status(200)).await;
    let (client, made) = counted();
    let origin = countersign_core::Origin::parse(server.url("/").trim_end_matches('/')).unwrap();
    let session = client.session(crate::support::Fake::bearer(&[origin]));
    for _ in 0..2 {
        client.send(sign_in(&server, "/")).await.unwrap();
        session.get(server.url("/")).send().await.unwrap();
    }
    assert_eq!(made.load(Ordering::SeqCst), 1, "plain http needs no TLS");
    assert!(server.seen().iter().all(|seen| seen.header("user-agent") == Some("lazy/1")));

    let over_tls = || HttpRequest::new(Method::GET, "https://127.0.0.1:1/").unwrap();
    for _ in 0..2 {
        let error = client.send(over_tls()).await.unwrap_err();
        assert_eq!((error.delivery(), error.reason()), (Delivery::NotSent, Reason::Connect));
    }
    client.plain();
    assert_eq!(made.load(Ordering::SeqCst), 2);
}

#[test]
fn a_lazy_client_tells_wrong_settings_at_once() {
    let error = Client::lazy(|| reqwest::Client::builder().user_agent("line\nbreak")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let error = Client::lazy(|| reqwest::Client::builder().cookie_store(true)).unwrap_err();
    assert!(error.to_string().contains("cookie"), "{error}");
}

#[test]
fn p13_a_builder_with_a_cookie_store_is_refused() {
    let error = Client::new(reqwest::Client::builder().cookie_store(true)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("cookie"), "{error}");
}

/// Speaks just enough HTTP/2 to refuse every stream in the way that clients may take as an invitation to
/// send it again (RFC 9113 §8.7), and counts the requests.
async fn refusing_http2() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let requests = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut preface = [0; 24];
            stream.read_exact(&mut preface).await.unwrap();
            stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
            let mut head = [0; 9];
            while stream.read_exact(&mut head).await.is_ok() {
                let [a, b, c, kind, _, id @ ..] = head;
                let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
                stream.read_exact(&mut payload).await.unwrap();
                const HEADERS: u8 = 1;
                if kind == HEADERS {
                    requests.fetch_add(1, Ordering::SeqCst);
                    const RST_STREAM_REFUSED: ([u8; 5], [u8; 4]) = ([0, 0, 4, 3, 0], [0, 0, 0, 7]);
                    let (start, end) = RST_STREAM_REFUSED;
                    let reset = [&start[..], &id, &end].concat();
                    stream.write_all(&reset).await.unwrap();
                }
            }
        }
    });
    (url, count)
}

#[tokio::test]
async fn f52_a_refused_stream_is_not_resent_below_us() {
    let http2 = || reqwest::Client::builder().no_proxy().http2_prior_knowledge();
    let (url, count) = refusing_http2().await;
    http2().build().unwrap().get(&url).send().await.unwrap_err();
    assert!(count.load(Ordering::SeqCst) > 1, "the control: a plain client sends again");

    let (url, count) = refusing_http2().await;
    let request = HttpRequest::post_json(&url, &["canary-password"]).unwrap();
    let error = Client::new(http2()).unwrap().send(request).await.unwrap_err();
    assert_eq!((error.delivery(), count.load(Ordering::SeqCst)), (Delivery::Unknown, 1));
}

#[tokio::test]
async fn f33_a_policy_is_asked_with_every_resolved_address() {
    let server = Server::start(|_| Reply::status(200)).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let policy = move |host: &str, address: std::net::IpAddr| {
        counting.fetch_add(1, Ordering::SeqCst);
        host == "localhost" && address.is_loopback()
    };
    let builder = reqwest::Client::builder().no_proxy();
    let client = Client::with_policy(builder, policy).unwrap();

    let port = server.url("/").rsplit(':').next().unwrap().to_owned();
    let named = HttpRequest::new(Method::GET, &format!("http://localhost:{port}")).unwrap();
    assert_eq!(client.send(named).await.unwrap().status(), 200);
    assert!(asked.load(Ordering::SeqCst) > 0);

    // The same address, written out: the policy does not know it by that name.
    let literal = client.send(sign_in(&server, "/")).await.unwrap_err();
    assert_eq!((literal.delivery(), literal.reason()), (Delivery::NotSent, Reason::Forbidden));

    let refusing = Client::with_policy(reqwest::Client::builder().no_proxy(), |_: &str, _| false);
    let named = HttpRequest::new(Method::GET, &format!("http://localhost:{port}")).unwrap();
    let refused = refusing.unwrap().send(named).await.unwrap_err();
    assert_eq!(refused.delivery(), Delivery::NotSent);
    assert!(shown(&refused).contains("the policy allows no address"), "{}", shown(&refused));
    assert_eq!(server.seen().len(), 1);
}
