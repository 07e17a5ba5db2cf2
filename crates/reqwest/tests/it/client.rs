//! API calls through [`countersign_reqwest::SessionClient`], against a loopback server.

use std::error::Error as _;
use std::time::Duration;

use crate::support::{Fake, Move, Reply, Seen, Server, client};
use countersign_core::Origin;
use countersign_reqwest::{OriginRefused, ReplayPolicy, SendError};
use http::{HeaderValue, Method, Version};

const NOTHING_BEYOND_NOW: Move = Move::Authorize(Duration::ZERO);

/// Takes every token but that of generation `n`.
fn refuses(n: u64) -> impl Fn(&Seen) -> Reply {
    move |seen| {
        let refused = seen.header("authorization") == Some(&format!("Bearer canary-{n}"));
        Reply::status(if refused { 401 } else { 200 })
    }
}

#[tokio::test]
async fn a_request_carries_the_sessions_credentials_in_place_of_the_callers() {
    let server = Server::start(|_| Reply::status(200).body("fine")).await;
    let client = client().session(Fake::coded(&[server.origin()]));
    let reply = client
        .post(server.url("/invoices?draft=1"))
        .header("authorization", "Basic mine")
        .header("OTP", "000000")
        .header("x-trace", "a")
        .query(&[("page", "2")])
        .json(&["x"])
        .send()
        .await
        .unwrap();
    assert_eq!(reply.text().await.unwrap(), "fine");
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), &*seen.target), ("POST", "/invoices?draft=1&page=2"));
    assert_eq!(seen.header("authorization"), Some("Bearer canary-1"));
    assert_eq!(seen.headers.iter().filter(|(name, _)| name == "authorization").count(), 1);
    assert_eq!((seen.header("otp"), seen.header("x-trace")), (Some("100"), Some("a")));
    assert_eq!(seen.body, b"[\"x\"]");
}

#[tokio::test]
async fn f21_a_refusal_of_the_current_generation_renews_once_and_replays_the_same_bytes() {
    let server = Server::start(refuses(1)).await;
    let fake = Fake::bearer(&[server.origin()]);
    let request = client().session(fake.clone()).put(server.url("/a?b")).header("x-trace", "a");
    assert_eq!(request.body("once more").send().await.unwrap().status(), 200);
    assert_eq!(fake.moves(), [NOTHING_BEYOND_NOW, Move::Reject(1), NOTHING_BEYOND_NOW]);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].without_credentials(), seen[1].without_credentials());
    assert_eq!(seen[1].header("authorization"), Some("Bearer canary-2"));
}

#[tokio::test]
async fn f21_a_request_without_a_body_is_replayed_as_it_was() {
    let server = Server::start(refuses(1)).await;
    let client = client().session(Fake::bearer(&[server.origin()]));
    let mut request = reqwest::Request::new(Method::DELETE, server.url("/a?b").parse().unwrap());
    request.headers_mut().insert("x-trace", HeaderValue::from_static("a"));
    *request.version_mut() = Version::HTTP_10;
    assert_eq!(client.execute(request).await.unwrap().status(), 200);
    let [first, again] = &server.seen()[..] else { panic!("sent twice") };
    assert_eq!(first.without_credentials(), again.without_credentials());
    assert_eq!((first.header("x-trace"), &*first.version), (Some("a"), "HTTP/1.0"));
    assert_eq!(again.header("authorization"), Some("Bearer canary-2"));
}

#[tokio::test]
async fn f21_a_refusal_of_an_older_generation_replays_at_once() {
    let server = Server::start(refuses(1)).await;
    let fake = Fake::bearer(&[server.origin()]).overtaken();
    let reply = client().session(fake.clone()).get(server.url("/")).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(fake.moves(), [NOTHING_BEYOND_NOW, NOTHING_BEYOND_NOW], "nothing is renewed");
}

