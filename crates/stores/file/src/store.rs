//! The store: what is asked of it, and which of it waits.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, Fence, Lock, RecordName, Revision, SealKeys, SecretBytes, SessionStore,
    StoredRecord,
};

use crate::blocking::blocking;
use crate::cas::{self, Found, Sweep, Writer};
use crate::layout::Layout;
use crate::lock::{FileLock, Held, Holder};
use crate::protection::KeyProtection;
use crate::system::{self, Place};
use crate::wait::Patience;
use crate::{fault, guard, key};

/// How long a write waits for another write of the same record. Each takes milliseconds.
const WRITE_WAIT: Duration = Duration::from_secs(10);

/// Sessions in the files of one folder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FileStore {
    layout: Layout,
    protection: KeyProtection,
    /// Leftovers of dead processes are looked for once, with the first write.
    swept: Arc<AtomicBool>,
    reads_in_place: bool,
}

impl FileStore {
    /// The store in the folder `dir`, which is made if it is missing.
    ///
    /// A folder that cannot be written can be opened and read; what writes then fails.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the remedy if the folder cannot be made, belongs to
    /// somebody else, is open to others or is a symbolic link (`unsafe_file`); on Windows also if it is not below the
    /// user's profile (`foreign_place`).
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(dir, KeyProtection::OwnerOnly)
    }

    /// The same with seal keys that are under more than the mode of their file. The protection is that with
    /// which the keys are made, and must be the one that they are under ([`FileStore::protect`] changes it).
    ///
    /// # Errors
    /// As [`FileStore::open`]. Whether the protection is right shows with the first use of the keys
    /// ([`SessionStore::seal_keys`]), which a keeper makes before it reads a record.
    pub fn open_with(dir: impl AsRef<Path>, protection: KeyProtection) -> Result<Self, Error> {
        Self::open_at(dir.as_ref(), protection, Place::Judged)
    }

    /// The same for a folder of which you say that nobody but its user can read it.
    ///
    /// On Windows, where files have no mode that could be looked at, a store is refused (`foreign_place`) unless it is
    /// below the user's profile. This opens it all the same: on another disk, or on a server, whose locks hold
    /// between machines as far as it keeps what it is told. On Unix nothing is taken on trust, and this is
    /// [`FileStore::open_with`].
    ///
    /// # Errors
    /// As [`FileStore::open_with`].
    ///
    /// ```
    /// use countersign_store_file::{FileStore, KeyProtection};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path().join("sessions");
    /// let store = FileStore::open_vouched(&folder, KeyProtection::OwnerOnly)?;
    /// assert_eq!(store.folder(), folder);
    /// # Ok::<(), countersign_core::Error>(())
    /// ```
    pub fn open_vouched(dir: impl AsRef<Path>, protection: KeyProtection) -> Result<Self, Error> {
        Self::open_at(dir.as_ref(), protection, Place::Vouched)
    }

    fn open_at(dir: &Path, protection: KeyProtection, place: Place) -> Result<Self, Error> {
        let root = std::path::absolute(dir).map_err(|source| fault::io("find", dir, source))?;
        let root = system::check_place(root, place)?;
        guard::folder(&root)?;
        let layout = Layout::new(root);
        for folder in [layout.records(), layout.locks(), layout.temp()] {
            guard::folder_if_writable(&folder)?;
        }
        Ok(Self { layout, protection, swept: Arc::default(), reads_in_place: false })
    }

    /// The store in [`FileStore::default_folder`].
    ///
    /// # Errors
    /// As [`FileStore::open`] and [`FileStore::default_folder`].
    pub fn open_default() -> Result<Self, Error> {
        Self::open(Self::default_folder()?)
    }

    /// The same folder with another protection of the seal keys.
    ///
    /// # Errors
    /// As [`FileStore::open`] and [`FileStore::default_folder`].
    pub fn open_default_with(protection: KeyProtection) -> Result<Self, Error> {
        Self::open_with(Self::default_folder()?, protection)
    }

    /// The user's folder for state, which [`FileStore::open_default`] opens: `$XDG_STATE_HOME/countersign`, else
    /// `~/.local/state/countersign`; on Windows `%LOCALAPPDATA%\countersign`, which does not roam to other machines.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the code `no_home` if the user has no home.
    pub fn default_folder() -> Result<PathBuf, Error> {
        Ok(system::default_folder().ok_or_else(fault::no_home)?.join("countersign"))
    }

    /// The same store, whose records and plain keys are read by the thread that asks for them, and not by
    /// another one: for a program that has nothing else to do meanwhile. A thread costs such a program more
    /// than what is read. Whatever writes or may wait still goes to blocking threads, but for the key of a new
    /// store.
    #[must_use]
    pub fn reading_in_place(mut self) -> Self {
        self.reads_in_place = true;
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.layout.root()
    }

    pub(crate) const fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) const fn protection(&self) -> &KeyProtection {
        &self.protection
    }

    pub(crate) fn with_protection(&self, protection: KeyProtection) -> Self {
        Self { protection, ..self.clone() }
    }

    /// The right to change the keys; whoever has it is waited for, and named in the end.
    pub(crate) async fn key_lock(&self) -> Result<Held, Error> {
        let mut patience = Patience::new(WRITE_WAIT);
        loop {
            let layout = self.layout.clone();
            if let Some(lock) = blocking(move || key::try_lock(&layout)).await? {
                return Ok(lock);
            }
            if !patience.pause().await {
                return Err(fault::keys_busy(holder(self.layout.key_lock()).await?));
            }
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if self.reads_in_place { work() } else { blocking(work).await }
    }

    /// The right to write the record; whoever has it is waited for, and named in the end.
    async fn writer(&self, name: &RecordName) -> Result<Writer, Error> {
        let mut patience = Patience::new(WRITE_WAIT);
        loop {
            let (layout, wanted) = (self.layout.clone(), name.clone());
            if let Some(writer) = blocking(move || Writer::try_take(&layout, &wanted)).await? {
                return Ok(writer);
            }
            if !patience.pause().await {
                return Err(fault::being_written(holder(self.layout.cas(name)).await?));
            }
        }
    }
}

