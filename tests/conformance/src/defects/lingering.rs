//! Defects that show late: at the end of a token, of a session, of a change that was lost, of a chain.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::Effect;
use countersign_core::transport::{Delivery, TransportError};
use countersign_core::{
    AccountKey, Ambient, Challenge, ChallengeKind, CredentialSource, Credentials, Error, ErrorKind,
    HttpTransport, Outcome, SecretBytes, Verdict,
};
use http::{HeaderMap, StatusCode};

use super::Defect;
use super::carrying::Fails;
use super::deciding::broken_up;
use super::locking::LastWriterWins;
use super::remembering::{SecondTry, Sources};
use super::seams::{self, BrokenTransport};
use super::simple::{asks, claims, judges, reads};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "expired-is-no-refusal",
        title: "A 401 for a token that should still be good is taken for the API's own affair",
        target: "cognito",
        caught_by: "f19-ended-on-its-way",
        engine: || judges(|_, _, _| Verdict::Accepted),
    },
    Defect {
        id: "source-asked-elsewhere",
        title: "A source is asked in a task of its own, where its own question is not known again",
        target: "ibex",
        caught_by: "f25-source-that-asks-its-own-session",
        engine: || Arc::new(Sources(|real| Arc::new(Elsewhere(real)))),
    },
    Defect {
        id: "source-asked-under-the-lock",
        title: "The account is locked before its source is asked",
        target: "ibex_oauth2",
        caught_by: "f26-source-is-called-under-no-lock",
        engine: || {
            broken_up(|effect| match effect {
                Effect::Prepare(id, _) => vec![Effect::Lock(id), effect],
                other => vec![other],
            })
        },
    },
    Defect {
        id: "late-writer-signs-in-again",
        title: "A renewal is written over the sign-out that came before it",
        target: "ibex",
        caught_by: "f35-sign-out-elsewhere-beats-a-renewal",
        engine: || seams::store(LastWriterWins),
    },
    Defect {
        id: "late-tokens-left-alive",
        title: "A sign-out that finds an exchange under way is told as sure, and revokes nothing",
        target: "cognito",
        caught_by: "f35-late-tokens-are-revoked",
        engine: || seams::transport(Silently("RevokeToken")),
    },
    Defect {
        id: "lost-change-was-done",
        title: "A change of password whose answer is lost is taken for done",
        target: "ibex",
        caught_by: "f48-lost-change-that-did-not-happen",
        engine: || seams::transport(TakenForDone),
    },
    Defect {
        id: "lost-change-forgotten-by-the-next",
        title: "A change of password that was lost is taken for unsent, so the next process knows nothing of it",
        target: "ibex",
        caught_by: "f48-process-ends-with-a-change-open",
        engine: || seams::transport(Fails(Delivery::NotSent)),
    },
    Defect {
        id: "both-passwords-tried-twice",
        title: "After a lost change each of the two passwords is tried twice",
        target: "ibex",
        caught_by: "f48-neither-password-holds",
        engine: || seams::transport(SecondTry),
    },
    Defect {
        id: "code-of-the-step-after-answered",
        title: "A challenge is answered with the code of the step to come",
        target: "cognito",
        caught_by: "f38-at-the-edge-of-a-step",
        engine: || {
            asks(|real, operation, ambient| {
                let now = ambient.now.after(Duration::from_secs(30));
                real.request(operation, &Ambient { now, ..*ambient })
            })
        },
    },
    Defect {
        id: "step-of-a-code-forgotten",
        title: "Which code was used last is not known at the next sign-in",
        target: "cognito",
        caught_by: "p20-codes-are-answered-alone",
        engine: || claims(|can| can.sign_in_code = None),
    },
    Defect {
        id: "parameters-of-a-challenge-dropped",
        title: "What the pool says beside a challenge of its own is dropped",
        target: "cognito",
        caught_by: "p20-custom-challenge",
        engine: || challenges(|challenge| challenge.parameters.clear()),
    },
    Defect {
        id: "choice-not-known",
        title: "A choice among first factors is taken for a challenge that is not known",
        target: "cognito",
        caught_by: "p20-first-factor-is-chosen",
        engine: || challenges(|challenge| not_known(challenge, ChallengeKind::Choice)),
    },
    Defect {
        id: "choice-among-seconds-not-known",
        title: "A choice among second factors is taken for a challenge that is not known",
        target: "cognito",
        caught_by: "p20-factor-is-chosen-alone",
        engine: || challenges(|challenge| not_known(challenge, ChallengeKind::Choice)),
    },
    Defect {
        id: "mailed-code-not-known",
        title: "A code that comes by mail is taken for a challenge that is not known",
        target: "cognito",
        caught_by: "p20-code-by-mail-needs-no-password",
        engine: || challenges(|challenge| not_known(challenge, ChallengeKind::Code)),
    },
    Defect {
        id: "flow-that-is-off-is-an-outage",
        title: "That the client may not use a flow is taken for an outage",
        target: "cognito",
        caught_by: "p20-flow-that-is-off",
        engine: || {
            reads(|_, _, _, outcome| {
                outcome.map_err(|error| match error.kind() {
                    ErrorKind::Configuration => Error::new(ErrorKind::TemporarilyUnavailable),
                    _ => error,
                })
            })
        },
    },
];

/// Changes the challenges that come.
pub(super) fn challenges(change: fn(&mut Challenge)) -> Arc<dyn Engine> {
    reads(move |_, _, _, mut outcome| {
        if let Ok(Outcome::Challenge(challenge, _)) = &mut outcome {
            change(challenge);
        }
        outcome
    })
}

pub(super) fn not_known(challenge: &mut Challenge, kind: ChallengeKind) {
    if challenge.kind == kind {
        challenge.kind = ChallengeKind::Unsupported;
    }
}

/// Asks the real source in a task of its own.
struct Elsewhere(Arc<dyn CredentialSource>);

#[async_trait]
impl CredentialSource for Elsewhere {
    async fn credentials(&self, account: &AccountKey) -> Result<Credentials, Error> {
        let (real, account) = (Arc::clone(&self.0), account.clone());
        let asked = tokio::spawn(async move { real.credentials(&account).await });
        asked.await.map_err(|_| Error::new(ErrorKind::Credentials))?
    }
}

/// Answers every request itself whose target names this operation, as if it had been done.
#[derive(Clone)]
pub(super) struct Silently(pub(super) &'static str);

#[async_trait]
impl BrokenTransport for Silently {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
        match target.is_some_and(|target| target.ends_with(self.0)) {
            true => Ok(done(StatusCode::OK)),
            false => real.send(request).await,
        }
    }
}

/// Takes a change of password for done that nobody has confirmed.
#[derive(Clone)]
struct TakenForDone;

#[async_trait]
impl BrokenTransport for TakenForDone {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let change = request.uri().path().contains("change-password");
        match real.send(request).await {
            Err(_) if change => Ok(done(StatusCode::NO_CONTENT)),
            end => end,
        }
    }
}

fn done(status: StatusCode) -> HttpResponse {
    HttpResponse::new(status, HeaderMap::new(), SecretBytes::copy_from(b"{}"))
}
