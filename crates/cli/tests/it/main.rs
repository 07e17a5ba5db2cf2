//! The command line as a process: one program, since each program of tests is linked anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod accounts;
mod bad_input;
mod canaries;
mod challenge;
mod damaged;
mod demo;
mod doctor;
mod ends;
mod fresh;
mod life;
mod passwords;
mod providers;
mod schedule;
#[allow(unreachable_pub, reason = "it is a module of another package")]
#[path = "../../../../tests/src/canaries/mod.rs"]
mod searcher;
mod secrets;
mod sessions;
mod silent;
mod simulate;
mod store;
mod stuck;
mod support;
mod terminal;
