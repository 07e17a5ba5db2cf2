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
use etcetera::BaseStrategy;

use crate::blocking::blocking;
use crate::cas::{self, Found, Sweep, Writer};
use crate::layout::Layout;
use crate::lock::{FileLock, Held, Holder};
use crate::protection::KeyProtection;
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
    /// somebody else, is open to others or is a symbolic link.
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
        let dir = dir.as_ref();
        let root = std::path::absolute(dir).map_err(|source| fault::io("find", dir, source))?;
        guard::folder(&root)?;
        let layout = Layout::new(root);
        for folder in [layout.records(), layout.locks(), layout.temp()] {
            guard::folder_if_writable(&folder)?;
        }
        Ok(Self { layout, protection, swept: Arc::default(), reads_in_place: false })
    }

    /// The store in the user's folder for state: `$XDG_STATE_HOME/countersign`, else
    /// `~/.local/state/countersign`.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] as [`FileStore::open`], and if the user has no home.
    pub fn open_default() -> Result<Self, Error> {
        Self::open(default_folder()?)
    }

    /// The same folder with another protection of the seal keys.
    ///
    /// # Errors
    /// As [`FileStore::open_default`].
    pub fn open_default_with(protection: KeyProtection) -> Result<Self, Error> {
        Self::open_with(default_folder()?, protection)
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
                let path = self.layout.key_lock();
                let holder = blocking(move || Ok(Holder::of(&path))).await?;
                return Err(fault::keys_busy(holder.map(|holder| holder.pid)));
            }
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if self.reads_in_place { work() } else { blocking(work).await }
    }

    async fn writer(&self, name: &RecordName) -> Result<Writer, Error> {
        let mut patience = Patience::new(WRITE_WAIT);
        loop {
            let (layout, name) = (self.layout.clone(), name.clone());
            if let Some(writer) = blocking(move || Writer::try_take(&layout, &name)).await? {
                return Ok(writer);
            }
            if !patience.pause().await {
                return Err(fault::locked(None));
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
                let holder = blocking(move || Ok(Holder::of(&path))).await?;
                return Err(fault::locked(holder.map(|holder| holder.pid)));
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

fn default_folder() -> Result<PathBuf, Error> {
    let places = etcetera::choose_base_strategy().map_err(|_| {
        fault::store("no_home", "the user has no home folder; name a folder for the store".into())
    })?;
    Ok(places.state_dir().unwrap_or_else(|| places.data_dir()).join("countersign"))
}
