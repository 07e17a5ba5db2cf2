//! OAuth 2 client credentials (RFC 6749 §4.4) at the hub's issuer.

mod config;
mod error;
mod provider;
mod wire;

pub use config::IbexOauth2;
