//! A loopback server that records what it saw, an authority whose every move is written down, and what every
//! transport owes.

mod authority;
pub(crate) mod contract;
mod server;

pub(crate) use authority::{Fake, Move};
pub(crate) use server::{Reply, Seen, Server};

use countersign_reqwest::Client;

/// A client whose plain http to loopback no environment disturbs.
pub(crate) fn client() -> Client {
    Client::new(reqwest::Client::builder().no_proxy()).unwrap()
}
