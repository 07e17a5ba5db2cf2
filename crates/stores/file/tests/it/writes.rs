//! Writes: many at once, cut short, and onto damaged records.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use countersign_core::{Committed, ErrorKind, Revision, SessionStore};

use super::child::{ADDITIONS, Process};
use super::machine::{assert_private, make_private};
use super::{Place, assert_says, bytes, listing, name, put, text};

#[test]
fn f03_no_write_of_eight_threads_is_lost() {
    const THREADS: u32 = 8;
    const WRITES: u32 = 60;
    let place = Place::new();
    let run = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    run().block_on(put(&place.store, &name(1), Revision::NONE, "0"));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| run().block_on(add(&place, WRITES)));
        }
    });
    let total = run().block_on(text(&place.store, &name(1)));
    assert_eq!(total, Some((THREADS * WRITES).to_string()));
    let record = run().block_on(place.store.load(&name(1))).unwrap().unwrap();
    assert_eq!(record.revision, Revision(u64::from(THREADS * WRITES) + 1));
}

async fn add(place: &Place, writes: u32) {
    let mut done = 0;
    while done < writes {
        let record = place.store.load(&name(1)).await.unwrap().unwrap();
        let number: u32 =
            std::str::from_utf8(record.bytes.expose_bytes()).unwrap().parse().unwrap();
        let next = bytes(&(number + 1).to_string());
        match place.store.commit(&name(1), record.revision, None, next).await.unwrap() {
            Committed::Done(_) => done += 1,
            Committed::Lost(winner) => assert!(winner.unwrap().revision > record.revision),
        }
    }
}

#[tokio::test]
async fn f03_no_write_of_four_processes_is_lost() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "0").await;
    let mut others: Vec<_> =
        (0..4).map(|_| Process::start("count", place.store.folder(), &name(1))).collect();
    for other in &mut others {
        assert_eq!(other.says().as_deref(), Some("ready"));
    }
    others.iter_mut().for_each(Process::go_on);
    assert!(others.iter_mut().all(Process::ends_well));
    assert_eq!(text(&place.store, &name(1)).await, Some((4 * ADDITIONS).to_string()));
}

/// A process that may not write as much, and is ended by the system for it.
#[cfg(unix)]
fn die_in_a_write(place: &Place) {
    let mut other = super::unix::limited("", place);
    assert_eq!(other.says(), None);
    assert!(!other.ends_well());
}

/// Nothing ends a process in the middle of a write here, so what it would leave is put there.
#[cfg(windows)]
fn die_in_a_write(place: &Place) {
    fs::write(place.path("tmp").join(format!("{}.4000000000.1.tmp", name(1))), "CSF1").unwrap();
}

#[tokio::test]
async fn f30_a_process_that_dies_in_a_write_leaves_the_old_record_and_its_rest_is_swept_later() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "old").await;
    die_in_a_write(&place);
    assert_eq!(text(&place.store, &name(1)).await.as_deref(), Some("old"));
    let torn = listing(&place.path("tmp"));
    assert_eq!(torn.len(), 1);
    assert_eq!(place.store.list().await.unwrap(), [name(1)]);

    // It is removed when it is old; what is young or not ours stays.
    let young = format!("{}.1.1.tmp", name(2));
    fs::write(place.path("tmp").join(&young), "").unwrap();
    fs::write(place.path("tmp/notes.txt"), "").unwrap();
    make_private(&place.path("tmp").join(&young));
    make_private(&place.path("tmp/notes.txt"));
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    for file in [torn[0].as_str(), "notes.txt"] {
        let file = File::options().write(true).open(place.path("tmp").join(file)).unwrap();
        file.set_times(FileTimes::new().set_modified(old)).unwrap();
    }
    let next = countersign_store_file::FileStore::open(place.store.folder()).unwrap();
    put(&next, &name(1), Revision(1), "new").await;
    assert_eq!(listing(&place.path("tmp")), [young, "notes.txt".into()]);
}

/// What may befall a file: its last byte, the revision in its header, its end, all of it.
fn damages(good: &[u8]) -> [Vec<u8>; 6] {
    let mut flipped = good.to_vec();
    flipped[30] ^= 1;
    let mut raised = good.to_vec();
    raised[12] ^= 2;
    let torn = [&good[..20], &good[..good.len() - 1], b"", b"{\"a\":1}"].map(<[u8]>::to_vec);
    let [short, shorter, empty, foreign] = torn;
    [flipped, raised, short, shorter, empty, foreign]
}

