//! The server's process: one thread, answers that are known beforehand.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use countersign_core::Clock;
use countersign_runtime::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{head_of, reply};
use crate::Result;
use crate::subject::token_answer;

/// How it behaves, and what it has seen.
struct State {
    clock: SystemClock,
    /// Before a token answer.
    delay_ms: AtomicU64,
    /// Of a token answer.
    status: AtomicU32,
    life_s: AtomicU64,
    exchanges: AtomicU64,
    /// Password grants among them: each makes a refresh token of its own.
    sign_ins: AtomicU64,
}

/// Serves until standard input ends, which it does when whoever started this goes. Prints its address
/// first.
///
/// `/token` grants, or refuses with the set status, after the set delay; `/api` answers `{}`;
/// `/exchanges` says how many token requests came; `/set/KEY/VALUE` sets `delay_ms`, `status`, `life_s`.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut out = std::io::stdout();
        writeln!(out, "http://{}", listener.local_addr()?)?;
        out.flush()?;
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        let state = Arc::new(State {
            clock: SystemClock::new(),
            delay_ms: AtomicU64::new(0),
            status: AtomicU32::new(200),
            life_s: AtomicU64::new(3_600),
            exchanges: AtomicU64::new(0),
            sign_ins: AtomicU64::new(0),
        });
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

async fn converse(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(16 * 1_024);
    loop {
        let end = head_of(&buffer).map(|head| head.end());
        let Some(end) = end.filter(|end| buffer.len() >= *end) else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let answer = match head_of(&buffer).as_ref().map(|head| head.target()) {
            Some("/token") => state.token(is_sign_in(&buffer[..end])).await,
            Some("/api") => reply(200, "{}"),
            Some("/exchanges") => reply(200, &state.exchanges.load(Ordering::Relaxed).to_string()),
            Some(target) => state.set(target),
            None => reply(400, ""),
        };
        stream.write_all(answer.as_bytes()).await?;
        buffer.drain(..end);
    }
}

impl State {
    async fn token(&self, sign_in: bool) -> String {
        let family = self.sign_ins.fetch_add(u64::from(sign_in), Ordering::Relaxed);
        let n = self.exchanges.fetch_add(1, Ordering::Relaxed);
        let delay = Duration::from_millis(self.delay_ms.load(Ordering::Relaxed));
        if !delay.is_zero() {
            self.clock.sleep_until(self.clock.monotonic().after(delay)).await;
        }
        match self.status.load(Ordering::Relaxed) {
            200 => {
                let life = Duration::from_secs(self.life_s.load(Ordering::Relaxed));
                reply(200, &token_answer(n, family + u64::from(sign_in), life))
            }
            status => reply(u16::try_from(status).unwrap_or(400), r#"{"error":"invalid_grant"}"#),
        }
    }

    fn set(&self, target: &str) -> String {
        let mut parts = target.trim_start_matches("/set/").split('/');
        let (key, value) = (parts.next(), parts.next().and_then(|value| value.parse().ok()));
        match (key, value) {
            (Some("delay_ms"), Some(value)) => self.delay_ms.store(value, Ordering::Relaxed),
            (Some("life_s"), Some(value)) => self.life_s.store(value, Ordering::Relaxed),
            (Some("status"), Some(value)) => {
                self.status.store(u32::try_from(value).unwrap_or(400), Ordering::Relaxed);
            }
            _ => return reply(404, ""),
        }
        reply(200, "")
    }
}

/// RFC 6749 §4.3.2.
fn is_sign_in(message: &[u8]) -> bool {
    message.windows(19).any(|part| part == b"grant_type=password")
}
