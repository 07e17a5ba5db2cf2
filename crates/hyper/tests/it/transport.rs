//! What is sent, what is refused, and how sure it is that nothing was sent.

use std::time::Duration;

use countersign_core::{Credentials, HttpTransport};
use countersign_hyper::Transport;
use countersign_ibex::Ibex;
use countersign_runtime::Keeper;
use countersign_simulator::{Operation, Simulator};
use http::{HeaderValue, header};

use crate::contract::{self, sign_in};
use crate::server::{Reply, Server};

#[tokio::test]
async fn what_an_adapter_built_is_sent_as_it_is() {
    let names = ["accept", "content-length", "content-type", "host", "user-agent"];
    contract::what_an_adapter_built_is_sent_as_it_is(&Transport::plain(), &names).await;
}

#[tokio::test]
async fn the_requests_own_user_agent_stays() {
    let server = Server::start(|_| Reply::status(200)).await;
    let mut named = sign_in(&server, "/");
    named.set(header::USER_AGENT, HeaderValue::from_static("mine/1"));
    Transport::plain().send(named).await.unwrap();
    assert_eq!(server.seen()[0].header("user-agent"), Some("mine/1"));
}

#[tokio::test]
async fn f33_p13_no_redirect_is_followed_and_no_cookie_kept() {
    contract::no_redirect_is_followed_and_no_cookie_kept(&Transport::plain()).await;
}

#[tokio::test]
async fn f49_an_endless_and_an_announced_giant_are_cut() {
    contract::an_endless_and_an_announced_giant_are_cut(&Transport::plain()).await;
}

#[tokio::test]
async fn f06_f52_a_request_that_may_have_arrived_is_not_resent_below_us() {
    contract::a_request_that_may_have_arrived_is_not_resent(&Transport::plain()).await;
}

#[tokio::test]
async fn f06_without_a_connection_nothing_was_sent() {
    contract::without_a_connection_nothing_was_sent(&Transport::plain()).await;
}

#[tokio::test]
async fn f33_plain_http_beyond_loopback_and_user_information_are_forbidden() {
    contract::plain_http_beyond_loopback_and_user_information_are_forbidden(&Transport::plain())
        .await;
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
