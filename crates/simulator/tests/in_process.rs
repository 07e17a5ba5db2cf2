//! The simulator as a transport, in the time of a clock that the test cranks.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use countersign_core::http::HttpRequest;
use countersign_core::transport::{Delivery, Reason};
use countersign_core::{Clock, HttpTransport, Monotonic, Timestamp};
use countersign_simulator::{Fault, Gate, InProcess, Operation, Simulator};
use serde_json::{Value, json};
use tokio::sync::watch;

const START: i64 = 1_893_456_000_000;

struct Crank(watch::Sender<Duration>);

impl Crank {
    fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(Duration::ZERO)))
    }

    fn turn(&self, by: Duration) {
        self.0.send_modify(|elapsed| *elapsed += by);
    }
}

#[async_trait]
impl Clock for Crank {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START).after(*self.0.borrow())
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_start(*self.0.borrow())
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        let reached = |elapsed: &Duration| *elapsed >= deadline.elapsed();
        let _ = self.0.subscribe().wait_for(reached).await;
    }
}

fn hub() -> (Simulator, Arc<Crank>, InProcess) {
    let (simulator, clock) = (Simulator::ibex().build(), Crank::new());
    let transport = simulator.in_process(clock.clone());
    (simulator, clock, transport)
}

fn sign_in(simulator: &Simulator) -> HttpRequest {
    let account = simulator.account();
    let body = json!({ "email": account.identity, "password": account.password });
    let request = HttpRequest::post_json("http://hub.example:4001/auth/signin", &body);
    request.unwrap_or_else(|error| panic!("{error}"))
}

fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn a_session_lives_without_a_socket() {
    let (simulator, clock, transport) = hub();
    let answer = transport.send(sign_in(&simulator)).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.header("date").is_some()), (200, true));
    let answer: Value = answer.json().unwrap();
    assert_eq!(answer["accessTokenExpiresAt"], START / 1000 + 3600);
    let token = answer["accessToken"].as_str().unwrap();
    let call = || {
        let request = http::Request::get("http://hub.example/sim/echo");
        transport.call(request.header("authorization", token).body(Bytes::new()).unwrap())
    };
    assert_eq!(call().await.unwrap().status(), 200);
    clock.turn(Duration::from_secs(3600));
    assert_eq!(call().await.unwrap().status(), 401);
    assert_eq!(simulator.totals().requests, 3);
}

#[tokio::test]
async fn faults_without_an_answer_say_whether_anything_was_sent() {
    for (fault, delivery, reason) in [
        (Fault::Refuse, Delivery::NotSent, Reason::Connect),
        (Fault::Cut, Delivery::Unknown, Reason::Interrupted),
        (Fault::LoseAnswer, Delivery::Unknown, Reason::Interrupted),
        (Fault::Truncate, Delivery::Unknown, Reason::Interrupted),
        (Fault::Endless, Delivery::Unknown, Reason::BodyTooLarge),
        (Fault::Flood((1 << 20) + 1), Delivery::Unknown, Reason::BodyTooLarge),
        (Fault::GzipBomb(4 << 20), Delivery::Unknown, Reason::BodyTooLarge),
        (Fault::GzipBomb(1000), Delivery::Unknown, Reason::Interrupted),
    ] {
        let (simulator, _clock, transport) = hub();
        simulator.inject(Operation::SIGN_IN, fault.clone(), 1);
        let error = transport.send(sign_in(&simulator)).await.unwrap_err();
        assert_eq!((error.delivery(), error.reason()), (delivery, reason), "{fault:?}");
    }
    let (simulator, _clock, transport) = hub();
    simulator.inject(Operation::SIGN_IN, Fault::Flood(1 << 20), 1);
    let answer = transport.send(sign_in(&simulator)).await.unwrap();
    assert_eq!(answer.body().len(), 1 << 20);
}

#[tokio::test]
async fn what_is_late_waits_for_the_clock_and_what_hangs_for_nothing() {
    for (fault, wait) in [
        (Fault::Delay(Duration::from_secs(9)), Duration::from_secs(9)),
        (Fault::Slow { chunk: 1000, every: Duration::from_secs(3) }, Duration::from_secs(6)),
    ] {
        let (simulator, clock, transport) = hub();
        simulator.inject(Operation::SIGN_IN, fault, 1);
        let mut answer = pin!(transport.send(sign_in(&simulator)));
        assert!(poll(answer.as_mut()).is_pending());
        assert_eq!(simulator.totals().exchanges_of(Operation::SIGN_IN), 1, "it acts at once");
        clock.turn(wait - Duration::from_millis(1));
        assert!(poll(answer.as_mut()).is_pending());
        clock.turn(Duration::from_millis(1));
        assert_eq!(answer.await.unwrap().status(), 200);
    }
    let (simulator, clock, transport) = hub();
    simulator.inject(Operation::SIGN_IN, Fault::Hang, 1);
    let mut answer = pin!(transport.send(sign_in(&simulator)));
    assert!(poll(answer.as_mut()).is_pending());
    clock.turn(Duration::from_secs(86_400));
    assert!(poll(answer.as_mut()).is_pending());
}

#[tokio::test]
async fn a_gate_holds_the_answer() {
    let (simulator, _clock, transport) = hub();
    let gate = Gate::new();
    simulator.inject(Operation::SIGN_IN, Fault::GateUntil(gate.clone()), 1);
    let mut answer = pin!(transport.send(sign_in(&simulator)));
    assert!(poll(answer.as_mut()).is_pending());
    assert_eq!(gate.seen(), 1);
    gate.release();
    assert_eq!(answer.await.unwrap().status(), 200);
}
