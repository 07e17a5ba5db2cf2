//! The JSON of records: what is written, what is read, what is kept.

use countersign_core::{
    AccessToken, Certainty, Challenge, ChallengeKind, Continuation, Fingerprint, Generation,
    IdToken, Memo, Profile, RefreshToken, Rotation, SecretBuffer, SecretBytes, SecretString,
    StoredKey, StoredTokens, Timestamp, TokenSet,
};

use super::{ForReaders, Record, Who};
use crate::account::{AccountRecord, PendingPassword, RefusedSecret, SignInCount};
use crate::format::RecordFormat;
use crate::session::{EndCause, Ended, Journal, PendingChallenge, SessionRecord};

/// As JSON alone.
fn written(record: &impl Record, who: Option<Who<'_>>) -> SecretBytes {
    written_in(RecordFormat::V2, record, who)
}

fn written_in(format: RecordFormat, record: &impl Record, who: Option<Who<'_>>) -> SecretBytes {
    let mut plain = SecretBuffer::new();
    record.write(format, who, &mut plain).unwrap();
    plain.finish()
}

/// Where the JSON ends.
const TOKENS: &str = "canary-access\"\\canary-refreshcanary-id";

fn full_session() -> SessionRecord {
    let generation = Generation { counter: 7, tag: 0xfeed };
    let mut profile = Profile::new();
    profile.set("plan", "a \"quoted\" name");
    let mut challenge = Challenge::new(
        "SOFTWARE_TOKEN_MFA",
        ChallengeKind::Code,
        Continuation::new(SecretBytes::copy_from(b"canary-continuation\x00\xff")),
        Timestamp::from_millis(1_700_000_180_000),
    );
    challenge.parameters.insert("medium".into(), "k***@example.org".into());
    challenge.attempts_left = Some(2);
    challenge.reanswerable = true;
    SessionRecord {
        tokens: Some(TokenSet::from_stored(StoredTokens {
            generation,
            access_token: AccessToken::new("canary-access\"\\".to_owned()).unwrap(),
            refresh_token: Some(RefreshToken::new("canary-refresh".to_owned()).unwrap()),
            id_token: Some(IdToken::new("canary-id".to_owned()).unwrap()),
            issued_at: Timestamp::from_millis(1_700_000_000_000),
            expires_at: Timestamp::from_millis(1_700_000_900_000),
            refresh_expires_at: Some(Timestamp::MAX),
            refreshes: 3,
            subject: Some("subject".into()),
            profile,
        })),
        journal: Some(Journal {
            refresh: Fingerprint::of("refresh token", b"", b"canary-refresh"),
            generation,
            sent_at: Timestamp::from_millis(-1),
            attempt: 2,
        }),
        challenge: Some(PendingChallenge {
            challenge,
            claimed: Some(Timestamp::from_millis(5)),
            id: Fingerprint::from_raw([9; 16]),
        }),
        memo: Memo::from_entries([("device".into(), SecretBytes::copy_from(b"canary-\xfe"))]),
        ended: Some(Ended {
            generation: Some(generation),
            at: Timestamp::from_millis(6),
            cause: EndCause::Revoked,
        }),
        refresh_dead: Some(Fingerprint::from_raw([3; 16])),
        suspicion: 1,
        rotation: Some(Rotation::Rotated),
        guarded: true,
        counter: u64::MAX,
        unknown: crate::UnknownFields::default(),
    }
}

fn full_account() -> AccountRecord {
    AccountRecord {
        refused: [Certainty::Certain, Certainty::Possible]
            .map(|certainty| RefusedSecret {
                secret: Fingerprint::from_raw([1; 16]),
                certainty,
                at: Timestamp::from_millis(7),
                tries: 2,
            })
            .to_vec(),
        locked_until: Some(Timestamp::from_millis(8)),
        last_code_step: Some(56_666_667),
        sign_ins: SignInCount { day: 19_675, count: 4 },
        pending_password: Some(PendingPassword {
            password: SecretString::new("canary-pässword\n"),
            at: Timestamp::from_millis(9),
            operation: "change_password".into(),
            tried_new: true,
            tried_old: false,
        }),
        unknown: crate::UnknownFields::default(),
    }
}

