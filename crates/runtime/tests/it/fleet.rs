//! Many sessions of one keeper: opened in bulk, renewed within their budget, asleep when nobody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::store::Flaky;
use crate::common::{PASSWORD, Plain, World, all_of, at_once, many_signed_in, seconds, settle};
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::Status;
use countersign_core::transport::TransportError;
use countersign_core::{
    AccountKey, AuthProvider, Committed, CredentialSource, Credentials, Error, Fence,
    HttpTransport, Lock, RecordName, RefreshSupport, Revision, SecretBytes, SessionStore,
};
use countersign_runtime::{Keeper, KeeperBuilder, Session, SessionBuilder};
use countersign_scheduler::{BudgetSettings, LaneLimits};
use countersign_seal::suite::{Over, Through};

const MANY: usize = 300;

async fn opened(world: &World, keeper: &Keeper) -> Vec<Session> {
    let provider = world.provider.clone();
    let sessions = many_signed_in(keeper, provider, MANY, SessionBuilder::keep_alive).await;
    assert_eq!((sessions.len(), keeper.n_sessions()), (MANY, MANY));
    assert_eq!(world.server.count("sign_in"), MANY);
    sessions
}

#[tokio::test]
async fn who_is_due_beyond_the_budget_is_parked_and_renewed_without_asking_twice() {
    let world = World::new();
    let keeper = world.keeper_builder().budgets(unbounded(2)).build().unwrap();
    let sessions = opened(&world, &keeper).await;
    let planned = keeper.schedule();
    assert!(planned.is_sorted_by_key(|planned| planned.next.map(|(_, at)| at)));
    assert!(planned.iter().all(|planned| planned.survives() >= Duration::from_secs(600)));

    world.pass(Duration::from_secs(3_000)).await;
    settle().await;
    let figures = keeper.figures();
    assert_eq!(world.server.count("refresh"), MANY, "{figures:?}");
    assert_eq!((figures.outcomes.put_off, figures.outcomes.tokens), (0, 2 * MANY as u64));
    assert_eq!((figures.queue_depth, figures.under_way), (0, 0));
    assert_eq!((figures.appointed, figures.lateness.n()), (MANY, MANY as u64));
    assert!(sessions.iter().all(|session| session.state() == Status::Active));
}

#[tokio::test]
async fn sessions_that_slept_are_opened_from_the_store_and_hand_out_their_tokens() {
    let world = World::new();
    let keeper = world.keeper();
    let before: Vec<_> =
        opened(&world, &keeper).await.iter().map(|s| s.status().generation).collect();
    drop(keeper);

    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let provider: Arc<dyn AuthProvider> = Arc::new(Plain::default());
    let names = (0..MANY).map(|n| format!("kim-{n}"));
    let sessions = all_of(keeper.open_many(provider, names, |session| session).await);
    assert_eq!(store.reads(), 2, "256 at a time");
    let after: Vec<_> = sessions.iter().map(|s| s.status().generation).collect();
    assert_eq!(after, before);
    for session in &sessions {
        let authorized = session.current().unwrap();
        assert_eq!(Some(authorized.generation()), session.status().generation);
        let token = authorized.access_token().secret().expose().to_owned();
        assert_eq!(crate::common::shown(session), Some(token), "the header is made of it");
    }
    assert_eq!((world.server.count("sign_in"), world.server.count("refresh")), (MANY, 0));
}

/// Counts how often it is asked.
struct Asked(Credentials, AtomicUsize);

#[async_trait::async_trait]
impl CredentialSource for Asked {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.clone())
    }
}

