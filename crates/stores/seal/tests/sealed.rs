//! Sealed records: what opens, what does not, and what is said then.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up stops it")]

use countersign_core::{
    AccessToken, Error, ErrorKind, Fingerprint, Generation, Memo, Origin, ProviderId, Realm,
    Recovery, SealKeys, SecretBytes, SecretString, SessionKey, StoredTokens, Timestamp, TokenSet,
};
use countersign_seal::{
    AccountRecord, Found, PendingPassword, Readers, RecordFormat, Sealer, SessionRecord,
};

fn key(fill: u8) -> SecretBytes {
    SecretBytes::new(vec![fill; 32])
}

fn sealer() -> Sealer {
    Sealer::new(SealKeys::new(1, key(7))).unwrap()
}

const ACME: ProviderId = ProviderId::new("acme");

fn realm() -> Realm {
    let mut realm = Realm::new(Origin::parse("https://auth.example").unwrap());
    realm.client = "web".into();
    realm
}

fn session_of(identity: &str) -> SessionKey {
    SessionKey::new(ACME, &realm(), identity)
}

/// `sealed` with another format version in its header.
fn as_version(sealed: &SecretBytes, version: u8) -> Vec<u8> {
    let mut bytes = sealed.expose_bytes().to_vec();
    bytes[4] = version;
    bytes
}

fn session() -> SessionRecord {
    SessionRecord {
        tokens: Some(TokenSet::from_stored(StoredTokens {
            generation: Generation { counter: 1, tag: 2 },
            access_token: AccessToken::new("canary-access".to_owned()).unwrap(),
            refresh_token: None,
            id_token: None,
            issued_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(1),
            refresh_expires_at: None,
            refreshes: 0,
            subject: None,
            profile: countersign_core::Profile::new(),
        })),
        memo: Memo::from_entries([("device".into(), SecretBytes::copy_from(b"canary"))]),
        counter: 3,
        ..SessionRecord::default()
    }
}

