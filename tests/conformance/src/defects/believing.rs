//! Adapters that believe what no honest server sends.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Reason, TransportError};
use countersign_core::{
    AccessToken, Error, ErrorKind, HttpTransport, Lifetime, Operation, Outcome, SecretBytes,
    Timestamp, TokenResponse,
};
use http::{HeaderMap, StatusCode};

use super::Defect;
use super::hanging::remembers;
use super::seams::{self, BrokenTransport};
use super::simple::{alters, reads, tokens};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "placeholder-for-a-missing-token",
        title: "Where an answer has no token that can be read a word takes its place",
        target: "ibex",
        caught_by: "f49-empty-token",
        engine: || instead_of_a_protocol_error("undefined"),
    },
    Defect {
        id: "huge-token-is-cut",
        title: "A token that is too long is cut to what fits",
        target: "wikimedia",
        caught_by: "f49-token-of-64-kib",
        engine: || alters(|_, body| body.replace(&"a".repeat(60_000), "")),
    },
    Defect {
        id: "line-ends-are-cut-out",
        title: "Line ends are cut out of tokens before they are looked at",
        target: "ibanera",
        caught_by: "f49-token-with-a-line-end",
        engine: || alters(|_, body| body.replace("\\r\\n", "").replace("x-injected: yes", "")),
    },
    Defect {
        id: "last-member-wins",
        title: "Of two members of one name the last one counts",
        target: "igny8",
        caught_by: "f49-duplicate-members",
        engine: || {
            alters(|_, body| {
                let read = serde_json::from_str::<serde_json::Value>(body);
                read.map_or_else(|_| body.to_owned(), |document| document.to_string())
            })
        },
    },
    Defect {
        id: "depth-is-taken-for-done",
        title: "A document that cannot be parsed is taken for a token",
        target: "cognito",
        caught_by: "f49-deep-json",
        engine: || instead_of_a_protocol_error("opaque"),
    },
    Defect {
        id: "negative-expiry-wraps",
        title: "A negative lifetime becomes a very long one",
        target: "ibex_oauth2",
        caught_by: "f49-expiry-negative",
        engine: || expiry_of("-1", Lifetime::For(Duration::from_secs(u64::MAX))),
    },
    Defect {
        id: "zero-expiry-is-now",
        title: "An expiry of zero is taken for a lifetime of one second",
        target: "ibex",
        caught_by: "f49-expiry-zero",
        engine: || expiry_of(":0", Lifetime::For(Duration::from_secs(1))),
    },
    Defect {
        id: "word-for-an-expiry-panics",
        title: "An expiry that is a word is unwrapped",
        target: "ibex_oauth2",
        caught_by: "f49-expiry-string",
        engine: || {
            reads(|_, response, _, outcome| {
                if holds(response, "\"soon\"") {
                    std::panic::resume_unwind(Box::new(
                        "called `Result::unwrap()` on an `Err` value",
                    ));
                }
                outcome
            })
        },
    },
    Defect {
        id: "half-an-answer-is-one",
        title: "An answer that breaks off behind its token is taken",
        target: "wikimedia",
        caught_by: "f43-cut-at-every-byte",
        engine: || {
            alters(|_, body| match body.ends_with('}') {
                true => body.to_owned(),
                false => format!("{}\"}}", body.trim_end_matches(',').trim_end_matches('"')),
            })
        },
    },
    Defect {
        id: "success-by-status-alone",
        title: "A success status is a success, whatever it holds",
        target: "igny8",
        caught_by: "f43-success-with-a-failure-inside",
        engine: || {
            reads(|operation, response, _, outcome| match operation {
                Operation::SignIn if response.status().is_success() && outcome.is_err() => {
                    TokenResponse::new(AccessToken::new("session".to_owned())?).pipe()
                }
                _ => outcome,
            })
        },
    },
    Defect {
        id: "no-expiry-is-for-ever",
        title: "An answer without an expiry gives a token that never ends",
        target: "ibanera",
        caught_by: "f43-no-expiry",
        engine: || {
            tokens(|_, _, _, tokens| {
                tokens.access_expiry =
                    tokens.access_expiry.or(Some(Lifetime::Until(Timestamp::MAX)));
            })
        },
    },
    Defect {
        id: "bytes-must-be-text",
        title: "An answer whose bytes are no text panics the adapter",
        target: "wikimedia",
        caught_by: "f42-bad-renewals-end-no-session",
        engine: || {
            reads(|_, response, _, outcome| {
                match std::str::from_utf8(response.body().expose_bytes()) {
                    Ok(_) => outcome,
                    // Without the hook: a panic that is meant writes nothing to standard error.
                    Err(_) => std::panic::resume_unwind(Box::new("no text")),
                }
            })
        },
    },
    Defect {
        id: "letters-cut-at-a-byte",
        title: "A long error is cut at a byte, and panics within a letter",
        target: "wikimedia",
        caught_by: "f42-bad-renewals-end-no-session",
        engine: || {
            reads(|_, response, _, outcome| {
                let text = String::from_utf8_lossy(response.body().expose_bytes()).into_owned();
                let cut = (100..text.len().min(300)).any(|at| !text.is_char_boundary(at));
                match cut && response.status().as_u16() == 503 && text.contains('€') {
                    true => std::panic::resume_unwind(Box::new("within a letter")),
                    false => outcome,
                }
            })
        },
    },
    Defect {
        id: "no-expiry-is-a-protocol-error",
        title: "An answer without an expiry is taken for a broken one",
        target: "cognito",
        caught_by: "f43-no-expiry",
        engine: || expiry_refused(|body| !body.contains("ExpiresIn")),
    },
    Defect {
        id: "zero-expiry-is-a-protocol-error",
        title: "An answer whose expiry is zero is taken for a broken one",
        target: "wikimedia",
        caught_by: "f49-expiry-zero",
        engine: || expiry_refused(|body| body.contains("\"expires_in\":0")),
    },
    Defect {
        id: "negative-expiry-is-a-protocol-error",
        title: "An answer whose expiry is negative is taken for a broken one",
        target: "ibanera",
        caught_by: "f49-expiry-negative",
        engine: || expiry_refused(|body| body.contains(":-1")),
    },
    Defect {
        id: "no-expiry-is-a-day",
        title: "An answer without an expiry gives a token a day, whatever is declared",
        target: "ibanera",
        caught_by: "f43-no-expiry",
        engine: || {
            tokens(|_, response, _, tokens| {
                if !holds(response, "expiresIn") {
                    tokens.access_expiry = Some(Lifetime::For(Duration::from_secs(86_400)));
                }
            })
        },
    },
    Defect {
        id: "fraction-is-milliseconds",
        title: "A lifetime with a fraction is taken for one in milliseconds",
        target: "ibex_oauth2",
        caught_by: "f49-expiry-float",
        engine: || alters(|_, body| body.replace(":3600.5", ":3")),
    },
    Defect {
        id: "huge-expiry-overflows",
        title: "A lifetime beyond all measure overflows to one of a second",
        target: "ibex_oauth2",
        caught_by: "f49-expiry-huge",
        engine: || alters(|_, body| body.replace(":1e300", ":1").replace(":1e+300", ":1")),
    },
    Defect {
        id: "too-long-is-a-refusal",
        title: "An answer that does not end is taken for a refusal",
        target: "ibex",
        caught_by: "f49-endless-body",
        engine: || seams::transport(TooLong::IsRefused),
    },
    Defect {
        id: "too-large-is-asked-again",
        title: "The HTTP client asks again when an answer unpacks to too much",
        target: "igny8",
        caught_by: "f49-gzip-bomb",
        engine: || seams::transport(TooLong::IsAskedAgain),
    },
    Defect {
        id: "unreadable-answer-is-remembered",
        title: "An adapter that could not read one answer reads no other",
        target: "ibex_oauth2",
        caught_by: "f49-spoiled-renewals",
        engine: || remembers(|error| error.kind() == ErrorKind::Protocol),
    },
];

