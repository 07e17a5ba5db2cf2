//! Which connections are made, kept, used again and closed.

#![expect(
    clippy::disallowed_methods,
    reason = "sockets end when the system says so, and no clock of ours does"
)]

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use countersign_core::HttpTransport;
use countersign_core::http::HttpRequest;
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_hyper::Transport;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::connector::Connector;
use crate::contract::sign_in;
use crate::server::{Reply, Server};

/// Far longer than any of this takes.
const LONG: Duration = Duration::from_secs(3600);

async fn until(what: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it has not come about");
}

/// Until every other task of this thread waits.
async fn until_all_rest() {
    for _ in 0..16 {
        yield_now().await;
    }
}

#[tokio::test]
async fn connections_are_kept_and_a_connector_of_ones_own_is_asked_for_them() {
    let server = Server::start(|_| Reply::status(200)).await;
    let connector = Connector::new();
    let transport = Transport::over(connector.clone());
    for transport in [transport.clone(), transport] {
        for _ in 0..3 {
            transport.send(sign_in(&server, "/")).await.unwrap();
        }
    }
    assert_eq!((connector.made(), connector.open()), (1, 0), "the last transport has gone");
}

#[tokio::test]
async fn of_connections_that_nobody_uses_so_many_are_kept_and_so_long() {
    let server = Server::start(|_| Reply::status(200)).await;
    let at_once = |transport: Transport<Connector>| {
        let server = &server;
        async move {
            let send = || transport.send(sign_in(server, "/"));
            let (one, two, three) = tokio::join!(send(), send(), send());
            one.and(two).and(three).unwrap();
        }
    };
    let all = Connector::new();
    let transport = Transport::over(all.clone()).keeping(usize::MAX, Duration::MAX);
    at_once(transport.clone()).await;
    assert_eq!((all.made(), all.open()), (3, 3));

    let few = Connector::new();
    let transport_of_few = Transport::over(few.clone()).keeping(2, LONG);
    at_once(transport_of_few.clone()).await;
    assert_eq!((few.made(), few.open()), (3, 2));
    at_once(transport_of_few).await;
    assert_eq!(few.made(), 4);

    let brief = Connector::new();
    let transport_of_brief = Transport::over(brief.clone()).keeping(8, Duration::from_millis(20));
    at_once(transport_of_brief.clone()).await;
    until(|| brief.open() == 0).await;
    at_once(transport_of_brief).await;
    assert_eq!((all.open(), brief.made()), (3, 6));
}

#[tokio::test]
async fn what_the_server_closes_is_let_go_of_and_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let enough = Arc::new(Notify::new());
    let until_then = Arc::clone(&enough);
    let serving = tokio::spawn(async move {
        // One answer a connection, which does not say that it is the last.
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut some = [0; 4096];
            let _read = stream.read(&mut some).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 X\r\n\r\n").await.unwrap();
            until_then.notified().await;
        }
    });
    let connector = Connector::new();
    let transport = Transport::over(connector.clone()).keeping(8, LONG);
    let url = format!("http://{address}/");
    for n in 1..=3 {
        transport.send(HttpRequest::new(Method::GET, &url).unwrap()).await.unwrap();
        assert_eq!((connector.made(), connector.open()), (n, 1));
        enough.notify_one();
        until(|| connector.open() == 0).await;
    }
    serving.abort();
}

#[tokio::test]
async fn what_a_server_says_without_being_asked_answers_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut some = [0; 4096];
            let _read = stream.read(&mut some).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 X\r\n\r\nHTTP/1.1 418 X\r\n\r\n").await.unwrap();
            open.push(stream);
        }
    });
    let connector = Connector::new();
    let transport = Transport::over(connector.clone());
    let url = format!("http://{address}/");
    for n in 1..=3 {
        let request = HttpRequest::new(Method::GET, &url).unwrap();
        let answer = transport.send(request).await.unwrap();
        assert_eq!((answer.status().as_u16(), connector.made()), (204, n));
    }
    serving.abort();
}

#[tokio::test]
async fn with_the_last_transport_its_connections_end_and_the_task_that_watched_them() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/last" => Reply::status(200).header("connection", "close"),
        _ => Reply::status(200),
    })
    .await;
    let tasks = || runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for last in ["/", "/last"] {
        let connector = Connector::new();
        let transport = Transport::over(connector.clone());
        let other = transport.clone();
        transport.send(sign_in(&server, "/")).await.unwrap();
        // Time for the task to begin its watch.
        until_all_rest().await;
        transport.send(sign_in(&server, last)).await.unwrap();
        drop(transport);
        assert_eq!((connector.made(), connector.open()), (1, usize::from(last == "/")));
        drop(other);
        until(|| connector.open() == 0 && tasks() == before).await;
    }
}

