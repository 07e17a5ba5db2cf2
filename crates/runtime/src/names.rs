//! Which record belongs to which session. Made when a sibling has written, not before: a name is a hash
//! under a key, and there may be a million.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use countersign_core::{KeyDigest, RecordName};

use crate::by_name::ByName;
use crate::opener::Opener;
use crate::shared::Shared;
use crate::sync::{AtomicBool, Mutex};

/// So many names of sessions that have gone are kept at least.
const MOST_GONE: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Names {
    begun: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    owners: HashMap<RecordName, KeyDigest, ByName>,
    /// Opened since, and not named yet.
    fresh: Vec<KeyDigest>,
}

impl Names {
    /// A session is in the registry now.
    pub(crate) fn opened(&self, key: KeyDigest) {
        if !self.begun.load(Ordering::Acquire) {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.fresh.len() < MOST_GONE.max(known.owners.len()) {
            known.fresh.push(key);
        } else {
            // Nobody has asked for long: whoever does makes all of them anew.
            *known = Known::default();
            self.begun.store(false, Ordering::Release);
        }
    }

    /// Whose record `name` is, if a session of `shared` has it.
    pub(crate) fn owner(
        &self,
        shared: &Shared,
        opener: &Opener,
        name: &RecordName,
    ) -> Option<KeyDigest> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = known.owners.len().saturating_sub(shared.n_sessions());
        if !self.begun.load(Ordering::Acquire) || gone > MOST_GONE.max(shared.n_sessions()) {
            // Before the look at the registry: whoever is opened from here on says so.
            self.begun.store(true, Ordering::Release);
            known.owners.clear();
            known.fresh = shared.keys();
        }
        let fresh = std::mem::take(&mut known.fresh);
        known.owners.extend(fresh.into_iter().map(|key| (opener.name(&key), key)));
        known.owners.get(name).copied()
    }
}
