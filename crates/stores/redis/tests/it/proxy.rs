//! A wire that can be cut: a proxy on loopback between a store and its server.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of what is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wire {
    /// It arrives.
    Whole,
    /// Connections end, and new ones are ended at once.
    Cut,
    /// Nothing arrives any more, and nobody is told.
    Silent,
    /// Commands arrive, answers are lost on the way; connections stay.
    Deaf,
    /// Each piece of answers has a stray one before it: from then on answers and commands do not match.
    Strayed,
}

/// A proxy that ends with the test's runtime.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    wire: Arc<watch::Sender<Wire>>,
    /// So many pieces of answers were lost since the wire was set.
    lost: Arc<watch::Sender<u32>>,
}

impl Proxy {
    /// To `port` on loopback.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let wire = Arc::new(watch::Sender::new(Wire::Whole));
        let seen = Arc::clone(&wire);
        let lost = Arc::new(watch::Sender::new(0));
        let loses = Arc::clone(&lost);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (wire, loses) = (seen.subscribe(), Arc::clone(&loses));
                tokio::spawn(async move {
                    let _ = carry(client, port, wire, &loses).await;
                });
            }
        });
        Self { port: own, wire, lost }
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.lost.send_replace(0);
        self.wire.send_replace(wire);
    }

    /// Waits until an answer was lost. A command that was carried out says nothing of that: its answer may still
    /// be on the way, and arrive once the wire is whole.
    pub(crate) async fn has_lost_an_answer(&self) {
        self.lost.subscribe().wait_for(|n| *n > 0).await.unwrap();
    }
}

async fn carry(
    client: TcpStream,
    port: u16,
    wire: watch::Receiver<Wire>,
    lost: &watch::Sender<u32>,
) -> io::Result<()> {
    if *wire.borrow() == Wire::Cut {
        return Ok(());
    }
    let server = TcpStream::connect(("127.0.0.1", port)).await?;
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let there = pass(from_client, to_server, wire.clone(), None);
    let back = pass(from_server, to_client, wire, Some(lost));
    tokio::select! { end = there => end, end = back => end }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut wire: watch::Receiver<Wire>,
    // Of answers: what counts those that are lost.
    lost: Option<&watch::Sender<u32>>,
) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let state = *wire.borrow_and_update();
        if state == Wire::Cut {
            return Ok(());
        }
        if state == Wire::Silent {
            if wire.changed().await.is_err() {
                return Ok(());
            }
            continue;
        }
        tokio::select! {
            changed = wire.changed() => if changed.is_err() { return Ok(()) },
            read = from.read(&mut bytes) => match read? {
                0 => return Ok(()),
                n => {
                    // What was read before the wire was cut is lost on the way.
                    let now = *wire.borrow();
                    if now == Wire::Strayed && lost.is_some() {
                        to.write_all(b":7\r\n").await?;
                    }
                    let carried = matches!(now, Wire::Whole | Wire::Strayed);
                    if carried || (now == Wire::Deaf && lost.is_none()) {
                        to.write_all(&bytes[..n]).await?;
                    } else if let Some(lost) = lost {
                        lost.send_modify(|n| *n += 1);
                    }
                }
            }
        }
    }
}
