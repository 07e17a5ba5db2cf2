//! What Countersign costs, each figure beside its physical limit in the same run.
//!
//! Issue rows W1 to W5 of the project's performance targets are measured here: ours and the limit take
//! turns within one process, on CPU time where CPU is what is paid and on wall time where somebody
//! waits; a row is the median of many rounds with its spread, and its ratio is made within each round.
//! `docs/PERFORMANCE.md` has the method and the last table.
//!
//! * `rows` has one file for each group of rows; `limit` what they are compared with; `subject` how a
//!   session is put together for them.
//! * `server` is the other side: a loopback server in a process of its own, so that its CPU is not ours.
//! * `clocks` is the only file that reads a clock.

mod allocations;
mod clocks;
mod command;
mod contest;
mod day;
mod fleet;
mod lean;
mod limit;
mod plots;
mod report;
mod row;
mod rows;
mod server;
mod start;
mod stats;
mod subject;

pub use allocations::{Counted, run as count_allocations};
pub use command::run;
pub use start::{raw_token, spent, token};

/// Why a measurement could not be made, as a sentence for the person who ran it.
type Error = Box<dyn std::error::Error + Send + Sync>;

type Result<T, E = Error> = std::result::Result<T, E>;
