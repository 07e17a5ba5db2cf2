//! Contracts, vocabulary and the session machine of Countersign: no IO, no clock, no runtime
