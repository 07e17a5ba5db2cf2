//! Locks of the operating system in files of their own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Error, Fence, Lock, RecordName};

use crate::system::{self, Identity};
use crate::{fault, guard};

/// How often a lock file may vanish between opening and locking it before we give up.
const TRIES: u32 = 16;

/// A lock file that is locked by us. The system lets it go when it is dropped or we die.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
    path: PathBuf,
    identity: Identity,
}

impl Held {
    /// Takes the lock `path`; `None` if somebody holds it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, Error> {
        for _ in 0..TRIES {
            let opened = guard::open_to_lock(path);
            let opened = opened.map_err(|error| match path.ancestors().nth(2) {
                // All locks lie in one folder of the store.
                Some(store) if !store.exists() => fault::no_folder(store),
                _ => error,
            })?;
            let Some((file, facts)) = opened else { return Ok(None) };
            let failed = |source| fault::io("lock", path, source);
            if !system::lock(&file).map_err(failed)? {
                return Ok(None);
            }
            let identity = system::identity(&file, &facts).map_err(failed)?;
            let held = Self { file, path: path.to_owned(), identity };
            // Somebody may have removed the file meanwhile: then others lock another one.
            if held.is_held() {
                return Ok(Some(held));
            }
        }
        Err(fault::unsafe_file(path, "is removed again and again; find out by whom"))
    }

    /// Whether the file is still the one that others lock.
    pub(crate) fn is_held(&self) -> bool {
        system::identity_at(&self.path).is_ok_and(|there| there == self.identity)
    }

    /// What stands in the file.
    pub(crate) fn read(&self) -> Result<String, Error> {
        read_text(&self.file).map_err(|source| fault::io("read", &self.path, source))
    }

    /// Writes `text` over what stands in the file. All texts of one file are of one length, so that
    /// nothing is cut and no reader sees half of it.
    pub(crate) fn write(&self, text: &str) -> Result<(), Error> {
        let written = system::write_all_at(&self.file, text.as_bytes(), 0);
        written.map_err(|source| fault::io("write", &self.path, source))
    }
}

/// The lock of a record, with its fencing number.
#[derive(Debug)]
pub(crate) struct FileLock {
    held: Held,
    fence: Fence,
}

impl FileLock {
    /// Takes the lock `path`; `None` if somebody holds it.
    pub(crate) fn try_take(path: &Path, name: RecordName) -> Result<Option<Self>, Error> {
        let Some(held) = Held::try_take(path)? else { return Ok(None) };
        let last = Holder::parse(&held.read()?).map_or(0, |holder| holder.fence);
        let holder = Holder { pid: std::process::id(), fence: last.saturating_add(1) };
        held.write(&holder.to_text())?;
        Ok(Some(Self { held, fence: Fence::new(name, holder.fence) }))
    }
}

#[async_trait]
impl Lock for FileLock {
    fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// The system's lock has no end, so `span` does not matter.
    fn held_for(&self, _span: Duration) -> bool {
        self.held.is_held()
    }

    async fn renew(&mut self, _lease: Duration) -> bool {
        self.held.is_held()
    }

    async fn release(self: Box<Self>) {}
}

/// What stands in the file of a session's lock: who took it last, and the fencing number of that taking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) fence: u64,
}

impl Holder {
    /// Who took the lock `path` last; `None` if nobody ever did or it cannot be read.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let (file, _) = guard::open(path, guard::Links::One).ok()??;
        Self::parse(&read_text(&file).ok()?)
    }

    /// The process that took the lock `path` last, whatever else its file says; `None` if it does not say that.
    pub(crate) fn pid_at(path: &Path) -> Option<u32> {
        let (file, _) = guard::open(path, guard::Links::One).ok()??;
        let text = read_text(&file).ok()?;
        let after = text.lines().find_map(|line| line.strip_prefix("pid "))?;
        after.split(' ').next()?.parse().ok()
    }

    fn parse(text: &str) -> Option<Self> {
        let (pid, fence) = text.strip_prefix("pid ")?.strip_suffix('\n')?.split_once(" fence ")?;
        Some(Self { pid: pid.parse().ok()?, fence: fence.parse().ok()? })
    }

    pub(crate) fn to_text(self) -> String {
        format!("pid {:010} fence {:020}\n", self.pid, self.fence)
    }
}

/// The first bytes of a file: no text of ours is longer.
fn read_text(file: &File) -> io::Result<String> {
    let mut bytes = [0; 128];
    let mut length = 0;
    while length < bytes.len() {
        match system::read_at(file, &mut bytes[length..], length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}
