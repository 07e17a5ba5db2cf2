//! Files that are being written, and those that dead processes left behind.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use countersign_core::{Error, RecordName};

use crate::{fault, guard, system};

/// No write takes as long as this.
const OLD: Duration = Duration::from_secs(600);
/// Numbers that are tried before giving up: a dead process may have had our number.
const TRIES: u32 = 64;

static COUNTER: AtomicU64 = AtomicU64::new(1);

/// A new file beside its later place, removed on drop. It is held as long as it is written.
pub(crate) struct Temp {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl Temp {
    /// A file in `folder` for what will be called `stem`.
    pub(crate) fn new(folder: &Path, stem: &str) -> Result<Self, Error> {
        let mut tries = 0;
        loop {
            let n = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{stem}.{}.{n}.tmp", std::process::id()));
            match system::create_new(&path) {
                Ok(file) => return Ok(Self { file, path, kept: false }),
                Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {
                    tries += 1;
                }
                Err(source) => return Err(fault::io("write", &path, source)),
            }
        }
    }

    /// Fills it and waits until the disk has it.
    pub(crate) fn fill(
        &mut self,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), Error> {
        let written = write(&mut self.file).and_then(|()| self.file.sync_all());
        written.map_err(|source| fault::io("write", &self.path, source))
    }

    /// Puts it in the place of `target`.
    pub(crate) fn replace(mut self, target: &Path) -> Result<(), Error> {
        let failed = |source| fault::io("write", target, source);
        guard::rename(&self.path, target).map_err(failed)?;
        self.kept = true;
        system::settle(&self.file).map_err(failed)
    }

    /// Gives it the name `target` if nothing has it; false if something has.
    pub(crate) fn publish(self, target: &Path) -> Result<bool, Error> {
        match fs::hard_link(&self.path, target) {
            Ok(()) => Ok(true),
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(source) => Err(fault::io("write", target, source)),
        }
    }

    /// Removes what dead processes left beside it. Their age is measured by the file system's own
    /// clock: the age of this new file is zero. Failures do not matter: the next sweep tries again.
    pub(crate) fn sweep(&self) {
        let now = self.file.metadata().and_then(|facts| facts.modified());
        let entries = self.path.parent().map(fs::read_dir);
        let (Ok(now), Some(Ok(entries))) = (now, entries) else { return };
        for entry in entries.flatten() {
            let ours = entry.file_name().to_str().is_some_and(is_ours);
            if ours && is_abandoned(&entry.path(), now) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.kept {
            let _ = guard::remove(&self.path);
        }
    }
}

/// Whether a file called `name` was made by [`Temp::new`].
fn is_ours(name: &str) -> bool {
    let Some(rest) = name.strip_suffix(".tmp") else { return false };
    let mut parts = rest.split('.');
    let stem = parts.next().is_some_and(|s| s == "key" || RecordName::parse(s).is_some());
    let numbers: Vec<_> = parts.map(str::parse::<u64>).collect();
    stem && numbers.len() == 2 && numbers.iter().all(Result::is_ok)
}

fn is_abandoned(path: &Path, now: SystemTime) -> bool {
    let Ok(Some((file, facts))) = guard::open(path, guard::Links::Any) else { return false };
    let age = facts.modified().ok().and_then(|at| now.duration_since(at).ok());
    age.is_some_and(|age| age > OLD) && !system::is_held(path, &file)
}