#[tokio::test]
async fn f23_an_api_that_always_refuses_gets_no_third_try() {
    let server = Server::start(|_| Reply::status(401).body("no")).await;
    let fake = Fake::bearer(&[server.origin()]);
    let reply = client().session(fake.clone()).get(server.url("/")).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.text().await.unwrap()), (401, "no".into()));
    assert_eq!(server.seen().len(), 2);
    let last = Move::Report { generation: 2, replayed: true };
    assert_eq!(fake.moves().last(), Some(&last));
}

#[tokio::test]
async fn f53_where_no_renewal_is_worth_it_the_refusal_is_the_answer() {
    let server = Server::start(|_| Reply::status(401)).await;
    let fake = Fake::bearer(&[server.origin()]).refuses_to_replay();
    let reply = client().session(fake.clone()).get(server.url("/")).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), server.seen().len()), (401, 1));
}

#[tokio::test]
async fn f24_a_stream_asks_for_a_longer_life_and_is_never_sent_twice() {
    let server = Server::start(refuses(1)).await;
    let fake = Fake::bearer(&[server.origin()]);
    let stream = || reqwest::Body::wrap(http_body_util::Full::new(bytes::Bytes::from("streamed")));
    let client = client().session(fake.clone());
    let reply = client.post(server.url("/")).body(stream()).send().await.unwrap();
    assert_eq!(reply.status(), 401);
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.seen()[0].body, b"streamed");
    let report = Move::Report { generation: 1, replayed: false };
    assert_eq!(fake.moves(), [Move::Authorize(Duration::from_secs(30)), report]);

    let redirecting = Server::start(|_| Reply::redirect(307, "/there")).await;
    let client = crate::support::client().session(Fake::bearer(&[redirecting.origin()]));
    let reply = client.post(redirecting.url("/")).body(stream()).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), redirecting.seen().len()), (307, 1));
}

#[tokio::test]
async fn the_replay_policy_of_the_request_wins_over_that_of_the_client() {
    for (policy, post, put) in [
        (ReplayPolicy::Always, 2, 2),
        (ReplayPolicy::Idempotent, 1, 2),
        (ReplayPolicy::Never, 1, 1),
    ] {
        for (method, sends) in [(Method::POST, post), (Method::PUT, put)] {
            let server = Server::start(|_| Reply::status(401)).await;
            let session = client().session(Fake::bearer(&[server.origin()]));
            let request = session.request(method.clone(), server.url("/")).replay(policy);
            request.send().await.unwrap();
            assert_eq!(server.seen().len(), sends, "{policy:?} {method}");

            let server = Server::start(|_| Reply::status(401)).await;
            let session = client().session(Fake::bearer(&[server.origin()])).replay(policy);
            session.request(method, server.url("/")).send().await.unwrap();
            assert_eq!(server.seen().len(), sends, "{policy:?}");
        }
    }
}

#[tokio::test]
async fn f20_every_send_carries_what_is_authorized_at_that_moment() {
    let server = Server::start(|seen| match (&*seen.target, seen.header("otp")) {
        ("/", _) => Reply::redirect(307, "/there"),
        (_, Some("101")) => Reply::status(401),
        _ => Reply::status(200),
    })
    .await;
    let session = client().session(Fake::coded(&[server.origin()]).old());
    let reply = session.put(server.url("/")).header("otp", "000000").body("x").send().await;
    assert_eq!(reply.unwrap().status(), 200);
    let seen = server.seen();
    let sent: Vec<_> = seen.iter().map(|seen| (&*seen.target, seen.header("otp"))).collect();
    assert_eq!(sent, [("/", Some("100")), ("/there", Some("101")), ("/there", Some("102"))]);
    let mut tokens = seen.iter().map(|seen| seen.header("authorization").unwrap_or_default());
    assert_eq!(tokens.next_back(), Some("Bearer canary-2"), "the replay has the new token");
}

