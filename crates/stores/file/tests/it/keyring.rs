//! A keyring of the `keyring` family under the seal keys.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use countersign_core::{ErrorKind, SecretBytes, SessionStore};
use countersign_store_file::{FileStore, KeyProtection, KeyVault, OsKeyring};
use keyring_core::api::{CredentialPersistence, CredentialStore, CredentialStoreApi};
use keyring_core::{Entry, Error as KeyringError, mock};

use super::{Place, assert_says};

/// The mock of the family, which says that it keeps its entries.
struct Lasting {
    mock: Arc<mock::Store>,
    _leaving: Option<Leaving>,
}

/// Says whether it was let go of in a runtime.
struct Leaving(std::sync::mpsc::Sender<bool>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.send(tokio::runtime::Handle::try_current().is_ok()).unwrap();
    }
}

impl CredentialStoreApi for Lasting {
    fn vendor(&self) -> String {
        self.mock.vendor()
    }

    fn id(&self) -> String {
        self.mock.id()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        modifiers: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<Entry> {
        self.mock.build(service, user, modifiers)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn persistence(&self) -> CredentialPersistence {
        CredentialPersistence::UntilDelete
    }

    fn debug_fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lasting")
    }
}

fn lasting() -> Arc<CredentialStore> {
    Arc::new(Lasting { mock: mock::Store::new().unwrap(), _leaving: None })
}

#[tokio::test]
async fn seal_keys_are_under_an_entry_of_the_keyring() {
    let (place, keyring) = (Place::new(), lasting());
    let open = |keyring: &Arc<CredentialStore>| {
        let vault = OsKeyring::new(Arc::clone(keyring)).unwrap();
        FileStore::open_with(place.store.folder(), KeyProtection::Vault(Arc::new(vault))).unwrap()
    };
    let keys = open(&keyring).seal_keys().await.unwrap();
    let again = open(&keyring).seal_keys().await.unwrap();
    assert!(keys.sealing().unwrap().1.matches(again.sealing().unwrap().1));
    let file = std::fs::read_to_string(place.path("key")).unwrap();
    let entry = file.lines().nth(1).unwrap().strip_prefix("vault ").unwrap();
    let kept = Entry::new_in_store(&keyring, "countersign", entry).unwrap().get_secret().unwrap();
    assert_eq!(kept.len(), 64);
    assert!(!file.contains(std::str::from_utf8(&kept).unwrap()));

    let error = open(&lasting()).seal_keys().await.unwrap_err();
    assert_says(&error, "keyring_entry_missing", "restore that keyring");
}

#[test]
fn f31_a_keyring_that_forgets_at_a_logout_or_reboot_is_refused() {
    let forgetful: Arc<CredentialStore> = mock::Store::new().unwrap();
    let error = OsKeyring::new(forgetful).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, Some("keyring_forgets")));
}

#[test]
fn f32_what_a_keyring_says_is_told_in_our_words_without_what_it_holds() {
    let keyring = lasting();
    let vault = OsKeyring::new(Arc::clone(&keyring)).unwrap();
    let secret = SecretBytes::copy_from(b"canary");
    assert!(vault.get("entry").unwrap().is_none());
    vault.remove("entry").unwrap();
    vault.set("entry", &secret).unwrap();
    assert!(vault.get("entry").unwrap().unwrap().matches(&secret));
    for (said, code) in [
        (KeyringError::NoStorageAccess("canary".into()), "keyring_locked"),
        (KeyringError::TooLong("canary".into(), 10), "keyring_small"),
        (KeyringError::Ambiguous(Vec::new()), "keyring_ambiguous"),
        (KeyringError::BadEncoding(b"canary".to_vec()), "keyring"),
    ] {
        let entry = Entry::new_in_store(&keyring, "countersign", "entry").unwrap();
        entry.as_any().downcast_ref::<mock::Cred>().unwrap().set_error(said);
        let error = vault.get("entry").unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    vault.remove("entry").unwrap();
    assert!(vault.get("entry").unwrap().is_none());
}

/// One that waits for its bus when it goes must not do so where tasks run.
#[tokio::test]
async fn f31_a_keyring_is_let_go_of_outside_of_the_runtime() {
    let (tell, hear) = std::sync::mpsc::channel();
    let keyring = Lasting { mock: mock::Store::new().unwrap(), _leaving: Some(Leaving(tell)) };
    let vault = OsKeyring::new(Arc::new(keyring)).unwrap();
    let clone = vault.clone();
    drop(vault);
    assert!(hear.try_recv().is_err(), "it is in use");
    drop(clone);
    assert!(!hear.recv().unwrap(), "it was let go of in a runtime");
}
