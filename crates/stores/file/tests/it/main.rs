//! The file store on a real file system, with real processes.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up stops it")]

mod child;
mod files;
mod golden;
#[cfg(feature = "keyring")]
mod keyring;
mod keys;
mod locks;
mod looked_at;
mod machine;
mod protected;
mod rotation;
// `strace` sees system calls of Linux.
#[cfg(unix)]
mod traced;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod unsynced;
mod windows;
mod writes;

use std::fs;
use std::path::Path;

use countersign_core::{Committed, Error, RecordName, Revision, SecretBytes, SessionStore};
use countersign_seal::suite::{Subject, check};
use countersign_store_file::FileStore;
use tempfile::TempDir;

const LEASE: std::time::Duration = std::time::Duration::from_secs(30);

/// A store in a folder of its own, which goes when the test ends.
struct Place {
    // Dropped with the place.
    _home: TempDir,
    store: FileStore,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = FileStore::open(home.path().join("state/countersign")).unwrap();
        Self { _home: home, store }
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        self.store.folder().join(below)
    }

    fn record(&self, name: &RecordName) -> std::path::PathBuf {
        self.path(&format!("records/{name}.rec"))
    }
}

fn name(fill: u8) -> RecordName {
    RecordName::from_hash([fill; 16])
}

fn bytes(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

async fn put(store: &FileStore, name: &RecordName, expected: Revision, text: &str) -> Revision {
    match store.commit(name, expected, None, bytes(text)).await.unwrap() {
        Committed::Done(revision) => revision,
        Committed::Lost(_) => panic!("a write to the right revision lost"),
    }
}

async fn text(store: &FileStore, name: &RecordName) -> Option<String> {
    let record = store.load(name).await.unwrap()?;
    Some(String::from_utf8(record.bytes.expose_bytes().to_vec()).unwrap())
}

/// The names in a folder of the store, sorted.
fn listing(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn assert_says(error: &Error, code: &str, remedy: &str) {
    assert_eq!(error.kind(), countersign_core::ErrorKind::Store);
    assert_eq!(error.code(), Some(code), "{error}");
    assert!(error.to_string().contains(remedy), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::disallowed_methods, reason = "locks of the system know real time only")]
async fn the_public_suite_passes() {
    let place = Place::new();
    let second = FileStore::open(place.store.folder()).unwrap();
    let subject = Subject::new(&place.store)
        .second(&second)
        .naming_the_holder("in this process")
        .without_lease("the system's locks end with their process")
        .passing(tokio::time::sleep)
        .damaging(|name, how| {
            let (path, mut bytes) = (place.record(&name), fs::read(place.record(&name)).unwrap());
            how.befall(&mut bytes);
            fs::write(path, bytes).unwrap();
            std::future::ready(())
        });
    let report = check(&subject).await;
    assert_eq!(report.failed(), [""; 0], "{report}");
    assert_eq!(
        report.left_out(),
        [
            "a_lease_ends_and_its_holder_is_nobody_then",
            "a_renewed_lease_lasts",
            "a_lease_lost_before_the_load_fences_the_journal",
            "a_lease_lost_before_the_journal_fences_it",
            "a_lease_lost_before_the_send_is_known",
            "a_lease_lost_before_the_commit_fences_it",
            "a_lease_lost_before_the_release_releases_nothing",
            "a_change_is_announced_where_changes_are",
        ],
        "{report}"
    );
    assert_eq!(listing(&place.path("records")), [""; 0]);
    assert_eq!(listing(&place.path("tmp")), [""; 0]);
}
