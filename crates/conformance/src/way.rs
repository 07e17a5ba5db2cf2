//! A way to the server on which faults are bytes on a socket.

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::TransportError;

use crate::fault::Fault;
use crate::operation::Op;
use crate::wire::Stray;

/// Where a real client stands before the server, this is what stands between them: it plays faults as what
/// that client finds on its socket. A [`crate::Server`] without one has its faults played as values in memory,
/// as time that stands still demands it.
///
/// `Proxy`, behind the feature `proxy`, is one.
#[async_trait]
pub trait Way: Send + Sync {
    /// Sends what was built for `op`, and lets it or its answer meet `fault`.
    ///
    /// # Errors
    /// What the client makes of what it has found.
    async fn send(
        &self,
        op: Op,
        request: HttpRequest,
        fault: Option<&Fault>,
    ) -> Result<HttpResponse, TransportError>;

    /// The last good answer to `op` once more, without asking the server: the whole of it, or so many of
    /// its bytes, counted from the first of the status line, and then the end of the connection.
    ///
    /// # Errors
    /// What the client makes of it; also if there was no such answer.
    async fn replay(&self, op: Op, kept: Option<usize>) -> Result<HttpResponse, TransportError>;

    /// Requests that a client sent to where a redirect has led it.
    fn strays(&self) -> Vec<Stray>;
}
