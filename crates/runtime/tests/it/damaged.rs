//! Records whose seal is broken (F30): a session's is set aside and replaced, an account's stays and holds
//! every sign-in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot be set up fails"
)]

use std::sync::atomic::Ordering;

use crate::common::store::Flaky;
use crate::common::{Act, World, seconds};
use countersign_core::{
    Answers, Committed, Error, ErrorKind, RecordName, Recovery, SecretBytes, SessionStore,
    StoredRecord,
};
use countersign_runtime::{Reason, SignIn};
use countersign_seal::SealedFacts;
use countersign_seal::suite::Through;
use serde_json::json;

/// Flips a bit of what is sealed in the records for which `this` holds; their names and new bytes.
async fn damage(world: &World, this: impl Fn(usize) -> bool) -> Vec<(RecordName, Vec<u8>)> {
    spoil(world, this, |bytes| *bytes.last_mut().unwrap() ^= 1).await
}

/// Changes the bytes of the records for which `this` holds.
async fn spoil(
    world: &World,
    this: impl Fn(usize) -> bool,
    change: impl Fn(&mut Vec<u8>),
) -> Vec<(RecordName, Vec<u8>)> {
    let mut done = Vec::new();
    for name in world.store.list().await.unwrap() {
        let StoredRecord { revision, bytes } = world.store.load(&name).await.unwrap().unwrap();
        let mut bytes = bytes.expose_bytes().to_vec();
        if !this(bytes.len()) {
            continue;
        }
        change(&mut bytes);
        let sealed = SecretBytes::copy_from(&bytes);
        let end = world.store.commit(&name, revision, None, sealed).await.unwrap();
        assert!(matches!(end, Committed::Done(_)));
        done.push((name, bytes));
    }
    done
}

/// The record with tokens in it is the longer one.
async fn longest(world: &World) -> usize {
    let mut longest = 0;
    for name in world.store.list().await.unwrap() {
        longest = longest.max(world.store.load(&name).await.unwrap().unwrap().bytes.len());
    }
    longest
}

/// What a session in use has sealed itself it remembers; that must not hide from it what a disk has done since.
#[tokio::test]
async fn f30_guards_that_are_damaged_under_a_session_in_use_are_noticed_whichever_byte_was_hit() {
    for from_the_end in [1, 17, 60] {
        let world = World::new();
        let session = world.signed_in().await;
        session.refresh().await.unwrap();
        let length = longest(&world).await;
        let change = |bytes: &mut Vec<u8>| {
            let at = bytes.len() - from_the_end;
            bytes[at] ^= 1;
        };
        assert_eq!(spoil(&world, |len| len != length, change).await.len(), 1);
        session.refresh().await.unwrap();
        assert!(session.explain().await.guards_error.is_some(), "{from_the_end} from the end");
        assert!(session.sign_in().await.is_err());
        assert_eq!(world.server.count("sign_in"), 1);
    }
}

#[tokio::test]
async fn f30_a_session_whose_seal_is_broken_is_set_aside_before_another_is_written() {
    let world = World::new();
    world.signed_in().await;
    let length = longest(&world).await;
    let damaged = damage(&world, |len| len == length).await;
    let [(name, bytes)] = &damaged[..] else { panic!("one session, one record") };
    // Looking changes nothing.
    let session = world.session().await;
    assert!(world.store.aside(name).is_none());
    session.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
    let aside = world.store.aside(name).expect("it is kept");
    assert_eq!(aside.bytes.expose_bytes(), bytes);
    let next = world.session().await;
    next.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2, "the new one opens");
}

/// What may have befallen the bytes of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Flipped,
    Torn,
    Emptied,
    Newer,
}

impl Fate {
    const ALL: [Self; 4] = [Self::Flipped, Self::Torn, Self::Emptied, Self::Newer];