fn assert_refused(error: &Error, code: &str, remedy: &str) {
    assert_eq!(error.kind(), ErrorKind::Store);
    assert_eq!(error.code(), Some(code), "{error}");
    assert!(error.hint_text().contains(remedy), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn what_was_sealed_opens_and_every_write_looks_different() {
    let (sealer, kim) = (sealer(), session_of("kim"));
    let sealed = sealer.seal_session(&kim, &session()).unwrap();
    let again = sealer.seal_session(&kim, &session()).unwrap();
    assert!(!sealed.matches(&again));
    assert_eq!(&sealed.expose_bytes()[..6], b"CSR1\x03\x01");
    assert!(!sealed.expose_bytes().windows(6).any(|window| window == b"canary"));
    let opened = sealer.open_session(&kim, sealed.expose_bytes()).unwrap();
    assert_eq!(opened.counter, 3);
    assert_eq!(opened.tokens.unwrap().access_token().secret().expose(), "canary-access");

    let account = AccountRecord {
        pending_password: Some(PendingPassword {
            password: SecretString::new("canary-new"),
            at: Timestamp::from_millis(4),
            operation: "change_password".into(),
            tried_new: false,
            tried_old: true,
        }),
        ..AccountRecord::default()
    };
    let sealed = sealer.seal_account(kim.account(), &account).unwrap();
    let opened = sealer.open_account(kim.account(), sealed.expose_bytes()).unwrap();
    let pending = opened.pending_password.unwrap();
    assert_eq!(pending.password.expose(), "canary-new");
    assert!(pending.tried_old && !pending.tried_new);
}

#[test]
fn f34_a_record_that_was_moved_to_another_account_does_not_open() {
    let sealer = sealer();
    let sealed = sealer.seal_session(&session_of("kim"), &session()).unwrap();
    let error = sealer.open_session(&session_of("robin"), sealed.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another account");

    // Neither does one whose name was changed to fit: the key itself is authenticated.
    let other = sealer.seal_session(&session_of("robin"), &session()).unwrap();
    let mut forged = sealed.expose_bytes().to_vec();
    forged[10..26].copy_from_slice(&other.expose_bytes()[10..26]);
    let error = sealer.open_session(&session_of("robin"), &forged).unwrap_err();
    assert_refused(&error, "damaged", "sign in again");
    assert_eq!(error.recovery(), Recovery::Reauthenticate);
}

#[test]
fn a_session_is_no_account() {
    let (sealer, kim) = (sealer(), session_of("kim"));
    let sealed = sealer.seal_session(&kim, &session()).unwrap();
    let error = sealer.open_account(kim.account(), sealed.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another account");
}

#[test]
fn a_rotation_of_keys_changes_no_name_and_opens_old_records() {
    let (old, kim) = (sealer(), session_of("kim"));
    let rotated = Sealer::new(SealKeys::new(2, key(8)).also(1, key(7))).unwrap();
    let sealed = old.seal_session(&kim, &session()).unwrap();
    assert_eq!(rotated.open_session(&kim, sealed.expose_bytes()).unwrap().counter, 3);
    assert_eq!(rotated.name(&kim.digest()), old.name(&kim.digest()));
    assert_eq!(rotated.salt(), old.salt());

    let sealed = rotated.seal_session(&kim, &session()).unwrap();
    let error = old.open_session(&kim, sealed.expose_bytes()).unwrap_err();
    assert_refused(&error, "unknown_key", "key 2");
}

#[test]
fn names_and_salts_are_those_of_one_store() {
    let (sealer, other) = (sealer(), Sealer::new(SealKeys::new(1, key(9))).unwrap());
    assert_ne!(sealer.name(&session_of("kim").digest()), other.name(&session_of("kim").digest()));
    assert_ne!(
        sealer.name(&session_of("kim").digest()),
        sealer.name(&session_of("robin").digest())
    );
    assert_ne!(sealer.salt(), other.salt());
    assert_ne!(
        Fingerprint::of("password", sealer.salt(), b"canary"),
        Fingerprint::of("password", other.salt(), b"canary")
    );
    let sealed = sealer.seal_session(&session_of("kim"), &session()).unwrap();
    let error = other.open_session(&session_of("kim"), sealed.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "store");
}

#[test]
fn a_newer_format_asks_for_an_upgrade() {
    let (sealer, kim) = (sealer(), session_of("kim"));
    let sealed = sealer.seal_session(&kim, &session()).unwrap();
    let error = sealer.open_session(&kim, &as_version(&sealed, 4)).unwrap_err();
    assert_refused(&error, "newer_version", "upgrade this program");
    assert_eq!(error.recovery(), Recovery::GiveUp);
}

#[test]
fn f30_every_cut_and_every_flipped_bit_is_refused_cleanly() {
    let (sealer, kim) = (sealer(), session_of("kim"));
    let sealed = sealer.seal_session(&kim, &SessionRecord::default()).unwrap();
    let sealed = sealed.expose_bytes();
    for length in 0..sealed.len() {
        let error = sealer.open_session(&kim, &sealed[..length]).unwrap_err();
        assert_refused(&error, "damaged", "damaged");
    }
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = sealer.open_session(&kim, &flipped).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "bit {bit}");
        assert!(error.code().is_some(), "bit {bit}");
    }
    let mut longer = sealed.to_vec();
    longer.push(0);
    assert_refused(&sealer.open_session(&kim, &longer).unwrap_err(), "damaged", "damaged");
}

#[test]
fn f30_random_bytes_are_refused_cleanly() {
    let (sealer, kim) = (sealer(), session_of("kim"));
    // xorshift64: the same bytes in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..2_000_usize {
        let mut bytes: Vec<u8> = (0..round % 200)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            })
            .collect();
        if round % 2 == 0 && bytes.len() > 10 {
            bytes[..10].copy_from_slice(b"CSR1\x01\x01\x00\x00\x00\x01");
            bytes[4] += u8::try_from(round / 2 % 3).unwrap();
        }
        assert!(sealer.open_session(&kim, &bytes).is_err());
        assert!(sealer.open_account(kim.account(), &bytes).is_err());
    }
}

