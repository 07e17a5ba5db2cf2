//! The simulator of IBEX behind the lightest shell there is: the raw socket loop of this package in
//! front of its in-process handle, so that HTTP is not what bounds it.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use countersign_core::Clock;
use countersign_runtime::SystemClock;
use countersign_simulator::{Account, Operation, Reply, Simulator};
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{head_of, reply};
use crate::Result;

/// Which password every account has.
pub(crate) const PASSWORD: &str = "Canary-of-the-fleet-1!";

/// The name of account number `n`.
pub(crate) fn account(n: usize) -> String {
    format!("account-{n:08}@fleet.example")
}

struct State {
    simulator: Simulator,
    clock: SystemClock,
    /// How much time was let pass.
    ahead_ms: AtomicU64,
}

/// Serves so many accounts until standard input ends. Prints its address first. Besides the vendor's
/// paths, `/set/ahead_ms/MS` puts its clock forward and `/exchanges` says how many refreshes it granted.
pub(crate) fn simulate(accounts: usize) -> Result<()> {
    let simulator = Simulator::ibex().record_limit(1).build();
    for n in 0..accounts {
        simulator.add_account(Account::user(account(n), PASSWORD));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut out = std::io::stdout();
        writeln!(out, "http://{}", listener.local_addr()?)?;
        out.flush()?;
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        let clock = SystemClock::new();
        let state = Arc::new(State { simulator, clock, ahead_ms: AtomicU64::new(0) });
        tokio::select! {
            _ = ended => Ok(()),
            failed = accept(listener, state) => failed,
        }
    })
}

async fn accept(listener: TcpListener, state: Arc<State>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let state = Arc::clone(&state);
        // A client that leaves ends its conversation and nothing else.
        tokio::spawn(async move { converse(stream, &state).await.ok() });
    }
}

async fn converse(mut stream: TcpStream, state: &State) -> Result<()> {
    let mut buffer = Vec::with_capacity(16 * 1_024);
    loop {
        let end = head_of(&buffer).map(|head| head.end());
        let Some(end) = end.filter(|end| buffer.len() >= *end) else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let answer = state.answer(&buffer[..end])?;
        stream.write_all(&answer).await?;
        buffer.drain(..end);
    }
}

impl State {
    fn answer(&self, message: &[u8]) -> Result<Vec<u8>> {
        let head = head_of(message).ok_or("no head")?;
        let target = head.target();
        if let Some(value) = target.strip_prefix("/set/ahead_ms/") {
            self.ahead_ms.store(value.parse()?, Ordering::Relaxed);
            return Ok(reply(200, "").into_bytes());
        }
        if target == "/exchanges" {
            let totals = self.simulator.totals();
            let refreshes = totals.exchanges.get(&Operation::REFRESH).copied().unwrap_or_default();
            return Ok(reply(200, &refreshes.to_string()).into_bytes());
        }
        let method = head.line.split(' ').next().unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("content-type", "application/json")
            .body(Bytes::copy_from_slice(&message[head.body_at..]))?;
        let ahead = i64::try_from(self.ahead_ms.load(Ordering::Relaxed))?;
        match self.simulator.handle(&request, self.clock.now().as_millis() + ahead) {
            Reply::Response(response) => {
                let body = std::str::from_utf8(response.body())?;
                Ok(reply(response.status().as_u16(), body).into_bytes())
            }
            _ => Err("no fault was asked for".into()),
        }
    }
}
