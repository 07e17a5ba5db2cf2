//! End-to-end tests of Countersign, across crates and processes