#[tokio::test]
async fn f30_a_damaged_record_stays_until_it_is_set_aside_and_is_never_deleted() {
    let place = Place::new();
    let first = put(&place.store, &name(1), Revision::NONE, "good").await;
    let good = fs::read(place.record(&name(1))).unwrap();
    let mut kept = 0;
    for damage in damages(&good) {
        fs::write(place.record(&name(1)), &damage).unwrap();
        let there = place.store.load(&name(1)).await.unwrap().unwrap();
        let again = place.store.load(&name(1)).await.unwrap().unwrap();
        assert_eq!(there.revision, again.revision);
        assert_ne!(there.revision, first);
        assert_eq!(fs::read(place.record(&name(1))).unwrap(), damage, "to read it moves nothing");
        // Nobody who believes that there is none, or that it is as it was, replaces or removes it.
        for believed in [Revision::NONE, first] {
            let end = place.store.commit(&name(1), believed, None, bytes("x")).await.unwrap();
            assert!(matches!(end, Committed::Lost(Some(_))));
            assert!(!place.store.remove(&name(1), believed).await.unwrap());
            assert!(!place.store.set_aside(&name(1), believed).await.unwrap());
        }
        // Whoever has read it may, in each of the ways, and its bytes are kept.
        kept += 1;
        match kept % 3 {
            0 => assert!(place.store.set_aside(&name(1), there.revision).await.unwrap()),
            1 => assert!(place.store.remove(&name(1), there.revision).await.unwrap()),
            _ => assert!(put(&place.store, &name(1), there.revision, "next").await > first),
        }
        let aside = place.path(&format!("damaged/{}.{kept}.rec", name(1)));
        assert_eq!(fs::read(&aside).unwrap(), damage);
        assert_private(&aside);
        let left = place.store.load(&name(1)).await.unwrap();
        let left = left.map_or(Revision::NONE, |left| left.revision);
        let next = put(&place.store, &name(1), left, "again").await;
        assert!(next > first, "a count goes on");
    }
    assert_eq!(listing(&place.path("damaged")).len(), kept);
}

/// The header of the seal is not believed either: a flipped bit in it would make the record another session's, or
/// one of an unknown key, and nobody would sign in again.
#[tokio::test]
async fn f30_a_record_is_damaged_for_its_seal_wherever_a_bit_has_flipped() {
    let place = Place::new();
    let sealer = countersign_seal::Sealer::new(place.store.seal_keys().await.unwrap()).unwrap();
    let realm = countersign_core::Realm::new(
        countersign_core::Origin::parse("https://auth.example").unwrap(),
    );
    let kim =
        countersign_core::SessionKey::new(countersign_core::ProviderId::new("acme"), &realm, "kim");
    let name = sealer.name(&kim.digest());
    let sealed = sealer.seal_session(&kim, &countersign_seal::SessionRecord::default()).unwrap();
    place.store.commit(&name, Revision::NONE, None, sealed).await.unwrap();
    let good = fs::read(place.record(&name)).unwrap();
    for bit in 0..good.len() * 8 {
        let mut hit = good.clone();
        hit[bit / 8] ^= 1 << (bit % 8);
        fs::write(place.record(&name), hit).unwrap();
        match place.store.load(&name).await {
            Ok(there) => {
                let opened = sealer.open_session(&kim, there.unwrap().bytes.expose_bytes());
                assert_eq!(opened.unwrap_err().code(), Some("damaged"), "bit {bit}");
            }
            // A higher version in the file's header: left alone.
            Err(error) => assert_eq!((error.code(), bit / 8), (Some("newer_version"), 4)),
        }
    }
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "good").await;
    let mut newer = fs::read(place.record(&name(1))).unwrap();
    newer[4] = 2;
    for newer in [&newer[..], b"CSF1\x09"] {
        fs::write(place.record(&name(1)), newer).unwrap();
        let error = place.store.load(&name(1)).await.unwrap_err();
        assert_says(&error, "newer_version", "upgrade this program");
        let error = place.store.commit(&name(1), Revision(1), None, bytes("x")).await.unwrap_err();
        assert_says(&error, "newer_version", "upgrade this program");
        assert_eq!(fs::read(place.record(&name(1))).unwrap(), newer);
    }
}

#[tokio::test]
async fn a_record_that_no_session_has_is_too_long() {
    let place = Place::new();
    let long = countersign_core::SecretBytes::new(vec![0; 16 * 1024 * 1024 + 1]);
    let error = place.store.commit(&name(1), Revision::NONE, None, long).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert_says(&error, "too_long", "16 MiB");
    assert!(place.store.load(&name(1)).await.unwrap().is_none());
}

#[tokio::test]
async fn f30_what_is_whole_for_the_store_and_damaged_for_its_user_is_set_aside_on_demand() {
    let place = Place::new();
    let revision = put(&place.store, &name(1), Revision::NONE, "sealed with a broken seal").await;
    let file = fs::read(place.record(&name(1))).unwrap();
    assert!(!place.store.set_aside(&name(1), Revision(7)).await.unwrap());
    assert!(place.store.set_aside(&name(1), revision).await.unwrap());
    assert!(place.store.load(&name(1)).await.unwrap().is_none());
    let aside = place.path(&format!("damaged/{}.1.rec", name(1)));
    assert_eq!(fs::read(aside).unwrap(), file);
    assert!(put(&place.store, &name(1), Revision::NONE, "new").await > revision);
}