/// As an outcome.
trait Pipe {
    fn pipe(self) -> Result<Outcome, Error>;
}

impl Pipe for TokenResponse {
    fn pipe(self) -> Result<Outcome, Error> {
        Ok(Outcome::tokens(self))
    }
}

pub(super) fn holds(response: &HttpResponse, words: &str) -> bool {
    let bytes = response.body().expose_bytes();
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

fn instead_of_a_protocol_error(token: &'static str) -> Arc<dyn Engine> {
    reads(move |_, response, _, outcome| match outcome {
        Err(error) if error.kind() == ErrorKind::Protocol && response.status().is_success() => {
            TokenResponse::new(AccessToken::new(token.to_owned())?).pipe()
        }
        other => other,
    })
}

/// Reads this lifetime where the answer holds that word.
fn expiry_of(word: &'static str, life: Lifetime) -> Arc<dyn Engine> {
    tokens(move |_, response, _, tokens| {
        if holds(response, word) {
            tokens.access_expiry = Some(life);
        }
    })
}

/// Takes an answer with tokens for a broken one where its text is so.
fn expiry_refused(so: fn(&str) -> bool) -> Arc<dyn Engine> {
    reads(move |_, response, _, outcome| match outcome {
        Ok(Outcome::Tokens(..)) if so(&String::from_utf8_lossy(response.body().expose_bytes())) => {
            Err(Error::new(ErrorKind::Protocol))
        }
        other => other,
    })
}

/// What is made of an answer that is more than a transport lets through.
#[derive(Clone)]
pub(super) enum TooLong {
    IsRefused,
    IsAskedAgain,
}

#[async_trait]
impl BrokenTransport for TooLong {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        match (real.send(request.clone()).await, self) {
            (Err(error), Self::IsRefused) if error.reason() == Reason::BodyTooLarge => {
                let nothing = SecretBytes::default();
                Ok(HttpResponse::new(StatusCode::UNAUTHORIZED, HeaderMap::new(), nothing))
            }
            (Err(error), Self::IsAskedAgain) if error.reason() == Reason::BodyTooLarge => {
                real.send(request).await
            }
            (end, _) => end,
        }
    }
}
