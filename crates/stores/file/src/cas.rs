//! Compare and swap: the moment of a write, in which nobody else writes the same record.

use std::path::Path;

use countersign_core::{Committed, Error, Fence, RecordName, Revision, SecretBytes, StoredRecord};

use crate::layout::Layout;
use crate::lock::{Held, Holder};
use crate::record::{self, Content};
use crate::temp::Temp;
use crate::{damaged, fault, guard};

/// Whether a write also cleans up behind dead processes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sweep {
    Yes,
    No,
}

/// A record as it lies there, read without any lock.
pub(crate) enum Found {
    Nothing,
    Record(StoredRecord),
    /// What is left of one.
    Damaged(StoredRecord),
}

impl Found {
    /// The record, damaged or not: whoever has its key finds out.
    pub(crate) fn record(self) -> Option<StoredRecord> {
        match self {
            Self::Nothing => None,
            Self::Record(record) | Self::Damaged(record) => Some(record),
        }
    }

    fn revision(&self) -> Revision {
        match self {
            Self::Nothing => Revision::NONE,
            Self::Record(record) | Self::Damaged(record) => record.revision,
        }
    }
}

/// Reads the record called `name`.
pub(crate) fn read(layout: &Layout, name: &RecordName) -> Result<Found, Error> {
    let path = layout.record(name);
    let Some((mut file, facts)) = guard::open(&path, guard::Links::One)? else {
        // Where everything is gone nobody was signed out.
        return if layout.root().exists() {
            Ok(Found::Nothing)
        } else {
            Err(fault::no_folder(layout.root()))
        };
    };
    let content = record::read(&mut file, facts.len());
    match content.map_err(|source| fault::io("read", &path, source))? {
        Content::Good(record) => Ok(Found::Record(record)),
        Content::Damaged(record) => Ok(Found::Damaged(record)),
        Content::Newer => Err(fault::newer(&path)),
    }
}

/// The right to write one record.
#[derive(Debug)]
pub(crate) struct Writer {
    layout: Layout,
    name: RecordName,
    lock: Held,
    /// The highest revision that was ever given: a record that is removed and made again goes on
    /// counting, so that an old revision never fits the new record.
    highest: u64,
}

impl Writer {
    /// Takes the right; `None` if somebody is writing.
    pub(crate) fn try_take(layout: &Layout, name: &RecordName) -> Result<Option<Self>, Error> {
        let Some(lock) = Held::try_take(&layout.cas(name))? else { return Ok(None) };
        let highest = highest_of(&lock.read()?);
        let writer = Self { layout: layout.clone(), name: name.clone(), lock, highest };
        // Whoever waits in vain is told who we are.
        writer.remember(Revision::NONE)?;
        Ok(Some(writer))
    }

    /// Writes `bytes` if the record still has the revision `expected` and no other lock was taken
    /// since `fence`. What is damaged is kept aside.
    pub(crate) fn commit(
        self,
        expected: Revision,
        fence: Option<Fence>,
        bytes: &SecretBytes,
        sweep: Sweep,
    ) -> Result<Committed, Error> {
        if bytes.len() > record::LONGEST {
            return Err(fault::store("too_long", "the record is longer than 16 MiB".into()));
        }
        let current = read(&self.layout, &self.name)?;
        if current.revision() != expected || !self.is_last(fence.as_ref()) {
            return Ok(Committed::Lost(current.record()));
        }
        let is_damaged = matches!(current, Found::Damaged(_));
        let counted = if is_damaged { 0 } else { current.revision().0 };
        let next = Revision(counted.max(self.highest).saturating_add(1));
        let mut temp = Temp::new(&self.layout.temp(), self.name.as_str())?;
        if sweep == Sweep::Yes {
            temp.sweep();
        }
        temp.fill(|file| record::write(file, next, bytes))?;
        self.remember(next)?;
        if is_damaged {
            // A copy: there is a record at any moment, and nobody takes it for missing.
            damaged::keep(&self.layout, &self.name)?;
        }
        temp.replace(&self.layout.record(&self.name))?;
        guard::sync_folder(&self.layout.records())?;
        Ok(Committed::Done(next))
    }

    /// Removes the record if it still has the revision `expected`. What is damaged is kept aside.
    pub(crate) fn remove(self, expected: Revision) -> Result<bool, Error> {
        match read(&self.layout, &self.name)? {
            Found::Record(current) if current.revision == expected => {
                self.remember(current.revision)?;
                let path = self.layout.record(&self.name);
                guard::remove(&path).map_err(|source| fault::io("remove", &path, source))?;
                guard::sync_folder(&self.layout.records())?;
                Ok(true)
            }
            Found::Damaged(_) => self.set_aside(expected),
            Found::Nothing | Found::Record(_) => Ok(false),
        }
    }

    /// Sets the record aside if it still has the revision `expected`.
    pub(crate) fn set_aside(self, expected: Revision) -> Result<bool, Error> {
        let current = read(&self.layout, &self.name)?;
        if matches!(current, Found::Nothing) || current.revision() != expected {
            return Ok(false);
        }
        if let Found::Record(current) = current {
            self.remember(current.revision)?;
        }
        damaged::set_aside(&self.layout, &self.name).map(|_| true)
    }

    /// Whether `fence` is that of the last lock taken. Another number means another lock, also a
    /// higher one: then the lock file was removed and the count began again.
    fn is_last(&self, fence: Option<&Fence>) -> bool {
        let Some(fence) = fence else { return true };
        let path: &Path = &self.layout.lock(fence.lock());
        Holder::of(path).is_some_and(|holder| holder.fence == fence.number())
    }

    fn remember(&self, revision: Revision) -> Result<(), Error> {
        let highest = self.highest.max(revision.0);
        self.lock.write(&format!("revision {highest:020}\npid {:010}\n", std::process::id()))
    }
}

/// The revision that stands in the lock file. It has the first line for itself, of which alone older versions know.
fn highest_of(text: &str) -> u64 {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("revision ").and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
