//! Broken adapters that one function describes.

use std::sync::Arc;

use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, Operation, Outcome, TokenSet,
    Verdict,
};

use super::seams::{self, BrokenAdapter};

/// What is made of an answer.
pub(crate) type Read =
    fn(&Operation, &HttpResponse, &Ambient<'_>, Result<Outcome, Error>) -> Result<Outcome, Error>;
/// What is asked.
pub(crate) type Asked =
    fn(&dyn AuthProvider, &Operation, &Ambient<'_>) -> Result<HttpRequest, Error>;
/// What is presented.
pub(crate) type Shown =
    fn(&dyn AuthProvider, &TokenSet, &Ambient<'_>) -> Result<Authorization, Error>;
/// What is made of the API's answer.
pub(crate) type Judged = fn(&dyn AuthProvider, &ResponseHead<'_>, Option<&[u8]>) -> Verdict;

/// An adapter that misreads answers.
pub(crate) fn reads(read: Read) -> Arc<dyn Engine> {
    seams::adapter(Reads(read))
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
pub(crate) fn judges(judged: Judged) -> Arc<dyn Engine> {
    seams::adapter(Judges(judged))
}

/// An adapter that claims something else.
pub(crate) fn claims(change: fn(&mut Capabilities)) -> Arc<dyn Engine> {
    seams::adapter(Claims(change))
}

#[derive(Clone)]
struct Reads(Read);

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
struct Judges(Judged);

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