#[tokio::test]
async fn f33_p08_a_redirect_to_another_origin_is_handed_back_and_nothing_arrives_there() {
    let thief = Server::start(|_| Reply::status(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let to = thief.url("/steal");
        let server = Server::start(move |_| Reply::redirect(status, &to)).await;
        // Also where both are origins of the session: only the same origin is followed.
        let fake = Fake::coded(&[server.origin(), thief.origin()]);
        let reply = client().session(fake).get(server.url("/")).send().await.unwrap();
        assert_eq!(reply.status(), status);
        assert_eq!(reply.headers()["location"], thief.url("/steal"));
    }
    assert_eq!(thief.seen(), []);
}

#[tokio::test]
async fn p08_a_redirect_within_the_origin_gets_credentials_of_its_own() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/old" => Reply::redirect(308, "/new?x=1"),
        "/form" => Reply::redirect(303, "/new"),
        _ => Reply::status(200),
    })
    .await;
    let session = client().session(Fake::coded(&[server.origin()]));
    let reply = session.post(server.url("/old")).body("b").send().await.unwrap();
    assert_eq!(reply.url().as_str(), server.url("/new?x=1"));
    let seen = server.seen();
    assert_eq!((seen[1].method.as_str(), &*seen[1].body), ("POST", &b"b"[..]));
    assert_eq!((seen[0].header("otp"), seen[1].header("otp")), (Some("100"), Some("101")));

    session.post(server.url("/form")).json(&1).send().await.unwrap();
    let last = server.seen().pop().unwrap();
    assert_eq!((last.method.as_str(), &*last.body), ("GET", &b""[..]));
    assert_eq!(last.header("content-type"), None);
}

#[tokio::test]
async fn p13_a_post_without_its_slash_is_not_answered_by_what_a_get_finds_there() {
    for status in [301, 302] {
        let server = Server::start(move |seen| match (&*seen.method, &*seen.target) {
            (_, "/invoices") => Reply::redirect(status, "/invoices/"),
            ("GET", _) => Reply::status(200).body("[]"),
            _ => Reply::status(201),
        })
        .await;
        let session = client().session(Fake::bearer(&[server.origin()]));
        let reply = session.post(server.url("/invoices")).json(&1).send().await.unwrap();
        assert_eq!((reply.status().as_u16(), server.seen().len()), (status, 1));
        assert_eq!(reply.headers()["location"], "/invoices/");

        let reply = session.get(server.url("/invoices")).send().await.unwrap();
        assert_eq!(reply.text().await.unwrap(), "[]", "a GET is followed");
    }
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    let server = Server::start(|_| Reply::redirect(302, "/")).await;
    let session = client().session(Fake::bearer(&[server.origin()]));
    let error = session.get(server.url("/")).send().await.unwrap_err();
    assert!(matches!(error, SendError::TooManyRedirects), "{error}");
    assert_eq!(server.seen().len(), 11);
}

