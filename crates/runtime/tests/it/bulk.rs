//! Many sessions opened at once: one that cannot be opened costs the others nothing.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::store::Flaky;
use crate::common::{PASSWORD, Plain, World, settle};
use countersign_core::session::Status;
use countersign_core::{
    AccountKey, AuthProvider, Committed, CredentialSource, Credentials, Error, ErrorKind,
    RecordName, Recovery, SecretBytes, SessionStore, StoredRecord,
};
use countersign_runtime::{Keeper, MemoryStore, Session, SessionBuilder};
use countersign_seal::suite::{Over, Through};

/// So many accounts are read in one call of the store.
const BATCH: usize = 256;

fn names(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("kim-{n}")).collect()
}

async fn open_many(keeper: &Keeper, n: usize) -> Result<Vec<Result<Session, Error>>, Error> {
    let provider: Arc<dyn AuthProvider> = Arc::new(Plain::default());
    keeper.open_many(provider, names(n), |session| session).await
}

/// A store that does not give some records, or none, and will not later either.
#[derive(Clone)]
struct Denied(MemoryStore, Arc<Mutex<Option<HashSet<RecordName>>>>);

impl Denied {
    fn look(&self, name: &RecordName) -> Result<(), Error> {
        match &*self.1.lock().unwrap() {
            Some(some) if !some.contains(name) => Ok(()),
            _ => {
                let error = Error::new(ErrorKind::Store).with_recovery(Recovery::GiveUp);
                Err(error.with_code("denied"))
            }
        }
    }
}

#[async_trait::async_trait]
impl Over for Denied {
    fn below(&self) -> &dyn SessionStore {
        &self.0
    }

    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.look(name)?;
        self.0.load(name).await
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        names.iter().try_for_each(|name| self.look(name))?;
        self.0.load_many(names).await
    }
}

/// Eight accounts that were signed in; what the record of each session is called.
async fn signed_in(world: &World) -> Vec<RecordName> {
    let keeper = world.keeper();
    let (mut records, mut seen) = (Vec::new(), HashSet::new());
    for name in names(8) {
        let secrets = Credentials::password(&name, PASSWORD.to_owned());
        let described = keeper.session(world.provider.clone(), &name).credentials(secrets);
        described.open().await.unwrap().authorization().await.unwrap();
        let mut longest = (0, None);
        for record in world.store.list().await.unwrap() {
            let length = world.store.load(&record).await.unwrap().unwrap().bytes.len();
            if seen.insert(record.clone()) && length > longest.0 {
                longest = (length, Some(record));
            }
        }
        records.push(longest.1.unwrap());
    }
    records
}

async fn spoil(world: &World, name: &RecordName, change: impl FnOnce(&mut [u8])) {
    let StoredRecord { revision, bytes } = world.store.load(name).await.unwrap().unwrap();
    let mut bytes = bytes.expose_bytes().to_vec();
    change(&mut bytes);
    let end = world.store.commit(name, revision, None, SecretBytes::copy_from(&bytes)).await;
    assert!(matches!(end, Ok(Committed::Done(_))));
}

type End = Result<Status, (ErrorKind, Recovery, Option<String>, String)>;

fn end(opened: &Result<Session, Error>) -> End {
    let told = |error: &Error| {
        let code = error.code().map(str::to_owned);
        (error.kind(), error.recovery(), code, error.to_string())
    };
    opened.as_ref().map(Session::state).map_err(told)
}

#[tokio::test]
async fn f30_an_account_whose_record_cannot_be_read_fails_as_if_opened_alone_and_costs_no_other() {
    let world = World::new();
    let records = signed_in(&world).await;
    spoil(&world, &records[1], |bytes| bytes[8] ^= 1).await;
    spoil(&world, &records[2], |bytes| bytes[4] = u8::MAX).await;
    spoil(&world, &records[4], |bytes| bytes[20] ^= 1).await;
    spoil(&world, &records[5], |bytes| *bytes.last_mut().unwrap() ^= 1).await;
    let denied = HashSet::from([records[6].clone()]);
    let store = Denied(world.store.clone(), Arc::new(Mutex::new(Some(denied))));
    let keeper = || world.keeper_builder().store(Through(store.clone())).build().unwrap();

    let (alone, mut one_by_one) = (keeper(), Vec::new());
    for name in names(8) {
        one_by_one.push(end(&alone.session(world.provider.clone(), &name).open().await));
    }
    let many = keeper();
    let opened = open_many(&many, 8).await.unwrap();
    assert_eq!(opened.iter().map(end).collect::<Vec<_>>(), one_by_one);

    let codes = opened.iter().map(|opened| opened.as_ref().err().map(|error| error.code()));
    let codes: Vec<_> = codes.map(Option::flatten).collect();
    let expected = [
        None,
        Some("unknown_key"),
        Some("newer_version"),
        None,
        Some("foreign"),
        None,
        Some("denied"),
        None,
    ];
    assert_eq!(codes, expected);
    let good = |opened: &&Result<Session, Error>| {
        opened.as_ref().is_ok_and(|session| session.state() == Status::Active)
    };
    assert_eq!(opened.iter().filter(good).count(), 3, "the fourth of the opened has to sign in");
    let figures = many.figures();
    assert_eq!((figures.bulk_opened, figures.bulk_failed), (4, 4));
    assert_eq!(many.n_sessions(), 4, "nothing is left of those that were not opened");
    for (name, record) in [(1, &records[1]), (2, &records[2]), (4, &records[4])] {
        let there = world.store.load(record).await.unwrap();
        assert!(there.is_some() && world.store.aside(record).is_none(), "{name} stays");
    }
}

