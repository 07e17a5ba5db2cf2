//! Countersign adapter for IBEX (IBEXHub): password flow and OAuth 2 client credentials.
//!
//! It never sends anything, waits, retries, logs or keeps state: it builds requests and reads answers.
//! It is not affiliated with IBEX.
//!
//! [`Ibex`] speaks the password flow of the hub (`/auth/*`): an e-mail address and a password buy an
//! access token of an hour and a refresh token of seven days, which stays the same at every refresh.
//! [`IbexOauth2`] speaks the newer flow: a client id and a client secret buy an access token at an
//! issuer, and there is nothing to refresh. Both present the **raw** token in `Authorization`; the
//! word `Bearer` before it is refused by the hub.
//!
//! # Documented
//!
//! Paths, field names, expiries as Unix seconds, the rules for a new password, that a revocation also
//! ends the access tokens bought with the refresh token (vendor's OpenAPI "Sandbox hub" 1.0 and
//! authentication guide).
//!
//! # Settings, since documents or reports disagree
//!
//! | what | default | setting |
//! |---|---|---|
//! | hub address (two generations of names are in use) | the documented one | [`Ibex::at`], [`IbexOauth2::hub`] |
//! | issuer and audience of the OAuth 2 flow | the documented ones | [`IbexOauth2::issuer`], [`IbexOauth2::audience`] |
//! | `Authorization` of change-password, documented raw and as `Bearer` | raw, after a 401 once `Bearer` | [`Ibex::change_password_header`] |
//! | lifetimes where an answer names none | 1 hour and 7 days | [`Ibex::fallback_lifetimes`] |
//!
//! # Not known
//!
//! How many failed sign-ins block an account and for how long; rate limits; whether a revocation of a
//! dead token succeeds; whether a change of password ends existing tokens.

mod config;
mod error;
mod oauth2;
mod provider;
mod wire;

pub use config::{ChangePasswordHeader, Ibex};
pub use oauth2::IbexOauth2;
