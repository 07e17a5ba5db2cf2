//! What makes connections.

use std::error::Error;

use http::Uri;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::Connection;
use tower_service::Service;

/// Whatever connects to an address as hyper-util's clients have it done: its own `HttpConnector`,
/// `hyper_rustls::HttpsConnector`, `hyper_tls::HttpsConnector`, or a service of one's own.
///
/// It resolves names, speaks TLS and says how long connecting may take. It is not to agree on HTTP/2, nor to speak to
/// a proxy that reads along; a tunnel through one (RFC 9110 §9.3.6) is none.
pub trait Connector:
    Service<
        Uri,
        Response: Read + Write + Connection + Unpin + Send + 'static,
        Error: Into<Box<dyn Error + Send + Sync>>,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<C> Connector for C where
    C: Service<
            Uri,
            Response: Read + Write + Connection + Unpin + Send + 'static,
            Error: Into<Box<dyn Error + Send + Sync>>,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static
{
}