#[test]
fn keys_that_cannot_seal_are_refused_at_once() {
    let short = Sealer::new(SealKeys::new(1, SecretBytes::copy_from(b"canary"))).unwrap_err();
    assert_refused(&short, "bad_key", "32 bytes");
    let high = Sealer::new(SealKeys::new(70_000, key(1))).unwrap_err();
    assert_refused(&high, "bad_key", "65536");
    assert!(Sealer::new(SealKeys::new(70_000, key(1)).also(3, key(2))).is_ok());
}

#[test]
fn every_format_opens_and_the_setting_says_which_one_is_written() {
    let (new, kim) = (sealer(), session_of("kim"));
    let old = sealer().writing(RecordFormat::V1);
    let before = sealer().writing(RecordFormat::V2);
    let sealed = [&old, &before, &new].map(|sealer| sealer.seal_session(&kim, &session()).unwrap());
    let [first, second, third] = &sealed;
    for (sealed, version) in [(first, 1), (second, 2), (third, 3)] {
        assert_eq!(&sealed.expose_bytes()[..6], [b'C', b'S', b'R', b'1', version, 1]);
        for sealer in [&old, &before, &new] {
            assert_eq!(sealer.open_session(&kim, sealed.expose_bytes()).unwrap().counter, 3);
        }
    }
    // The version is under the seal: none is taken for the other.
    for forged in [
        as_version(first, 2),
        as_version(first, 3),
        as_version(second, 1),
        as_version(second, 3),
        as_version(third, 2),
    ] {
        assert_refused(&new.open_session(&kim, &forged).unwrap_err(), "damaged", "sign in again");
    }
    // A moved record of the old format does not open either, also with its name changed to fit.
    let error = new.open_session(&session_of("robin"), first.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another account");
    let mut forged = first.expose_bytes().to_vec();
    forged[10..26].copy_from_slice(
        &new.seal_session(&session_of("robin"), &session()).unwrap().expose_bytes()[10..26],
    );
    let error = new.open_session(&session_of("robin"), &forged).unwrap_err();
    assert_refused(&error, "damaged", "sign in again");
}

#[test]
fn a_record_that_is_found_says_whose_it_is() {
    let (sealer, kim) = (sealer(), session_of("kim@example.org"));
    let name = sealer.name(&kim.digest());
    let sealed = sealer.seal_session(&kim, &session()).unwrap();
    let found = sealer.open_found(&name, sealed.expose_bytes()).unwrap();
    assert!(!format!("{found:?}").contains("kim") && !format!("{found:?}").contains("canary"));
    let Found::Session(key, record) = found else { panic!("a session") };
    assert_eq!(record.counter, 3);
    assert_eq!(key.session_at(ACME, &realm()).as_ref(), Some(&kim));
    assert_eq!((key.identity(), key.client()), ("kim@example.org", Some("web")));

    let account_name = sealer.name(&kim.account().digest());
    let account = sealer.seal_account(kim.account(), &AccountRecord::default()).unwrap();
    let found = sealer.open_found(&account_name, account.expose_bytes()).unwrap();
    assert_eq!(found.key().account_at(ACME, &realm()).as_ref(), Some(kim.account()));
    assert!(matches!(found, Found::Account(..)));

    // It lies where another one belongs.
    let error = sealer.open_found(&account_name, sealed.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another account");
    let old = sealer.clone().writing(RecordFormat::V1).seal_session(&kim, &session()).unwrap();
    let error = sealer.open_found(&name, old.expose_bytes()).unwrap_err();
    assert_refused(&error, "unnamed", "open its session by name");
}

#[test]
fn readers_find_and_open_their_part_alone() {
    let keys = SealKeys::new(1, key(7)).also_for_readers(1, key(8));
    let (sealer, kim) = (Sealer::new(keys).unwrap(), session_of("kim"));
    let writer = sealer.readers().unwrap();
    let theirs = Readers::new(&SealKeys::for_readers(1, key(8))).unwrap().unwrap();
    let name = theirs.name(&kim.digest());
    assert_eq!(name, writer.name(&kim.digest()));
    assert_ne!(name, sealer.name(&kim.digest()));

    let part = writer.seal(&kim, &session()).unwrap();
    let opened = theirs.open(&kim, part.expose_bytes()).unwrap();
    assert_eq!(opened.counter, 3);
    assert_eq!(opened.tokens.unwrap().access_token().secret().expose(), "canary-access");
    assert!(opened.memo.get("device").is_none());
    let (whose, _) = theirs.open_found(&name, part.expose_bytes()).unwrap();
    assert_eq!(whose.session_at(ACME, &realm()).as_ref(), Some(&kim));
    let found = sealer.open_found(&name, part.expose_bytes()).unwrap();
    assert!(matches!(found, Found::ForReaders(..)));
    let error = theirs.open(&session_of("robin"), part.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another account");

    // The whole record does not open with a readers' key, and neither is taken for the other.
    let whole = sealer.seal_session(&kim, &session()).unwrap();
    let error = theirs.open(&kim, whole.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another");
    let mut forged = whole.expose_bytes().to_vec();
    forged[5] = 3;
    forged[10..26].copy_from_slice(&part.expose_bytes()[10..26]);
    let error = theirs.open(&kim, &forged).unwrap_err();
    assert_refused(&error, "damaged", "sign in again");
    let error = sealer.open_session(&kim, part.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another");

    // One key for both would open everything; readers' keys alone seal nothing.
    let both = SealKeys::new(1, key(7)).also_for_readers(9, key(7));
    assert_refused(&Sealer::new(both).unwrap_err(), "bad_key", "draw another one");
    let error = Sealer::new(SealKeys::for_readers(1, key(8))).unwrap_err();
    assert_refused(&error, "readers_only", "where the seal keys are");
    assert!(Sealer::new(SealKeys::new(1, key(7))).unwrap().readers().is_none());
}

#[test]
fn a_record_is_sealed_anew_as_it_is() {
    let old = Sealer::new(SealKeys::new(1, key(7)).also_for_readers(1, key(8))).unwrap();
    let keys = SealKeys::new(2, key(17)).also(1, key(7));
    let new = Sealer::new(keys.also_for_readers(2, key(18)).also_for_readers(1, key(8))).unwrap();
    let (kim, only) = (session_of("kim"), Sealer::new(SealKeys::new(2, key(17))).unwrap());
    let name = old.name(&kim.digest());
    let sealed = old.seal_session(&kim, &session()).unwrap();
    assert!(old.reseal(&name, sealed.expose_bytes()).unwrap().is_none());
    let again = new.reseal(&name, sealed.expose_bytes()).unwrap().unwrap();
    assert_eq!(again.expose_bytes()[6..10], 2_u32.to_be_bytes());
    assert_ne!(again.expose_bytes()[26..50], sealed.expose_bytes()[26..50], "a nonce used twice");
    assert_eq!(new.open_session(&kim, again.expose_bytes()).unwrap().counter, 3);
    assert!(new.reseal(&name, again.expose_bytes()).unwrap().is_none());
    let error = old.open_session(&kim, again.expose_bytes()).unwrap_err();
    assert_refused(&error, "unknown_key", "key 2");
    // Names come from the lowest id, so the new key alone is another store.
    let error = only.open_session(&kim, again.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "store");

    let (theirs, ours) = (old.readers().unwrap(), new.readers().unwrap());
    let name = theirs.name(&kim.digest());
    let part = theirs.seal(&kim, &session()).unwrap();
    let again = new.reseal(&name, part.expose_bytes()).unwrap().unwrap();
    assert_eq!(ours.open(&kim, again.expose_bytes()).unwrap().counter, 3);
    assert!(theirs.open(&kim, again.expose_bytes()).is_err());
    let error = only.reseal(&name, part.expose_bytes()).unwrap_err();
    assert_refused(&error, "unknown_key", "for readers");
    let error = new.reseal(&old.name(&kim.digest()), part.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another");
}
