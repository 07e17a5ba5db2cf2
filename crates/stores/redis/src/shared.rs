//! What all clones of a store share, and how answers are read.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_core::{Error, Monotonic, RecordName, Revision, SecretBytes, StoredRecord};
use redis::Value;

use crate::fault;
use crate::keys::Keys;
use crate::link::{Ask, Link};
use crate::names::Names;
use crate::replicas::Waits;

/// So many failed writes are remembered.
const MOST_UNWRITTEN: usize = 65_536;

/// What may be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    ReadOnly,
    ReadWrite,
}

pub(crate) struct Shared {
    pub(crate) link: Link,
    pub(crate) names: Names,
    pub(crate) keys: Keys,
    pub(crate) mode: Mode,
    /// Who we are, for those who wait for a lock of ours.
    pub(crate) holder: Box<str>,
    /// How long an operation may take, with all of its tries.
    pub(crate) deadline: Duration,
    /// So many replicas have to confirm a write.
    pub(crate) replicas: u32,
    pub(crate) waits: Waits,
    /// The fencing numbers under which a write has failed: its process may have more to save.
    pub(crate) failed: Mutex<HashSet<u64>>,
    /// The records of which a write has failed, until another one comes through.
    pub(crate) unwritten: Mutex<HashSet<RecordName>>,
    /// The locks of this process that were dropped, until the server has heard of it.
    pub(crate) dropped: Mutex<HashMap<RecordName, Box<str>>>,
}

impl Shared {
    /// When an operation that begins now has to be over.
    pub(crate) fn until(&self) -> Monotonic {
        self.link.clock().monotonic().after(self.deadline)
    }

    pub(crate) fn dropped(&self) -> MutexGuard<'_, HashMap<RecordName, Box<str>>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers whether the last write under `fence` failed.
    pub(crate) fn wrote(&self, fence: u64, failed: bool) {
        let mut all = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed {
            all.insert(fence);
        } else {
            all.remove(&fence);
        }
    }

    /// Remembers whether the last write of the record `name` failed.
    pub(crate) fn wrote_record(&self, name: &RecordName, failed: bool) {
        let mut all = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed {
            all.remove(name);
        } else if all.len() < MOST_UNWRITTEN {
            all.insert(name.clone());
        }
    }

    /// The records of which the last write failed.
    pub(crate) fn unwritten(&self) -> Vec<RecordName> {
        let all = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().cloned().collect()
    }

    /// Whether the last write under `fence` failed; asked once, when its lock is let go.
    pub(crate) fn has_failed(&self, fence: u64) -> bool {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).remove(&fence)
    }

    /// The dropped `token` has been replaced by the next one of this process.
    pub(crate) fn superseded(&self, name: &RecordName, token: &str) {
        let mut dropped = self.dropped();
        if dropped.get(name).is_some_and(|there| **there == *token) {
            dropped.remove(name);
        }
    }

    /// Waits until the server is reached, at most until `end`; whether it is.
    pub(crate) async fn is_back(&self, end: Monotonic) -> bool {
        let command = redis::cmd("PING");
        self.link.ask(Ask::Command(&command), end).await.is_ok()
    }

    /// An answer that the command does not have may be another command's: its connection is used no more.
    pub(crate) fn unexpected(&self) -> Error {
        self.link.leave();
        fault::unexpected(&self.link.place())
    }

    pub(crate) fn array(&self, value: Value) -> Result<Vec<Value>, Error> {
        match value {
            Value::Array(values) => Ok(values),
            _ => Err(self.unexpected()),
        }
    }

    /// A record of which revision and bytes were asked for.
    pub(crate) fn record(&self, value: Value) -> Result<Option<StoredRecord>, Error> {
        let mut values = self.array(value)?.into_iter();
        match (values.next(), values.next()) {
            (Some(Value::Nil), Some(Value::Nil)) => Ok(None),
            (Some(revision), Some(Value::BulkString(bytes))) => {
                let revision = number(&revision).filter(|revision| *revision > 0);
                let revision = revision.ok_or_else(|| fault::foreign(&self.link.place()))?;
                Ok(Some(StoredRecord {
                    revision: Revision(revision),
                    bytes: SecretBytes::new(bytes),
                }))
            }
            _ => Err(fault::foreign(&self.link.place())),
        }
    }
}

/// A number, which a script answers as text if it is large.
pub(crate) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => text(value)?.parse().ok(),
    }
}

/// A text.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}
