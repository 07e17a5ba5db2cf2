//! Countersign adapter for Ibanera: password and TOTP, a code on every request.
//!
//! It never sends anything, waits, retries, logs or keeps state: it builds requests and reads answers.
//! It is not affiliated with Ibanera.
//!
//! [`Ibanera`] speaks the Customer API of an "API Principal". A sign-in takes user name, password and
//! a one-time code (RFC 6238: SHA-1, six digits, 30 seconds) and buys an access token. Every
//! authorised request carries the token **and** a code computed at the time of that request, in a
//! header `otp`. What [`countersign_core::AuthProvider::authorize`] makes is therefore good for one
//! time step at most.
//!
//! An answer is a success only with a 2xx status and `"status": "1"`: HTTP 200 with `"0"` is a failure.
//!
//! # Documented
//!
//! The login path and its fields, relative lifetimes, the envelope, five message codes, the lock of ten
//! minutes (vendor's "Authentication and authorization" and "Common response format").
//!
//! # Settings, since the vendor leaves them open or contradicts itself
//!
//! | what | default | setting |
//! |---|---|---|
//! | address; the sandbox is not public | none | [`Ibanera::at`] |
//! | shared secret as base32 (vendor's Python sample) or raw text (its Node sample) | base32 | [`Ibanera::secret_encoding`] |
//! | time step | 30 s | [`Ibanera::totp_period`] |
//! | length of a lock | 10 minutes | [`Ibanera::lockout`] |
//! | refresh: a refresh token may come, but no endpoint is published | none; renewing is signing in again | [`Ibanera::refresh_path`] |
//! | lifetimes where an answer names none | 5 minutes | [`Ibanera::fallback_lifetimes`] |
//!
//! # Not known
//!
//! What an expired token or a wrong code answers on an API call (401 is assumed, and 403 without a
//! documented message code); how much clock error is tolerated; whether a code is taken twice; how many
//! failures lock an account; rate limits. A wrong code has no message code of its own and may look like
//! a wrong password.

mod config;
mod envelope;
mod error;
mod provider;
mod wire;

pub use config::Ibanera;
pub use countersign_core::totp::SecretEncoding;