/// Wherever the end of a kept connection is noticed: what is sent arrives once, or nobody knows.
#[tokio::test]
async fn f06_the_end_of_a_kept_connection_resends_nothing_that_was_taken_up() {
    let (mut sent_elsewhere, mut unknown) = (0, 0);
    for reads in 0..8 {
        let server = Server::start(|_| Reply::status(200)).await;
        let connector = Connector::new().first_ends_after(reads);
        let transport = Transport::over(connector.clone());
        transport.send(sign_in(&server, "/first")).await.unwrap();
        let second = transport.send(sign_in(&server, "/second")).await;
        match second {
            Ok(_) => {
                let seen: Vec<_> = server.seen().into_iter().map(|seen| seen.target).collect();
                assert_eq!(seen, ["/first", "/second"], "{reads}");
                sent_elsewhere += usize::from(connector.made() == 2);
            }
            Err(error) => {
                assert_eq!(error.delivery(), Delivery::Unknown, "{reads}");
                unknown += 1;
            }
        }
    }
    assert!(sent_elsewhere > 0 && unknown > 0, "{sent_elsewhere} {unknown}");
}

/// Nobody drives the runtime between two calls, so that nobody hears of an end nor of a time.
#[test]
fn a_connection_whose_time_is_over_is_not_used_where_nobody_watched() {
    let of_the_server = runtime::Runtime::new().unwrap();
    let server = of_the_server.block_on(Server::start(|_| Reply::status(200)));
    let connector = Connector::new();
    let transport = Transport::over(connector.clone()).keeping(8, Duration::from_millis(1));
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for n in 1..=3 {
        runtime.block_on(transport.send(sign_in(&server, "/"))).unwrap();
        assert_eq!(connector.made(), n);
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Tokio has a task that does much at once wait for its turn: what it waits for then must not be missed.
#[tokio::test]
async fn a_task_that_makes_hundreds_of_exchanges_at_once_hears_of_each() {
    let server = Server::start(|_| Reply::status(200).header("connection", "close")).await;
    let transport = Transport::plain();
    let send = |_| transport.send(sign_in(&server, "/"));
    for _ in 0..2 {
        let mut left: Vec<_> = (0..200).map(send).collect();
        let all = poll_fn(|context| {
            left.retain_mut(|sending| match sending.as_mut().poll(context) {
                Poll::Ready(answer) => answer.map(drop).is_err(),
                Poll::Pending => true,
            });
            if left.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        });
        timeout(Duration::from_secs(20), all).await.unwrap();
    }
}

/// Another runtime may not be driven just now, and would not tell of an answer.
#[test]
fn a_connection_is_used_by_the_runtime_that_made_it_alone() {
    let of_the_server = runtime::Runtime::new().unwrap();
    let server = of_the_server.block_on(Server::start(|_| Reply::status(200)));
    let connector = Connector::new();
    let transport = Transport::over(connector.clone());
    let [one, other] =
        [(); 2].map(|()| runtime::Builder::new_current_thread().enable_all().build().unwrap());
    for _ in 0..2 {
        for runtime in [&one, &other] {
            let sent = async { timeout(LONG / 120, transport.send(sign_in(&server, "/"))).await };
            runtime.block_on(sent).unwrap().unwrap();
        }
    }
    assert_eq!(connector.made(), 2);
}

#[test]
fn a_connection_does_not_outlive_the_runtime_that_it_was_made_in() {
    let of_the_server = runtime::Runtime::new().unwrap();
    let server = of_the_server.block_on(Server::start(|_| Reply::status(200)));
    let connector = Connector::new();
    let transport = Transport::over(connector.clone());
    for n in 1..=3 {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for _ in 0..2 {
            runtime.block_on(transport.send(sign_in(&server, "/"))).unwrap();
        }
        assert_eq!(connector.made(), n);
    }
}

#[tokio::test]
async fn f52_neither_http2_nor_a_proxy_that_reads_along_is_spoken_to() {
    let server = Server::start(|_| Reply::status(200)).await;
    for (connector, remedy) in [
        (Connector::that_says(|connected| connected.negotiated_h2()), "HTTP/1.1"),
        (Connector::that_says(|connected| connected.proxy(true)), "tunnel"),
    ] {
        let refused = Transport::over(connector.clone()).send(sign_in(&server, "/")).await;
        let error: TransportError = refused.unwrap_err();
        assert_eq!((error.delivery(), error.reason()), (Delivery::NotSent, Reason::Connect));
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert!(why.contains(remedy), "{why}");
        assert_eq!(connector.open(), 0);
    }
    assert!(server.seen().is_empty());
}
