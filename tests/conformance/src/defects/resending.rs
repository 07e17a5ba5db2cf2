//! Defects in how often a request is sent.

use async_trait::async_trait;
use countersign_core::HttpTransport;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::TransportError;

use super::Defect;
use super::seams::{self, BrokenTransport};

pub(crate) const DEFECTS: &[Defect] = &[Defect {
    id: "resend-below-the-engine",
    title: "The HTTP client sends a request again when the connection ended without an answer",
    target: "wikimedia",
    caught_by: "f06-no-blind-resend",
    engine: || seams::transport(ResendBelow),
}];

#[derive(Clone)]
pub(super) struct ResendBelow;

#[async_trait]
impl BrokenTransport for ResendBelow {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        match real.send(request.clone()).await {
            Err(_) => real.send(request).await,
            answered => answered,
        }
    }
}
