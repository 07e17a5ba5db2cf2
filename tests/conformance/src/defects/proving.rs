//! Defects in what proves who one is: challenges, new passwords, recoveries, second factors, devices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::{Effect, Grant};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{
    AccessToken, Ambient, AuthProvider, Capabilities, Challenge, ChallengeKind, Error, ErrorKind,
    HttpTransport, KeyDigest, MemoPatch, Operation, Outcome, SecretBytes, SecretString,
    SessionStore, Timestamp, TokenResponse,
};
use countersign_runtime::{EffectFilter, KeeperBuilder};
use http::{HeaderMap, StatusCode};

use super::Defect;
use super::cognito::without;
use super::ibex::says;
use super::lingering::{challenges, not_known};
use super::locking::OpenLock;
use super::seams::{self, BrokenAdapter, BrokenTransport};
use super::simple::{asks, reads};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "challenge-is-over-when-it-comes",
        title: "The end of a challenge is left at zero",
        target: "cognito",
        caught_by: "challenge-is-answered",
        engine: || {
            challenges(|challenge: &mut Challenge| challenge.expires_at = Timestamp::default())
        },
    },
    Defect {
        id: "neither-lock-nor-mark",
        title: "Neither a lock nor a mark keeps a second process from answering a challenge",
        target: "cognito",
        caught_by: "f51-answered-once",
        engine: || Arc::new(Unmarked),
    },
    Defect {
        id: "answer-needs-its-connection",
        title: "An answer goes only over the connection on which its sign-in was begun",
        target: "cognito",
        caught_by: "f51-carried-to-another-replica",
        engine: || Arc::new(OneConnection),
    },
    Defect {
        id: "set-up-without-its-secret",
        title: "The shared secret of a second factor that is set up is dropped",
        target: "cognito",
        caught_by: "p20-first-sign-in-enrols",
        engine: || reads(|_, _, _, outcome| without(outcome?, "shared_secret")),
    },
    Defect {
        id: "challenge-after-an-answer-is-success",
        title: "What follows an answer that the adapter gave alone is taken for success",
        target: "cognito",
        caught_by: "p20-chain-is-bounded",
        engine: || {
            reads(|operation, response, _, outcome| match operation {
                Operation::Continue { .. } if response.status().is_success() => match outcome? {
                    Outcome::Challenge(..) | Outcome::Continue(..) => {
                        let token = AccessToken::new("session".to_owned())?;
                        Ok(Outcome::tokens(TokenResponse::new(token)))
                    }
                    other => Ok(other),
                },
                _ => outcome,
            })
        },
    },
    Defect {
        id: "set-up-is-no-challenge",
        title: "The set-up of a second factor is taken for a challenge that is not known",
        target: "cognito",
        caught_by: "second-factor-by-oneself",
        engine: || challenges(|challenge| not_known(challenge, ChallengeKind::Code)),
    },
    Defect {
        id: "device-not-kept",
        title: "What a confirmed device is known by is not kept",
        target: "cognito",
        caught_by: "device-is-confirmed-and-forgotten",
        engine: || {
            reads(|_, _, _, outcome| match outcome? {
                Outcome::Done(profile, _) => Ok(Outcome::Done(profile, MemoPatch::none())),
                other => Ok(other),
            })
        },
    },
    Defect {
        id: "lockout-is-an-outage",
        title: "A lockout is taken for an outage and tried again in seconds",
        target: "cognito",
        caught_by: "p21-five-failures-lock-for-moments",
        engine: || {
            reads(|_, response, _, outcome| match says(response, "attempts exceeded") {
                true => Err(Error::new(ErrorKind::TemporarilyUnavailable)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "change-is-not-sent",
        title: "A change of password is taken for done and never sent",
        target: "ibex",
        caught_by: "change-password",
        engine: || seams::transport(NoChange),
    },
    Defect {
        id: "weak-password-filled-up",
        title: "A new password that breaks the rules is filled up until it keeps them",
        target: "ibex",
        caught_by: "password-policy-before-sending",
        engine: || seams::adapter(FilledUp),
    },
    Defect {
        id: "code-for-password",
        title: "The code of a recovery is sent as the new password, and the password as the code",
        target: "cognito",
        caught_by: "forgotten-password",
        engine: || {
            asks(|real, operation, ambient| match operation.clone() {
                Operation::ConfirmForgotPassword { code, new_password } => {
                    let (code, new_password) = (new_password, code);
                    real.request(&Operation::ConfirmForgotPassword { code, new_password }, ambient)
                }
                other => real.request(&other, ambient),
            })
        },
    },
    Defect {
        id: "wrong-code-is-an-outage",
        title: "A wrong code of a recovery is taken for an outage",
        target: "cognito",
        caught_by: "wrong-recovery-code",
        engine: || {
            reads(|_, _, _, outcome| {
                outcome.map_err(|error| match error.kind() {
                    ErrorKind::CodeMismatch => Error::new(ErrorKind::TemporarilyUnavailable),
                    _ => error,
                })
            })
        },
    },
];

struct Unmarked;

impl Engine for Unmarked {
    fn store(&self, real: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
        seams::store(OpenLock).store(real)
    }

    fn keeper(&self, builder: KeeperBuilder) -> KeeperBuilder {
        builder.effect_filter(NoMark)
    }
}

struct NoMark;

impl EffectFilter for NoMark {
    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        vec![match effect {
            Effect::Journal(id, Grant::Answer) => Effect::Journal(id, Grant::Save),
            other => other,
        }]
    }
}

struct OneConnection;

impl Engine for OneConnection {
    fn transport(&self, real: Arc<dyn HttpTransport>) -> Arc<dyn HttpTransport> {
        Arc::new(Connection { real, begun: AtomicBool::new(false) })
    }
}

/// What one process sends over.
struct Connection {
    real: Arc<dyn HttpTransport>,
    begun: AtomicBool,
}

#[async_trait]
impl HttpTransport for Connection {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
        let answers = target.is_some_and(|target| target.ends_with("RespondToAuthChallenge"));
        if answers && !self.begun.load(Ordering::SeqCst) {
            return Err(TransportError::new(Delivery::NotSent, Reason::Forbidden));
        }
        self.begun.store(true, Ordering::SeqCst);
        self.real.send(request).await
    }
}

/// Answers changes of a password itself.
#[derive(Clone)]
struct NoChange;

#[async_trait]
impl BrokenTransport for NoChange {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        match request.uri().path().contains("change-password") {
            true => Ok(HttpResponse::new(
                StatusCode::NO_CONTENT,
                HeaderMap::new(),
                SecretBytes::default(),
            )),
            false => real.send(request).await,
        }
    }
}

/// Leaves no rule to the engine, and helps where one is broken.
#[derive(Clone)]
struct FilledUp;

impl BrokenAdapter for FilledUp {
    fn capabilities(&self, real: &Capabilities) -> Capabilities {
        let mut changed = real.clone();
        changed.password_policy = None;
        changed
    }

    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let filled = |password: &SecretString| -> SecretString {
            format!("{}Aa1!Aa1!Aa1!", password.expose()).into()
        };
        match (real.request(operation, ambient), operation) {
            (Err(_), Operation::ChangePassword { new_password }) => {
                let new_password = filled(new_password);
                real.request(&Operation::ChangePassword { new_password }, ambient)
            }
            (built, _) => built,
        }
    }
}
