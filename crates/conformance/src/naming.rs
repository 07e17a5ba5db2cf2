//! Which operation a request belongs to: what the adapter was asked when it built it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::{Ambient, AuthProvider, Certainty, Error, ErrorKind, Operation, Outcome};

use crate::around::Around;
use crate::leaks::Known;
use crate::operation::Op;

/// Requests by what they are, with the operation that each was built for.
#[derive(Clone, Default)]
pub(crate) struct Names(Arc<Mutex<HashMap<u64, Op>>>, Arc<Flags>, Known);

#[derive(Default)]
struct Flags {
    panic_next: AtomicBool,
    refused: AtomicBool,
}

impl Names {
    pub(crate) fn name(&self, request: &HttpRequest, op: Op) {
        let mut names = self.names();
        names.insert(mark(request, true), op);
        names.insert(mark(request, false), op);
    }

    /// The operation of this request; of one whose headers were changed on the way, that of the last
    /// one of the same address and body.
    pub(crate) fn of(&self, request: &HttpRequest) -> Op {
        let names = self.names();
        let found = names.get(&mark(request, true)).or_else(|| names.get(&mark(request, false)));
        found.copied().unwrap_or(Op::Unknown)
    }

    /// The secrets of the case: what was learnt of them elsewhere, and every token that was read here.
    pub(crate) const fn known(&self) -> &Known {
        &self.2
    }

    /// Lets the adapter panic when it reads the next answer.
    pub(crate) fn panic_over_the_next(&self) {
        self.1.panic_next.store(true, Ordering::SeqCst);
    }

    /// Whether an answer in a sign-in was read as a refusal of the account or its secrets, or as
    /// something that another try may make worse.
    pub(crate) fn refused(&self) -> bool {
        self.1.refused.load(Ordering::SeqCst)
    }

    fn names(&self) -> MutexGuard<'_, HashMap<u64, Op>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mark(request: &HttpRequest, headers: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    (headers, request.method(), request.uri()).hash(&mut hasher);
    request.body().expose_bytes().hash(&mut hasher);
    if headers {
        for (name, value) in request.headers() {
            (name, value.as_bytes()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// An adapter whose requests are named as they are built.
pub(crate) struct Named {
    pub(crate) real: Arc<dyn AuthProvider>,
    pub(crate) names: Names,
}

impl Around for Named {
    fn real(&self) -> &dyn AuthProvider {
        &*self.real
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let request = self.real.request(operation, ambient)?;
        self.names.name(&request, operation.into());
        Ok(request)
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        if self.names.1.panic_next.swap(false, Ordering::SeqCst) {
            // Without the hook: a panic that is meant writes nothing to standard error.
            std::panic::resume_unwind(Box::new("an adapter of the case"));
        }
        let read = self.real.interpret(operation, response, ambient);
        if let Ok(Outcome::Tokens(tokens, _)) = &read {
            self.names.known().learn_tokens(tokens);
        }
        let of_sign_in = matches!(Op::from(operation), Op::SignIn | Op::Continue | Op::Answer);
        if of_sign_in && read.as_ref().is_err_and(|error| !may_be_tried_again(error)) {
            self.names.1.refused.store(true, Ordering::SeqCst);
        }
        read
    }
}

/// Whether a sign-in that failed so says nothing about the account: an outage.
fn may_be_tried_again(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::TemporarilyUnavailable | ErrorKind::Transport)
        && error.certainty() == Certainty::Certain
}