#[test]
fn every_field_comes_back() {
    let session = full_session();
    for format in [RecordFormat::V2, RecordFormat::V3] {
        let plain = written_in(format, &session, None);
        let (back, who) = SessionRecord::read(plain.expose_bytes()).unwrap();
        assert!(who.is_none());
        assert_eq!(written_in(format, &back, None).expose_bytes(), plain.expose_bytes());
        assert_eq!(format!("{back:?}"), format!("{session:?}"));
        let tokens = back.tokens.unwrap();
        assert_eq!(tokens.access_token().secret().expose(), "canary-access\"\\");
        assert_eq!(tokens.refresh_token().unwrap().secret().expose(), "canary-refresh");
        assert_eq!(tokens.id_token().unwrap().secret().expose(), "canary-id");
        assert_eq!(tokens.profile().get("plan"), Some("a \"quoted\" name"));
        assert_eq!(back.memo.get("device").unwrap().expose_bytes(), b"canary-\xfe");
        let pending = back.challenge.unwrap();
        let continuation = pending.challenge.continuation.bytes();
        assert_eq!(continuation.expose_bytes(), b"canary-continuation\x00\xff");
    }

    let account = full_account();
    let json = written(&account, None);
    let (back, _) = AccountRecord::read(json.expose_bytes()).unwrap();
    assert_eq!(written(&back, None).expose_bytes(), json.expose_bytes());
    assert_eq!(format!("{back:?}"), format!("{account:?}"));
    assert_eq!(back.pending_password.unwrap().password.expose(), "canary-pässword\n");
}

