//! What a case holds: a server of its own, a store, a clock, and processes that keep sessions.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_core::{
    AuthProvider, Capabilities, Clock, CredentialKind, Error, HttpTransport, SecretString,
    SessionStore, Timestamp,
};
use countersign_runtime::{Keeper, KeeperBuilder, MemoryStore, Session, SessionBuilder};
use countersign_seal::suite::Through;

use crate::around::Adapter;
use crate::case::Live;
use crate::clock::VirtualClock;
use crate::engine::{Engine, Shared};
use crate::expect::Finding;
use crate::fault::{Fault, Gate, Times};
use crate::leaks::Barred;
use crate::listener::Listener;
use crate::naming::{Named, Names};
use crate::operation::Op;
use crate::process::Process;
use crate::purse::Purse;
use crate::shelf::Shelf;
use crate::target::{Account, Control, Controls, Seen, Server};
use crate::timeline::Timeline;
use crate::way::Way;
use crate::wire::{Inner as Line, Stray, Wire};

/// Where a case stands. Clones are the same bench.
#[derive(Clone)]
pub struct Bench(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) server: Arc<dyn Server>,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) adapter: Arc<dyn AuthProvider>,
    pub(crate) claims: Capabilities,
    pub(crate) account: Account,
    pub(crate) purse: Purse,
    pub(crate) shelf: Shelf,
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) clock: Hour,
    pub(crate) wire: Wire,
    pub(crate) timeline: Timeline,
    pub(crate) seed: u64,
    // Not the process: it holds the bench, and the two would keep each other for ever.
    first: Mutex<Option<Keeper>>,
    n_processes: Mutex<u64>,
}

/// The time of a bench.
#[derive(Clone)]
pub(crate) enum Hour {
    Virtual(VirtualClock),
    Real(Arc<dyn Clock>),
}

impl Hour {
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Virtual(clock) => Arc::new(clock.clone()),
            Self::Real(clock) => Arc::clone(clock),
        }
    }
}