    fn befall(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Flipped => *bytes.last_mut().unwrap() ^= 1,
            Self::Torn => bytes.truncate(bytes.len() / 2),
            Self::Emptied => bytes.clear(),
            Self::Newer => bytes[4] = u8::MAX,
        }
    }
}

/// The account's record, after `fate` has befallen it.
async fn befallen(world: &World, fate: Fate) -> (RecordName, Vec<u8>) {
    let length = longest(world).await;
    let n_records = world.store.list().await.unwrap().len();
    let is_account = |len| n_records == 1 || len < length;
    let mut done = spoil(world, is_account, |bytes| fate.befall(bytes)).await;
    assert_eq!(done.len(), 1, "one account, one record");
    done.remove(0)
}

fn assert_guards(error: &Error, name: &RecordName, fate: Fate) {
    assert_eq!((error.kind(), error.recovery()), (ErrorKind::Store, Recovery::GiveUp), "{error}");
    assert_eq!(error.code(), Some("guards_unreadable"), "{fate:?}: {error}");
    let what = if fate == Fate::Newer { "upgrade this program" } else { "is damaged" };
    let command = format!("`countersign sessions forget {} --guards`", &name.as_str()[..8]);
    for part in [name.as_str(), what] {
        assert!(error.to_string().contains(part), "{fate:?}: {error}");
    }
    // Nobody overrules what a newer program knows.
    assert_eq!(error.to_string().contains(&command), fate != Fate::Newer, "{fate:?}: {error}");
}

#[tokio::test]
async fn f30_guards_that_cannot_be_read_hold_every_sign_in_and_no_token() {
    for fate in Fate::ALL {
        let world = World::new();
        world.signed_in().await;
        let (name, bytes) = befallen(&world, fate).await;

        // A process that comes later is served, and told.
        let session = world.session().await;
        session.authorization().await.unwrap();
        let told = session.explain().await;
        assert_eq!(told.reason, Reason::SignedIn, "{fate:?}");
        assert_guards(&told.guards_error.unwrap(), &name, fate);
        assert_guards(&session.sign_in().await.unwrap_err(), &name, fate);

        // The token is renewed, since that needs no secret of the account.
        world.pass(seconds(3500)).await;
        session.authorization().await.unwrap();
        assert!(world.server.count("refresh") > 0, "{fate:?}");
        assert_eq!(world.server.count("sign_in"), 1, "{fate:?}");

        // When it cannot be any more, nobody signs in by himself.
        world.server.state().refresh_tokens.clear();
        session.reject(session.current().unwrap().generation());
        assert_guards(&session.authorization().await.unwrap_err(), &name, fate);
        world.pass(seconds(600)).await;
        assert_eq!(session.explain().await.reason, Reason::GuardsUnreadable, "{fate:?}");
        assert_eq!(world.server.count("sign_in"), 1, "{fate:?}");
        let stored = world.store.load(&name).await.unwrap().unwrap();
        assert_eq!(stored.bytes.expose_bytes(), &bytes[..], "{fate:?}: it stays as it is");

        // A person says so; what a newer program knows is not overruled.
        if fate == Fate::Newer {
            let error = session.forget_guards().await.unwrap_err();
            assert_eq!(error.code(), Some("newer_version"), "{error}");
            continue;
        }
        assert!(session.forget_guards().await.unwrap());
        assert_eq!(world.store.aside(&name).unwrap().bytes.expose_bytes(), &bytes[..]);
        session.authorization().await.unwrap();
        assert_eq!(world.server.count("sign_in"), 2, "{fate:?}");
        assert!(session.explain().await.guards_error.is_none());
    }
}

