//! Defects below the engine: the HTTP client, the clock, and the settings of the keeper.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, TransportError};
use countersign_core::{
    AccountKey, Clock, CredentialSource, Credentials, Error, ErrorKind, HttpTransport, Monotonic,
    Timestamp,
};
use countersign_runtime::KeeperBuilder;
use countersign_scheduler::{BackoffPolicy, BudgetSettings};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Defect;
use super::seams::{self, BrokenTransport};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "hedged-requests",
        title: "The HTTP client sends every request twice and takes the answer that comes first",
        target: "ibex",
        caught_by: "f01-herd-at-a-renewal",
        engine: || seams::transport(Hedged),
    },
    Defect {
        id: "every-failure-was-not-sent",
        title: "The HTTP client says of every failure that nothing was sent",
        target: "igny8",
        caught_by: "f06-maybe-sent-is-not-sent-again",
        engine: || seams::transport(Fails(Delivery::NotSent)),
    },
    Defect {
        id: "every-failure-may-have-been-sent",
        title: "The HTTP client says of every failure that the request may have arrived",
        target: "igny8",
        caught_by: "f06-unsent-is-sent-again",
        engine: || seams::transport(Fails(Delivery::Unknown)),
    },
    Defect {
        id: "hanging-source-blocks-the-next",
        title: "A credential source that was left hanging lets nobody in any more",
        target: "ibex",
        caught_by: "f12-source-that-never-answers",
        engine: || Arc::new(OneAtATime),
    },
    Defect {
        id: "panic-poisons-the-source",
        title: "A credential source that has panicked lets nobody in any more",
        target: "igny8",
        caught_by: "f12-panic-in-a-source",
        engine: || Arc::new(OneAtATime),
    },
    Defect {
        id: "nobody-wakes",
        title: "Nothing looks after sessions while nobody asks for them",
        target: "igny8",
        caught_by: "f18-suspended-past-the-renewal",
        engine: || settings(KeeperBuilder::pull),
    },
    Defect {
        id: "token-calls-with-a-token",
        title: "Token calls go through the client that puts a token into every request",
        target: "wikimedia",
        caught_by: "f25-token-calls-carry-no-token",
        engine: || seams::transport(WithToken),
    },
    Defect {
        id: "date-header-lost",
        title: "The HTTP client hands on no `Date` header",
        target: "ibex",
        caught_by: "f17-large-skew-is-told-once",
        engine: || seams::transport(Without(header::DATE)),
    },
    Defect {
        id: "server-time-unheard",
        title: "Codes are made of our own time, since no `Date` header is handed on",
        target: "ibanera",
        caught_by: "f17-measured-skew-is-made-up-for",
        engine: || seams::transport(Without(header::DATE)),
    },
    Defect {
        id: "age-header-lost",
        title: "The HTTP client hands on no `Age` header",
        target: "ibex",
        caught_by: "f17-kept-dates-are-not-believed",
        engine: || seams::transport(Without(header::AGE)),
    },
    Defect {
        id: "failure-of-a-source-kept",
        title: "A credential source that has failed once is not asked again",
        target: "cognito",
        caught_by: "f12-source-that-failed-once",
        engine: || Arc::new(FailsForEver),
    },
    Defect {
        id: "timers-on-the-wall-clock",
        title: "Timers run by the wall clock",
        target: "ibex_oauth2",
        caught_by: "f17-local-clock-set-back",
        engine: || Arc::new(TimersOnTheWall),
    },
    Defect {
        id: "wall-clock-read-once",
        title: "The wall clock is read once and carried on by the monotonic one",
        target: "cognito",
        caught_by: "f18-suspended-while-the-timer-stood",
        engine: || Arc::new(ReadOnce),
    },
    Defect {
        id: "back-off-that-does-not-grow",
        title: "After a failure the next try comes a second later, always",
        target: "ibex_oauth2",
        caught_by: "f14-outage-is-not-hammered",
        engine: || settings(|builder| builder.backoff(every_second())),
    },
    Defect {
        id: "same-token-asked-for-every-second",
        title: "A refresh that brings nothing new is repeated every second",
        target: "ibex",
        caught_by: "f15-same-token-back-is-no-loop",
        engine: || settings(|builder| builder.backoff(every_second())),
    },
    Defect {
        id: "no-circuit",
        title: "Every session finds out for itself that a server is down",
        target: "ibex_oauth2",
        caught_by: "f14-sessions-share-a-circuit",
        engine: || {
            settings(|builder| {
                builder
                    .budgets(BudgetSettings { open_after: u32::MAX, ..BudgetSettings::default() })
            })
        },
    },
];

