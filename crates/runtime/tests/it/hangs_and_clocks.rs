//! What must not wait for ever, and what two clocks that disagree must not
//! bring about.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::common::{Act, Plain, Server, World, seconds, settle};
use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::Status;
use countersign_core::transport::TransportError;
use countersign_core::{
    AccountKey, Clock, CredentialKind, CredentialKinds, CredentialSource, Credentials, Error,
    Fence, HttpTransport, Lock, Monotonic, RecordName, Recovery, RefreshSupport, SessionStore,
    Timestamp,
};
use countersign_runtime::{Keeper, ManualClock, MemoryStore, Session, SignIn};
use countersign_seal::suite::{Over, Through};
use serde_json::json;

fn password(text: &str) -> Credentials {
    Credentials::password("kim", text.to_owned())
}

#[tokio::test]
async fn closing_ends_with_the_exchange_and_not_with_its_deadline() {
    let world = World::new();
    let keeper =
        world.keeper_builder().store(Through(Remote(world.store.clone()))).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    world.server.hold();
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
    let close = tokio::spawn({
        let session = session.clone();
        async move { session.close(seconds(60)).await }
    });
    settle().await;
    assert!(!close.is_finished());
    world.server.open();
    settle().await;
    assert_eq!(session.state(), Status::Active);
    assert!(close.is_finished(), "nobody has told it that the exchange is over");
}

/// Hangs when it is told to.
#[derive(Clone, Default)]
struct Hanging(Arc<AtomicBool>);

#[async_trait]
impl CredentialSource for Hanging {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        if self.0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(password(crate::common::PASSWORD))
    }
}

#[tokio::test]
async fn f12_a_source_that_never_answers_does_not_hold_the_session_for_ever() {
    let world = World::new();
    let source = Hanging::default();
    let keeper = world.keeper();
    let described = keeper.session(world.provider.clone(), "kim").credentials(source.clone());
    let session = described.open().await.unwrap();
    source.0.store(true, Ordering::SeqCst);
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
    source.0.store(false, Ordering::SeqCst);
    world.pass(seconds(1_200)).await;
    assert!(
        session.authorization_within(seconds(0)).await.is_ok(),
        "{:?}",
        session.status().transitions
    );
}

/// A server whose clock differs from ours by so many milliseconds.
#[derive(Clone)]
struct Dated(Server, ManualClock, Arc<AtomicI64>);

impl Dated {
    fn by(world: &World, millis: i64) -> Self {
        Self(world.server.clone(), world.clock.clone(), Arc::new(millis.into()))
    }

