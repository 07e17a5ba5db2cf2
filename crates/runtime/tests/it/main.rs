//! The driver from outside: one program, since each program of tests is linked anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod account;
mod broken_off;
mod bulk;
mod carried;
mod challenge_end;
mod code_steps;
#[cfg(feature = "reqwest")]
mod codes;
mod common;
mod copies;
mod crowd;
mod damaged;
mod ending;
mod explain;
mod faults;
mod filter;
mod fleet;
mod foreign;
mod grace;
mod guards;
mod handover;
mod hangs_and_clocks;
mod herd;
mod hints;
mod impatient;
mod in_time;
mod key_rotation;
mod lateness;
mod lazy;
mod life;
mod missing_guards;
mod owed;
mod portions;
mod protocol;
mod read_only;
mod reentry;
mod refresh_bounds;
mod refreshable;
mod refusal;
mod reports;
mod rest;
mod revoke_all;
mod schedule;
mod silent;
mod sink;
mod time;
mod unsaved;
mod unsent;
mod wishes;
mod won;
