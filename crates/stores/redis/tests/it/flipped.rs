//! A bit that flips where no seal is yet: nothing is overwritten for it, and it is told as what it may be.

use countersign_core::{ErrorKind, SessionStore};
use countersign_seal::SealedFacts;
use countersign_simulator::Operation;

use super::rotation::Fleet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f30_a_flipped_bit_before_the_seal_of_a_session_loses_nothing() {
    let Some(fleet) = Fleet::start() else { return };
    let first = fleet.program().await;
    first.session.authorization().await.unwrap();
    let store = first.place.store(&fleet.server);
    let mut found = None;
    for name in store.list().await.unwrap() {
        let there = store.load(&name).await.unwrap().unwrap();
        if SealedFacts::of(there.bytes.expose_bytes()).unwrap().kind == 1 {
            found = Some((name, there.bytes.expose_bytes().to_vec()));
        }
    }
    let (name, whole) = found.unwrap();
    let key = format!("{{countersign}}:record:{name}");
    let put = |bytes: &[u8]| {
        let mut admin = fleet.server.admin();
        redis::cmd("HSET").arg(&key).arg("bytes").arg(bytes).exec(&mut admin).unwrap();
    };
    // The id of the key, the name, and the version.
    for (at, code) in [(9, "unknown_key"), (12, "foreign"), (4, "newer_version")] {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x40;
        put(&flipped);
        let error = fleet.try_program().await.err().unwrap();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Store, Some(code)), "{error}");
        for part in [&*key, "is damaged", "stays as it is"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        // Who has it open is served, and does not write over it.
        first.session.authorization().await.unwrap();
        assert_eq!(first.session.refresh().await.unwrap_err().code(), Some(code));
        let there = store.load(&name).await.unwrap().unwrap();
        assert_eq!(there.bytes.expose_bytes(), &flipped[..], "{code}: it stays");
        put(&whole);
        fleet.program().await.session.authorization().await.unwrap();
    }
    assert_eq!(fleet.simulator.totals().exchanges_of(Operation::SIGN_IN), 1);
}