#[tokio::test]
async fn f33_an_address_that_is_no_api_origin_gets_nothing() {
    let server = Server::start(|_| Reply::status(200)).await;
    let elsewhere = Origin::parse("https://api.example").unwrap();
    let fake = Fake::bearer(&[elsewhere]);
    let session = client().session(fake.clone());
    let error = session.get(server.url("/p?canary-query")).send().await.unwrap_err();
    let SendError::Origin(OriginRefused::Unknown(origin)) = &error else { panic!("{error}") };
    assert_eq!(*origin, server.origin());
    assert!(error.source().unwrap().to_string().contains("api_origins"));
    for bad in ["https://kim:canary@api.example/", "/relative", "http://api.example/", "not a url"]
    {
        let error = session.get(bad).send().await.unwrap_err();
        assert!(matches!(error, SendError::Origin(_)) && error.not_sent(), "{bad}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    assert_eq!((server.seen(), fake.moves()), (vec![], vec![]), "nor is a token asked for");
}

#[tokio::test]
async fn p14_an_answer_that_was_read_to_be_judged_is_handed_on_as_it_came() {
    for length in [0, 5, 64 * 1024, 64 * 1024 + 1, 300_000] {
        let body = vec![b'x'; length];
        let sent = body.clone();
        let server = Server::start(move |_| {
            Reply::status(403).header("x-a", "1").header("x-a", "2").body(sent.clone())
        })
        .await;
        let session = client().session(Fake::bearer(&[server.origin()]));
        let reply = session.get(server.url("/path?q")).send().await.unwrap();
        assert_eq!(reply.status(), 403);
        assert_eq!(reply.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(
            (reply.url().as_str(), reply.version()),
            (&*server.url("/path?q"), Version::HTTP_11)
        );
        assert!(reply.remote_addr().is_some());
        assert_eq!(reply.content_length(), Some(length as u64));
        assert_eq!(reply.bytes().await.unwrap(), body);
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn p14_a_refusal_in_the_body_is_replayed_once() {
    let server = Server::start(|seen| match seen.header("authorization") {
        Some("Bearer canary-1") => Reply::status(403).body("not signed in"),
        _ => Reply::status(200),
    })
    .await;
    let session = client().session(Fake::bearer(&[server.origin()]));
    assert_eq!(session.get(server.url("/")).send().await.unwrap().status(), 200);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn the_callers_time_spans_the_exchange_and_both_sends() {
    let server = Server::start(refuses(1)).await;
    let slow = Fake::bearer(&[server.origin()]).takes_to_renew(5_000);
    let request = client().session(slow).get(server.url("/")).timeout(Duration::from_secs(5));
    let error = request.send().await.unwrap_err();
    assert!(matches!(error, SendError::TimedOut), "{error}");
    assert_eq!(server.seen().len(), 1);

    let hanging = Server::start(|_| Reply::hang()).await;
    let session = client().session(Fake::bearer(&[hanging.origin()]));
    let request = session.get(hanging.url("/p?canary")).timeout(Duration::from_millis(50));
    let error = request.send().await.unwrap_err();
    assert!(error.to_string().contains("/p: no answer in time"), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[tokio::test]
async fn the_callers_time_ends_a_replay_and_a_hop_as_well() {
    let refused = |seen: &Seen| match seen.header("authorization") {
        Some("Bearer canary-1") => Reply::status(401),
        _ => Reply::hang(),
    };
    let moved = |seen: &Seen| match &*seen.target {
        "/" => Reply::redirect(307, "/there"),
        _ => Reply::hang(),
    };
    for server in [Server::start(refused).await, Server::start(moved).await] {
        let session = client().session(Fake::bearer(&[server.origin()]));
        let request = session.get(server.url("/")).timeout(Duration::from_millis(200));
        let error = request.send().await.unwrap_err();
        assert!(error.to_string().contains("no answer in time"), "{error}");
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_session_without_a_token_sends_nothing() {
    let server = Server::start(|_| Reply::status(200)).await;
    let session = client().session(Fake::bearer(&[server.origin()]).has_nothing());
    let error = session.get(server.url("/")).send().await.unwrap_err();
    assert!(matches!(error, SendError::Auth(_)) && error.source().is_some());
    assert_eq!(server.seen(), []);
}

#[tokio::test]
async fn f32_a_failed_request_shows_neither_query_nor_credentials() {
    let closed = Server::start(|_| Reply::closed()).await;
    let session = client().session(Fake::bearer(&[closed.origin()]));
    let error = session.get(closed.url("/p?canary-query")).send().await.unwrap_err();
    let mut shown = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown.push_str(&format!("{error} {error:?}"));
        cause = error.source();
    }
    assert!(shown.contains("/p: the request failed") && !shown.contains("canary"), "{shown}");
    assert!(!error.not_sent());
    assert_eq!(closed.seen().len(), 1, "F52: nothing is resent below us");
}