#[async_trait]
impl SessionStore for FileStore {
    /// Takes no lock, makes no file and moves none. A record that is damaged comes as what is left of it,
    /// which no seal opens; it stays where it is until it is set aside or replaced.
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        let (layout, wanted) = (self.layout.clone(), name.clone());
        self.read(move || cas::read(&layout, &wanted).map(Found::record)).await
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        let (layout, wanted) = (self.layout.clone(), names.to_vec());
        self.read(move || {
            wanted.iter().map(|name| cas::read(&layout, name).map(Found::record)).collect()
        })
        .await
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        let layout = self.layout.clone();
        blocking(move || list(&layout)).await
    }

    /// `lease` does not matter: the system holds the lock until it is let go or its process ends.
    async fn lock(
        &self,
        name: &RecordName,
        _lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        let path = self.layout.lock(name);
        let mut patience = Patience::new(wait);
        loop {
            let (wanted, name) = (path.clone(), name.clone());
            if let Some(lock) = blocking(move || FileLock::try_take(&wanted, name)).await? {
                return Ok(Box::new(lock));
            }
            if !patience.pause().await {
                return Err(fault::locked(holder(path).await?));
            }
        }
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let writer = self.writer(name).await?;
        let first = !self.swept.swap(true, Ordering::Relaxed);
        let sweep = if first { Sweep::Yes } else { Sweep::No };
        blocking(move || writer.commit(expected, fence, &bytes, sweep)).await
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let writer = self.writer(name).await?;
        blocking(move || writer.remove(expected)).await
    }

    /// Moves the record to the folder `damaged`, as a file of its own.
    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let writer = self.writer(name).await?;
        blocking(move || writer.set_aside(expected)).await
    }

    fn place(&self, name: &RecordName) -> String {
        self.layout.record(name).display().to_string()
    }

    /// Reads the file `key`, which is made with a new key if nothing was ever stored.
    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        let (layout, protection) = (self.layout.clone(), self.protection.clone());
        match protection {
            KeyProtection::OwnerOnly => {
                self.read(move || key::seal_keys(&layout, &protection)).await
            }
            // To make a key of a passphrase takes long, and a vault may wait for somebody.
            _ => blocking(move || key::seal_keys(&layout, &protection)).await,
        }
    }
}

/// The process that has the lock `path`.
async fn holder(path: PathBuf) -> Result<Option<u32>, Error> {
    blocking(move || Ok(Holder::pid_at(&path))).await
}

/// The names of all records.
pub(crate) fn list(layout: &Layout) -> Result<Vec<RecordName>, Error> {
    let folder = &layout.records();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound && layout.root().exists() => {
            return Ok(Vec::new());
        }
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            return Err(fault::no_folder(layout.root()));
        }
        Err(source) => return Err(fault::io("list", folder, source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| fault::io("list", folder, source))?;
        names.extend(entry.file_name().to_str().and_then(Layout::record_name));
    }
    names.sort();
    Ok(names)
}