impl Bench {
    pub(crate) fn new(
        server: Arc<dyn Server>,
        engine: Arc<dyn Engine>,
        clock: Hour,
        seed: u64,
        (timeline, names): (Timeline, Names),
        promise: Option<Live>,
    ) -> Result<Self, Error> {
        let plain = server.adapter();
        let claims = plain.capabilities().clone();
        let account = server.account();
        for one in [Some(account.clone()), server.other_account()].iter().flatten() {
            names.known().learn_credentials(&one.credentials);
        }
        let adapter: Arc<dyn AuthProvider> =
            Arc::new(Adapter(Named { real: engine.provider(plain), names: names.clone() }));
        let realm = adapter.realm();
        let api_origins = realm.api_origins.iter().cloned().chain(server.api_origins());
        let wire = Wire(Arc::new(Line {
            server: server.transport(),
            way: server.way(),
            began: clock.clock().monotonic(),
            clock: clock.clock(),
            names,
            timeline: timeline.clone(),
            auth_origin: realm.auth_origin.clone(),
            api_origins: api_origins.collect(),
            credential_headers: claims.credential_headers.clone(),
            plan: Mutex::default(),
            strays: Mutex::default(),
            strays_judged: false.into(),
            last: Mutex::default(),
            promise,
            sign_ins: 0.into(),
            faults_played: false.into(),
            lack: Mutex::default(),
            told: Mutex::default(),
        }));
        let shelf = Shelf::new(MemoryStore::with_clock(clock.clock())?);
        let inner = Inner {
            purse: Purse::of(&account.credentials),
            store: engine.store(Arc::new(shelf.clone())),
            shelf,
            server,
            engine,
            adapter,
            claims,
            account,
            clock,
            wire,
            timeline,
            seed,
            first: Mutex::default(),
            n_processes: Mutex::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    // Who is there.

    /// What the adapter claims.
    pub fn claims(&self) -> &Capabilities {
        &self.0.claims
    }

    /// The adapter as the engine has it.
    pub fn adapter(&self) -> &Arc<dyn AuthProvider> {
        &self.0.adapter
    }

    /// The account that signs in.
    pub fn account(&self) -> &Account {
        &self.0.account
    }

    /// The server.
    pub fn server(&self) -> &dyn Server {
        &*self.0.server
    }

    /// What can be done to the server from behind.
    ///
    /// # Errors
    /// A finding if there is nothing; name what the case needs in [`crate::Case::controls`], then it
    /// is skipped before it comes to that.
    #[track_caller]
    pub fn controls(&self) -> Result<&dyn Controls, Finding> {
        self.0.server.controls().ok_or_else(|| Finding::new("a server with controls", "none"))
    }

    /// The same for one thing that it must be able to do.
    #[track_caller]
    pub(crate) fn able_to(&self, control: Control) -> Result<&dyn Controls, Finding> {
        let able = self.0.server.controls().filter(|controls| controls.can().contains(&control));
        let expected = || format!("a case that names {control:?}, which it uses");
        able.ok_or_else(|| Finding::new(expected(), format!("a target that {}", control.lack())))
    }

    /// Where sessions are kept, as the engine has it; all processes share it.
    pub fn store(&self) -> Arc<dyn SessionStore> {
        Arc::clone(&self.0.store)
    }

    /// The way to the server, with faults and notes, for requests of the case's own.
    pub fn transport(&self) -> Arc<dyn HttpTransport> {
        Arc::new(self.0.wire.clone())
    }

    /// What stands before the server and has its answers as bytes.
    ///
    /// # Errors
    /// A finding if nothing does; name [`crate::Control::Socket`] in the case.
    #[track_caller]
    pub fn way(&self) -> Result<Arc<dyn Way>, Finding> {
        let way = self.0.wire.0.way.clone();
        way.ok_or_else(|| Finding::new("a way to the server with a socket", "none"))
    }

    /// A number that is the same in every run with the same seed.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    // Sessions.

    /// The first process, which [`Bench::open`] and [`Bench::sign_in`] use.
    ///
    /// # Errors
    /// A finding if no keeper can be built. So do the others here.
    pub fn first(&self) -> Result<Process, Finding> {
        let of = |keeper: &Keeper| Process { bench: self.clone(), keeper: keeper.clone() };
        if let Some(keeper) = &*self.lock_first() {
            return Ok(of(keeper));
        }
        let process = self.process()?;
        *self.lock_first() = Some(process.keeper.clone());
        Ok(process)
    }

    /// Another process: a keeper of its own on the same store, with another share of the spread.
    pub fn process(&self) -> Result<Process, Finding> {
        self.process_with(|builder| builder)
    }

    /// The same with other settings.
    pub fn process_with(
        &self,
        set: impl FnOnce(KeeperBuilder) -> KeeperBuilder,
    ) -> Result<Process, Finding> {
        let number = {
            let mut n = self.0.n_processes.lock().unwrap_or_else(PoisonError::into_inner);
            *n += 1;
            *n
        };
        let inner = &*self.0;
        let engine = &inner.engine;
        let builder = Keeper::builder()
            .transport(Shared(engine.transport(Arc::new(inner.wire.clone()))))
            .store(Through(Listener::new(Arc::clone(&inner.store), inner.shelf.clone())))
            .clock(Shared(engine.clock(inner.clock.clock())))
            .replica_seed(inner.seed.wrapping_mul(31).wrapping_add(number));
        let keeper = engine.keeper(set(builder)).build()?;
        Ok(Process { bench: self.clone(), keeper })
    }

    /// The session of the account in the first process. Nothing is sent.
    pub async fn open(&self) -> Result<Session, Finding> {
        self.first()?.open().await
    }

    /// The same with other settings.
    pub async fn open_with(
        &self,
        set: impl FnOnce(SessionBuilder) -> SessionBuilder,
    ) -> Result<Session, Finding> {
        self.first()?.open_with(set).await
    }

    /// The session of the account in the first process, signed in; challenges are answered.
    pub async fn sign_in(&self) -> Result<Session, Finding> {
        self.first()?.sign_in().await
    }

    /// Sets the password that the account's source yields from now on, in every process; where a client
    /// signs in, its secret.
    pub fn know_password(&self, password: SecretString) {
        self.0.wire.0.names.known().learn(&password, Barred::PathAndQuery);
        self.0.purse.edit(|credentials| {
            let has = |kind| credentials.has(kind);
            match has(CredentialKind::ClientSecret) && !has(CredentialKind::Password) {
                true => credentials.with_client_secret(password),
                false => credentials.with_password(password),
            }
        });
    }

    // Time.

    /// The clock without any defect.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.0.clock.clock()
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Time since the case began.
    pub fn elapsed(&self) -> Duration {
        self.0.wire.elapsed()
    }

    /// Whether time costs nothing here. In a live service a case waits for seconds only.
    pub fn is_virtual(&self) -> bool {
        matches!(self.0.clock, Hour::Virtual(_))
    }

    /// Lets time pass. All that falls due happens at its moment, and what it brings about is over.
    pub async fn pass(&self, span: Duration) {
        let clock = self.clock();
        clock.sleep_until(clock.monotonic().after(span)).await;
        self.settle().await;
    }

    /// Lets everything happen that can happen without time passing. In real time: a moment.
    pub async fn settle(&self) {
        match &self.0.clock {
            Hour::Virtual(clock) => clock.settle().await,
            Hour::Real(clock) => {
                clock.sleep_until(clock.monotonic().after(Duration::from_millis(50))).await;
            }
        }
    }

    /// Lets time pass until `so`, at most `within`.
    ///
    /// # Errors
    /// A finding that `what` did not come about.
    #[track_caller]
    pub fn until<'a>(
        &'a self,
        what: &'a str,
        within: Duration,
        so: impl Fn() -> bool + Send + 'a,
    ) -> impl Future<Output = Result<(), Finding>> + Send + 'a {
        let finding = Finding::new(format!("{what} within {within:?}"), "it did not come about");
        async move {
            let clock = self.clock();
            let deadline = clock.monotonic().after(within);
            let step = (within / 500).max(Duration::from_millis(10));
            self.settle().await;
            while !so() {
                if clock.monotonic() >= deadline {
                    return Err(finding);
                }
                clock.sleep_until(clock.monotonic().after(step).min(deadline)).await;
                self.settle().await;
            }
            Ok(())
        }
    }

