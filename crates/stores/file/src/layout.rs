//! Which file is where.

use std::path::{Path, PathBuf};

use countersign_core::RecordName;

/// The paths below the folder of a store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.root.join("key")
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.root.join("records")
    }

    pub(crate) fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }

    pub(crate) fn temp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(crate) fn damaged(&self) -> PathBuf {
        self.root.join("damaged")
    }

    pub(crate) fn record(&self, name: &RecordName) -> PathBuf {
        self.records().join(format!("{name}.rec"))
    }

    pub(crate) fn lock(&self, name: &RecordName) -> PathBuf {
        self.locks().join(format!("{name}.lock"))
    }

    pub(crate) fn cas(&self, name: &RecordName) -> PathBuf {
        self.locks().join(format!("{name}.cas"))
    }

    pub(crate) fn key_lock(&self) -> PathBuf {
        self.locks().join("key.lock")
    }

    /// The `n`th file that is set aside under `name`.
    pub(crate) fn set_aside(&self, name: &RecordName, n: u32) -> PathBuf {
        self.damaged().join(format!("{name}.{n}.rec"))
    }

    /// The name of the record that is kept in a file called `file`.
    pub(crate) fn record_name(file: &str) -> Option<RecordName> {
        RecordName::parse(file.strip_suffix(".rec")?)
    }
}
