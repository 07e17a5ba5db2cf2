//! Defects in what is remembered of an account: refusals, locks, codes, challenges, new passwords.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::{
    Appointment, Effect, Grant, Purpose, Reauthentication, SignOutEnd, Told, Write,
};
use countersign_core::transport::{Delivery, TransportError};
use countersign_core::{
    AccountKey, Ambient, AuthProvider, CredentialSource, Credentials, Error, ErrorKind,
    HttpTransport, Operation, Outcome, RefreshSupport,
};
use countersign_runtime::SessionBuilder;
use http::StatusCode;
use http::header::DATE;

use super::Defect;
use super::carrying::{Fails, Without, every_second, settings};
use super::deciding::{broken, broken_up};
use super::seams::{self, BrokenAdapter, BrokenTransport};
use super::simple::{claims, reads};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "second-try-after-a-refusal",
        title: "A sign-in that is refused is sent a second time",
        target: "ibex",
        caught_by: "f36-refused-password-is-sent-once",
        engine: || seams::transport(SecondTry),
    },
    Defect {
        id: "lock-kept-to-oneself",
        title: "That an account is locked is told to no other process",
        target: "ibanera",
        caught_by: "f36-lockout-is-a-state",
        engine: || {
            broken(|effect| match effect {
                Effect::Commit(id, Write::LockedUntil(_)) => Effect::Commit(id, Write::Uncounted),
                other => other,
            })
        },
    },
    Defect {
        id: "lock-never-ends",
        title: "Nobody looks when a lock ends",
        target: "ibanera",
        caught_by: "f47-back-after-a-lockout",
        engine: without_moments,
    },
    Defect {
        id: "source-never-asked-again",
        title: "After a refusal the source is not asked for another password",
        target: "ibex",
        caught_by: "f47-back-after-a-new-password",
        engine: || {
            broken(|effect| match effect {
                Effect::Schedule(Appointment { purpose: Purpose::Probe, .. }) => Effect::Unschedule,
                other => other,
            })
        },
    },
    Defect {
        id: "password-read-once",
        title: "The credential source is read at the start and never again",
        target: "igny8",
        caught_by: "f44-source-is-read-each-time",
        engine: || Arc::new(Sources(|real| Arc::new(Once { real, read: OnceLock::new() }))),
    },
    Defect {
        id: "person-asked-by-a-caller",
        title: "A source that asks a person is asked for every caller",
        target: "ibex",
        caught_by: "f40-nobody-is-asked-unasked",
        engine: || Arc::new(Sources(|real| Arc::new(Silent(real)))),
    },
    Defect {
        id: "password-instead-of-refresh",
        title: "The refresh token is forgotten and the password sent instead",
        target: "ibex",
        caught_by: "f37-refresh-before-password",
        engine: || claims(|can| can.refresh = RefreshSupport::Absent),
    },
    Defect {
        id: "sign-ins-not-counted",
        title: "There is no end to the sign-ins of a day",
        target: "ibex",
        caught_by: "f37-sign-ins-of-a-day-are-counted",
        engine: || Arc::new(WithoutEnd),
    },
    Defect {
        id: "lost-change-was-not-sent",
        title: "A change of password that was lost is taken for one that was never sent",
        target: "ibex",
        caught_by: "f48-lost-change-that-happened",
        engine: || seams::transport(Fails(Delivery::NotSent)),
    },
    Defect {
        id: "challenge-without-an-end",
        title: "The three minutes of a challenge are read as hours",
        target: "cognito",
        caught_by: "f39-answer-just-in-time",
        engine: || {
            reads(|_, _, ambient, mut outcome| {
                if let Ok(Outcome::Challenge(challenge, _)) = &mut outcome {
                    challenge.expires_at = ambient.now.after(Duration::from_secs(3 * 3600));
                }
                outcome
            })
        },
    },
    Defect {
        id: "challenge-never-over",
        title: "Nobody looks when a challenge is over",
        target: "cognito",
        caught_by: "f39-challenge-that-is-over",
        engine: without_moments,
    },
    Defect {
        id: "challenge-dies-with-its-process",
        title: "A challenge is written nowhere",
        target: "cognito",
        caught_by: "f51-answered-in-another-process",
        engine: || {
            broken(|effect| match effect {
                Effect::Commit(id, Write::Challenge) => Effect::Commit(id, Write::ClearJournal),
                other => other,
            })
        },
    },
    Defect {
        id: "code-kept-for-a-minute",
        title: "The request of a sign-in is kept and sent again with its code",
        target: "ibanera",
        caught_by: "f38-each-sign-in-its-own-step",
        engine: || seams::adapter(KeptRequest::default()),
    },
    Defect {
        id: "sent-code-not-noted",
        title: "That a code was sent is not noted before its sending",
        target: "ibanera",
        caught_by: "f38-lost-code-is-spent",
        engine: || {
            broken(|effect| match effect {
                Effect::Journal(id, Grant::SignIn { .. }) => Effect::Journal(id, Grant::Save),
                other => other,
            })
        },
    },
    Defect {
        id: "code-read-from-another-clock",
        title: "The code is computed from a second reading of the clock, two seconds later",
        target: "ibanera",
        caught_by: "f38-at-the-edge-of-a-step",
        engine: || seams::adapter(SecondReading),
    },
    Defect {
        id: "codes-by-the-local-clock",
        title: "The server's time is not heard, and codes are those of the local clock",
        target: "ibanera",
        caught_by: "f38-code-by-the-servers-clock",
        engine: || seams::transport(Without(DATE)),
    },
    Defect {
        id: "token-served-after-the-sign-out",
        title: "A sign-out leaves the token where callers find it",
        target: "ibex",
        caught_by: "f35-sign-out-beats-a-renewal",
        engine: || {
            broken_up(|effect| match effect {
                Effect::Unpublish | Effect::Forget => vec![],
                other => vec![other],
            })
        },
    },
    Defect {
        id: "revoked-without-an-answer",
        title: "A revocation that nobody has confirmed is told as done",
        target: "cognito",
        caught_by: "f41-sign-out-in-an-outage",
        engine: || {
            broken(|effect| match effect {
                Effect::Tell(Told::SignedOut(_)) => {
                    Effect::Tell(Told::SignedOut(SignOutEnd::Revoked))
                }
                other => other,
            })
        },
    },
    Defect {
        id: "any-failed-refresh-is-a-refusal",
        title: "Whatever a refresh is answered but success ends the session",
        target: "ibex",
        caught_by: "f42-bad-renewals-end-no-session",
        engine: || {
            reads(|operation, response, _, outcome| match operation {
                Operation::Refresh if !response.status().is_success() => {
                    Err(Error::new(ErrorKind::InvalidGrant))
                }
                _ => outcome,
            })
        },
    },
    Defect {
        id: "offline-is-a-refusal",
        title: "A connection that does not come about is taken for a refusal",
        target: "ibex",
        caught_by: "f42-offline-past-the-end",
        engine: || seams::transport(OfflineRefuses),
    },
    Defect {
        id: "refusal-is-an-outage",
        title: "A refresh token that is refused is tried on and on",
        target: "ibex",
        caught_by: "f42-only-a-refusal-ends-it",
        engine: || {
            reads(|operation, _, _, outcome| match (operation, outcome) {
                (Operation::Refresh, Err(_)) => Err(Error::new(ErrorKind::TemporarilyUnavailable)),
                (_, outcome) => outcome,
            })
        },
    },
    Defect {
        id: "exchange-for-every-refusal",
        title: "An API that always refuses costs an exchange a second",
        target: "igny8",
        caught_by: "f53-api-that-always-refuses",
        engine: || settings(|builder| builder.backoff(every_second())),
    },
];

