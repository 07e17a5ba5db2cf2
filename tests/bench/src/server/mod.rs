//! The other side: a loopback server in a process of its own, so that its CPU is not counted and its
//! scheduling is not ours. It knows its answers beforehand and does as little as a server can.

mod child;
mod serve;
mod simulated;
mod wire;

pub(crate) use child::Server;
pub(crate) use serve::serve;
pub(crate) use simulated::{PASSWORD as FLEET_PASSWORD, account as fleet_account, simulate};
pub(crate) use wire::{head_of, reply};
