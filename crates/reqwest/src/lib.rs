//! Countersign over reqwest: the transport of auth calls, and a client that is signed in.
//!
//! What this crate never does: it decides nothing about tokens (an [`Authority`] does), starts no
//! task, sets no timer of its own, follows no redirect to another origin, resends nothing that an API
//! may have acted on, and puts no query of an address into an error.
//!
//! * [`Client`] wraps one `reqwest::Client`: it is the [`HttpTransport`](countersign_core::HttpTransport)
//!   of auth calls and makes [`SessionClient`]s.
//! * [`SessionClient`] sends API calls as a session: origin check, authorization, replay after a 401.
//! * [`send_with`] does the same on somebody else's `reqwest::Client`, where that is safe.
//! * `AuthLayer` (feature `tower`) and `AuthMiddleware` (feature `middleware`) do it for other stacks.
//! * [`Authority`] is what a session implements to hand out authorizations.
//!
//! ```
//! use countersign_reqwest::{Authority, Client};
//!
//! async fn invoices(
//!     session: impl Authority,
//!     url: &str,
//! ) -> Result<String, Box<dyn std::error::Error>> {
//!     let http = Client::lazy(reqwest::Client::builder)?; // proxy, TLS and timeouts are yours
//!     let reply = http.session(session).get(url).query(&[("page", "1")]).send().await?;
//!     Ok(reply.text().await?)
//! }
//! ```

mod address;
mod attempts;
mod authority;
mod builder;
mod client;
mod error;
mod exchange;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "middleware")]
mod middleware;
mod origins;
mod policy;
mod probe;
mod redirect;
mod rejoin;
mod send_with;
mod session;
mod transport;

pub use authority::{Authority, Granted, Need, Refusal, Replay};
pub use builder::{ReplayPolicy, RequestBuilder};
pub use client::Client;
pub use error::{OriginRefused, SendError};
#[cfg(feature = "tower")]
pub use layer::{AuthLayer, AuthService, LayerError};
#[cfg(feature = "middleware")]
pub use middleware::AuthMiddleware;
pub use origins::{OriginSet, origin_of};
pub use policy::OriginPolicy;
pub use probe::{NextCode, Probe};
pub use rejoin::Rejoined;
pub use send_with::{Redirects, send_with};
pub use session::SessionClient;