#[test]
fn a_record_of_nothing_is_small_and_an_empty_object_is_a_record_of_nothing() {
    let json = written(&SessionRecord::default(), None);
    assert_eq!(json.expose_bytes(), br#"{"suspicion":0,"counter":0}"#);
    let (session, _) = SessionRecord::read(b"{}").unwrap();
    assert!(session.tokens.is_none() && session.counter == 0);
    let (account, _) = AccountRecord::read(b"{}").unwrap();
    assert!(account.refused.is_empty() && account.sign_ins == SignInCount::default());
}

#[test]
fn fields_of_a_newer_version_are_written_back() {
    let json =
        br#"{"suspicion":2,"counter":5,"later":{"list":[1,"canary",null]},"other":"canary"}"#;
    let (mut record, _) = SessionRecord::read(json).unwrap();
    assert_eq!(record.unknown.len(), 2);
    assert!(!format!("{record:?}").contains("canary"));
    record.counter = 6;
    let back = written(&record, None);
    let back = std::str::from_utf8(back.expose_bytes()).unwrap();
    assert!(back.contains(r#""later":{"list":[1,"canary",null]},"other":"canary""#), "{back}");
    assert!(back.contains(r#""counter":6"#), "{back}");

    let (record, _) = AccountRecord::read(br#"{"later":1.5}"#).unwrap();
    let back = written(&record, None);
    assert!(std::str::from_utf8(back.expose_bytes()).unwrap().contains(r#""later":1.5"#));
}

#[test]
fn f32_no_secret_is_written_as_plain_text_and_none_is_shown() {
    let (session, account) = (full_session(), full_account());
    for json in [written(&session, None), written(&account, None)] {
        assert!(!std::str::from_utf8(json.expose_bytes()).unwrap().contains("canary"));
    }
    // Tokens apart, and nothing else.
    let plain = written_in(RecordFormat::V3, &session, None);
    let json = std::str::from_utf8(plain.expose_bytes()).unwrap().strip_suffix(TOKENS).unwrap();
    assert!(json.ends_with('}') && !json.contains("canary"));
    assert!(!format!("{session:?} {account:?}").contains("canary"));
}

#[test]
fn json_that_is_not_a_record_is_refused_without_repeating_it() {
    for json in [
        "",
        "[]",
        "null",
        r#"{"counter":-1}"#,
        r#"{"memo":{"a":"not base64 canary!"}}"#,
        r#"{"rotation":"sideways"}"#,
        r#"{"journal":{"refresh":"00"}}"#,
        r#"{"tokens":{"generation":{"counter":1,"tag":1},"access_token":"","issued_at":1,"expires_at":2}}"#,
    ] {
        let refused = SessionRecord::read(json.as_bytes());
        assert!(refused.is_err(), "{json}");
    }
}

#[test]
fn tokens_that_stand_apart_are_there_to_the_last_byte_or_the_record_is_refused() {
    let plain = written_in(RecordFormat::V3, &full_session(), None);
    let plain = plain.expose_bytes();
    for short in (plain.len() - TOKENS.len())..plain.len() {
        assert!(SessionRecord::read(&plain[..short]).is_err(), "{short}");
    }
    // What is left over is something that a later version knows.
    for more in [&b"x"[..], b" ", b"{}"] {
        assert!(SessionRecord::read(&[plain, more].concat()).is_err(), "{more:?}");
        let json = written(&full_session(), None);
        assert!(SessionRecord::read(&[json.expose_bytes(), more].concat()).is_err(), "{more:?}");
        assert!(AccountRecord::read(&[b"{}", more].concat()).is_err(), "{more:?}");
    }
    for length in ["-1", "1.5", "18446744073709551615", "18446744073709551616", "null", "{}"] {
        let tokens = format!(
            r#"{{"generation":{{"counter":1,"tag":1}},"access_token":{length},"issued_at":1,"expires_at":2}}"#
        );
        let plain = format!(r#"{{"tokens":{tokens}}}canary"#);
        assert!(SessionRecord::read(plain.as_bytes()).is_err(), "{length}");
    }
    // No text of its own ends within a letter.
    let plain = String::from_utf8(plain.to_vec()).unwrap();
    let plain = plain.replace("canary-access\"\\", "canary-access-\u{e9}");
    assert!(SessionRecord::read(plain.as_bytes()).is_err());
}

#[test]
fn f34_a_record_says_whose_it_is_in_full_or_is_refused() {
    let kim = StoredKey::of_account("acme", "https://auth.example", "pool", "kim \"k\"").unwrap();
    for who in [kim.clone(), kim.with_session("", "audience")] {
        let json = written(&SessionRecord::default(), Some((&who).into()));
        let (_, read) = SessionRecord::read(json.expose_bytes()).unwrap();
        assert_eq!(read, Some(who));
    }
    let whole =
        r#"{"provider":"acme","origin":"https://auth.example","tenant":"","identity":"kim""#;
    assert!(SessionRecord::read(format!(r#"{{"who":{whole}}}}}"#).as_bytes()).is_ok());
    for who in [
        format!(r#"{whole},"client":"c"}}"#),
        format!(r#"{whole},"region":"a part that is not known here"}}"#),
        whole.replace("auth.example", "auth.example/path") + "}",
        whole.replace("acme", "A") + "}",
        "{}".to_owned(),
        "7".to_owned(),
    ] {
        assert!(SessionRecord::read(format!(r#"{{"who":{who}}}"#).as_bytes()).is_err(), "{who}");
    }
}

#[test]
fn readers_get_what_is_named_and_nothing_else() {
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    // It has ended, and its tokens are there for nothing but to be revoked.
    let json = written(&ForReaders::of(&full_session()), None);
    let value: serde_json::Value = serde_json::from_slice(json.expose_bytes()).unwrap();
    assert_eq!(names(&value), ["counter", "ended", "suspicion"]);
    let lives = SessionRecord { ended: None, ..full_session() };
    let json = written(&ForReaders::of(&lives), None);
    let text = std::str::from_utf8(json.expose_bytes()).unwrap();
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(names(&value), ["counter", "suspicion", "tokens"]);
    assert_eq!(
        names(&value["tokens"]),
        [
            "access_token",
            "expires_at",
            "generation",
            "id_token",
            "issued_at",
            "profile",
            "refreshes",
            "subject"
        ]
    );
    // Also what somebody else has put into such a record stays out.
    let json = written(&full_session(), None);
    let (read, _) = ForReaders::read(json.expose_bytes()).unwrap();
    let read = read.into_record();
    assert!(
        read.journal.is_none() && read.challenge.is_none() && read.memo.get("device").is_none()
    );
    assert!(read.tokens.unwrap().refresh_token().is_none());
}

#[test]
fn what_a_record_takes_is_known_before_it_is_written() {
    let mut session = full_session();
    session.challenge = None;
    for bytes in [16, 1_000, 4_000] {
        let tokens = session.tokens.as_ref().unwrap().stored().clone();
        let access_token = AccessToken::new("a".repeat(bytes)).unwrap();
        session.tokens = Some(TokenSet::from_stored(StoredTokens { access_token, ..tokens }));
        for format in [RecordFormat::V2, RecordFormat::V3] {
            let (expected, plain) = (session.length(format), written_in(format, &session, None));
            let length = plain.len();
            assert!((length..length + 1_024).contains(&expected), "{expected}, not {length}");
        }
    }
    let account = AccountRecord::default();
    assert!(account.length(RecordFormat::V3) > written(&account, None).len());
}