/// Opens ten sessions, whose tokens the store holds already; how often their source was asked.
async fn reopened(world: &World) -> (Keeper, Vec<Session>, usize) {
    let secrets = Credentials::new().with_password(PASSWORD.to_owned());
    let secrets = secrets.with_totp_secret("canary-totp".to_owned());
    let asked = Arc::new(Asked(secrets, AtomicUsize::new(0)));
    let source: Arc<dyn CredentialSource> = asked.clone();
    let provider: Arc<dyn AuthProvider> = Arc::new(world.provider.clone());
    let open = async || {
        let keeper = world.keeper();
        let names = (0..10).map(|n| format!("kim-{n}"));
        let describe = |session: SessionBuilder| session.credentials_from(Arc::clone(&source));
        let sessions = all_of(keeper.open_many(Arc::clone(&provider), names, describe).await);
        (keeper, sessions)
    };
    let (_keeper, first) = open().await;
    for session in &first {
        session.authorization().await.unwrap();
    }
    asked.1.store(0, Ordering::SeqCst);
    let (keeper, sessions) = open().await;
    (keeper, sessions, asked.1.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_source_is_asked_for_the_first_of_many_and_for_all_where_requests_need_codes() {
    let (_keeper, sessions, asked) = reopened(&World::new()).await;
    assert_eq!(asked, 1);
    assert!(sessions.iter().all(|session| session.current().is_some()));

    let (_keeper, sessions, asked) =
        reopened(&World::of(Plain::default().with_secret_codes(seconds(30)))).await;
    assert_eq!(asked, 10);
    let otp = http::HeaderName::from_static("otp");
    let coded = |session: &Session| session.current().is_some_and(|a| a.header(&otp).is_some());
    assert!(sessions.iter().all(coded), "at once: whoever presents them cannot wait");
}

#[tokio::test]
async fn sessions_that_were_opened_in_bulk_follow_what_siblings_write() {
    let world = World::new();
    let (_keeper, sessions, _) = reopened(&world).await;
    let secrets = Credentials::password("kim-7", PASSWORD.to_owned());
    let sibling = world.keeper();
    let described = sibling.session(world.provider.clone(), "kim-7").credentials(secrets);
    let renewed = described.open().await.unwrap().refresh().await.unwrap();
    settle().await;
    assert_eq!(sessions[7].status().generation, Some(renewed.generation()));
}

#[tokio::test]
async fn what_two_sessions_are_set_to_is_not_shared_although_all_else_is() {
    let world = World::new();
    let keeper = world.keeper_builder().pull().evict_idle(seconds(100), 0).build().unwrap();
    let provider: Arc<dyn AuthProvider> = Arc::new(Plain::default());
    let source: Arc<dyn CredentialSource> =
        Arc::new(Credentials::new().with_password(PASSWORD.to_owned()));
    let open = async |identity: &str, set: fn(SessionBuilder) -> SessionBuilder| {
        let described = keeper.session_of(Arc::clone(&provider), identity);
        let session = set(described.credentials_from(Arc::clone(&source))).open().await.unwrap();
        session.authorization().await.unwrap();
        session
    };
    let usual = open("usual", |usual| usual).await;
    let refreshable = open("refreshable", SessionBuilder::keep_refreshable).await;
    let alive = open("alive", SessionBuilder::keep_alive).await;
    keeper.tick();
    let resting = [&usual, &refreshable, &alive].map(|session| session.status().resting);
    assert_eq!(resting, [true, false, false]);
}

/// Twenty sessions that have all fallen due while the server held every answer back.
async fn all_due(world: &World, builder: KeeperBuilder) -> (Keeper, Vec<Session>) {
    let keeper = builder.exchange_deadline(seconds(7_200)).build().unwrap();
    let sessions = many_signed_in(&keeper, Plain::default(), 20, SessionBuilder::keep_alive).await;
    world.server.hold();
    world.pass_by(seconds(2_800), seconds(20)).await;
    (keeper, sessions)
}

fn unbounded(concurrency: u32) -> BudgetSettings {
    let limits = LaneLimits { interval: Duration::ZERO, burst: u32::MAX, concurrency };
    BudgetSettings { limits, ..BudgetSettings::default() }
}

/// Writes down what is locked, sent and written, as a transport and as a store.
#[derive(Clone)]
struct Course(World, Arc<std::sync::Mutex<String>>);

impl Course {
    fn note(&self, what: char) {
        self.1.lock().unwrap().push(what);
    }

    /// Has all fall due, until the first have their locks.
    async fn until_locked(&self, world: &World) {
        world.clock.advance(seconds(3_590));
        while !self.1.lock().unwrap().contains('l') {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait::async_trait]
impl HttpTransport for Course {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.note('s');
        self.0.server.send(request).await
    }
}

#[async_trait::async_trait]
impl Over for Course {
    fn below(&self) -> &dyn SessionStore {
        &self.0.store
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        self.note('l');
        self.0.store.lock(name, lease, wait).await
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        self.note('w');
        self.0.store.commit(name, expected, fence, bytes).await
    }
}

/// Many sessions whose exchanges have found out that they have company; what they do is written down.
async fn in_company(provider: Plain) -> (World, Keeper, Vec<Session>, Course) {
    let world = World::of(provider);
    world.server.state().rotates = true;
    let course = Course(world.clone(), Arc::default());
    let builder = world.keeper_builder().transport(course.clone()).store(Through(course.clone()));
    let keeper = builder.budgets(unbounded(32)).build().unwrap();
    let sessions = opened(&world, &keeper).await;
    world.pass_by(seconds(3_590), seconds(3_590)).await;
    settle().await;
    assert_eq!(world.server.count("refresh"), MANY);
    course.1.lock().unwrap().clear();
    (world, keeper, sessions, course)
}

/// Nothing here waits for anything, so that without taking turns each exchange would go to its end before the next one
/// begins.
#[tokio::test]
async fn exchanges_that_are_ready_go_step_beside_step() {
    let single_use = Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(0) });
    // What would be in doubt or lost if the process died in between is done in one go.
    for (provider, at_once) in [(Plain::default(), "sw"), (single_use, "wsw")] {
        let (world, _keeper, sessions, course) = in_company(provider).await;
        world.pass_by(seconds(3_590), seconds(3_590)).await;
        settle().await;
        assert!(sessions.iter().all(|session| session.state() == Status::Active));
        assert_eq!(world.server.count("refresh"), 2 * MANY);
        let course = course.1.lock().unwrap();
        let beside = course.split(['s', 'w']).map(str::len).filter(|locks| *locks > 8);
        let beside = beside.sum::<usize>();
        assert!(beside > MANY * 9 / 10, "{beside} of {MANY} in {course}");
        assert_eq!(course.matches(at_once).count(), MANY, "{at_once} in {course}");
    }
}

#[tokio::test]
async fn f28_who_is_given_up_in_his_turn_sends_nothing_any_more() {
    let single_use = Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(0) });
    let (world, keeper, _sessions, course) = in_company(single_use).await;
    course.until_locked(&world).await;
    keeper.shutdown(Duration::ZERO).await;
    settle().await;
    let course = course.1.lock().unwrap();
    assert!(course.chars().all(|step| step == 'l'), "neither marked nor sent: {course}");
    assert_eq!(world.server.count("refresh"), MANY);
}

