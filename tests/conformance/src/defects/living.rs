//! Defects that show in front of a live service too: the cases of the group `live`.

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::{Effect, Write};
use countersign_core::transport::TransportError;
use countersign_core::{Error, ErrorKind, HttpTransport, Operation, Outcome, SecretBytes};
use http::{HeaderMap, StatusCode};

use super::Defect;
use super::deciding::broken;
use super::remembering::SecondTry;
use super::resending::ResendBelow;
use super::seams::{self, BrokenTransport};
use super::simple::{asks, reads};
use super::telling::Following;
use super::times::milliseconds_for_seconds;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "tokens-in-memory-alone",
        title: "The tokens of a sign-in are written nowhere",
        target: "ibex",
        caught_by: "token-is-given-and-shared",
        engine: || {
            broken(|effect| match effect {
                Effect::Commit(id, Write::Tokens) => Effect::Commit(id, Write::Uncounted),
                other => other,
            })
        },
    },
    Defect {
        id: "life-of-weeks",
        title: "An hour is read as six weeks, although the token says when it ends",
        target: "cognito",
        caught_by: "end-is-told-and-met",
        engine: milliseconds_for_seconds,
    },
    Defect {
        id: "refresh-token-demanded-back",
        title: "The answer to a refresh is taken for broken if it brings no refresh token",
        target: "ibex",
        caught_by: "renewed-on-demand",
        engine: || {
            reads(|operation, _, _, outcome| match (operation, outcome?) {
                (Operation::Refresh, Outcome::Tokens(tokens, _))
                    if tokens.refresh_token.is_none() =>
                {
                    Err(Error::new(ErrorKind::Protocol))
                }
                (_, outcome) => Ok(outcome),
            })
        },
    },
    Defect {
        id: "renewals-sent-twice",
        title: "A gateway of ours sends every auth call twice",
        target: "ibex_oauth2",
        caught_by: "refused-token-is-replaced-once",
        engine: || seams::transport(Doubled),
    },
    Defect {
        id: "late-refusals-doubled",
        title: "Every renewal after a refusal is made twice",
        target: "ibex",
        caught_by: "f21-late-refusals-cost-nothing",
        engine: || seams::transport(Doubled),
    },
    Defect {
        id: "revocation-not-sent",
        title: "A revocation is taken for done and never sent",
        target: "wikimedia",
        caught_by: "signed-out-and-said-so",
        engine: || seams::transport(Unsent),
    },
    Defect {
        id: "cut-renewal-sent-again-below",
        title: "The HTTP client sends a refresh again when its connection was cut",
        target: "igny8",
        caught_by: "f11-renewal-that-reaches-nobody",
        engine: || seams::transport(ResendBelow),
    },
    Defect {
        id: "gateway-ends-a-session",
        title: "Whatever goes wrong at a refresh is a refusal of the refresh token",
        target: "ibex",
        caught_by: "f42-renewal-that-a-gateway-answers",
        engine: || {
            reads(|operation, _, _, outcome| match operation {
                Operation::Refresh => outcome.map_err(|_| Error::new(ErrorKind::InvalidGrant)),
                _ => outcome,
            })
        },
    },
    Defect {
        id: "renewal-follows-a-redirect",
        title: "The HTTP client follows the redirect of a renewal at once",
        target: "ibex",
        caught_by: "f33-renewal-that-is-sent-elsewhere",
        engine: || seams::transport(Following),
    },
    Defect {
        id: "lost-renewal-sent-again-below",
        title: "The HTTP client sends a refresh again whose answer was lost",
        target: "ibex",
        caught_by: "f06-renewal-whose-answer-is-lost",
        engine: || seams::transport(ResendBelow),
    },
    Defect {
        id: "refused-secret-tried-twice",
        title: "A refused sign-in is tried a second time, in case it was a mistake",
        target: "ibex",
        caught_by: "f36-refused-secret-is-sent-once",
        engine: || seams::transport(SecondTry),
    },
    Defect {
        id: "old-password-for-new",
        title: "A change of password sends the old one in the place of the new one",
        target: "ibex",
        caught_by: "password-there-and-back",
        engine: || {
            asks(|real, operation, ambient| match operation {
                Operation::ChangePassword { .. } => {
                    let new_password = ambient.credentials.expect_password()?.clone();
                    real.request(&Operation::ChangePassword { new_password }, ambient)
                }
                _ => real.request(operation, ambient),
            })
        },
    },
    Defect {
        id: "recovery-asked-for-twice",
        title: "A recovery is asked for twice, so that two mails come of which one is void",
        target: "ibex",
        caught_by: "recovery-is-asked-for-once",
        engine: || seams::transport(Doubled),
    },
];

/// Sends everything twice and passes the second answer on.
#[derive(Clone)]
pub(super) struct Doubled;

#[async_trait]
impl BrokenTransport for Doubled {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        // What the first came to nobody learns.
        let _ = real.send(request.clone()).await;
        real.send(request).await
    }
}

/// Answers revocations itself.
#[derive(Clone)]
struct Unsent;

#[async_trait]
impl BrokenTransport for Unsent {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        if request.uri().path().contains("revoke") {
            let nothing = SecretBytes::default();
            return Ok(HttpResponse::new(StatusCode::NO_CONTENT, HeaderMap::new(), nothing));
        }
        real.send(request).await
    }
}
