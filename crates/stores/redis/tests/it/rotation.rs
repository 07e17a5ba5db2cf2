//! Other seal keys while programs run: each has its own source, and none is started again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_core::{Credentials, Error, SealKeys, SecretBytes, SessionStore};
use countersign_ibex::Ibex;
use countersign_runtime::{Keeper, ManualClock, Session};
use countersign_seal::SealedFacts;
use countersign_simulator::{Operation, Simulator};
use countersign_store_redis::RedisStore;

use super::server::Server;

const HUB: &str = "https://hub.example";

fn key(fill: u8) -> SecretBytes {
    SecretBytes::new(vec![fill; 32])
}

/// The key `front` seals, those of `behind` open.
fn keys(front: u8, behind: &[u8]) -> SealKeys {
    let front = SealKeys::new(front.into(), key(front));
    behind.iter().fold(front, |keys, id| keys.also((*id).into(), key(*id)))
}

/// Where one machine has its keys from.
#[derive(Clone)]
pub(crate) struct Place {
    keys: Arc<Mutex<SealKeys>>,
    n_asked: Arc<AtomicU32>,
}

impl Place {
    fn new() -> Self {
        Self { keys: Arc::new(Mutex::new(keys(1, &[]))), n_asked: Arc::default() }
    }

    fn now_has(&self, keys: SealKeys) {
        *self.keys.lock().unwrap() = keys;
    }

    fn n_asked(&self) -> u32 {
        self.n_asked.load(Ordering::SeqCst)
    }

    pub(crate) fn store(&self, server: &Server) -> RedisStore {
        let place = self.clone();
        let asked = move || {
            place.n_asked.fetch_add(1, Ordering::SeqCst);
            Ok(place.keys.lock().unwrap().clone())
        };
        RedisStore::builder(&server.address(), asked).unwrap().build().unwrap()
    }
}

/// A program on a machine of its own.
pub(crate) struct Program {
    pub(crate) place: Place,
    pub(crate) session: Session,
}

/// Some programs that share one session.
pub(crate) struct Fleet {
    pub(crate) server: Server,
    pub(crate) simulator: Simulator,
    clock: ManualClock,
}

impl Fleet {
    pub(crate) fn start() -> Option<Self> {
        let server = Server::start(&[])?;
        let (simulator, clock) = (Simulator::ibex().build(), ManualClock::default());
        Some(Self { server, simulator, clock })
    }

    pub(crate) async fn program(&self) -> Program {
        self.try_program().await.unwrap()
    }

    pub(crate) async fn try_program(&self) -> Result<Program, Error> {
        let place = Place::new();
        let session = self.session(place.store(&self.server)).await?;
        Ok(Program { place, session })
    }

    async fn session(&self, store: RedisStore) -> Result<Session, Error> {
        let transport = self.simulator.in_process(Arc::new(self.clock.clone()));
        let keeper = Keeper::builder().transport(transport).store(store).clock(self.clock.clone());
        let account = self.simulator.account();
        let secrets = Credentials::new().with_password(account.password);
        let keeper = keeper.build().unwrap();
        let described = keeper.session(Ibex::at(HUB)?, &account.identity);
        described.credentials(secrets).open().await
    }

    /// The keys that records are sealed with.
    async fn sealed_with(&self, store: &RedisStore) -> BTreeSet<u32> {
        let mut ids = BTreeSet::new();
        for name in store.list().await.unwrap() {
            let there = store.load(&name).await.unwrap().unwrap();
            ids.insert(SealedFacts::of(there.bytes.expose_bytes()).unwrap().key);
        }
        ids
    }
}

/// The order of docs/REDIS.md: readers first, writers next; nobody is started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_run_go_on_through_a_rotation_of_keys() {
    let Some(fleet) = Fleet::start() else { return };
    let (a, b) = (fleet.program().await, fleet.program().await);
    a.session.authorization().await.unwrap();
    b.session.authorization().await.unwrap();
    let admin = a.place.store(&fleet.server);
    assert_eq!(fleet.sealed_with(&admin).await, BTreeSet::from([1]));

    // Readers first. The key is in front at the one place before it is at the other, and records are sealed
    // with it: who has it behind opens them, and goes on with the old one.
    a.place.now_has(keys(2, &[1]));
    b.place.now_has(keys(1, &[2]));
    let done = admin.reseal().await.unwrap();
    assert!(done.is_complete() && done.anew == 2, "{done:?}");
    b.session.refresh().await.unwrap();
    b.session.sign_in().await.unwrap();
    assert!(!admin.needing(1).await.unwrap().is_empty(), "it seals with the old one");

    // Writers next: the key is known to the program, and now it is in front.
    b.place.now_has(keys(2, &[1]));
    fleet.clock.advance(Duration::from_secs(10));
    admin.reseal().await.unwrap();
    for program in [&a, &b] {
        for _ in 0..50 {
            program.session.refresh().await.unwrap();
            if fleet.sealed_with(&admin).await == BTreeSet::from([2]) {
                break;
            }
            tokio::task::yield_now().await;
            admin.reseal().await.unwrap();
        }
        program.session.refresh().await.unwrap();
        program.session.sign_in().await.unwrap();
        assert_eq!(fleet.sealed_with(&admin).await, BTreeSet::from([2]));
    }
    assert!(admin.needing(1).await.unwrap().is_empty());

    // Once more, and then the key between goes; the lowest one names the records and stays.
    for program in [&a, &b] {
        program.place.now_has(keys(3, &[1]));
    }
    fleet.clock.advance(Duration::from_secs(10));
    let error = admin.reseal().await.unwrap();
    assert_eq!(error.left.len(), 2, "it was taken away too early, and nothing is lost: {error:?}");
    for program in [&a, &b] {
        program.place.now_has(keys(3, &[2, 1]));
    }
    assert!(admin.reseal().await.unwrap().is_complete());
    a.session.refresh().await.unwrap();
    b.session.refresh().await.unwrap();
    assert!(admin.needing(2).await.unwrap().is_empty());
    let seen = fleet.simulator.totals();
    assert_eq!(
        seen.exchanges_of(Operation::SIGN_IN),
        4,
        "only those that were asked for: {seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_asked_for_a_key_that_is_nowhere_once_in_five_seconds() {
    let Some(fleet) = Fleet::start() else { return };
    let program = fleet.program().await;
    program.session.authorization().await.unwrap();
    let (elsewhere, before) = (Place::new(), program.place.n_asked());
    elsewhere.now_has(keys(2, &[1]));
    assert!(elsewhere.store(&fleet.server).reseal().await.unwrap().is_complete());
    for _ in 0..100 {
        let error = program.session.refresh().await.unwrap_err();
        assert_eq!(error.code(), Some("unknown_key"), "{error}");
    }
    assert_eq!(program.place.n_asked(), before + 1);
    program.session.authorization().await.expect("it is served meanwhile");
    program.place.now_has(keys(1, &[2]));
    fleet.clock.advance(Duration::from_secs(5));
    program.session.refresh().await.unwrap();
    assert_eq!(program.place.n_asked(), before + 2);
}