#[tokio::test]
async fn f36_a_refused_password_is_not_sent_again_because_its_memory_is_damaged() {
    for fate in Fate::ALL {
        let world = World::new();
        world.server.state().password = "another".into();
        let error = world.session().await.authorization().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidGrant);
        let (name, _) = befallen(&world, fate).await;
        let next = world.session().await;
        assert_guards(&next.authorization().await.unwrap_err(), &name, fate);
        assert_guards(&next.sign_in().await.unwrap_err(), &name, fate);
        world.pass(seconds(7200)).await;
        assert_eq!(world.server.count("sign_in"), 1, "{fate:?}");
    }
}

#[tokio::test]
async fn f30_an_answer_to_a_challenge_waits_too_while_guards_cannot_be_read() {
    let world = World::new();
    let session = world.manual_session().await;
    world.server.next("sign_in", Act::Say(200, json!({ "challenge": "canary-handle" })));
    assert!(matches!(session.sign_in().await.unwrap(), SignIn::Challenge(_)));
    let mut records = Vec::new();
    for name in world.store.list().await.unwrap() {
        let there = world.store.load(&name).await.unwrap().unwrap();
        let kind = SealedFacts::of(there.bytes.expose_bytes()).unwrap().kind;
        records.extend((kind == 2).then_some((name, there)));
    }
    let [(name, whole)] = &records[..] else { panic!("one account, one record") };
    let torn = SecretBytes::copy_from(&whole.bytes.expose_bytes()[..20]);
    let done = world.store.commit(name, whole.revision, None, torn).await.unwrap();
    let Committed::Done(torn) = done else { panic!("nobody else writes") };
    let answer = || Answers::code("123456".to_owned());
    // As after every answer that was not taken, the challenge is open, and the status says why.
    assert!(matches!(session.answer(answer()).await.unwrap(), SignIn::Challenge(_)));
    assert_guards(&session.status().last_error.unwrap(), name, Fate::Torn);
    assert_eq!(world.server.count("answer"), 0);
    // Brought back, the same challenge can be answered.
    world.store.commit(name, torn, None, whole.bytes.clone()).await.unwrap();
    session.answer(answer()).await.unwrap();
    assert_eq!(world.server.count("answer"), 1);
}

/// What stands in the way is looked at once a second for everybody who asks, and the one who mends it is heard
/// of within that.
#[tokio::test]
async fn f30_ten_thousand_callers_look_at_unreadable_guards_once_a_second() {
    let world = World::new();
    world.server.state().password = "another".into();
    world.session().await.authorization().await.unwrap_err();
    let (name, bytes) = befallen(&world, Fate::Flipped).await;
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    let first = session.authorization().await.unwrap_err();
    assert_guards(&first, &name, Fate::Flipped);
    store.reads();
    for _ in 0..10_000 {
        let error = session.authorization().await.unwrap_err();
        assert_eq!(error.to_string(), first.to_string());
        assert_eq!((error.kind(), error.code()), (first.kind(), first.code()));
    }
    assert_eq!(store.reads(), 0, "nobody looks again within a second");
    for _ in 0..5 {
        world.clock.advance(seconds(1));
        for _ in 0..100 {
            assert_guards(&session.authorization().await.unwrap_err(), &name, Fate::Flipped);
        }
    }
    assert!((5..=10).contains(&store.reads()), "once a second, by lock and by look");

    // A person who asks by name is not held off.
    assert_guards(&session.sign_in().await.unwrap_err(), &name, Fate::Flipped);
    assert!(store.reads() > 0);

    // Mended by somebody else: heard of within a second.
    let there = world.store.load(&name).await.unwrap().unwrap();
    let mut whole = bytes;
    *whole.last_mut().unwrap() ^= 1;
    let whole = SecretBytes::copy_from(&whole);
    world.store.commit(&name, there.revision, None, whole).await.unwrap();
    world.clock.advance(seconds(1));
    let error = session.authorization().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidGrant, "the refused password is known again");
    assert_eq!(world.server.count("sign_in"), 1);
}

