//! Countersign over hyper's connections: the transport of auth calls alone, for programs that make them by the
//! thousand. It does less than half the work of `countersign-reqwest` for an exchange, and brings 39 crates of others less;
//! what it has not is a client for API calls, HTTP/2, TLS, proxies and decompression. TLS comes with the connector.
//!
//! What this crate never does: it follows no redirect, keeps no cookie, asks no proxy, resends nothing that a
//! provider may have acted on, and speaks plain http to loopback only.
//!
//! ```
//! use countersign_hyper::Transport;
//! use hyper_rustls::HttpsConnectorBuilder;
//!
//! // TLS is yours: here rustls with the system's roots.
//! let https = HttpsConnectorBuilder::new().with_platform_verifier();
//! let transport = Transport::over(https.https_or_http().enable_http1().build());
//! # let _ = transport;
//! ```

mod connection;
mod connector;
mod idle;
mod servers;
mod transport;

pub use connector::Connector;
pub use transport::Transport;
