//! Countersign adapter for Acme, an API that is made up.
//!
//! It never sends anything, waits, retries, logs or keeps state: it builds requests and reads answers.
//!
//! # Documented
//!
//! | call | request | answer |
//! |---|---|---|
//! | `POST /v2/session` | `api_key`, `api_secret` | `token`, `ttl_minutes`, `account` |
//! | `POST /v2/session/renew` | the token in `X-Acme-Token`, no body | the same, with another token |
//! | `DELETE /v2/session` | the token in `X-Acme-Token` | 204 |
//!
//! Calls carry the token in `X-Acme-Token`. `ttl_minutes` is a string of digits: whole minutes. There is no
//! refresh token: the access token buys the next one, once, also after its end, for a day from its issue. The
//! old one is taken by the API until it ends. `DELETE` ends the token, and all that descend from the same
//! sign-in.
//!
//! A failure is a problem (RFC 9457). The last word of its `type` says what it is: `bad-credentials`,
//! `key-suspended`, `session-ended`, `already-renewed`, `slow-down`, `maintenance`.
//!
//! # Settings
//!
//! The address ([`Acme::at`]).
//!
//! # Not known
//!
//! Whether failed sign-ins lock a key; how many calls a minute are too many.

mod config;
mod error;
mod provider;
mod wire;

pub use config::Acme;
