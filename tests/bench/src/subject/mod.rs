//! What is measured: a keeper and its sessions, put together as a program would, with a server that
//! costs nothing.

mod adapter;
mod clock;
mod keeper;
mod minting;
mod restoring;

pub(crate) use adapter::{ACCESS_BYTES, REFRESH_BYTES, Rfc6749, token, token_answer};
pub(crate) use clock::{CALLER, REAL, ShiftClock, Sleepers};
pub(crate) use keeper::{client, credentials, keeper, keeper_at, keeper_over, signed_in};
pub(crate) use minting::Minting;
pub(crate) use restoring::Restoring;

/// How long the servers' tokens live, if nothing else is said.
pub(crate) const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);
