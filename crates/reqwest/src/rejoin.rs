//! Looking into a body and handing on an equal one.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// So much of a body is read to judge an answer. One that is longer is handed on without a verdict.
pub(crate) const MOST_PEEKED: usize = 64 * 1024;

/// A body whose first part has been read and is played again: frames, end and error come as they
/// came, and what was not read is passed through.
#[derive(Debug)]
pub struct Rejoined<B: Body> {
    front: VecDeque<Frame<Bytes>>,
    failed: Option<B::Error>,
    rest: Option<B>,
}

impl<B: Body<Data = Bytes> + Unpin> Rejoined<B> {
    /// A body of which nothing has been read.
    #[cfg(feature = "tower")]
    pub(crate) const fn untouched(body: B) -> Self {
        Self { front: VecDeque::new(), failed: None, rest: Some(body) }
    }

    /// Reads `body` to its end, if that comes within [`MOST_PEEKED`] bytes; then also gives its bytes.
    pub(crate) async fn peek(mut body: B) -> (Option<Bytes>, Self) {
        let mut front = VecDeque::new();
        let mut length = 0;
        loop {
            match body.frame().await {
                Some(Ok(frame)) => {
                    length += frame.data_ref().map_or(0, Bytes::len);
                    front.push_back(frame);
                    if length > MOST_PEEKED {
                        return (None, Self { front, failed: None, rest: Some(body) });
                    }
                }
                Some(Err(error)) => {
                    return (None, Self { front, failed: Some(error), rest: None });
                }
                None => {
                    let whole = joined(&front);
                    return (Some(whole), Self { front, failed: None, rest: None });
                }
            }
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Rejoined<B>
where
    B::Error: Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(frame) = self.front.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.front.is_empty()
            && self.failed.is_none()
            && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let front: u64 =
            self.front.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
        if self.failed.is_some() {
            return SizeHint::default();
        }
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(front.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper() {
            hint.set_upper(front.saturating_add(upper));
        }
        hint
    }
}

fn joined(frames: &VecDeque<Frame<Bytes>>) -> Bytes {
    let mut parts = frames.iter().filter_map(Frame::data_ref);
    match (parts.next(), parts.next()) {
        (None, _) => Bytes::new(),
        (Some(only), None) => only.clone(),
        (Some(first), Some(second)) => {
            let mut whole = first.to_vec();
            whole.extend_from_slice(second);
            parts.for_each(|part| whole.extend_from_slice(part));
            whole.into()
        }
    }
}
