//! The simulator behind a real socket, talked to in plain HTTP/1.1.

use std::io;
use std::time::Duration;

use countersign_simulator::{Fault, Gate, Operation, Running, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn send(running: &Running, request: &str) -> String {
    let mut answer = Vec::new();
    // A connection that is cut may end by an error: what came before it counts.
    let _ = exchange(running, request, &mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn exchange(running: &Running, request: &str, answer: &mut Vec<u8>) -> io::Result<()> {
    let mut stream = TcpStream::connect(running.addr()).await?;
    stream.write_all(request.as_bytes()).await?;
    stream.read_to_end(answer).await?;
    Ok(())
}

fn sign_in(simulator: &Simulator) -> String {
    let account = simulator.account();
    let body = format!(r#"{{"email":"{}","password":"{}"}}"#, account.identity, account.password);
    let length = body.len();
    format!(
        "POST /auth/signin HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
}

fn call(token: &str) -> String {
    format!(
        "GET /sim/echo HTTP/1.1\r\nhost: hub\r\nauthorization: {token}\r\nconnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn a_session_lives_over_a_socket() {
    let simulator = Simulator::ibex().build();
    let running = simulator.serve().await.unwrap();
    assert_eq!(running.url(), format!("http://{}", running.addr()));
    let signed_in = send(&running, &sign_in(&simulator)).await;
    assert!(signed_in.starts_with("HTTP/1.1 200 OK\r\n"), "{signed_in}");
    assert!(signed_in.contains("\r\ndate: "));
    let token = signed_in.split(r#""accessToken":""#).nth(1).unwrap().split('"').next().unwrap();
    let echo = send(&running, &call(token)).await;
    assert!(
        echo.starts_with("HTTP/1.1 200 OK\r\n") && echo.contains(r#""generation":1"#),
        "{echo}"
    );
    assert!(send(&running, &call("unknown")).await.starts_with("HTTP/1.1 401 "));
    assert_eq!(simulator.totals().requests, 3);
    let addr = running.addr();
    running.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn faults_are_played_on_the_socket() {
    let simulator = Simulator::ibex().build();
    let running = simulator.serve().await.unwrap();
    simulator.inject(Operation::SIGN_IN, Fault::Cut, 1);
    simulator.inject(Operation::SIGN_IN, Fault::LoseAnswer, 1);
    simulator.inject(Operation::SIGN_IN, Fault::Truncate, 1);
    simulator.inject(
        Operation::SIGN_IN,
        Fault::Slow { chunk: 100, every: Duration::from_millis(1) },
        1,
    );
    simulator.inject(Operation::SIGN_IN, Fault::Flood(100_000), 1);
    simulator.inject(Operation::SIGN_IN, Fault::Delay(Duration::from_millis(5)), 1);
    let request = sign_in(&simulator);
    assert_eq!(send(&running, &request).await, "");
    assert_eq!(simulator.totals().exchanges_of(Operation::SIGN_IN), 0);
    assert_eq!(send(&running, &request).await, "");
    assert_eq!(simulator.totals().exchanges_of(Operation::SIGN_IN), 1);
    let truncated = send(&running, &request).await;
    assert!(truncated.contains("content-length: ") && !truncated.ends_with('}'), "{truncated}");
    assert!(send(&running, &request).await.contains("refreshTokenExpiresAt"));
    assert!(send(&running, &request).await.len() > 100_000);
    assert!(send(&running, &request).await.ends_with('}'));
}

#[tokio::test]
async fn a_gate_holds_the_answer_until_the_test_opens_it() {
    let simulator = Simulator::ibex().build();
    let running = simulator.serve().await.unwrap();
    let gate = Gate::new();
    simulator.inject(Operation::SIGN_IN, Fault::GateUntil(gate.clone()), 1);
    let (request, addr) = (sign_in(&simulator), running.addr());
    let waiting = tokio::spawn(async move {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    });
    gate.wait_until_seen().await;
    assert_eq!(simulator.totals().exchanges_of(Operation::SIGN_IN), 1);
    assert!(!waiting.is_finished());
    gate.release();
    assert!(waiting.await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_running_server_ends_hanging_connections_when_it_is_dropped() {
    let simulator = Simulator::ibex().build();
    let running = simulator.serve().await.unwrap();
    simulator.inject(Operation::SIGN_IN, Fault::Hang, 1);
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    stream.write_all(sign_in(&simulator).as_bytes()).await.unwrap();
    while simulator.totals().requests == 0 {
        tokio::task::yield_now().await;
    }
    drop(running);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}

#[tokio::test]
async fn only_a_loopback_address_is_listened_on() {
    let refused =
        Simulator::ibex().build().serve_on("0.0.0.0:0".parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
}
