//! A wire that can be cut: a proxy on loopback between a keeper and its Redis.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of what is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It arrives.
    Whole,
    /// Connections end, and new ones are ended at once.
    Cut,
    /// Nothing arrives any more, and nobody is told.
    Silent,
}

/// Ends when it is dropped.
pub(crate) struct Wire {
    port: u16,
    state: Arc<watch::Sender<State>>,
    accepting: JoinHandle<()>,
}

impl Wire {
    /// To `port` on loopback.
    pub(crate) async fn to(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = listener.local_addr()?.port();
        let state = Arc::new(watch::Sender::new(State::Whole));
        let seen = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A connection that fails is one that was cut.
                tokio::spawn(carry(client, port, seen.subscribe()));
            }
        });
        Ok(Self { port: own, state, accepting })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
        self.set(State::Cut);
    }
}

async fn carry(client: TcpStream, port: u16, state: watch::Receiver<State>) -> io::Result<()> {
    if *state.borrow() == State::Cut {
        return Ok(());
    }
    let server = TcpStream::connect(("127.0.0.1", port)).await?;
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        end = pass(from_client, to_server, state.clone()) => end,
        end = pass(from_server, to_client, state) => end,
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let now = *state.borrow_and_update();
        if now == State::Cut {
            return Ok(());
        }
        if now == State::Silent {
            if state.changed().await.is_err() {
                return Ok(());
            }
            continue;
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return Ok(()) },
            read = from.read(&mut bytes) => match read? {
                0 => return Ok(()),
                // What was read before the wire was cut is lost on the way. On a silent one it waits: a stream has no
                // holes, and with one the answer to one command would be taken for that to another.
                n => match state.wait_for(|now| *now != State::Silent).await.map(|now| *now) {
                    Ok(State::Whole) => to.write_all(&bytes[..n]).await?,
                    Ok(State::Cut | State::Silent) | Err(_) => return Ok(()),
                },
            }
        }
    }
}
