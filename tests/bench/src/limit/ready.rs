//! A finished header behind one pointer: no expiry, no session, nobody who would ever replace it.

use arc_swap::ArcSwap;
use http::HeaderValue;

use crate::Result;
use crate::subject::{ACCESS_BYTES, token};

/// A `HeaderValue` that is ready.
pub(crate) struct Ready(ArcSwap<HeaderValue>);

impl Ready {
    /// `Bearer` and a token of the usual size, marked sensitive, as ours is.
    pub(crate) fn new() -> Result<Self> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", token(0, ACCESS_BYTES)))?;
        value.set_sensitive(true);
        Ok(Self(ArcSwap::from_pointee(value)))
    }

    /// An owned header.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::clone(&self.0.load())
    }

    /// A look at the bytes.
    pub(crate) fn look(&self) -> u8 {
        self.0.load().as_bytes().last().copied().unwrap_or_default()
    }
}
