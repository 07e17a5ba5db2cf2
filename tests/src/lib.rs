//! End-to-end tests of Countersign, across crates and processes, and what they share.
//!
//! [`fixtures`] runs the cases of `tests/fixtures/<provider>/<case>/` against the adapters.

pub mod fixtures;