/// The same for whatever else the store cannot do.
#[tokio::test]
async fn a_store_that_takes_no_write_is_tried_once_a_second_however_many_ask() {
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    store.read_only.store(true, Ordering::SeqCst);
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    for _ in 0..3 {
        for _ in 0..1_000 {
            let error = session.authorization().await.unwrap_err();
            assert_eq!((error.kind(), error.recovery()), (ErrorKind::Store, Recovery::GiveUp));
        }
        world.clock.advance(seconds(1));
    }
    let tried = store.n_commits.load(Ordering::SeqCst);
    assert!((3..=4).contains(&tried), "{tried}");
    store.read_only.store(false, Ordering::SeqCst);
    session.authorization().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 1);
}

/// What stands in front of the seal says which key, whose record and which version: a bit that flips there looks like
/// another key, a record that was moved, or a newer program. Nothing is overwritten for it, and nobody is told a tale.
#[tokio::test]
async fn f30_a_bit_that_flips_in_front_of_the_seal_loses_nothing_and_is_told_as_what_it_may_be() {
    let mut codes = std::collections::BTreeSet::new();
    for at in 0..50 {
        for bit in [0x01, 0x80] {
            let world = World::new();
            drop(world.signed_in().await);
            let length = longest(&world).await;
            let flip = |bytes: &mut Vec<u8>| bytes[at] ^= bit;
            let [(name, bytes)] = &spoil(&world, |len| len == length, flip).await[..] else {
                panic!("one session, one record")
            };
            let keeper = world.keeper();
            let described = world.described(&keeper).open_lazily().unwrap();
            match described.authorization().await {
                Ok(_) => {
                    // Nobody could open it, now or later.
                    let aside = world.store.aside(name).expect("its bytes are kept");
                    assert_eq!(aside.bytes.expose_bytes(), &bytes[..], "{at}");
                }
                Err(error) => {
                    let code = error.code().unwrap().to_owned();
                    assert_eq!(error.kind(), ErrorKind::Store, "{at}: {error}");
                    for part in [name.as_str(), "is damaged", "stays as it is"] {
                        assert!(error.to_string().contains(part), "{at}: {error}");
                    }
                    codes.insert(code);
                    world.pass(seconds(600)).await;
                    let there = world.store.load(name).await.unwrap().unwrap();
                    assert_eq!(there.bytes.expose_bytes(), &bytes[..], "{at}: it stays");
                    assert_eq!(world.server.count("sign_in"), 1, "{at}");
                    // Mended, it goes on where it was.
                    let mut whole = bytes.clone();
                    whole[at] ^= bit;
                    let whole = SecretBytes::copy_from(&whole);
                    world.store.commit(name, there.revision, None, whole).await.unwrap();
                    world.clock.advance(seconds(1));
                    described.authorization().await.unwrap();
                    assert_eq!(world.server.count("sign_in"), 1, "{at}");
                }
            }
        }
    }
    let all = ["foreign", "newer_version", "unknown_key"].map(str::to_owned);
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn f36_a_bit_that_flips_in_front_of_the_seal_of_guards_holds_every_sign_in() {
    for at in 0..50 {
        let world = World::new();
        world.server.state().password = "another".into();
        world.session().await.authorization().await.unwrap_err();
        let flip = |bytes: &mut Vec<u8>| bytes[at] ^= 1;
        let done = spoil(&world, |_| true, flip).await;
        let [(name, bytes)] = &done[..] else { panic!("one account, one record") };
        let session = world.session().await;
        for _ in 0..2 {
            let error = session.sign_in().await.unwrap_err();
            assert_eq!(error.code(), Some("guards_unreadable"), "{at}: {error}");
            assert!(
                error.to_string().contains("damaged")
                    || error.to_string().contains("bring it back")
            );
        }
        let there = world.store.load(name).await.unwrap().unwrap();
        assert_eq!(there.bytes.expose_bytes(), &bytes[..], "{at}: it stays");
        assert_eq!(world.server.count("sign_in"), 1, "{at}");
    }
}
