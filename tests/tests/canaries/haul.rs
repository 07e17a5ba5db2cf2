//! What came out of the channels during a run, and the secrets that were about.

use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use countersign::{Credentials, Error};
use countersign_simulator::Simulator;
use countersign_tests::canaries::{SHORTEST, Searcher};

use crate::channels::{Channel, debug, files, told, told_of};
use crate::recorder;

/// Collects from all threads. Clones share what is in it.
#[derive(Clone, Default)]
pub(crate) struct Haul(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    secrets: Vec<String>,
    errors: Vec<u8>,
    n_errors: usize,
    debug: Vec<u8>,
    files: Vec<u8>,
}

impl Haul {
    /// A secret that may turn up nowhere.
    pub(crate) fn secret(&self, secret: &str) {
        self.with(|inner| inner.secrets.push(secret.to_owned()));
    }

    /// All secrets of these credentials.
    pub(crate) fn credentials(&self, credentials: &Credentials) {
        let kinds = [
            credentials.expect_password().ok(),
            credentials.totp_secret(),
            credentials.client_secret(),
        ];
        kinds.into_iter().flatten().for_each(|secret| self.secret(secret.expose()));
    }

    /// All secrets that a simulator knows or has ever issued.
    pub(crate) fn issued(&self, simulator: &Simulator) {
        simulator.issued_secrets().iter().for_each(|secret| self.secret(secret));
    }

    /// All that the `Debug` of a value tells.
    pub(crate) fn debug(&self, value: &dyn Debug) {
        let told = debug(value);
        self.with(|inner| inner.debug.extend(told));
    }

    /// All that an error of ours tells.
    pub(crate) fn error(&self, error: &Error) {
        let told = told(error);
        self.with(|inner| (inner.n_errors += 1, inner.errors.extend(told)));
    }

    /// All that another error tells.
    pub(crate) fn other_error(&self, error: &dyn std::error::Error) {
        let told = told_of(error, true);
        self.with(|inner| (inner.n_errors += 1, inner.errors.extend(told)));
    }

    /// What came of a call: the `Debug` of the value, or the error.
    pub(crate) fn result<T: Debug>(&self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => {
                self.debug(&value);
                Some(value)
            }
            Err(error) => {
                self.error(&error);
                None
            }
        }
    }

    /// Every file of a store.
    pub(crate) fn store(&self, folder: &Path) {
        let content = files(folder);
        self.with(|inner| inner.files.extend(content));
    }

    /// How many errors were told.
    pub(crate) fn n_errors(&self) -> usize {
        self.with(|inner| inner.n_errors)
    }

    /// Searches everything for every secret: how many secrets, how many channels, and what was found.
    pub(crate) fn search(&self) -> (usize, usize, Vec<String>) {
        self.with(|inner| {
            inner.secrets.sort();
            inner.secrets.dedup();
            inner.secrets.retain(|secret| secret.len() >= SHORTEST);
            let searcher = Searcher::new(&inner.secrets);
            let (logs, panics) = (recorder::logs(), recorder::panics());
            let channels = [
                ("logs", logs.as_bytes()),
                ("panics", panics.as_bytes()),
                ("errors", &*inner.errors),
                ("Debug", &*inner.debug),
                ("files of the store", &*inner.files),
            ];
            let mut found = Vec::new();
            for (name, content) in channels {
                assert!(!content.is_empty(), "nothing came by {name}");
                for find in searcher.search(content) {
                    let secret = &inner.secrets[find.secret];
                    found.push(format!("{name}: {} of {secret:.24}: {}", find.form, find.around));
                }
            }
            (searcher.n_secrets(), Channel::LIVE, found)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
