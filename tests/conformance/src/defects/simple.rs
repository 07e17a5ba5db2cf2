//! Broken adapters that one function describes.

use std::sync::Arc;

use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, Operation, Outcome, SecretBytes,
    TokenResponse, TokenSet, Verdict,
};
use http::StatusCode;

use super::seams::{self, BrokenAdapter};

/// What was read of an answer.
type Read = Result<Outcome, Error>;
type Reading = dyn Fn(&Operation, &HttpResponse, &Ambient<'_>, Read) -> Read + Send + Sync;
type Judging = dyn Fn(&dyn AuthProvider, &ResponseHead<'_>, Option<&[u8]>) -> Verdict + Send + Sync;
/// What is asked.
pub(crate) type Asked =
    fn(&dyn AuthProvider, &Operation, &Ambient<'_>) -> Result<HttpRequest, Error>;
/// What is presented.
pub(crate) type Shown =
    fn(&dyn AuthProvider, &TokenSet, &Ambient<'_>) -> Result<Authorization, Error>;

/// An adapter that misreads answers: what the real one has made of them is the last argument.
pub(crate) fn reads(
    read: impl Fn(&Operation, &HttpResponse, &Ambient<'_>, Read) -> Read + Send + Sync + 'static,
) -> Arc<dyn Engine> {
    seams::adapter(Reads(Arc::new(read)))
}

/// An adapter that misreads answers with tokens.
pub(crate) fn tokens(
    change: impl Fn(&Operation, &HttpResponse, &Ambient<'_>, &mut TokenResponse) + Send + Sync + 'static,
) -> Arc<dyn Engine> {
    reads(move |operation, response, ambient, mut outcome| {
        if let Ok(Outcome::Tokens(tokens, _)) = &mut outcome {
            change(operation, response, ambient, tokens);
        }
        outcome
    })
}

/// An adapter that puts the text of an answer right before it reads it.
pub(crate) fn alters(change: fn(StatusCode, &str) -> String) -> Arc<dyn Engine> {
    seams::adapter(Alters(change))
}

/// An adapter that asks for something else.
pub(crate) fn asks(asked: Asked) -> Arc<dyn Engine> {
    seams::adapter(Asks(asked))
}

/// An adapter that presents something else.
pub(crate) fn shows(shown: Shown) -> Arc<dyn Engine> {
    seams::adapter(Shows(shown))
}

/// An adapter that misjudges refusals.
pub(crate) fn judges(
    judged: impl Fn(&dyn AuthProvider, &ResponseHead<'_>, Option<&[u8]>) -> Verdict
    + Send
    + Sync
    + 'static,
) -> Arc<dyn Engine> {
    seams::adapter(Judges(Arc::new(judged)))
}

/// An adapter that claims something else.
pub(crate) fn claims(change: fn(&mut Capabilities)) -> Arc<dyn Engine> {
    seams::adapter(Claims(change))
}

#[derive(Clone)]
struct Reads(Arc<Reading>);

impl BrokenAdapter for Reads {
    fn interpret(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        (self.0)(operation, response, ambient, real.interpret(operation, response, ambient))
    }
}

#[derive(Clone)]
struct Alters(fn(StatusCode, &str) -> String);

impl BrokenAdapter for Alters {
    fn interpret(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let text = String::from_utf8_lossy(response.body().expose_bytes());
        let body = SecretBytes::new((self.0)(response.status(), &text).into_bytes());
        let changed = HttpResponse::new(response.status(), response.headers().clone(), body);
        real.interpret(operation, &changed, ambient)
    }
}

#[derive(Clone)]
struct Asks(Asked);

impl BrokenAdapter for Asks {
    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        (self.0)(real, operation, ambient)
    }
}

#[derive(Clone)]
struct Shows(Shown);

impl BrokenAdapter for Shows {
    fn authorize(
        &self,
        real: &dyn AuthProvider,
        tokens: &TokenSet,
        ambient: &Ambient<'_>,
    ) -> Result<Authorization, Error> {
        (self.0)(real, tokens, ambient)
    }
}

#[derive(Clone)]
struct Judges(Arc<Judging>);

impl BrokenAdapter for Judges {
    fn rejects(
        &self,
        real: &dyn AuthProvider,
        head: &ResponseHead<'_>,
        body: Option<&[u8]>,
    ) -> Verdict {
        (self.0)(real, head, body)
    }
}

#[derive(Clone)]
struct Claims(fn(&mut Capabilities));

impl BrokenAdapter for Claims {
    fn capabilities(&self, real: &Capabilities) -> Capabilities {
        let mut changed = real.clone();
        (self.0)(&mut changed);
        changed
    }
}
