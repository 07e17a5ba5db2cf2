//! Seal keys under a passphrase or a key that is kept elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use countersign_core::{Error, ErrorKind, SealKeys, SecretBytes, SecretString, SessionStore};
use countersign_store_file::{FileStore, KeyProtection, KeyVault, Passphrase};

use super::machine::assert_private;
use super::{Place, assert_says, listing};

/// With the least that is taken, since the cost is not what is tested.
fn passphrase(text: &str) -> KeyProtection {
    KeyProtection::Passphrase(Passphrase::new(SecretString::new(text)).with_cost(8, 1))
}

fn open(place: &Place, protection: KeyProtection) -> FileStore {
    FileStore::open_with(place.store.folder(), protection).unwrap()
}

fn key_file(place: &Place) -> String {
    fs::read_to_string(place.path("key")).unwrap()
}

fn assert_hidden(place: &Place, keys: &SealKeys) {
    let (_, key) = keys.sealing().unwrap();
    let digits = data_encoding::HEXLOWER.encode(key.expose_bytes());
    assert!(!key_file(place).contains(&digits), "a seal key lies in the clear");
    assert_private(&place.path("key"));
}

#[tokio::test]
async fn keys_under_a_passphrase_open_with_it_and_with_nothing_else() {
    let place = Place::new();
    let keys = open(&place, passphrase("canary one")).seal_keys().await.unwrap();
    assert_hidden(&place, &keys);
    let file = key_file(&place);
    let line = file.lines().nth(1).unwrap();
    assert!(line.starts_with("passphrase m=8192 t=1 p=1 "), "{line}");
    // The parameters of the file count, not those of the reader.
    let other_cost = Passphrase::new(SecretString::new("canary one")).with_cost(9, 2);
    for same in [passphrase("canary one"), KeyProtection::Passphrase(other_cost)] {
        let again = open(&place, same).seal_keys().await.unwrap();
        assert!(again.sealing().unwrap().1.matches(keys.sealing().unwrap().1));
    }
    let error = open(&place, passphrase("canary two")).seal_keys().await.unwrap_err();
    assert_says(&error, "wrong_passphrase", "give the right one");
    assert!(!format!("{error} {error:?} {:?}", passphrase("canary two")).contains("canary"));
    let error = place.store.seal_keys().await.unwrap_err();
    assert_says(&error, "protected_key", "under a passphrase");
    assert_eq!(key_file(&place), file, "a key file was changed by who cannot open it");

    let other = Place::new();
    open(&other, passphrase("canary one")).seal_keys().await.unwrap();
    assert_ne!(key_file(&other).lines().nth(1), Some(line), "a salt was used twice");
}

#[tokio::test]
async fn f31_a_store_that_has_no_key_yet_gets_one_under_the_protection_that_is_asked_for() {
    let place = Place::new();
    // What cannot be had leaves nothing in its place.
    let error = place.store.protect(passphrase("")).await.unwrap_err();
    assert_says(&error, "no_passphrase", "is empty");
    assert!(!place.path("key").exists(), "a key was made in the clear first");
    let store = place.store.protect(passphrase("canary")).await.unwrap();
    assert_hidden(&place, &store.seal_keys().await.unwrap());
    // Records without a key are not given another one.
    let (name, keys) = (countersign_core::RecordName::from_hash([7; 16]), place.path("key"));
    store
        .commit(&name, countersign_core::Revision::NONE, None, SecretBytes::copy_from(b"sealed"))
        .await
        .unwrap();
    fs::remove_file(&keys).unwrap();
    let error = store.protect(passphrase("canary again")).await.unwrap_err();
    assert_says(&error, "bad_key", "is missing, and there are records");
    assert!(!keys.exists());
}

#[tokio::test]
async fn f31_no_protection_is_weaker_than_was_asked_for() {
    let place = Place::new();
    let error = open(&place, passphrase("")).seal_keys().await.unwrap_err();
    assert_says(&error, "no_passphrase", "is empty");
    assert!(!place.path("key").exists());
    let keys = place.store.seal_keys().await.unwrap();
    let plain = key_file(&place);
    for asked in [passphrase("canary"), KeyProtection::Vault(Arc::new(Vault::default()))] {
        let error = open(&place, asked).seal_keys().await.unwrap_err();
        let guard = if cfg!(windows) { "its folder" } else { "its mode" };
        assert_says(&error, "unprotected_key", &format!("protected by {guard} alone"));
    }
    assert_eq!(key_file(&place), plain);

    // From one to the next, with the same keys; the last one opens no more.
    let vault: Arc<Vault> = Arc::default();
    let mut store = place.store.clone();
    for next in [
        passphrase("canary"),
        KeyProtection::Vault(vault.clone()),
        passphrase("canary again"),
        KeyProtection::OwnerOnly,
    ] {
        let before = store;
        store = before.protect(next).await.unwrap();
        let now = store.seal_keys().await.unwrap();
        assert!(now.sealing().unwrap().1.matches(keys.sealing().unwrap().1));
        assert!(before.seal_keys().await.is_err());
    }
    assert!(vault.entries.lock().unwrap().is_empty(), "an entry was left behind");
    assert_eq!(key_file(&place), plain);
    assert_eq!(listing(&place.path("tmp")), [""; 0]);
}

