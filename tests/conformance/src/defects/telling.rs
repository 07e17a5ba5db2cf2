//! Engines and adapters that tell too much, or let it go where it must not.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::transport::TransportError;
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, HttpTransport, Operation, Origin,
    Outcome, ProviderId, Realm, TokenSet, Verdict,
};
use countersign_runtime::SessionBuilder;
use http::Uri;
use http::header::LOCATION;

use super::Defect;
use super::seams::{self, BrokenTransport};
use super::simple::reads;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "secret-in-debug",
        title: "The adapter keeps the last request and shows it in its `Debug`",
        target: "ibex",
        caught_by: "f32-debug-shows-nothing",
        engine: || Arc::new(Derived),
    },
    Defect {
        id: "body-in-the-message",
        title: "What a refusal says is put into the message of the error",
        target: "ibex",
        caught_by: "f32-answers-that-repeat-secrets",
        engine: || {
            reads(|_, response, _, outcome| {
                outcome.map_err(|error| {
                    let text = String::from_utf8_lossy(response.body().expose_bytes());
                    error.hint(format!("the server says: {}", text.replace(char::is_control, " ")))
                })
            })
        },
    },
    Defect {
        id: "basic-header-in-the-message",
        title: "The hint of a refusal shows the header of HTTP Basic that would have been sent",
        target: "ibex",
        caught_by: "f32-answers-that-repeat-secrets",
        engine: || {
            reads(|_, _, ambient, outcome| {
                outcome.map_err(|error| {
                    let identity = ambient.credentials.identity().unwrap_or_default();
                    let password = ambient.credentials.expect_password();
                    let password = password.map(|p| p.expose()).unwrap_or_default();
                    let pair = format!("{identity}:{password}");
                    error.hint(format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes())))
                })
            })
        },
    },
    Defect {
        id: "refused-refresh-in-the-message",
        title: "What a refused refresh says is put into the message of the error",
        target: "wikimedia",
        caught_by: "f32-refused-refresh-shows-no-token",
        engine: || {
            reads(|operation, response, _, outcome| match operation {
                Operation::Refresh => outcome.map_err(|error| {
                    let text = String::from_utf8_lossy(response.body().expose_bytes());
                    error.hint(text.into_owned())
                }),
                _ => outcome,
            })
        },
    },
    Defect {
        id: "words-as-they-came",
        title: "What a provider writes is shown as it came",
        target: "cognito",
        caught_by: "f49-words-cannot-steer-a-terminal",
        engine: || {
            reads(|_, response, _, outcome| {
                let message = || {
                    let body = response.body().expose_bytes();
                    let document = serde_json::from_slice::<serde_json::Value>(body).ok()?;
                    document["message"].as_str().map(str::to_owned)
                };
                outcome.map_err(|error| match message() {
                    Some(text) => error.hint(text),
                    None => error,
                })
            })
        },
    },
    Defect {
        id: "redirects-followed",
        title: "The HTTP client follows redirects and takes the headers along",
        target: "ibanera",
        caught_by: "f33-sign-in-follows-no-redirect",
        engine: || seams::transport(Following),
    },
    Defect {
        id: "redirected-refresh",
        title: "The HTTP client follows the redirect of a refresh",
        target: "wikimedia",
        caught_by: "f33-renewal-follows-no-redirect",
        engine: || seams::transport(Following),
    },
    Defect {
        id: "redirected-revocation",
        title: "The HTTP client follows the redirect of a revocation",
        target: "ibex",
        caught_by: "f33-revocation-follows-no-redirect",
        engine: || seams::transport(Following),
    },
    Defect {
        id: "every-origin-is-the-apis",
        title: "Another port of the API's host is taken for the API",
        target: "igny8",
        caught_by: "f33-tokens-are-for-named-origins",
        engine: || Arc::new(EveryPort),
    },
];

/// Shows what it was asked to send.
struct Derived;

impl Engine for Derived {
    fn provider(&self, real: Arc<dyn AuthProvider>) -> Arc<dyn AuthProvider> {
        Arc::new(Keeping { real, last: Default::default() })
    }
}

struct Keeping {
    real: Arc<dyn AuthProvider>,
    last: std::sync::Mutex<String>,
}

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        f.debug_struct("Keeping").field("real", &self.real).field("last", &*last).finish()
    }
}

impl AuthProvider for Keeping {
    fn id(&self) -> ProviderId {
        self.real.id()
    }

    fn realm(&self) -> &Realm {
        self.real.realm()
    }

    fn capabilities(&self) -> &Capabilities {
        self.real.capabilities()
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let request = self.real.request(operation, ambient)?;
        let text = String::from_utf8_lossy(request.body().expose_bytes()).into_owned();
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = text;
        Ok(request)
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        self.real.interpret(operation, response, ambient)
    }

    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        self.real.authorize(tokens, ambient)
    }

    fn rejects(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        self.real.rejects(head, body)
    }
}

#[derive(Clone)]
pub(super) struct Following;

#[async_trait]
impl BrokenTransport for Following {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let answer = real.send(request.clone()).await?;
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let Some(to) = to.and_then(|to| to.parse::<Uri>().ok()) else { return Ok(answer) };
        let Ok(mut next) = HttpRequest::new(request.method().clone(), &to.to_string()) else {
            return Ok(answer);
        };
        for (name, value) in request.headers() {
            next.set(name.clone(), value.clone());
        }
        real.send(next).await
    }
}

struct EveryPort;

impl Engine for EveryPort {
    fn session(&self, builder: SessionBuilder) -> SessionBuilder {
        let ports = [4000, 4001, 4002, 8080];
        let origin = |port| Origin::from_parts("http", "127.0.0.1", Some(port)).ok();
        builder.api_origins(ports.into_iter().filter_map(origin))
    }
}
