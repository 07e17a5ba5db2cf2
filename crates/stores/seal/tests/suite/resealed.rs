//! All records of a store under its newest key, also while others write and where some cannot be opened.

use countersign_core::{
    Committed, Origin, ProviderId, Realm, Revision, SealKeys, SecretBytes, SessionKey, SessionStore,
};
use countersign_seal::{RecordFormat, SealedFacts, Sealer, SessionRecord, reseal};

use crate::block_on;
use crate::defect::Defect;
use crate::store::Store;

fn secret(fill: u8) -> SecretBytes {
    SecretBytes::new(vec![fill; 32])
}

fn key(identity: &str) -> SessionKey {
    let realm = Realm::new(Origin::parse("https://auth.example").unwrap());
    SessionKey::new(ProviderId::new("acme"), &realm, identity)
}

fn counted(counter: u64) -> SessionRecord {
    SessionRecord { counter, ..SessionRecord::default() }
}

#[test]
fn every_record_that_opens_is_sealed_anew_and_the_others_are_named() {
    block_on(async {
        let old = Sealer::new(SealKeys::new(1, secret(1))).unwrap();
        let new = Sealer::new(SealKeys::new(2, secret(2)).also(1, secret(1))).unwrap();
        let other = Sealer::new(SealKeys::new(9, secret(9)).also(1, secret(1))).unwrap();
        let (store, _) = Store::pair(Defect::None);
        let put = async |key: &SessionKey, bytes| {
            let done = store.commit(&new.name(&key.digest()), Revision::NONE, None, bytes).await;
            assert!(matches!(done.unwrap(), Committed::Done(_)));
        };
        let kims: Vec<SessionKey> = (0..4).map(|n| key(&format!("kim-{n}"))).collect();
        for kim in &kims {
            put(kim, old.seal_session(kim, &counted(7)).unwrap()).await;
        }
        put(&key("new"), new.seal_session(&key("new"), &counted(8)).unwrap()).await;
        let v1 = old.clone().writing(RecordFormat::V1);
        put(&key("v1"), v1.seal_session(&key("v1"), &counted(9)).unwrap()).await;
        put(&key("lost"), other.seal_session(&key("lost"), &counted(9)).unwrap()).await;
        put(&key("damaged"), SecretBytes::copy_from(b"canary")).await;

        let done = reseal(&store, &new).await.unwrap();
        assert_eq!((done.anew, done.already, done.left.len()), (4, 1, 3));
        assert!(!done.is_complete());
        let mut codes: Vec<_> = done.left.iter().filter_map(|(_, e)| e.code()).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["damaged", "unknown_key", "unnamed"]);
        for kim in &kims {
            let stored = store.load(&new.name(&kim.digest())).await.unwrap().unwrap();
            assert_eq!(SealedFacts::of(stored.bytes.expose_bytes()).unwrap().key, 2);
            assert_eq!(new.open_session(kim, stored.bytes.expose_bytes()).unwrap().counter, 7);
        }
        // What could not be opened is as it was, and a second run has nothing to do.
        let stored = store.load(&new.name(&key("damaged").digest())).await.unwrap().unwrap();
        assert!(stored.bytes.matches(&SecretBytes::copy_from(b"canary")));
        let again = reseal(&store, &new).await.unwrap();
        assert_eq!((again.anew, again.already, again.left.len()), (0, 5, 3));
    })
    .unwrap();
}

#[test]
fn a_write_of_somebody_else_in_between_is_kept() {
    block_on(async {
        let old = Sealer::new(SealKeys::new(1, secret(1))).unwrap();
        let new = Sealer::new(SealKeys::new(2, secret(2)).also(1, secret(1))).unwrap();
        // This handle reads once and shows the same for ever: every write of it is late.
        let (store, late) = Store::pair(Defect::StaleUnderTheLock);
        let name = new.name(&key("kim").digest());
        let sealed = |counter| old.seal_session(&key("kim"), &counted(counter)).unwrap();
        store.commit(&name, Revision::NONE, None, sealed(1)).await.unwrap();
        let seen = late.load(&name).await.unwrap().unwrap();
        store.commit(&name, seen.revision, None, sealed(2)).await.unwrap();
        let done = reseal(&late, &new).await.unwrap();
        assert_eq!((done.anew, done.left.len()), (1, 0));
        let stored = store.load(&name).await.unwrap().unwrap();
        let record = new.open_session(&key("kim"), stored.bytes.expose_bytes()).unwrap();
        assert_eq!(record.counter, 2, "the later write was lost");
    })
    .unwrap();
}
