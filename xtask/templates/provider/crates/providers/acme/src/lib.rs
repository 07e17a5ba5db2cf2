//! Countersign adapter for Acme: password sign-in and refresh.
//!
//! It never sends anything, waits, retries, logs or keeps state: it builds requests and reads answers.
//! It is not affiliated with Acme.
//!
//! **As written by `cargo xtask new-provider`**: the API below is made up, a plain one over JSON. Put the
//! vendor's in its place, one fact after the other, and keep the three sections that follow true.
//!
//! # Documented
//!
//! | call | request | answer |
//! |---|---|---|
//! | `POST /session` | `username`, `password` | `access_token`, `expires_in`, `refresh_token`, `refresh_expires_in` |
//! | `POST /session/refresh` | `refresh_token` | `access_token`, `expires_in` |
//!
//! Lifetimes are whole seconds. A refusal is `{"code", "message"}`: 401 for wrong credentials and for a
//! dead refresh token. Requests carry `Authorization: Bearer`.
//!
//! # Settings, where documents disagree or say nothing
//!
//! | what | default | setting |
//! |---|---|---|
//! | address | none | [`Acme::at`] |
//! | lifetimes where an answer names none | 5 minutes; refresh unknown | [`Acme::fallback_lifetimes`] |
//!
//! # Not known
//!
//! Whether a refresh token is spent on use; how failed sign-ins lock an account; rate limits.

mod config;
mod error;
mod provider;
#[cfg(test)]
mod tests;
mod wire;

pub use config::Acme;
