//! Changes of the key file on a disk that does not confirm them, as strace makes one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use countersign_core::{Error, ErrorKind, SecretBytes, SessionStore};
use countersign_store_file::{FileStore, KeyProtection, KeyVault};

use super::child::Process;
use super::{Place, listing, name};

/// Entries as files of a folder, which several processes share.
pub(crate) struct FolderVault(PathBuf);

impl FolderVault {
    /// Beside the folder of a store.
    pub(crate) fn beside(store: &Path) -> Arc<Self> {
        let folder = store.with_file_name("vault");
        fs::create_dir_all(&folder).unwrap();
        Arc::new(Self(folder))
    }
}

impl KeyVault for FolderVault {
    fn get(&self, entry: &str) -> Result<Option<SecretBytes>, Error> {
        Ok(fs::read(self.0.join(entry)).ok().map(SecretBytes::new))
    }

    fn set(&self, entry: &str, secret: &SecretBytes) -> Result<(), Error> {
        fs::write(self.0.join(entry), secret.expose_bytes())
            .map_err(|source| Error::new(ErrorKind::Store).with_source(source))
    }

    fn remove(&self, entry: &str) -> Result<(), Error> {
        let _ = fs::remove_file(self.0.join(entry));
        Ok(())
    }
}

/// What a process is told that does `task` while no sync of the folder `of` (of anything, if it is `None`) succeeds;
/// `None` if nobody can make it so.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn told(task: &str, store: &FileStore, of: Option<&Path>) -> Option<String> {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    if !traced.is_ok_and(|output| output.status.success()) {
        eprintln!("left out: strace is not there, or may not trace");
        return None;
    }
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "inject=fsync:error=EIO"]);
    if let Some(folder) = of {
        command.arg("-P").arg(folder);
    }
    command.arg(std::env::current_exe().unwrap());
    let mut child = Process::start_as(command, task, store.folder(), &name(1));
    let said = child.says();
    assert!(child.ends_well());
    said
}

fn in_vault(place: &Place) -> (FileStore, PathBuf) {
    let vault = FolderVault::beside(place.store.folder());
    let entries = vault.0.clone();
    let store = FileStore::open_with(place.store.folder(), KeyProtection::Vault(vault)).unwrap();
    (store, entries)
}

#[tokio::test]
async fn f31_keys_that_were_replaced_and_not_confirmed_still_open() {
    let place = Place::new();
    let (store, entries) = in_vault(&place);
    let keys = store.seal_keys().await.unwrap();
    let before = fs::read_to_string(place.path("key")).unwrap();
    let folder = Some(place.store.folder());
    let Some(said) = told("add-key-in-vault", &place.store, folder) else { return };
    // The new file is in its place, and opens.
    let ids: Vec<u32> = store.seal_keys().await.unwrap().ids().collect();
    assert_eq!(ids, [2, 1]);
    // After a crash the old one may be back, and opens too.
    fs::write(place.path("key"), before).unwrap();
    let old = store.seal_keys().await.unwrap();
    assert!(old.sealing().unwrap().1.matches(keys.sealing().unwrap().1));
    assert_eq!(listing(&entries).len(), 2);
    assert_eq!(said, "unconfirmed");
}

#[tokio::test]
async fn f31_another_protection_that_was_not_confirmed_is_told_as_that_and_opens() {
    let place = Place::new();
    let keys = place.store.seal_keys().await.unwrap();
    let folder = Some(place.store.folder());
    let Some(said) = told("protect-in-vault", &place.store, folder) else { return };
    let (store, entries) = in_vault(&place);
    let now = store.seal_keys().await.unwrap();
    assert!(now.sealing().unwrap().1.matches(keys.sealing().unwrap().1));
    assert_eq!(listing(&entries).len(), 1);
    assert_eq!(said, "unconfirmed");
}

#[tokio::test]
async fn f31_a_first_key_that_was_not_confirmed_opens() {
    let place = Place::new();
    let folder = Some(place.store.folder());
    if told("make-key-in-vault", &place.store, folder).is_none() {
        return;
    }
    let (store, entries) = in_vault(&place);
    store.seal_keys().await.unwrap();
    assert_eq!(listing(&entries).len(), 1);
}

#[tokio::test]
async fn a_change_of_keys_that_fails_before_its_rename_leaves_no_entry_behind() {
    let place = Place::new();
    if told("make-key-in-vault", &place.store, None).is_none() {
        return;
    }
    let (store, entries) = in_vault(&place);
    assert!(!place.path("key").exists());
    assert_eq!(listing(&entries), [""; 0]);

    let keys = store.seal_keys().await.unwrap();
    assert_ne!(told("add-key-in-vault", &place.store, None).as_deref(), Some("unconfirmed"));
    let after = store.seal_keys().await.unwrap();
    assert!(after.sealing().unwrap().1.matches(keys.sealing().unwrap().1));
    assert_eq!(listing(&entries).len(), 1);
    assert_eq!(listing(&place.path("tmp")), [""; 0]);
}