#[tokio::test]
async fn progress_is_told_and_others_have_their_turn_over_a_store_that_is_always_ready() {
    let world = World::new();
    let keeper = world.keeper();
    let opening = tokio::spawn({
        let keeper = keeper.clone();
        async move { open_many(&keeper, 4 * BATCH + 1).await.unwrap().len() }
    });
    let looking = tokio::spawn({
        let keeper = keeper.clone();
        async move {
            let mut seen = Vec::new();
            while !opening.is_finished() {
                let figures = keeper.figures();
                assert_eq!(figures.bulk_failed, 0);
                seen.push(figures.bulk_opened as usize / BATCH);
                tokio::task::yield_now().await;
            }
            (seen, opening.await.unwrap())
        }
    });
    let (mut seen, n_opened) = looking.await.unwrap();
    seen.dedup();
    let midway = seen.iter().filter(|batches| (1..4).contains(*batches)).count();
    assert!(midway >= 2, "{seen:?}");
    assert_eq!(n_opened, 4 * BATCH + 1);
    assert_eq!(keeper.figures().bulk_opened as usize, 4 * BATCH + 1);
}

#[tokio::test]
async fn a_store_that_gives_nothing_is_one_error_and_not_one_of_each_account() {
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    open_many(&keeper, 1).await.unwrap();
    // An outage, which may pass.
    store.failing_reads.store(1, Ordering::SeqCst);
    assert_eq!(open_many(&keeper, 3).await.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(open_many(&keeper, 3).await.unwrap().len(), 3);

    let store = Denied(world.store.clone(), Arc::default());
    let keeper = world.keeper_builder().store(Through(store)).build().unwrap();
    for (n, whole) in [(BATCH - 1, false), (BATCH, true), (4 * BATCH, true)] {
        let opened = open_many(&keeper, n).await;
        match opened {
            Err(error) => assert!(whole && error.code() == Some("denied"), "{n}: {error}"),
            Ok(each) => {
                assert!(!whole && each.len() == n, "{n}");
                let denied = |opened: &Result<Session, Error>| {
                    opened.as_ref().is_err_and(|error| error.code() == Some("denied"))
                };
                assert!(each.iter().all(denied));
            }
        }
    }
    assert_eq!(keeper.n_sessions(), 0);
}

/// A source that has nothing for those whom it is asked for first.
struct Later(usize, AtomicUsize);

#[async_trait::async_trait]
impl CredentialSource for Later {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        match self.1.fetch_add(1, Ordering::SeqCst) {
            n if n < self.0 => Err(Error::new(ErrorKind::Credentials).hint(format!("asked {n}"))),
            _ => Ok(Credentials::new().with_password(PASSWORD.to_owned())),
        }
    }
}

#[tokio::test]
async fn a_source_is_asked_until_it_has_what_is_needed_and_its_failures_are_the_accounts_own() {
    let world = World::new();
    let keeper = world.keeper();
    let open = async |without: usize, n: usize| {
        let source = Arc::new(Later(without, AtomicUsize::new(0)));
        let given: Arc<dyn CredentialSource> = source.clone();
        let describe = |session: SessionBuilder| session.credentials_from(Arc::clone(&given));
        let provider: Arc<dyn AuthProvider> = Arc::new(Plain::default());
        let opened = keeper.open_many(provider, names(n), describe).await;
        (opened, source.1.load(Ordering::SeqCst))
    };
    let (opened, asked) = open(3, 10).await;
    let opened = opened.unwrap();
    let failed = opened.iter().position(Result::is_ok);
    assert_eq!((failed, asked, opened.iter().filter(|o| o.is_ok()).count()), (Some(3), 4, 7));
    let third = opened[2].as_ref().unwrap_err();
    assert_eq!(third.kind(), ErrorKind::Credentials);
    assert!(third.to_string().contains("asked 2"), "{third}");
    // Too few to say that it has nothing for anybody.
    let (opened, asked) = open(usize::MAX, 10).await;
    assert!(opened.unwrap().iter().all(Result::is_err) && asked == 10);
    let (opened, asked) = open(usize::MAX, 2 * BATCH).await;
    assert!(opened.unwrap_err().to_string().contains("asked 0"));
    assert_eq!(asked, BATCH);
}

#[tokio::test]
async fn a_keeper_that_was_shut_down_opens_nobody() {
    let world = World::new();
    let keeper = world.keeper();
    keeper.shutdown(std::time::Duration::ZERO).await;
    settle().await;
    assert_eq!(open_many(&keeper, 3).await.unwrap_err().kind(), ErrorKind::Configuration);
}
