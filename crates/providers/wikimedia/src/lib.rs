//! Countersign adapter for Wikimedia Enterprise.
//!
//! This is the authentication API at `auth.enterprise.wikimedia.com`: a REST face over a user pool of
//! Amazon Cognito, which it hides. It is no client of the data APIs, and it does not create accounts, which
//! is guarded by a captcha.
//!
//! Documented by the vendor: paths, fields, lifetimes (24 hours, 90 days), lower-case user names. Known from
//! the vendor's published server code: the limits of fields, what each status covers, and that one refresh
//! token buys at most 90 access tokens, after which 429 means *sign in again*, not *wait*.
//!
//! A 401 covers a wrong password, a dead token, a lockout and an outage alike, at sign-in and at a refresh:
//! such a verdict is reported as possible, never as certain. A 422 says *try again later* and means that the
//! request is malformed.
//!
//! Settings of [`Wikimedia`]: the address, the budget of refreshes, how slow the one retry after a doubtful
//! 401 is.

mod answer;
mod challenge;
mod config;
mod error;
mod provider;
#[cfg(test)]
mod tests;
mod wire;

pub use config::Wikimedia;
