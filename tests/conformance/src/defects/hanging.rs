//! Defects in what is left behind by a request, a source or a caller that came to no good end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{
    AccountKey, Ambient, AuthProvider, Clock, Error, ErrorKind, HttpTransport, Operation, Outcome,
    Recovery, SecretString,
};
use countersign_runtime::{CredentialSink, PasswordStage, SessionBuilder};

use super::Defect;
use super::carrying::Hedged;
use super::seams::{self, BrokenAdapter, BrokenTransport};
use super::simple::reads;

const QUARTER_HOUR: Duration = Duration::from_secs(900);

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "panic-poisons-the-transport",
        title: "An HTTP client that has panicked in a request takes no other",
        target: "ibex",
        caught_by: "f12-panic-in-a-transport",
        engine: || seams::transport(OneRequest::default()),
    },
    Defect {
        id: "panic-poisons-the-adapter",
        title: "An adapter that has panicked over an answer builds no other request",
        target: "igny8",
        caught_by: "f12-panic-in-an-adapter",
        engine: || seams::adapter(OneAnswer::default()),
    },
    Defect {
        id: "sink-not-asked",
        title: "The sink for new passwords is not asked",
        target: "ibex",
        caught_by: "f12-panic-in-a-sink",
        engine: || Arc::new(WithoutSink),
    },
    Defect {
        id: "refusal-kept-by-the-adapter",
        title: "An adapter that has been refused once answers everything with that refusal",
        target: "ibex",
        caught_by: "f12-sign-in-clears-a-verdict",
        engine: || remembers(|error| error.kind() == ErrorKind::InvalidGrant),
    },
    Defect {
        id: "one-bad-answer-for-ever",
        title: "An adapter that was answered badly once answers everything with that error",
        target: "igny8",
        caught_by: "soak-five-days",
        engine: || remembers(|_| true),
    },
    Defect {
        id: "tried-again-in-a-task-of-its-own",
        title: "The HTTP client tries again after half an hour, in a task that nobody ends",
        target: "ibex_oauth2",
        caught_by: "f14-nothing-is-sent-after-a-shutdown",
        engine: || Arc::new(TriesOn::default()),
    },
    Defect {
        id: "sign-in-hedged",
        title: "A sign-in that is not answered at once is sent a second time beside the first",
        target: "wikimedia",
        caught_by: "f01-herd",
        engine: || seams::transport(Hedged),
    },
    Defect {
        id: "refusal-is-waited-out-by-all",
        title: "A refused sign-in is taken for an outage, and all who wait are left to wait",
        target: "ibex",
        caught_by: "f01-herd-shares-a-refusal",
        engine: || refused_as(|_| Error::new(ErrorKind::TemporarilyUnavailable)),
    },
    Defect {
        id: "impatient-at-a-shutdown",
        title: "The HTTP client gives a request up that is not answered at once, and says it was not sent",
        target: "ibex",
        caught_by: "shutdown-waits-for-the-exchange",
        engine: || seams::transport(Impatient),
    },
    Defect {
        id: "hanging-request-given-up-at-once",
        title: "The HTTP client waits for no server, however long its deadline is",
        target: "ibanera",
        caught_by: "shutdown-is-bounded",
        engine: || seams::transport(Impatient),
    },
    Defect {
        id: "refused-account-throttles-its-client",
        title: "A refused password is taken for a throttle of everybody at that client",
        target: "ibex",
        caught_by: "f50-refused-account-stops-nobody",
        engine: || {
            refused_as(|ambient| {
                let wait = Recovery::WaitUntil(ambient.now.after(QUARTER_HOUR));
                Error::new(ErrorKind::RateLimited).with_recovery(wait)
            })
        },
    },
];

/// Takes one request at a time, and is busy for ever if that one does not come back.
#[derive(Clone, Default)]
struct OneRequest(Arc<AtomicBool>);

#[async_trait]
impl BrokenTransport for OneRequest {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        if self.0.swap(true, Ordering::SeqCst) {
            return Err(TransportError::new(Delivery::NotSent, Reason::Connect));
        }
        let end = real.send(request).await;
        self.0.store(false, Ordering::SeqCst);
        end
    }
}

/// Builds the next request when the answer to the last one has been read.
#[derive(Clone, Default)]
struct OneAnswer(Arc<AtomicBool>);

impl BrokenAdapter for OneAnswer {
    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        match self.0.swap(true, Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::TemporarilyUnavailable).hint("the adapter is busy")),
            false => real.request(operation, ambient),
        }
    }

    fn interpret(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        self.0.store(false, Ordering::SeqCst);
        real.interpret(operation, response, ambient)
    }
}

struct WithoutSink;

impl Engine for WithoutSink {
    fn session(&self, builder: SessionBuilder) -> SessionBuilder {
        builder.credential_sink(Unheard)
    }
}

/// In the place of the sink that somebody has set.
struct Unheard;

#[async_trait]
impl CredentialSink for Unheard {
    async fn new_password(
        &self,
        _: &AccountKey,
        _: &SecretString,
        _: PasswordStage,
    ) -> Result<(), Error> {
        Ok(())
    }
}

/// An adapter that goes on answering with the first error of this kind.
pub(super) fn remembers(so: fn(&Error) -> bool) -> Arc<dyn Engine> {
    seams::adapter(Remembers { so, kept: Arc::default() })
}

#[derive(Clone)]
struct Remembers {
    so: fn(&Error) -> bool,
    kept: Arc<Mutex<Option<Error>>>,
}

impl BrokenAdapter for Remembers {
    fn interpret(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &*kept {
            return Err(error.clone());
        }
        let read = real.interpret(operation, response, ambient);
        *kept = read.as_ref().err().filter(|error| (self.so)(error)).cloned();
        read
    }
}

/// Sends again what was answered 5xx, once it is later.
#[derive(Default)]
struct TriesOn(Arc<OnceLock<Arc<dyn Clock>>>);

impl Engine for TriesOn {
    fn clock(&self, real: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::clone(self.0.get_or_init(|| real))
    }

    fn transport(&self, real: Arc<dyn HttpTransport>) -> Arc<dyn HttpTransport> {
        Arc::new(Later { real, clock: Arc::clone(&self.0) })
    }
}

struct Later {
    real: Arc<dyn HttpTransport>,
    clock: Arc<OnceLock<Arc<dyn Clock>>>,
}

#[async_trait]
impl HttpTransport for Later {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let answer = self.real.send(request.clone()).await?;
        if let (true, Some(clock)) = (answer.status().is_server_error(), self.clock.get()) {
            let (real, clock) = (Arc::clone(&self.real), Arc::clone(clock));
            tokio::spawn(async move {
                clock.sleep_until(clock.monotonic().after(2 * QUARTER_HOUR)).await;
                // Whoever asked has gone.
                let _ = real.send(request).await;
            });
        }
        Ok(answer)
    }
}

#[derive(Clone)]
pub(super) struct Impatient;

#[async_trait]
impl BrokenTransport for Impatient {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let mut sent = std::pin::pin!(real.send(request));
        std::future::poll_fn(|cx| match sent.as_mut().poll(cx) {
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => {
                Poll::Ready(Err(TransportError::new(Delivery::NotSent, Reason::TimedOut)))
            }
        })
        .await
    }
}

/// Takes a refused password for something else.
fn refused_as(instead: fn(&Ambient<'_>) -> Error) -> Arc<dyn Engine> {
    reads(move |_, _, ambient, outcome| {
        outcome.map_err(|error| match error.kind() {
            ErrorKind::InvalidGrant => instead(ambient),
            _ => error,
        })
    })
}
