//! The simulator of IBEX as anybody serves it, in a process of its own; a second address tells what it saw.

use std::io::{Read, Write};
use std::sync::Arc;

use countersign_simulator::{Account, Operation, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{head_of, reply};
use crate::Result;
use crate::clocks::process_cpu;

/// Which password every account has.
pub(crate) const PASSWORD: &str = "Canary-of-the-fleet-1!";

/// The name of account number `n`.
pub(crate) fn account(n: usize) -> String {
    format!("account-{n:08}@fleet.example")
}

/// Serves so many accounts, with so many threads, until standard input ends. Prints two addresses first: that of the vendor, and one
/// where `/set/ahead_ms/MS` puts its clock forward, `/exchanges` says how many refreshes it granted and
/// `/cpu_us` what this process has used.
pub(crate) fn simulate(accounts: usize, threads: usize) -> Result<()> {
    let simulator = Simulator::ibex().record_limit(1).build();
    for n in 0..accounts {
        simulator.add_account(Account::user(account(n), PASSWORD));
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(async {
        let vendor = simulator.serve().await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut out = std::io::stdout();
        writeln!(out, "{} http://{}", vendor.url(), listener.local_addr()?)?;
        out.flush()?;
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        tokio::select! {
            _ = ended => Ok(()),
            failed = accept(listener, Arc::new(simulator)) => failed,
        }
    })
}

async fn accept(listener: TcpListener, simulator: Arc<Simulator>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let simulator = Arc::clone(&simulator);
        // Whoever asks and leaves ends his conversation and nothing else.
        tokio::spawn(async move { converse(stream, &simulator).await.ok() });
    }
}

async fn converse(mut stream: TcpStream, simulator: &Simulator) -> Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some(head) = head_of(&buffer) else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let said = told(simulator, head.target())?;
        let end = head.end();
        stream.write_all(reply(200, &said).as_bytes()).await?;
        buffer.drain(..end);
    }
}

fn told(simulator: &Simulator, target: &str) -> Result<String> {
    if let Some(by_ms) = target.strip_prefix("/set/ahead_ms/") {
        simulator.shift_clock(by_ms.parse()?);
        return Ok(String::new());
    }
    match target {
        "/exchanges" => {
            let refreshes = simulator.totals().exchanges.get(&Operation::REFRESH).copied();
            Ok(refreshes.unwrap_or_default().to_string())
        }
        "/cpu_us" => Ok(process_cpu().as_micros().to_string()),
        other => Err(format!("nothing is told at {other}").into()),
    }
}