pub(super) fn every_second() -> BackoffPolicy {
    let second = Duration::from_secs(1);
    BackoffPolicy {
        base: second,
        factor: 1,
        cap: second,
        max_attempts: u32::MAX,
        max_elapsed: Duration::MAX,
        slow: (second, second),
        ..BackoffPolicy::default()
    }
}

pub(super) fn settings(change: fn(KeeperBuilder) -> KeeperBuilder) -> Arc<dyn Engine> {
    Arc::new(Settings(change))
}

struct Settings(fn(KeeperBuilder) -> KeeperBuilder);

impl Engine for Settings {
    fn keeper(&self, builder: KeeperBuilder) -> KeeperBuilder {
        (self.0)(builder)
    }
}

#[derive(Clone)]
pub(super) struct Hedged;

#[async_trait]
impl BrokenTransport for Hedged {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let mut one = pin!(real.send(request.clone()));
        let mut other = pin!(real.send(request));
        std::future::poll_fn(|cx| match one.as_mut().poll(cx) {
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => other.as_mut().poll(cx),
        })
        .await
    }
}

#[derive(Clone)]
pub(super) struct Fails(pub(super) Delivery);

#[async_trait]
impl BrokenTransport for Fails {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let end = real.send(request).await;
        end.map_err(|error| TransportError::new(self.0, error.reason()))
    }
}

#[derive(Clone)]
struct WithToken;

#[async_trait]
impl BrokenTransport for WithToken {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        request.set(AUTHORIZATION, HeaderValue::from_static("Bearer canary-of-yesterday"));
        real.send(request).await
    }
}

#[derive(Clone)]
pub(super) struct Without(pub(super) HeaderName);

#[async_trait]
impl BrokenTransport for Without {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let answer = real.send(request).await?;
        let mut headers: HeaderMap = answer.headers().clone();
        headers.remove(&self.0);
        Ok(HttpResponse::new(answer.status(), headers, answer.body().clone()))
    }
}

struct FailsForEver;

impl Engine for FailsForEver {
    fn source(&self, real: Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource> {
        Arc::new(Kept { real, failure: OnceLock::new() })
    }
}

struct Kept {
    real: Arc<dyn CredentialSource>,
    failure: OnceLock<Error>,
}

#[async_trait]
impl CredentialSource for Kept {
    async fn credentials(&self, account: &AccountKey) -> Result<Credentials, Error> {
        match self.failure.get() {
            Some(failure) => Err(failure.clone()),
            None => {
                let found = self.real.credentials(account).await;
                found.map_err(|failure| self.failure.get_or_init(|| failure).clone())
            }
        }
    }
}

struct OneAtATime;

impl Engine for OneAtATime {
    fn source(&self, real: Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource> {
        Arc::new(Guarded { real, busy: AtomicBool::new(false) })
    }
}

struct Guarded {
    real: Arc<dyn CredentialSource>,
    busy: AtomicBool,
}

#[async_trait]
impl CredentialSource for Guarded {
    async fn credentials(&self, account: &AccountKey) -> Result<Credentials, Error> {
        if self.busy.swap(true, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Credentials).hint("the vault is busy"));
        }
        let found = self.real.credentials(account).await;
        self.busy.store(false, Ordering::SeqCst);
        found
    }
}

struct TimersOnTheWall;

impl Engine for TimersOnTheWall {
    fn clock(&self, real: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::new(OnTheWall { began: real.now().before(Duration::from_secs(86_400)), real })
    }
}

struct OnTheWall {
    began: Timestamp,
    real: Arc<dyn Clock>,
}

#[async_trait]
impl Clock for OnTheWall {
    fn now(&self) -> Timestamp {
        self.real.now()
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_start(self.real.now().since(self.began))
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        while self.monotonic() < deadline {
            let left = deadline.since(self.monotonic());
            self.real.sleep_until(self.real.monotonic().after(left)).await;
        }
    }
}

struct ReadOnce;

impl Engine for ReadOnce {
    fn clock(&self, real: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::new(Carried { wall: real.now(), began: real.monotonic(), real })
    }
}

struct Carried {
    wall: Timestamp,
    began: Monotonic,
    real: Arc<dyn Clock>,
}

#[async_trait]
impl Clock for Carried {
    fn now(&self) -> Timestamp {
        self.wall.after(self.real.monotonic().since(self.began))
    }

    fn monotonic(&self) -> Monotonic {
        self.real.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.real.sleep_until(deadline).await;
    }
}
