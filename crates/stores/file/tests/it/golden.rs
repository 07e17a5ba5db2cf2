//! Files as earlier versions left them on disks: they open for ever. They were made once, with
//! `examples/golden_files.rs` (the key file of version 1 by hand), and are never written again.

use std::fs;

use countersign_core::{Revision, SecretString, SessionStore};
use countersign_store_file::{FileStore, KeyProtection, Passphrase};

use super::machine::make_private;
use super::{Place, name, put, text};

fn with_key(file: &str) -> Place {
    let place = Place::new();
    fs::write(place.path("key"), file).unwrap();
    make_private(&place.path("key"));
    place
}

#[tokio::test]
async fn key_files_of_every_version_open() {
    let place = with_key(include_str!("../golden/key-1"));
    let keys = place.store.seal_keys().await.unwrap();
    assert_eq!(keys.ids().collect::<Vec<_>>(), [2, 1]);
    let counting = |from: u8| (from..from + 32).collect::<Vec<u8>>();
    assert_eq!(keys.opening(2).unwrap().expose_bytes(), counting(32));
    assert_eq!(keys.opening(1).unwrap().expose_bytes(), counting(0));

    let place = with_key(include_str!("../golden/key-2-passphrase"));
    let passphrase = Passphrase::new(SecretString::new("canary passphrase"));
    let store =
        FileStore::open_with(place.store.folder(), KeyProtection::Passphrase(passphrase)).unwrap();
    let keys = store.seal_keys().await.unwrap();
    let sealer = countersign_seal::Sealer::new(keys).unwrap();
    // The salt comes from the key, so it tells that key from all others.
    assert_eq!(data_encoding::HEXLOWER.encode(&sealer.salt()[..8]), "1f2403e53bcf689d");
}

#[tokio::test]
async fn a_record_of_version_1_opens_and_is_written_on() {
    let place = Place::new();
    let digits: String = include_str!("../golden/record-1.hex").split_whitespace().collect();
    let file = data_encoding::HEXLOWER.decode(digits.as_bytes()).unwrap();
    fs::write(place.record(&name(7)), file).unwrap();
    make_private(&place.record(&name(7)));
    assert_eq!(text(&place.store, &name(7)).await.as_deref(), Some("canary record"));
    assert_eq!(put(&place.store, &name(7), Revision(1), "next").await, Revision(2));
}
