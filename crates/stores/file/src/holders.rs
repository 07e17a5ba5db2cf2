//! Who has which lock, without taking one.

use std::path::{Path, PathBuf};

use countersign_core::{Error, RecordName};

use crate::layout::Layout;
use crate::lock::Holder;
use crate::store::FileStore;
use crate::{guard, inspect, system};

/// One lock that was ever taken.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LockFacts {
    /// Its file.
    pub path: PathBuf,
    /// What it is for.
    pub lock: LockKind,
    /// The process that took it last; `None` if that cannot be read.
    pub pid: Option<u32>,
    /// Whether it is held now.
    pub held: bool,
}

/// What a lock of a store is for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LockKind {
    /// A session's exchange with its provider: held for as long as that takes.
    Exchange(RecordName),
    /// A write of the record: held for a moment.
    Write(RecordName),
    /// A change of the seal keys.
    Keys,
}

impl FileStore {
    /// Looks at every lock of the store in the folder `dir`, by the names of their files. Nothing is made there. To
    /// find out whether a lock is held it is shared for a moment; who tries to take it just then waits as for any
    /// other.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if the folder cannot be read. One without locks has none.
    ///
    /// ```
    /// use countersign_store_file::FileStore;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// for lock in FileStore::locks_in(folder.path())?.iter().filter(|lock| lock.held) {
    ///     println!("{} is held by {:?}", lock.path.display(), lock.pid);
    /// }
    /// # Ok::<(), countersign_core::Error>(())
    /// ```
    pub fn locks_in(dir: impl AsRef<Path>) -> Result<Vec<LockFacts>, Error> {
        let paths = inspect::files(&Layout::new(dir.as_ref().to_owned()).locks())?;
        let facts = |path: PathBuf| {
            let lock = kind(path.file_name()?.to_str()?)?;
            let opened = guard::open(&path, guard::Links::One).ok().flatten();
            let held = opened.is_some_and(|(file, _)| system::is_held(&path, &file));
            Some(LockFacts { pid: Holder::pid_at(&path), held, lock, path })
        };
        Ok(paths.into_iter().filter_map(facts).collect())
    }
}

/// What the lock file called `file` is for.
fn kind(file: &str) -> Option<LockKind> {
    match file.rsplit_once('.')? {
        ("key", "lock") => Some(LockKind::Keys),
        (name, "lock") => RecordName::parse(name).map(LockKind::Exchange),
        (name, "cas") => RecordName::parse(name).map(LockKind::Write),
        _ => None,
    }
}
