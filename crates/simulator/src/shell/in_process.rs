//! The shell without a socket: a transport for the engine, in the time of any clock.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{Clock, HttpTransport, SecretBytes};
use http::{Request, Response, header};

use crate::gzip;
use crate::reply::Reply;
use crate::simulator::Simulator;

/// The largest body that the contract of a transport lets through.
const BODY_LIMIT: u64 = 1024 * 1024;

/// A simulator as a transport. Cheap to clone: all clones are one server.
///
/// Host and port of an address are not looked at. Every wait passes on the given clock, so that one cranked by hand
/// decides when a slow answer comes. As the contract asks, nothing is followed or repeated, and a body of more than
/// 1 MiB is refused. Headers that a socket would add (`host`, `content-length`) are not in the records.
///
/// | [`Reply`] | what the caller gets |
/// |---|---|
/// | `Response` | the answer |
/// | `Delayed`, `Slow` | the answer, when the clock has reached its time |
/// | `Gated` | the answer, when the gate is open |
/// | `Hang` | nothing: dropping the future is the way out |
/// | `Refuse` | `NotSent`, `Connect` |
/// | `Cut`, `Truncated` | `Unknown`, `Interrupted` |
/// | `Flood` and a gzip bomb over the limit | `Unknown`, `BodyTooLarge` |
#[derive(Clone)]
pub struct InProcess {
    simulator: Simulator,
    clock: Arc<dyn Clock>,
}

impl Simulator {
    /// The server as a transport of this process, in the time of `clock`.
    #[must_use]
    pub fn in_process(&self, clock: Arc<dyn Clock>) -> InProcess {
        InProcess { simulator: self.clone(), clock }
    }
}

impl InProcess {
    /// Sends any request, as to the authorised resource.
    ///
    /// # Errors
    /// [`TransportError`] for the faults that leave no answer.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let response = match self.simulator.handle(&request, self.clock.now().as_millis()) {
            Reply::Cut | Reply::Truncated { .. } => return Err(interrupted()),
            Reply::Delayed { after, response } => {
                self.pass(after).await;
                response
            }
            Reply::Flood { head, chunk, total } => head.map(|()| flood(&chunk, total)),
            Reply::Gated { gate, response } => {
                gate.released().await;
                response
            }
            Reply::Hang => pending().await,
            Reply::Refuse => {
                return Err(TransportError::new(Delivery::NotSent, Reason::Connect));
            }
            Reply::Response(response) => response,
            Reply::Slow { chunk, every, response } => {
                let pieces = response.body().len().div_ceil(chunk.max(1));
                self.pass(every.saturating_mul(u32::try_from(pieces).unwrap_or(u32::MAX))).await;
                response
            }
        };
        if unpacked_size(&response) > BODY_LIMIT {
            return Err(TransportError::new(Delivery::Unknown, Reason::BodyTooLarge));
        }
        // A bomb under the limit is still no body: its checksum is wrong.
        if response.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(interrupted());
        }
        Ok(response)
    }

    async fn pass(&self, time: Duration) {
        self.clock.sleep_until(self.clock.monotonic().after(time)).await;
    }
}

#[async_trait]
impl HttpTransport for InProcess {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let request = request.into_inner().map(|body| body.expose_shared());
        let (head, body) = self.call(request).await?.into_parts();
        Ok(HttpResponse::new(head.status, head.headers, SecretBytes::copy_from(&body)))
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("simulator", &self.simulator).finish_non_exhaustive()
    }
}

fn interrupted() -> TransportError {
    TransportError::new(Delivery::Unknown, Reason::Interrupted)
}

/// What a flood is read up to: one byte over the limit, where it has so many.
fn flood(chunk: &Bytes, total: Option<u64>) -> Bytes {
    let size = total.unwrap_or(u64::MAX).min(BODY_LIMIT + 1);
    let bytes = chunk.iter().copied().cycle().take(usize::try_from(size).unwrap_or_default());
    bytes.collect::<Vec<u8>>().into()
}

fn unpacked_size(response: &Response<Bytes>) -> u64 {
    match response.headers().contains_key(header::CONTENT_ENCODING) {
        true => gzip::unpacked(response.body()),
        false => response.body().len() as u64,
    }
}
