//! What is in a store and how it is, without changing anything: for a person who looks for a fault.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_core::{Error, RecordName, Revision, SessionStore};
use countersign_seal::SealedFacts;

use crate::blocking::blocking;
use crate::cas::{self, Found};
use crate::holders::LockFacts;
use crate::layout::Layout;
use crate::store::FileStore;
use crate::{fault, guard, key, system};

/// What [`FileStore::inspect`] has found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The folder of the store.
    pub folder: PathBuf,
    /// Whether records can be written. If not, what is stored is served until it ends.
    pub writable: bool,
    /// What the seal keys are under: `owner_only`, `passphrase` or `vault`; `None` if none was made yet.
    pub key: Option<&'static str>,
    /// The ids of the seal keys, that of the sealing one first; empty if they cannot be read.
    pub key_ids: Vec<u32>,
    /// What is not as it must be, with the remedy: modes, owners, links, keys.
    pub problems: Vec<Error>,
    /// The records, by name.
    pub records: Vec<RecordFacts>,
    /// The locks that were ever taken, by the names of their files.
    pub locks: Vec<LockFacts>,
    /// Records that could not be read and were set aside.
    pub set_aside: Vec<PathBuf>,
    /// Files of writes that were under way: of this moment, or of processes that died. They are removed with a
    /// later write.
    pub unfinished: usize,
}

/// One record.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordFacts {
    /// Its name: a keyed hash.
    pub name: RecordName,
    /// Its revision and what its seal shows; or why it cannot be read (code `damaged`: it was
    /// changed since it was written; it stays until it is set aside or replaced).
    pub read: Result<(Revision, SealedFacts), Error>,
}

impl FileStore {
    /// Looks at everything and changes nothing: no file is made, no damaged record set aside. Locks are looked at
    /// as by [`FileStore::locks_in`].
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if the folder itself cannot be read.
    pub async fn inspect(&self) -> Result<Inspection, Error> {
        let mut problems = Vec::new();
        let (layout, wanted) = (self.layout().clone(), self.layout().clone());
        let key = blocking(move || key::kind(&wanted)).await;
        let key = key.unwrap_or_else(|error| {
            problems.push(error);
            None
        });
        // Asked for its keys, a store that has none yet would make one.
        let keys = if key.is_some() { self.seal_keys().await.map(Some) } else { Ok(None) };
        let key_ids = match keys {
            Ok(keys) => keys.map(|keys| keys.ids().collect()).unwrap_or_default(),
            Err(error) => {
                problems.push(error);
                Vec::new()
            }
        };
        blocking(move || {
            let folder = layout.root().to_owned();
            let folders = [layout.records(), layout.locks(), layout.temp()];
            for folder in folders.iter().filter(|folder| folder.exists()).chain([&folder]) {
                problems.extend(guard::check_folder(folder).err());
            }
            let writable = folders.iter().all(|folder| system::is_writable(folder));
            let records = names(&layout.records(), Layout::record_name)?;
            let read = |name: RecordName| RecordFacts { read: read(&layout, &name), name };
            Ok(Inspection {
                writable,
                key,
                key_ids,
                problems,
                records: records.into_iter().map(read).collect(),
                locks: Self::locks_in(&folder)?,
                set_aside: files(&layout.damaged())?,
                unfinished: files(&layout.temp())?.len(),
                folder,
            })
        })
        .await
    }
}

fn read(layout: &Layout, name: &RecordName) -> Result<(Revision, SealedFacts), Error> {
    match cas::read(layout, name)? {
        Found::Record(record) => {
            Ok((record.revision, SealedFacts::of(record.bytes.expose_bytes())?))
        }
        Found::Damaged(_) => Err(fault::damaged(&layout.record(name))),
        Found::Nothing => Err(fault::gone(&layout.record(name))),
    }
}

fn names(
    folder: &Path,
    name: impl Fn(&str) -> Option<RecordName>,
) -> Result<Vec<RecordName>, Error> {
    let named = |path: PathBuf| name(path.file_name()?.to_str()?);
    Ok(files(folder)?.into_iter().filter_map(named).collect())
}

/// The files in `folder`, sorted; none if there is no such folder.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let listed = |source| fault::io("list", folder, source);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(listed(source)),
    };
    let mut paths = entries
        .map(|entry| Ok(entry.map_err(listed)?.path()))
        .collect::<Result<Vec<_>, Error>>()?;
    paths.sort();
    Ok(paths)
}
