//! The transport over real sockets of this machine.

#[cfg(test)]
mod connections;
#[cfg(test)]
mod connector;
#[cfg(test)]
#[path = "../../../reqwest/tests/it/support/contract.rs"]
mod contract;
#[cfg(test)]
#[expect(dead_code, reason = "the tests of the transport over reqwest need more of it")]
#[path = "../../../reqwest/tests/it/support/server.rs"]
mod server;
#[cfg(test)]
mod transport;
