//! Compare and swap: the moment of a write, in which nobody else writes the same record.

use std::fs;
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
    /// It must be read again under the lock before it is set aside.
    Damaged,
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
        Content::Damaged => Ok(Found::Damaged),
        Content::Newer => Err(fault::newer(&path)),
    }
}

/// The right to write one record.
#[derive(Debug)]
pub(crate) struct Writer {
    layout: Layout,
    name: RecordName,
    lock: Held,
}

impl Writer {
    /// Takes the right; `None` if somebody is writing.
    pub(crate) fn try_take(layout: &Layout, name: &RecordName) -> Result<Option<Self>, Error> {
        let lock = Held::try_take(&layout.cas(name))?;
        Ok(lock.map(|lock| Self { layout: layout.clone(), name: name.clone(), lock }))
    }

    /// The record. One that is damaged is set aside, which is an error once.
    pub(crate) fn current(&self) -> Result<Option<StoredRecord>, Error> {
        match read(&self.layout, &self.name)? {
            Found::Nothing => Ok(None),
            Found::Record(record) => Ok(Some(record)),
            Found::Damaged => Err(fault::set_aside(&damaged::set_aside(&self.layout, &self.name)?)),
        }
    }

    /// Writes `bytes` if the record still has the revision `expected` and no other lock was taken
    /// since `fence`.
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
        let current = self.current()?;
        let revision = current.as_ref().map_or(Revision::NONE, |record| record.revision);
        if revision != expected || !self.is_last(fence.as_ref()) {
            return Ok(Committed::Lost(current));
        }
        let next = Revision(revision.0.max(self.highest()?).saturating_add(1));
        let mut temp = Temp::new(&self.layout.temp(), self.name.as_str())?;
        if sweep == Sweep::Yes {
            temp.sweep();
        }
        temp.fill(|file| record::write(file, next, bytes))?;
        self.remember(next)?;
        temp.replace(&self.layout.record(&self.name))?;
        guard::sync_folder(&self.layout.records())?;
        Ok(Committed::Done(next))
    }

    /// Removes the record if it still has the revision `expected`.
    pub(crate) fn remove(self, expected: Revision) -> Result<bool, Error> {
        let Some(current) = self.current()? else { return Ok(false) };
        if current.revision != expected {
            return Ok(false);
        }
        self.remember(current.revision)?;
        let path = self.layout.record(&self.name);
        fs::remove_file(&path).map_err(|source| fault::io("remove", &path, source))?;
        guard::sync_folder(&self.layout.records())?;
        Ok(true)
    }

    /// Sets the record aside if it still has the revision `expected`.
    pub(crate) fn set_aside(self, expected: Revision) -> Result<bool, Error> {
        let Some(current) = self.current()? else { return Ok(false) };
        if current.revision != expected {
            return Ok(false);
        }
        self.remember(current.revision)?;
        damaged::set_aside(&self.layout, &self.name).map(|_| true)
    }

    /// Whether `fence` is that of the last lock taken. Another number means another lock, also a
    /// higher one: then the lock file was removed and the count began again.
    fn is_last(&self, fence: Option<&Fence>) -> bool {
        let Some(fence) = fence else { return true };
        let path: &Path = &self.layout.lock(fence.lock());
        Holder::of(path).is_some_and(|holder| holder.fence == fence.number())
    }

    /// The highest revision that was ever given: a record that is removed and made again goes on
    /// counting, so that an old revision never fits the new record.
    fn highest(&self) -> Result<u64, Error> {
        let text = self.lock.read()?;
        let digits = text.strip_prefix("revision ").map(str::trim_end);
        Ok(digits.and_then(|digits| digits.parse().ok()).unwrap_or(0))
    }

    fn remember(&self, revision: Revision) -> Result<(), Error> {
        let highest = self.highest()?.max(revision.0);
        self.lock.write(&format!("revision {highest:020}\n"))
    }
}
