//! A gate before the transport: while it is closed, exchanges wait and nobody uses the processor.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use countersign_core::HttpTransport;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::TransportError;
use tokio::sync::watch;

/// Whether requests go through, and how many wait.
pub(super) struct Gate {
    is_open: watch::Sender<bool>,
    waiting: AtomicU32,
}

/// A transport behind a gate.
pub(super) struct Gated<T> {
    transport: T,
    gate: Arc<Gate>,
}

impl Gate {
    pub(super) fn open() -> Arc<Self> {
        Arc::new(Self { is_open: watch::Sender::new(true), waiting: AtomicU32::new(0) })
    }

    pub(super) fn set_open(&self, is_open: bool) {
        self.is_open.send_replace(is_open);
    }

    /// How many stand before it.
    pub(super) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Acquire)
    }

    async fn opened(&self) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        // The gate outlives whoever waits for it.
        drop(self.is_open.subscribe().wait_for(|is_open| *is_open).await);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<T> Gated<T> {
    pub(super) fn new(transport: T, gate: &Arc<Gate>) -> Self {
        Self { transport, gate: Arc::clone(gate) }
    }
}

impl<T: HttpTransport> HttpTransport for Gated<T> {
    fn send<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        if *self.gate.is_open.borrow() {
            // As without a gate.
            return self.transport.send(request);
        }
        Box::pin(async move {
            self.gate.opened().await;
            self.transport.send(request).await
        })
    }
}
