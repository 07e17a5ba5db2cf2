//! What a shell is to play: an answer, or one of the ways of not answering.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Response;

use crate::gate::Gate;

/// What comes back from [`Simulator::handle`](crate::Simulator::handle). The shell decides how to play it.
pub enum Reply {
    /// The answer, after that time.
    Delayed {
        /// How long to wait before the first byte.
        after: Duration,
        /// The answer.
        response: Response<Bytes>,
    },
    /// The connection ends without an answer; the request may have been carried out.
    Cut,
    /// The head, then this chunk again and again: `total` bytes, or without end.
    Flood {
        /// Status and headers, without a length.
        head: Response<()>,
        /// What is repeated.
        chunk: Bytes,
        /// How many bytes altogether; `None` for a body without end.
        total: Option<u64>,
    },
    /// The answer, once the test has opened the gate.
    Gated {
        /// What to wait for.
        gate: Gate,
        /// The answer.
        response: Response<Bytes>,
    },
    /// Neither answer nor end of connection.
    Hang,
    /// The connection is dropped before the request was looked at.
    Refuse,
    /// The answer at once.
    Response(Response<Bytes>),
    /// The head at once, then the body in small pieces.
    Slow {
        /// Bytes in a piece, at least one.
        chunk: usize,
        /// The pause before each piece.
        every: Duration,
        /// The answer.
        response: Response<Bytes>,
    },
    /// The head with the full length and half of the body, then the connection ends.
    Truncated {
        /// The answer that would have been.
        response: Response<Bytes>,
    },
}

impl Reply {
    /// The answer that the client would see in the end, where there is one.
    #[must_use]
    pub fn into_response(self) -> Option<Response<Bytes>> {
        match self {
            Self::Delayed { response, .. }
            | Self::Gated { response, .. }
            | Self::Response(response)
            | Self::Slow { response, .. } => Some(response),
            Self::Cut | Self::Flood { .. } | Self::Hang | Self::Refuse | Self::Truncated { .. } => {
                None
            }
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, status) = match self {
            Self::Cut => ("Cut", None),
            Self::Delayed { response, .. } => ("Delayed", Some(response.status())),
            Self::Flood { head, .. } => ("Flood", Some(head.status())),
            Self::Gated { response, .. } => ("Gated", Some(response.status())),
            Self::Hang => ("Hang", None),
            Self::Refuse => ("Refuse", None),
            Self::Response(response) => ("Response", Some(response.status())),
            Self::Slow { response, .. } => ("Slow", Some(response.status())),
            Self::Truncated { response } => ("Truncated", Some(response.status())),
        };
        f.debug_tuple(name).field(&status.map(|status| status.as_u16())).finish()
    }
}
