//! Refusals that may mean the one-time code, over a loopback server.

use crate::support::{Fake, Move, Reply, Server, client};
use countersign_reqwest::{Redirects, ReplayPolicy, send_with};

const AUTHORIZED: Move = Move::Authorize(std::time::Duration::ZERO);

#[tokio::test]
async fn p08_a_refused_young_token_is_first_shown_with_the_next_code() {
    let server = Server::start(|seen| {
        Reply::status(if seen.header("otp") == Some("100") { 401 } else { 200 })
    })
    .await;
    let fake = Fake::coded(&[server.origin()]);
    let reply = client().session(fake.clone()).get(server.url("/")).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let moves = [AUTHORIZED, Move::NextCode, Move::Accepted, Move::Over];
    assert_eq!(fake.moves(), moves, "no sign-in, and the others hear of it");
}

#[tokio::test]
async fn p08_a_young_token_that_is_refused_with_two_codes_is_rejected_once() {
    let server = Server::start(|_| Reply::status(401)).await;
    let fake = Fake::coded(&[server.origin()]);
    client().session(fake.clone()).get(server.url("/")).send().await.unwrap();
    assert_eq!(server.seen().len(), 3, "the code, then the token, then no more");
    let report = Move::Report { generation: 2, replayed: true };
    let moves = [AUTHORIZED, Move::NextCode, Move::Reject(1), Move::Over, AUTHORIZED, report];
    assert_eq!(fake.moves(), moves, "the session knows before the others are let go");
}

#[tokio::test]
async fn p08_what_another_request_has_found_out_is_not_tried_again() {
    let server = Server::start(|seen| {
        let first = seen.header("authorization") == Some("Bearer canary-1");
        Reply::status(if first { 401 } else { 200 })
    })
    .await;
    let fake = Fake::coded(&[server.origin()]).knows_that_it_is_the_token();
    let reply = client().session(fake.clone()).get(server.url("/")).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), server.seen().len()), (200, 2));
    assert!(fake.moves().contains(&Move::Reject(1)));
}

#[tokio::test]
async fn p08_an_old_token_is_more_likely_at_fault_than_its_code() {
    let server = Server::start(|_| Reply::status(401)).await;
    let fake = Fake::coded(&[server.origin()]).old();
    client().session(fake.clone()).get(server.url("/")).send().await.unwrap();
    assert_eq!((server.seen().len(), fake.moves()[1]), (2, Move::Reject(1)));
}

#[tokio::test]
async fn p08_a_request_that_is_not_sent_again_rejects_no_young_token() {
    let server = Server::start(|_| Reply::status(401)).await;
    for (fake, told) in [
        (Fake::coded(&[server.origin()]), Move::Suspect),
        (Fake::coded(&[server.origin()]).old(), Move::Report { generation: 1, replayed: false }),
    ] {
        let stream = http_body_util::Full::new(bytes::Bytes::from("streamed"));
        let request = client().session(fake.clone()).post(server.url("/"));
        let reply = request.body(reqwest::Body::wrap(stream)).send().await.unwrap();
        assert_eq!((reply.status().as_u16(), fake.moves()[1..].to_vec()), (401, vec![told]));
    }
}

#[tokio::test]
async fn p08_a_server_that_fails_says_nothing_about_the_token() {
    let server = Server::start(|seen| {
        Reply::status(if seen.header("otp") == Some("100") { 401 } else { 503 })
    })
    .await;
    let fake = Fake::coded(&[server.origin()]);
    client().session(fake.clone()).get(server.url("/")).send().await.unwrap();
    assert_eq!(fake.moves(), [AUTHORIZED, Move::NextCode, Move::Over], "the next one finds out");
}

/// Refuses the first code, and answers the next one by a 403 whose reason is in its body.
async fn answers_the_next_code_by(reason: fn(Reply) -> Reply) -> Server {
    Server::start(move |seen| match seen.header("otp") {
        Some("100") => Reply::status(401),
        _ => reason(Reply::status(403)),
    })
    .await
}

#[tokio::test]
async fn p08_an_answer_that_could_not_be_judged_says_nothing_about_the_token() {
    let judged: fn(Reply) -> Reply = |reply| reply.body("another reason");
    let cut: fn(Reply) -> Reply = |reply| reply.body("not signed i").cut();
    let too_long: fn(Reply) -> Reply = |reply| reply.body([b'x'; 64 * 1024 + 1]);
    for (reason, told) in [(judged, &[Move::Accepted][..]), (cut, &[]), (too_long, &[])] {
        let moves = [&[AUTHORIZED, Move::NextCode], told, &[Move::Over]].concat();
        let server = answers_the_next_code_by(reason).await;
        let fake = Fake::coded(&[server.origin()]);
        let reply = client().session(fake.clone()).get(server.url("/")).send().await.unwrap();
        assert_eq!((reply.status().as_u16(), fake.moves()), (403, moves.clone()));

        let fake = Fake::coded(&[server.origin()]);
        let theirs = reqwest::Client::builder().no_proxy().build().unwrap();
        let get = theirs.get(server.url("/")).build().unwrap();
        let vouched = Redirects::Vouched;
        let reply = send_with(&fake, &theirs, get, vouched, ReplayPolicy::Always).await.unwrap();
        assert_eq!((reply.status().as_u16(), fake.moves()), (403, moves));
    }
}
