//! Records of every format version as they lie on disks: they open for ever.
//!
//! The files under `golden` were sealed once with key 1 (the bytes 0 to 31; for readers the bytes 32 to 63),
//! and are never written again; those from version 2 on come from `examples/golden.rs`. A change that breaks one
//! of these tests needs another format version.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up stops it")]

use countersign_core::{
    Certainty, ChallengeKind, Fingerprint, Generation, Origin, ProviderId, Realm, Rotation,
    SealKeys, SecretBytes, SessionKey, StoredKey, Timestamp,
};
use countersign_seal::{
    AccountRecord, EndCause, Journal, Readers, RecordFormat, Sealer, SessionRecord,
};

const GENERATION: Generation = Generation { counter: 4, tag: 0x1234_5678 };

fn sealer() -> Sealer {
    Sealer::new(SealKeys::new(1, SecretBytes::new((0..32).collect()))).unwrap()
}

fn kim() -> SessionKey {
    let realm = Realm::new(Origin::parse("https://auth.example").unwrap());
    SessionKey::new(ProviderId::new("acme"), &realm, "kim@example.org")
}

fn golden(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    data_encoding::HEXLOWER.decode(digits.as_bytes()).unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn counting() -> [u8; 16] {
    std::array::from_fn(|n| n as u8)
}

#[test]
fn names_stay() {
    assert_eq!(sealer().name(&kim().digest()).as_str(), "154242c12613b2e41e018996f125092d");
    assert_eq!(
        sealer().name(&kim().account().digest()).as_str(),
        "15cfc79ff156b043a8dc674bd7c518aa"
    );
}

#[test]
fn sessions_of_every_version_open() {
    for hex in [
        include_str!("golden/session-1.hex"),
        include_str!("golden/session-2.hex"),
        include_str!("golden/session-3.hex"),
    ] {
        assert_session(sealer().open_session(&kim(), &golden(hex)).unwrap());
    }
}

#[test]
fn accounts_of_every_version_open() {
    for hex in [
        include_str!("golden/account-1.hex"),
        include_str!("golden/account-2.hex"),
        include_str!("golden/account-3.hex"),
    ] {
        assert_account(sealer().open_account(kim().account(), &golden(hex)).unwrap());
    }
}

#[test]
fn a_journal_without_an_end_is_there_for_who_judges_it() {
    for hex in [
        include_str!("golden/journal-1.hex"),
        include_str!("golden/journal-2.hex"),
        include_str!("golden/journal-3.hex"),
    ] {
        let record = sealer().open_session(&kim(), &golden(hex)).unwrap();
        assert_journal(record.journal.unwrap());
        let tokens = record.tokens.unwrap();
        assert_eq!((tokens.generation(), record.counter), (GENERATION, 4));
        assert_eq!(tokens.refresh_token().unwrap().secret().expose(), "canary-refresh");
        assert!(record.challenge.is_none() && record.ended.is_none());
    }
}

#[test]
fn what_readers_got_opens_with_their_key_and_names_its_owner() {
    let key = SecretBytes::new((32..64).collect());
    let readers = Readers::new(&SealKeys::for_readers(1, key)).unwrap().unwrap();
    let name = readers.name(&kim().digest());
    assert_eq!(name.as_str(), "af41b8515c0df31a9f40d5933f5007ba");
    // The one of version 2 is that of a session that had ended.
    for (hex, has_ended) in [
        (include_str!("golden/readers-2.hex"), true),
        (include_str!("golden/readers-3.hex"), false),
    ] {
        let (whose, record) = readers.open_found(&name, &golden(hex)).unwrap();
        assert_eq!(whose, StoredKey::from(&kim()));
        let tokens = record.tokens.unwrap();
        assert_eq!(tokens.access_token().secret().expose(), "canary-access");
        assert!(tokens.refresh_token().is_none() && record.journal.is_none());
        assert_eq!(record.ended.is_some(), has_ended);
        assert!(record.memo.text("user").is_none());
    }
}

#[test]
fn records_from_version_2_on_that_are_found_say_whose_they_are() {
    let account = sealer().name(&kim().account().digest());
    for hex in [include_str!("golden/account-2.hex"), include_str!("golden/account-3.hex")] {
        let found = sealer().open_found(&account, &golden(hex)).unwrap();
        assert_eq!(*found.key(), StoredKey::from(kim().account()));
    }
    let name = sealer().name(&kim().digest());
    for hex in [
        include_str!("golden/session-2.hex"),
        include_str!("golden/journal-2.hex"),
        include_str!("golden/session-3.hex"),
        include_str!("golden/journal-3.hex"),
    ] {
        let found = sealer().open_found(&name, &golden(hex)).unwrap();
        assert_eq!(*found.key(), StoredKey::from(&kim()));
        assert_eq!(found.key().identity(), "kim@example.org");
    }
    let old = sealer().open_found(&name, &golden(include_str!("golden/session-1.hex")));
    assert_eq!(old.unwrap_err().code(), Some("unnamed"));
}

#[test]
fn fields_of_a_later_program_survive_a_rewrite() {
    for hex in [
        include_str!("golden/session-1-newer-fields.hex"),
        include_str!("golden/session-2-newer-fields.hex"),
        include_str!("golden/session-3-newer-fields.hex"),
    ] {
        let mut record = sealer().open_session(&kim(), &golden(hex)).unwrap();
        assert_eq!((record.counter, record.unknown.len()), (9, 2));
        record.counter = 10;
        for format in [RecordFormat::V1, RecordFormat::V2, RecordFormat::V3] {
            let sealer = sealer().writing(format);
            let sealed = sealer.seal_session(&kim(), &record).unwrap();
            let again = sealer.open_session(&kim(), sealed.expose_bytes()).unwrap();
            assert_eq!((again.counter, again.unknown.len()), (10, 2));
        }
    }
}

fn assert_journal(journal: Journal) {
    assert_eq!(journal.refresh, Fingerprint::from_raw(counting()));
    assert_eq!((journal.generation, journal.attempt), (GENERATION, 1));
    assert_eq!(journal.sent_at, at(1_700_000_600_000));
}

fn assert_session(record: SessionRecord) {
    let tokens = record.tokens.unwrap();
    assert_eq!(tokens.generation(), GENERATION);
    assert_eq!(tokens.access_token().secret().expose(), "canary-access");
    assert_eq!(tokens.refresh_token().unwrap().secret().expose(), "canary-refresh");
    assert_eq!(tokens.id_token().unwrap().secret().expose(), "canary-id");
    assert_eq!(tokens.issued_at(), at(1_700_000_000_000));
    assert_eq!(tokens.expires_at(), at(1_700_000_900_000));
    assert_eq!(tokens.refresh_expires_at(), Some(at(1_700_086_400_000)));
    assert_eq!((tokens.refreshes(), tokens.subject()), (2, Some("subject-1")));
    assert_eq!(tokens.profile().get("plan"), Some("gold"));

    assert_journal(record.journal.unwrap());

    let pending = record.challenge.unwrap();
    let mut id = counting();
    id.reverse();
    assert_eq!(pending.id, Fingerprint::from_raw(id));
    assert_eq!(pending.claimed, Some(at(1_700_000_700_000)));
    let challenge = pending.challenge;
    assert_eq!((&*challenge.name, challenge.kind), ("SOFTWARE_TOKEN_MFA", ChallengeKind::Code));
    assert_eq!(challenge.parameters["device"], "phone");
    assert_eq!(challenge.wants, ["code".into()]);
    assert_eq!(challenge.expires_at, at(1_700_000_780_000));
    assert_eq!((challenge.attempts_left, challenge.reanswerable), (Some(3), true));
    assert_eq!(challenge.continuation.bytes().expose_bytes(), b"canary-continuation");

    assert_eq!(record.memo.text("user").unwrap().expose(), "canary-user");
    let ended = record.ended.unwrap();
    assert_eq!(ended.generation, Some(Generation { counter: 3, tag: 1 }));
    assert_eq!((ended.at, ended.cause), (at(1_699_999_999_000), EndCause::SignedOut));
    assert_eq!(record.refresh_dead, Some(Fingerprint::from_raw([7; 16])));
    assert_eq!((record.suspicion, record.counter), (1, 4));
    assert_eq!(record.rotation, Some(Rotation::Rotated));
    assert!(record.unknown.is_empty());
}

fn assert_account(record: AccountRecord) {
    let [first, second] = record.refused[..] else { panic!("two refused secrets") };
    assert_eq!(first.secret, Fingerprint::from_raw(counting()));
    assert_eq!((first.certainty, first.tries), (Certainty::Certain, 1));
    assert_eq!(second.secret, Fingerprint::from_raw(counting().map(|byte| byte + 16)));
    assert_eq!((second.certainty, second.tries), (Certainty::Possible, 2));
    assert_eq!([first.at, second.at], [at(1_700_000_000_000), at(1_700_000_001_000)]);
    assert_eq!(record.locked_until, Some(at(1_700_000_600_000)));
    assert_eq!(record.last_code_step, Some(56_666_666));
    assert_eq!((record.sign_ins.day, record.sign_ins.count), (19_675, 3));
    let pending = record.pending_password.unwrap();
    assert_eq!(pending.password.expose(), "canary-new-password");
    assert_eq!((pending.at, &*pending.operation), (at(1_700_000_002_000), "change_password"));
    assert!(pending.tried_new && !pending.tried_old);
}
