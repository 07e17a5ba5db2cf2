//! Sessions end to end: the real adapters, the real engine and the real client, against the simulators
//! behind sockets.

#![expect(clippy::expect_used, reason = "what a test cannot set up stops it")]

mod bench;
mod cognito;
mod dropped_callers;
mod hostile_answers;
mod main_job;
mod redirects;
mod thundering_herd;
