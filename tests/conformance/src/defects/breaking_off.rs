//! Defects in what is made of answers that a wire, a gateway or a stranger has spoiled.

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::{Effect, Told};
use countersign_core::transport::{Reason, TransportError};
use countersign_core::{Error, ErrorKind, HttpTransport, Operation, SecretBytes};
use http::{HeaderMap, StatusCode};

use super::Defect;
use super::believing::TooLong;
use super::deciding::broken_up;
use super::hanging::Impatient;
use super::living::Doubled;
use super::remembering::OfflineRefuses;
use super::resending::ResendBelow;
use super::seams::{self, BrokenTransport};
use super::simple::reads;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "half-a-status-line-is-nothing",
        title: "The HTTP client takes half a status line for a connection that was closed before, and sends again",
        target: "wikimedia",
        caught_by: "f43-renewal-cut-in-its-status-line",
        engine: || seams::transport(ResendBelow),
    },
    Defect {
        id: "half-a-head-is-a-bad-request",
        title: "An answer that breaks off in its headers is taken for one with the status 400",
        target: "ibex",
        caught_by: "f43-renewal-cut-in-its-headers",
        engine: || seams::transport(OfflineRefuses),
    },
    Defect {
        id: "half-a-body-takes-the-token",
        title: "A renewal whose answer breaks off throws the good token away",
        target: "ibex",
        caught_by: "f43-renewal-cut-in-its-body",
        engine: || {
            broken_up(|effect| match effect {
                Effect::Tell(Told::Stalled(_)) => vec![Effect::Unpublish, Effect::Forget, effect],
                other => vec![other],
            })
        },
    },
    Defect {
        id: "what-has-come-is-the-whole",
        title: "The HTTP client takes what has come of an answer for the whole of it",
        target: "ibex_by_socket",
        caught_by: "f43-answer-cut-at-each-of-its-bytes",
        engine: || seams::transport(WhatHasCome),
    },
    Defect {
        id: "error-inside-is-a-refusal",
        title: "Whatever error is inside of an answer 200 to a refresh is a refusal of the refresh token",
        target: "ibex",
        caught_by: "f43-renewal-with-an-error-inside",
        engine: || {
            reads(|operation, response, _, outcome| match operation {
                Operation::Refresh if response.status().is_success() && outcome.is_err() => {
                    Err(Error::new(ErrorKind::InvalidGrant))
                }
                _ => outcome,
            })
        },
    },
    Defect {
        id: "endless-answer-asked-for-again",
        title: "The HTTP client asks again when an answer does not end",
        target: "ibex",
        caught_by: "f49-renewal-without-end",
        engine: || seams::transport(TooLong::IsAskedAgain),
    },
    Defect {
        id: "bomb-is-a-refusal",
        title: "An answer that unpacks to too much is taken for a refusal",
        target: "ibex",
        caught_by: "f49-renewal-that-unpacks-to-too-much",
        engine: || seams::transport(TooLong::IsRefused),
    },
    Defect {
        id: "first-piece-or-nothing",
        title: "The HTTP client gives an answer up that does not come in one piece",
        target: "ibex",
        caught_by: "f43-renewal-byte-by-byte",
        engine: || seams::transport(Impatient),
    },
    Defect {
        id: "two-answers-two-requests",
        title: "The HTTP client makes up for a second answer with a second request",
        target: "wikimedia",
        caught_by: "f06-renewal-that-is-answered-twice",
        engine: || seams::transport(Doubled),
    },
    Defect {
        id: "delivered-twice-by-ourselves",
        title: "A gateway of ours delivers each refresh twice before any other does",
        target: "ibex",
        caught_by: "f06-renewal-that-arrives-twice",
        engine: || seams::transport(Doubled),
    },
];

#[derive(Clone)]
struct WhatHasCome;

#[async_trait]
impl BrokenTransport for WhatHasCome {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        match real.send(request).await {
            Err(error) if error.reason() == Reason::Interrupted => {
                Ok(HttpResponse::new(StatusCode::OK, HeaderMap::new(), SecretBytes::default()))
            }
            end => end,
        }
    }
}