fn without_moments() -> Arc<dyn Engine> {
    broken(|effect| match effect {
        Effect::Schedule(Appointment { purpose: Purpose::Moment, .. }) => Effect::Unschedule,
        other => other,
    })
}

#[derive(Clone)]
pub(super) struct SecondTry;

#[async_trait]
impl BrokenTransport for SecondTry {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let answer = real.send(request.clone()).await?;
        match answer.status().is_client_error() {
            true => real.send(request).await,
            false => Ok(answer),
        }
    }
}

#[derive(Clone)]
pub(super) struct OfflineRefuses;

#[async_trait]
impl BrokenTransport for OfflineRefuses {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let end = real.send(request).await;
        let refusal =
            |_| HttpResponse::new(StatusCode::BAD_REQUEST, Default::default(), Default::default());
        Ok(end.unwrap_or_else(refusal))
    }
}

pub(super) struct Sources(pub(super) fn(Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource>);

impl Engine for Sources {
    fn source(&self, real: Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource> {
        (self.0)(real)
    }
}

struct Once {
    real: Arc<dyn CredentialSource>,
    read: OnceLock<Credentials>,
}

#[async_trait]
impl CredentialSource for Once {
    async fn credentials(&self, account: &AccountKey) -> Result<Credentials, Error> {
        if let Some(read) = self.read.get() {
            return Ok(read.clone());
        }
        let read = self.real.credentials(account).await?;
        Ok(self.read.get_or_init(|| read).clone())
    }
}

/// Does not say that it asks a person.
struct Silent(Arc<dyn CredentialSource>);

#[async_trait]
impl CredentialSource for Silent {
    async fn credentials(&self, account: &AccountKey) -> Result<Credentials, Error> {
        self.0.credentials(account).await
    }
}

struct WithoutEnd;

impl Engine for WithoutEnd {
    fn session(&self, builder: SessionBuilder) -> SessionBuilder {
        builder.reauthentication(Reauthentication::Automatic { per_day: u32::MAX })
    }
}

#[derive(Clone, Default)]
struct KeptRequest(Arc<Mutex<Option<HttpRequest>>>);

impl BrokenAdapter for KeptRequest {
    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (operation, &*kept) {
            (Operation::SignIn, Some(request)) => Ok(request.clone()),
            (Operation::SignIn, None) => {
                let request = real.request(operation, ambient)?;
                Ok(kept.insert(request).clone())
            }
            _ => real.request(operation, ambient),
        }
    }
}

#[derive(Clone)]
struct SecondReading;

impl BrokenAdapter for SecondReading {
    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let now = ambient.now.after(Duration::from_secs(2));
        real.request(operation, &Ambient { now, ..*ambient })
    }
}