    fn now(&self) -> Timestamp {
        self.1.now().shifted(self.2.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl HttpTransport for Dated {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let answer = self.0.send(request).await?;
        let mut headers = answer.headers().clone();
        let seconds = self.now().as_seconds();
        let day = seconds.div_euclid(86_400);
        let text = http_date(day, seconds.rem_euclid(86_400));
        headers.insert("date", text.parse().unwrap());
        Ok(HttpResponse::new(answer.status(), headers, answer.body().clone()))
    }
}

/// RFC 9110 §5.6.7, by the civil calendar.
fn http_date(day: i64, of_day: i64) -> String {
    let (mut year, mut left) = (1970, day);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while left >= 365 + i64::from(leap(year)) {
        left -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while left >= lengths[month] {
        left -= lengths[month];
        month += 1;
    }
    let names =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let week = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    format!(
        "{}, {:02} {} {year} {:02}:{:02}:{:02} GMT",
        week[day.rem_euclid(7) as usize],
        left + 1,
        names[month],
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

async fn four_minutes_behind(world: &World) -> (Keeper, Session, Dated) {
    let server = Dated::by(world, -240_000);
    let keeper = world.keeper_builder().transport(server.clone()).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    session.refresh().await.unwrap();
    (keeper, session, server)
}

#[tokio::test]
async fn f17_p10_a_lockout_that_a_slow_server_dates_is_waited_out_on_our_clock() {
    let world = World::new();
    let (_keeper, session, server) = four_minutes_behind(&world).await;
    let end = server.now().after(seconds(600));
    let locked = json!({ "error": "locked", "until": end.as_millis() });
    world.server.next("sign_in", Act::Say(403, locked));
    let error = session.sign_in().await.unwrap_err();
    let Recovery::WaitUntil(until) = error.recovery() else { panic!("{error}") };
    let wait = until.since(world.clock.now());
    assert!(wait >= seconds(595), "the lock of ten minutes is waited for {wait:?}");
}

/// A time daemon sets a slow clock right: what was measured before would make codes of the future.
#[tokio::test]
async fn f17_p08_a_clock_that_was_set_forward_is_noticed_by_the_first_answer() {
    for set_by in [60_000, 0] {
        let world = World::of(Plain::default().with_codes(seconds(30)));
        let server = Dated::by(&world, 60_000);
        let keeper = world.keeper_builder().transport(server.clone()).build().unwrap();
        let session = world.described(&keeper).open().await.unwrap();
        let code = async || {
            let shown = session.authorization().await.unwrap();
            let code = shown.header(&http::HeaderName::from_static("otp")).unwrap();
            code.to_str().unwrap().parse::<i64>().unwrap()
        };
        let expected = || server.now().as_millis().div_euclid(30_000);
        session.authorization().await.unwrap();
        session.refresh().await.unwrap();
        world.pass(seconds(30)).await;
        assert_eq!(code().await, expected(), "two answers have told the server's time");
        world.clock.set_wall(world.clock.now().shifted(set_by));
        server.2.store(60_000 - set_by, Ordering::SeqCst);
        // A sleep looks alike, and leaves a skew as it was.
        world.pass_by(seconds(90), seconds(90)).await;
        session.refresh().await.unwrap();
        assert_eq!(code().await, expected(), "set by {set_by} ms");
        world.pass(seconds(30)).await;
        session.refresh().await.unwrap();
        world.pass(seconds(30)).await;
        assert_eq!(code().await, expected());
    }
}

#[tokio::test]
async fn f17_f39_a_challenge_of_a_slow_server_is_not_over_before_it_began() {
    let world = World::new();
    let (_keeper, session, _server) = four_minutes_behind(&world).await;
    world.server.next("sign_in", Act::Say(200, json!({ "challenge": "canary-handle" })));
    let sign_in = session.sign_in().await;
    settle().await;
    assert!(matches!(sign_in, Ok(SignIn::Challenge(_))), "{sign_in:?}");
    assert!(session.pending().is_some(), "{:?}", session.status().transitions);
}

#[tokio::test]
async fn f17_f38_a_code_step_of_a_clock_that_was_wrong_blocks_nobody_for_a_day() {
    let mut provider = Plain::default();
    let kinds = [CredentialKind::Password, CredentialKind::TotpSecret];
    provider.capabilities.credentials = CredentialKinds::new(kinds, []);
    provider.capabilities.sign_in_code = Some(seconds(30));
    let world = World::of(provider);
    let right = world.clock.now();
    world.clock.set_wall(right.after(seconds(86_400)));
    let open = async || {
        let keeper = world.keeper();
        let credentials = password(crate::common::PASSWORD).with_totp_secret("canary".to_owned());
        let described = keeper.session(world.provider.clone(), "kim").credentials(credentials);
        (described.open().await.unwrap(), keeper)
    };
    let (one, _keeper) = open().await;
    one.sign_in().await.unwrap();
    drop((one, _keeper));
    world.clock.set_wall(right);
    let (two, _keeper) = open().await;
    let sign_in = tokio::spawn({
        let two = two.clone();
        async move { two.sign_in().await.map(drop) }
    });
    world.pass(seconds(61)).await;
    assert!(sign_in.is_finished());
    sign_in.await.unwrap().unwrap();
}

#[tokio::test]
async fn f17_f47_a_lockout_of_a_clock_that_was_wrong_holds_nobody_for_a_year() {
    let year = seconds(365 * 86_400);
    for by in [year, seconds(0)] {
        let world = World::new();
        let right = world.clock.now();
        world.clock.set_wall(right.after(by));
        let one = world.session().await;
        let until = world.clock.now().after(seconds(600));
        let locked = json!({ "error": "locked", "until": until.as_millis() });
        world.server.next("sign_in", Act::Say(403, locked));
        one.sign_in().await.unwrap_err();
        drop(one);
        world.clock.set_wall(right);
        let two = world.session().await;
        let asking = two.clone();
        let told =
            crate::common::at_once(async move { asking.authorization().await.map(drop) }).await;
        let holds = by.is_zero();
        assert_eq!(told.is_err(), holds, "{told:?}");
        assert_eq!(world.server.count("sign_in"), if holds { 1 } else { 2 });
        world.pass(seconds(620)).await;
        assert!(two.authorization().await.is_ok());
        // What was taken proves that it is over, and a lockout of now counts again.
        let until = world.clock.now().after(seconds(600));
        let locked = json!({ "error": "locked", "until": until.as_millis() });
        world.server.next("sign_in", Act::Say(403, locked));
        two.sign_in().await.unwrap_err();
        let sent = world.server.count("sign_in");
        assert!(world.session().await.sign_in().await.is_err());
        assert_eq!(world.server.count("sign_in"), sent);
    }
}

#[tokio::test]
async fn refresh_where_nothing_can_renew_says_so_at_once() {
    let world = World::of(Plain::default().refreshing(RefreshSupport::Absent));
    let session = world.manual_session().await;
    session.sign_in().await.unwrap();
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    settle().await;
    assert!(refresh.is_finished());
}

thread_local! {
    /// Whether this thread is put aside, and whether it has just looked at the monotonic clock.
    static PUT_ASIDE: Cell<bool> = const { Cell::new(false) };
    static LOOKED: Cell<bool> = const { Cell::new(false) };
}

/// A clock on whose reading the system puts one thread aside for a moment: after it has seen that
/// something is due, and before it says so.
#[derive(Clone)]
struct Preempting(ManualClock, Arc<AtomicBool>);

#[async_trait]
impl Clock for Preempting {
    fn now(&self) -> Timestamp {
        if PUT_ASIDE.get() && LOOKED.get() {
            PUT_ASIDE.set(false);
            self.1.store(true, Ordering::SeqCst);
            #[expect(clippy::disallowed_methods, reason = "the thread is put aside in real time")]
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        self.0.now()
    }

    fn monotonic(&self) -> Monotonic {
        LOOKED.set(true);
        self.0.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.0.sleep_until(deadline).await;
    }
}

#[tokio::test]
async fn f01_nobody_who_waits_for_a_retry_is_told_the_failure_that_it_follows() {
    let world = World::new();
    let aside = Arc::new(AtomicBool::new(false));
    let clock = Preempting(world.clock.clone(), Arc::clone(&aside));
    let keeper = world.keeper_builder().clock(clock).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    world.server.next("sign_in", Act::LoseRequest);
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
    assert_eq!(session.state(), Status::BackingOff);
    world.clock.advance(seconds(5));
    let other = std::thread::spawn({
        let session = session.clone();
        move || {
            PUT_ASIDE.set(true);
            drop(session.current());
        }
    });
    while !aside.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    session.authorization().await.unwrap();
    other.join().unwrap();
}

/// A store that takes its time to let a lock go, as one in the network does.
struct Remote(MemoryStore);

struct Slow(Box<dyn Lock>);

#[async_trait]
impl Lock for Slow {
    fn fence(&self) -> Fence {
        self.0.fence()
    }

    fn held_for(&self, span: std::time::Duration) -> bool {
        self.0.held_for(span)
    }

    async fn renew(&mut self, lease: std::time::Duration) -> bool {
        self.0.renew(lease).await
    }

    async fn release(self: Box<Self>) {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.0.release().await;
    }
}

#[async_trait]
impl Over for Remote {
    fn below(&self) -> &dyn SessionStore {
        &self.0
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: std::time::Duration,
        wait: std::time::Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        Ok(Box::new(Slow(self.0.lock(name, lease, wait).await?)))
    }
}
