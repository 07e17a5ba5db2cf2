//! Bodies that come slowly, without end, or break off.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

/// What the socket shell sends.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body that is there.
pub(super) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A body in pieces of `chunk` bytes, with a pause before each.
pub(super) fn slow(bytes: Bytes, chunk: usize, every: Duration) -> Body {
    let pieces = stream::unfold(bytes, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        super::socket::pause(every).await;
        let piece = left.split_to(chunk.min(left.len()));
        Some((Ok(Frame::data(piece)), left))
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// The same piece again and again, up to `total` bytes.
pub(super) fn flood(chunk: Bytes, total: Option<u64>) -> Body {
    let pieces = stream::unfold(total, move |left| {
        let chunk = chunk.clone();
        async move {
            let Some(left) = left else { return Some((Ok(Frame::data(chunk)), None)) };
            if left == 0 {
                return None;
            }
            let size = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
            Some((Ok(Frame::data(chunk.slice(..size))), Some(left - size as u64)))
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// The first half, then the end of the connection.
pub(super) fn truncated(bytes: Bytes) -> Body {
    let half = bytes.slice(..bytes.len() / 2);
    let pieces = stream::unfold(Some(half), |half| async move {
        match half {
            Some(half) => Some((Ok(Frame::data(half)), None)),
            None => {
                // An error that comes at once would take back what was not yet written.
                super::socket::pause(Duration::from_millis(20)).await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
            }
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}
