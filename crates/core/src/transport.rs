//! The seam to the network.

use std::fmt;

use async_trait::async_trait;

use crate::http::{HttpRequest, HttpResponse};

/// Sends one request of an adapter and brings the whole answer.
///
/// An implementation follows no redirect, keeps no cookie, repeats nothing by itself, takes no proxy
/// from the environment for loopback or plain http, and refuses a body of more than 1 MiB after
/// decompression. The deadline is the engine's: it drops the future.
#[async_trait]
pub trait HttpTransport: Send + Sync {
    /// Sends `request`.
    ///
    /// # Errors
    /// [`TransportError`], saying whether the request can have reached the provider.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

/// Whether a request can have been acted on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Delivery {
    /// Nothing reached the provider: no connection came about.
    NotSent,
    /// It may have been acted on.
    Unknown,
}

/// Why no answer came.
#[derive(Debug)]
pub struct TransportError {
    delivery: Delivery,
    reason: Reason,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What went wrong below HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The answer is larger than the limit, or unpacks to more.
    BodyTooLarge,
    /// No connection: refused, unreachable, name unknown, TLS not agreed.
    Connect,
    /// The connection ended or broke while the answer was awaited or read.
    Interrupted,
    /// A rule of the caller or of this library forbids the address.
    Forbidden,
    /// No answer within the deadline.
    TimedOut,
}

impl TransportError {
    /// An error for `reason`.
    pub const fn new(delivery: Delivery, reason: Reason) -> Self {
        Self { delivery, reason, source: None }
    }

    /// Keeps the cause; it must not hold an address with a query, nor a header.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the provider can have acted.
    pub const fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// What went wrong.
    pub const fn reason(&self) -> Reason {
        self.reason
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            Reason::BodyTooLarge => "the answer is too large",
            Reason::Connect => "no connection could be made",
            Reason::Interrupted => "the connection ended before the answer was complete",
            Reason::Forbidden => "the address is not allowed",
            Reason::TimedOut => "no answer came in time",
        })
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
