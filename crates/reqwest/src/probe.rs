//! Finding out whether the API refused the token or the one-time code beside it.

use std::fmt;

use crate::authority::Granted;

/// What to do with a request whose refusal may have meant the code, once that is known.
#[derive(Debug)]
pub enum NextCode {
    /// This request finds it out for all: send it with this, and keep the probe until the session has
    /// heard of the end, by [`accepted`](crate::Authority::accepted) or
    /// [`reject`](crate::Authority::reject).
    Probe(Granted, Probe),
    /// It was the code: send it with this.
    Replay(Granted),
    /// It is the token, or there is another token by now.
    Token,
}

/// The one request that finds it out; the others wait for it. Dropping it says that no more will come
/// of this request: if nobody knows then what the API refuses, the next one in the queue tries.
pub struct Probe(Option<Box<dyn FnOnce() + Send>>);

impl Probe {
    /// A probe whose end is told by `over`, called once.
    pub fn new(over: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(over)))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(over) = self.0.take() {
            over();
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}