#[tokio::test]
async fn a_key_file_that_was_changed_does_not_open() {
    let place = Place::new();
    open(&place, passphrase("canary")).seal_keys().await.unwrap();
    let file = key_file(&place);
    let refused = async |text: &str| {
        fs::write(place.path("key"), text).unwrap();
        open(&place, passphrase("canary")).seal_keys().await.unwrap_err()
    };
    for (from, to, code) in [
        ("t=1", "t=2", "wrong_passphrase"),
        ("m=8192", "m=16384", "wrong_passphrase"),
        // What asks for more than anybody has is refused before the passphrase is tried.
        ("m=8192", "m=4294967295", "bad_key"),
        ("t=1", "t=4294967295", "bad_key"),
        ("m=8192", "m=0", "bad_key"),
        ("passphrase", "password", "bad_key"),
        ("version 2", "version 3", "newer_version"),
    ] {
        assert_eq!(refused(&file.replace(from, to)).await.code(), Some(code), "{to}");
    }
    let digits = file.lines().nth(2).unwrap();
    let flipped = match digits.as_bytes()[60] {
        b'0' => "1",
        _ => "0",
    };
    let changed = format!("{}{flipped}{}", &digits[..60], &digits[61..]);
    assert_eq!(refused(&file.replace(digits, &changed)).await.code(), Some("wrong_passphrase"));
    assert_eq!(refused(&file.replace(digits, "")).await.code(), Some("wrong_passphrase"));
    fs::write(place.path("key"), file).unwrap();
    assert!(open(&place, passphrase("canary")).seal_keys().await.is_ok());
}

/// A keyring in memory with one flaw.
#[derive(Default)]
struct Vault {
    entries: Mutex<BTreeMap<String, SecretBytes>>,
    flaw: Flaw,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Flaw {
    #[default]
    None,
    Absent,
    Cuts,
    Forgets,
    IsSmall,
}

impl Vault {
    fn with(flaw: Flaw) -> Arc<Self> {
        Arc::new(Self { flaw, ..Self::default() })
    }
}

fn error(code: &str) -> Error {
    Error::new(ErrorKind::Store).with_code(code)
}

impl KeyVault for Vault {
    fn get(&self, entry: &str) -> Result<Option<SecretBytes>, Error> {
        match self.flaw {
            Flaw::Absent => Err(error("absent")),
            _ => Ok(self.entries.lock().unwrap().get(entry).cloned()),
        }
    }

    fn set(&self, entry: &str, secret: &SecretBytes) -> Result<(), Error> {
        let secret = match self.flaw {
            Flaw::Absent => return Err(error("absent")),
            Flaw::IsSmall => return Err(error("small")),
            Flaw::Forgets => return Ok(()),
            Flaw::Cuts => SecretBytes::copy_from(&secret.expose_bytes()[..40]),
            Flaw::None => secret.clone(),
        };
        self.entries.lock().unwrap().insert(entry.to_owned(), secret);
        Ok(())
    }

    fn remove(&self, entry: &str) -> Result<(), Error> {
        self.entries.lock().unwrap().remove(entry);
        Ok(())
    }
}

#[tokio::test]
async fn f31_a_keyring_that_is_absent_small_or_forgets_is_found_out_before_anything_rests_on_it() {
    for (flaw, code) in [
        (Flaw::Absent, "absent"),
        (Flaw::IsSmall, "small"),
        (Flaw::Forgets, "keyring_forgets"),
        (Flaw::Cuts, "keyring_forgets"),
    ] {
        let (place, vault) = (Place::new(), Vault::with(flaw));
        let store = open(&place, KeyProtection::Vault(vault.clone()));
        let error = store.seal_keys().await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{flaw:?}");
        assert!(!place.path("key").exists(), "{flaw:?}: a key in spite of its keyring");
        assert_eq!(listing(&place.path("tmp")), [""; 0]);
        assert!(vault.entries.lock().unwrap().is_empty(), "{flaw:?}");

        // A store that has its key already keeps it as it is.
        let keys = place.store.seal_keys().await.unwrap();
        let error = place.store.protect(KeyProtection::Vault(vault)).await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{flaw:?}");
        let again = place.store.seal_keys().await.unwrap();
        assert!(again.sealing().unwrap().1.matches(keys.sealing().unwrap().1));
    }
}

#[tokio::test]
async fn f31_a_file_and_a_keyring_that_do_not_belong_together_are_told_apart() {
    let (place, vault) = (Place::new(), Vault::with(Flaw::None));
    let keys = open(&place, KeyProtection::Vault(vault.clone())).seal_keys().await.unwrap();
    assert_hidden(&place, &keys);
    let file = key_file(&place);
    let error = open(&place, KeyProtection::Vault(Vault::with(Flaw::None)));
    let error = error.seal_keys().await.unwrap_err();
    assert_says(&error, "keyring_entry_missing", "restore that keyring");
    let error = place.store.seal_keys().await.unwrap_err();
    assert_says(&error, "protected_key", "the key of a keyring");
    // The entry of another file in the place of ours.
    for secret in vault.entries.lock().unwrap().values_mut() {
        *secret = SecretBytes::copy_from("ab".repeat(32).as_bytes());
    }
    let store = open(&place, KeyProtection::Vault(vault));
    assert_says(&store.seal_keys().await.unwrap_err(), "bad_key", "bring the right one back");
    assert_eq!(key_file(&place), file);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_make_the_first_key_get_the_same_and_leave_one_entry() {
    let (place, vault) = (Place::new(), Vault::with(Flaw::None));
    let store = open(&place, KeyProtection::Vault(vault.clone()));
    let makers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.seal_keys().await.unwrap() })
        })
        .collect();
    let first = store.seal_keys().await.unwrap();
    for maker in makers {
        let keys = maker.await.unwrap();
        assert!(keys.sealing().unwrap().1.matches(first.sealing().unwrap().1));
    }
    assert_eq!(vault.entries.lock().unwrap().len(), 1);
}