    /// The machine is suspended for so long: both clocks leap, timers are late. Virtual time only.
    pub async fn suspend(&self, span: Duration) {
        if let Hour::Virtual(clock) = &self.0.clock {
            clock.leap(span);
        }
        self.settle().await;
    }

    /// Somebody sets the local wall clock by that many milliseconds. Virtual time only.
    pub async fn set_wall_by(&self, millis: i64) {
        if let Hour::Virtual(clock) = &self.0.clock {
            clock.set_by(millis);
        }
        self.settle().await;
    }

    // Faults.

    /// Lets the next request for `op` meet `fault`.
    ///
    /// # Errors
    /// A finding if it is one in the server's own words and the server has none: name
    /// [`crate::Control::Words`] in the case.
    #[track_caller]
    pub fn next(&self, op: Op, fault: Fault) -> Result<(), Finding> {
        self.meets(op, fault, Times::Next(1))
    }

    /// Lets requests for `op` meet `fault`, so many times. Those for one operation come in the order
    /// in which they were named.
    #[track_caller]
    pub fn meets(&self, op: Op, fault: Fault, times: Times) -> Result<(), Finding> {
        if let Some(wrong) = fault.is_impossible() {
            return Err(wrong);
        }
        self.mark(format!("{op} will meet {}", fault.name()));
        match fault.is_on_the_way() {
            true => self.0.wire.inject(op, fault, times),
            false => {
                let said = self.able_to(Control::Words)?.say(op, &fault, times);
                return said.map_err(|lack| self.0.wire.lacks(fault.name(), lack));
            }
        }
        Ok(())
    }

    /// Holds the answer to the next request for `op`.
    pub fn hold(&self, op: Op) -> Gate {
        let gate = Gate::new();
        self.0.wire.inject(op, Fault::Held(gate.clone()), Times::Next(1));
        gate
    }

    /// Takes back every fault that was not met, and ends an outage.
    pub fn all_well(&self) {
        self.0.wire.clear();
        self.0.shelf.clear();
        if let Ok(controls) = self.able_to(Control::Words) {
            controls.clear();
        }
    }

    /// Begins or ends an outage of the auth server.
    #[track_caller]
    pub fn outage(&self, on: bool) -> Result<(), Finding> {
        self.mark(if on { "outage" } else { "outage over" });
        self.able_to(Control::Words)?.outage(on);
        Ok(())
    }

    // What was sent.

    /// How many requests for `op` went over the wire, whatever became of them.
    pub fn sent(&self, op: Op) -> usize {
        self.0.timeline.count(|exchange| op.covers(exchange.op))
    }

    /// How many requests for `op` were answered with 2xx.
    pub fn granted(&self, op: Op) -> usize {
        let good = |status: u16| (200..300).contains(&status);
        self.0.timeline.count(|e| op.covers(e.op) && e.status.is_some_and(good))
    }

    /// Requests that went to a host that is neither the auth server nor the API. In a case that never
    /// asks for them, any such request is a failure.
    pub fn strays(&self) -> Vec<Stray> {
        self.0.wire.strays()
    }

    /// What the server saw of this operation.
    #[track_caller]
    pub fn seen(&self, op: Op) -> Result<Vec<Seen>, Finding> {
        Ok(self
            .able_to(Control::Records)?
            .seen()
            .into_iter()
            .filter(|seen| op.covers(seen.op))
            .collect())
    }

    /// Puts a note into the timeline: a few words, never a secret.
    pub fn mark(&self, what: impl Into<String>) {
        self.0.timeline.mark(self.elapsed(), what);
    }

    fn lock_first(&self) -> std::sync::MutexGuard<'_, Option<Keeper>> {
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
