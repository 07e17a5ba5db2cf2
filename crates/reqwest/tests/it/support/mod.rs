//! A loopback server that records what it saw, and an authority whose every move is written down.

mod authority;
mod server;

pub(crate) use authority::{Fake, Move};
pub(crate) use server::{Reply, Seen, Server};

use countersign_reqwest::Client;

/// A client whose plain http to loopback no environment disturbs.
pub(crate) fn client() -> Client {
    Client::new(reqwest::Client::builder().no_proxy()).unwrap()
}
