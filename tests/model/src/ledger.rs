//! What the outside has seen, and the rules that hold at every moment.
//!
//! The driver catches panics of the code that it calls, so a broken rule that is seen from inside a
//! transport or a store is written down here and told at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_core::{Generation, Timestamp};

/// Which host: another one has not heard of what was reported to this one.
pub type Host = usize;

/// The books of one world. Plain locks: they are no part of what is checked.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    /// Access tokens that were issued, and whether a write was attempted since.
    issued: BTreeMap<String, bool>,
    /// Generations whose refusal was reported, and the report has returned.
    refused: BTreeSet<(Host, Generation)>,
    broken: Vec<String>,
}

/// What was true when somebody began to ask.
#[derive(Clone, Debug)]
pub struct Before {
    host: Host,
    refused: BTreeSet<(Host, Generation)>,
    now: Timestamp,
}

impl Ledger {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server has issued `access`.
    pub fn issued(&self, access: &str) {
        self.books().issued.insert(access.to_owned(), false);
    }

    /// A write was attempted: whatever was issued before may be published from now on.
    pub fn wrote(&self) {
        self.books().issued.values_mut().for_each(|attempted| *attempted = true);
    }

    /// `generation` was reported to `host` as refused.
    pub fn refused(&self, host: Host, generation: Generation) {
        self.books().refused.insert((host, generation));
    }

    /// Somebody begins to ask `host` at `now`.
    pub fn before(&self, host: Host, now: Timestamp) -> Before {
        Before { host, refused: self.books().refused.clone(), now }
    }

    /// What was handed out to whoever began to ask at `before`.
    pub fn handed_out(
        &self,
        before: &Before,
        generation: Generation,
        access: &str,
        expires_at: Timestamp,
    ) {
        let mut books = self.books();
        if before.refused.contains(&(before.host, generation)) {
            books.broken.push(format!("{generation} was refused before and is handed out"));
        }
        if expires_at <= before.now {
            books.broken.push(format!("{generation} was over and is handed out"));
        }
        if books.issued.get(access) == Some(&false) {
            books.broken.push(format!("{generation} is handed out and no write was attempted"));
        }
    }

    /// Writes a broken rule down.
    pub fn blame(&self, rule: impl Into<String>) {
        self.books().broken.push(rule.into());
    }

    /// Fails if a rule was broken.
    pub fn close(&self) {
        let broken = std::mem::take(&mut self.books().broken);
        assert!(broken.is_empty(), "broken: {broken:?}");
    }
}
