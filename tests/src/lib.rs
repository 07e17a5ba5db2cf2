//! End-to-end tests of Countersign, across crates and processes, and what they share.
//!
//! [`fixtures`] runs the cases of `tests/fixtures/<provider>/<case>/` against the adapters.
//! [`canaries`] finds secrets in what was logged, said or stored.

pub mod canaries;
pub mod fixtures;
