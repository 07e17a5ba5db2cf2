//! What is measured: a keeper and its sessions, put together as a program would, with a server that
//! costs nothing.

mod adapter;
mod keeper;
mod minting;

pub(crate) use adapter::{ACCESS_BYTES, Rfc6749, token_answer};
pub(crate) use keeper::{keeper, signed_in};
pub(crate) use minting::Minting;
