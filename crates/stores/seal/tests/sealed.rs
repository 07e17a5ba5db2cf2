//! Sealed records: what opens, what does not, and what is said then.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up stops it")]

use countersign_core::{
    AccessToken, Error, ErrorKind, Fingerprint, Generation, KeyDigest, Memo, Origin, ProviderId,
    Realm, Recovery, SealKeys, SecretBytes, SecretString, SessionKey, StoredTokens, Timestamp,
    TokenSet,
};
use countersign_seal::{AccountRecord, PendingPassword, Sealer, SessionRecord};

fn key(fill: u8) -> SecretBytes {
    SecretBytes::new(vec![fill; 32])
}

fn sealer() -> Sealer {
    Sealer::new(SealKeys::new(1, key(7))).unwrap()
}

fn digest(identity: &str) -> KeyDigest {
    let realm = Realm::new(Origin::parse("https://auth.example").unwrap());
    SessionKey::new(ProviderId::new("acme"), &realm, identity).digest()
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
    let (sealer, kim) = (sealer(), digest("kim"));
    let sealed = sealer.seal_session(&kim, &session()).unwrap();
    let again = sealer.seal_session(&kim, &session()).unwrap();
    assert!(!sealed.matches(&again));
    assert_eq!(&sealed.expose_bytes()[..6], b"CSR1\x01\x01");
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
    let sealed = sealer.seal_account(&kim, &account).unwrap();
    let opened = sealer.open_account(&kim, sealed.expose_bytes()).unwrap();
    let pending = opened.pending_password.unwrap();
    assert_eq!(pending.password.expose(), "canary-new");
    assert!(pending.tried_old && !pending.tried_new);
}

#[test]
fn f34_a_record_that_was_moved_to_another_account_does_not_open() {
    let sealer = sealer();
    let sealed = sealer.seal_session(&digest("kim"), &session()).unwrap();
    let error = sealer.open_session(&digest("robin"), sealed.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another account");

    // Neither does one whose name was changed to fit: the key itself is authenticated.
    let other = sealer.seal_session(&digest("robin"), &session()).unwrap();
    let mut forged = sealed.expose_bytes().to_vec();
    forged[10..26].copy_from_slice(&other.expose_bytes()[10..26]);
    let error = sealer.open_session(&digest("robin"), &forged).unwrap_err();
    assert_refused(&error, "damaged", "sign in again");
    assert_eq!(error.recovery(), Recovery::Reauthenticate);
}

#[test]
fn a_session_is_no_account() {
    let (sealer, kim) = (sealer(), digest("kim"));
    let sealed = sealer.seal_session(&kim, &session()).unwrap();
    let error = sealer.open_account(&kim, sealed.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "another account");
}

#[test]
fn a_rotation_of_keys_changes_no_name_and_opens_old_records() {
    let (old, kim) = (sealer(), digest("kim"));
    let rotated = Sealer::new(SealKeys::new(2, key(8)).also(1, key(7))).unwrap();
    let sealed = old.seal_session(&kim, &session()).unwrap();
    assert_eq!(rotated.open_session(&kim, sealed.expose_bytes()).unwrap().counter, 3);
    assert_eq!(rotated.name(&kim), old.name(&kim));
    assert_eq!(rotated.salt(), old.salt());

    let sealed = rotated.seal_session(&kim, &session()).unwrap();
    let error = old.open_session(&kim, sealed.expose_bytes()).unwrap_err();
    assert_refused(&error, "unknown_key", "key 2");
}

#[test]
fn names_and_salts_are_those_of_one_store() {
    let (sealer, other) = (sealer(), Sealer::new(SealKeys::new(1, key(9))).unwrap());
    assert_ne!(sealer.name(&digest("kim")), other.name(&digest("kim")));
    assert_ne!(sealer.name(&digest("kim")), sealer.name(&digest("robin")));
    assert_ne!(sealer.salt(), other.salt());
    assert_ne!(
        Fingerprint::of("password", sealer.salt(), b"canary"),
        Fingerprint::of("password", other.salt(), b"canary")
    );
    let sealed = sealer.seal_session(&digest("kim"), &session()).unwrap();
    let error = other.open_session(&digest("kim"), sealed.expose_bytes()).unwrap_err();
    assert_refused(&error, "foreign", "store");
}

#[test]
fn a_newer_format_asks_for_an_upgrade() {
    let (sealer, kim) = (sealer(), digest("kim"));
    let mut sealed = sealer.seal_session(&kim, &session()).unwrap().expose_bytes().to_vec();
    sealed[4] = 2;
    let error = sealer.open_session(&kim, &sealed).unwrap_err();
    assert_refused(&error, "newer_version", "upgrade this program");
    assert_eq!(error.recovery(), Recovery::GiveUp);
}

#[test]
fn f30_every_cut_and_every_flipped_bit_is_refused_cleanly() {
    let (sealer, kim) = (sealer(), digest("kim"));
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
    let (sealer, kim) = (sealer(), digest("kim"));
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
        }
        assert!(sealer.open_session(&kim, &bytes).is_err());
        assert!(sealer.open_account(&kim, &bytes).is_err());
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
