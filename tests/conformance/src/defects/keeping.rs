//! Defects in what a store has of the records that it was given.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::{Committed, Error, Fence, RecordName, Revision, SecretBytes, SessionStore};
use sha2::{Digest, Sha256};

use super::Defect;
use super::locking::{Lagging, LastWriterWins, OpenLock};
use super::seams::{self, BrokenStore};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "beginning-is-taken-for-the-whole",
        title: "A write is left out if what is there begins with the same bytes",
        target: "ibex",
        caught_by: "f30-torn-record-is-no-token",
        engine: || seams::store(SameBeginning),
    },
    Defect {
        id: "same-bytes-are-stored-once",
        title: "Bytes that are stored under any name are not written under another",
        target: "ibanera",
        caught_by: "f30-swapped-records-are-no-token",
        engine: || seams::store(Once::default()),
    },
    Defect {
        id: "two-processes-one-open-lock",
        title: "The lock of an account keeps one process out of nothing that another one does",
        target: "ibex",
        caught_by: "f03-one-exchange-for-two-processes",
        engine: || seams::store(OpenLock),
    },
    Defect {
        id: "mark-that-lags-behind",
        title: "The mark before a refresh is not seen by the next process, which reads a copy",
        target: "igny8",
        caught_by: "f05-process-dies-after-sending",
        engine: || seams::store(Lagging::default()),
    },
    Defect {
        id: "renewed-token-that-lags-behind",
        title: "The next process reads a copy that does not have the renewed token",
        target: "ibex",
        caught_by: "f07-dropped-at-a-renewal",
        engine: || seams::store(Lagging::default()),
    },
    Defect {
        id: "token-left-behind",
        title: "What a process has bought last is not there for the one that starts after it",
        target: "wikimedia",
        caught_by: "handed-over-to-the-next-process",
        engine: || seams::store(WriteBehind::default()),
    },
    Defect {
        id: "old-copy-read-and-written-over",
        title: "A process that was suspended reads an old copy, and writes over what has come meanwhile",
        target: "ibex_oauth2",
        caught_by: "f08-suspended-under-the-lock",
        engine: || Arc::new(Both(seams::store(Lagging::default()), seams::store(LastWriterWins))),
    },
];

#[derive(Clone)]
struct SameBeginning;

#[async_trait]
impl BrokenStore for SameBeginning {
    async fn commit(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        match real.load(name).await? {
            Some(there)
                if there.revision == expected
                    && there.bytes.expose_bytes().starts_with(bytes.expose_bytes()) =>
            {
                Ok(Committed::Done(expected))
            }
            _ => real.commit(name, expected, fence, bytes).await,
        }
    }
}

/// What was written under any name, by its hash.
#[derive(Clone, Default)]
struct Once(Arc<Mutex<HashSet<[u8; 32]>>>);

#[async_trait]
impl BrokenStore for Once {
    async fn commit(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let hash = Sha256::digest(bytes.expose_bytes()).into();
        let new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(hash);
        match new {
            true => real.commit(name, expected, fence, bytes).await,
            false => Ok(Committed::Done(expected)),
        }
    }
}

/// Two stores that are broken, one on top of the other.
struct Both(Arc<dyn Engine>, Arc<dyn Engine>);

impl Engine for Both {
    fn store(&self, real: Arc<dyn SessionStore>) -> Arc<dyn SessionStore> {
        self.1.store(self.0.store(real))
    }
}

type Unwritten = HashMap<RecordName, (Revision, SecretBytes)>;

/// Writes each record when the next one of its name comes.
#[derive(Clone, Default)]
struct WriteBehind(Arc<Mutex<Unwritten>>);

#[async_trait]
impl BrokenStore for WriteBehind {
    async fn commit(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        expected: Revision,
        _: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let next = (expected, bytes);
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), next);
        if let Some((revision, bytes)) = last {
            real.commit(name, revision, None, bytes).await?;
        }
        Ok(Committed::Done(Revision(expected.0 + 1)))
    }
}
