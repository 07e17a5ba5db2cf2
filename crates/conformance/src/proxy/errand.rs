//! What is to become of the requests that are under way to the proxy.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_core::SecretBytes;
use countersign_core::transport::TransportError;
use http::Uri;

use crate::fault::Fault;
use crate::operation::Op;

/// What one request is about.
pub(super) struct Errand {
    pub(super) op: Op,
    /// Where the adapter wants it to go.
    pub(super) to: Uri,
    pub(super) wanted: Wanted,
    /// Why the way onward has failed.
    failure: Mutex<Option<TransportError>>,
}

/// What is to be done.
pub(super) enum Wanted {
    /// It is sent on, or meets this.
    Sent(Option<Fault>),
    /// It is answered with the last good answer, or with so many bytes of that.
    Replayed(Option<usize>),
}

impl Errand {
    pub(super) fn new(op: Op, to: Uri, wanted: Wanted) -> Self {
        Self { op, to, wanted, failure: Mutex::default() }
    }

    pub(super) fn fail(&self, error: TransportError) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Why the way onward has failed, if it has.
    pub(super) fn failed(&self) -> Option<TransportError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Those under way by their numbers, and the last good answer to each operation.
#[derive(Default)]
pub(super) struct Errands {
    /// Whoever else is on this machine can reach the port: a number that can be guessed would send requests
    /// in our name, or be answered with tokens.
    keys: RandomState,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    count: u64,
    open: HashMap<u64, Arc<Errand>>,
    answers: BTreeMap<Op, SecretBytes>,
}

impl Errands {
    pub(super) fn add(&self, errand: &Arc<Errand>) -> u64 {
        let mut known = self.known();
        known.count += 1;
        let number = self.keys.hash_one(known.count);
        known.open.insert(number, Arc::clone(errand));
        number
    }

    pub(super) fn done(&self, number: u64) {
        self.known().open.remove(&number);
    }

    /// The errand of that number; it is there once.
    pub(super) fn take(&self, number: u64) -> Option<Arc<Errand>> {
        self.known().open.remove(&number)
    }

    pub(super) fn keep(&self, op: Op, answer: &SecretBytes) {
        self.known().answers.insert(op, answer.clone());
    }

    pub(super) fn last(&self, op: Op) -> Option<SecretBytes> {
        self.known().answers.get(&op).cloned()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
