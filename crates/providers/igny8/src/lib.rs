//! Countersign adapter for IGNY8: enveloped Django API with JWTs.
//!
//! It never sends anything, waits, retries, logs or keeps state: it builds requests and reads answers.
//! It is not affiliated with IGNY8.
//!
//! [`Igny8`] speaks the authentication endpoints of the IGNY8 API. An e-mail address and a password
//! buy a pair of JWTs; requests carry the access token as `Bearer`. Every answer of the API itself
//! stands in an envelope `{success, data, error, errors, request_id}`, and the envelope decides: HTTP
//! 200 with `"success": false` is a failure. Django or a proxy may answer without it.
//!
//! The vendor's pages come from different times and disagree, here more than anywhere else: nearly
//! everything is a setting, and answers are read tolerantly.
//!
//! # Documented
//!
//! Login, register and change of password, the envelope, the throttle headers; that every path ends
//! with a slash (vendor's "Authentication guide", "Authentication endpoints", "Rate limiting").
//!
//! # Settings, since the pages disagree or say nothing
//!
//! | what | default | setting |
//! |---|---|---|
//! | paths | those of the authentication guide | [`Igny8::login_path`], [`Igny8::refresh_path`], [`Igny8::register_path`], [`Igny8::change_password_path`] |
//! | logout, on the newest page only | none: a sign-out is local | [`Igny8::logout_path`] |
//! | field name of the refresh token in requests | `refresh` | [`Igny8::refresh_field`] |
//! | field names of change-password | `old_password`, `new_password` | [`Igny8::change_password_fields`] |
//! | whether a refresh token is spent on use | not known | [`Igny8::refresh_support`] |
//! | lifetimes of tokens that name no `exp` | 15 minutes; none | [`Igny8::fallback_lifetimes`] |
//!
//! # Not known
//!
//! Lifetimes and rotation today; names and format of the explicit expiries that newer builds send (they
//! are not read, `exp` is); the paths for a password reset and for the current user; which status a
//! suspended account answers; whether a logout or a change of password ends tokens.

mod config;
mod envelope;
mod error;
mod provider;
mod wire;

pub use config::Igny8;