#[test]
fn f45_a_runtime_that_goes_in_a_turn_takes_no_place_of_the_budget_with_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (world, _keeper, sessions) = first.block_on(async {
        let (world, keeper, sessions, course) = in_company(Plain::default()).await;
        course.until_locked(&world).await;
        (world, keeper, sessions)
    });
    drop(first);
    assert_eq!(world.server.count("refresh"), MANY, "all stood in their turn");
    // Who was not lost with it need not wait.
    let next = sessions.iter().find(|session| session.state() == Status::Active).unwrap().clone();
    let renewed = runtime().block_on(at_once(async move { next.refresh().await.is_ok() }));
    assert!(renewed);
}

#[tokio::test]
async fn workers_bound_what_the_clock_begins_and_no_caller_waits_for_one() {
    let world = World::new();
    let builder = world.keeper_builder().budgets(unbounded(1_000)).workers(3);
    let (keeper, sessions) = all_due(&world, builder).await;
    let figures = keeper.figures();
    assert_eq!(world.server.count("refresh"), 3, "{figures:?}");
    assert_eq!((figures.under_way, figures.queue_depth), (3, 17));
    let due = sessions.iter().find(|session| session.state() == Status::Active).unwrap().clone();
    tokio::spawn(async move { drop(due.refresh().await) });
    settle().await;
    assert_eq!(world.server.count("refresh"), 4);
    // Who lands makes room at once: no time passes.
    world.server.open();
    settle().await;
    settle().await;
    let figures = keeper.figures();
    assert_eq!(world.server.count("refresh"), 20, "{figures:?}");
    assert_eq!((figures.under_way, figures.queue_depth, figures.outcomes.put_off), (0, 0, 0));
}

#[tokio::test]
async fn f50_who_is_due_beyond_the_budget_waits_in_the_queue_and_asks_when_it_is_his_turn() {
    let world = World::new();
    let (keeper, sessions) = all_due(&world, world.keeper_builder().budgets(unbounded(2))).await;
    let figures = keeper.figures();
    assert_eq!((figures.under_way, figures.queue_depth), (2, 18), "{figures:?}");
    assert_eq!((world.server.count("refresh"), figures.outcomes.put_off), (2, 0));
    world.server.open();
    for _ in 0..10 {
        settle().await;
    }
    let figures = keeper.figures();
    assert_eq!(world.server.count("refresh"), 20, "{figures:?}");
    assert_eq!((figures.under_way, figures.queue_depth, figures.outcomes.put_off), (0, 0, 0));
    assert!(sessions.iter().all(|session| session.state() == Status::Active));
    let last = sessions[0].clone();
    assert!(at_once(async move { last.authorization().await.is_ok() }).await);
}
