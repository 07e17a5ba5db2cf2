//! What is checked. Each scenario is one world in which a few tasks meet; the schedule decides how.
//!
//! Time stands still but where a scenario cranks it: a waiter that would be saved by its deadline is a
//! deadlock here, and so is a task that never ends.

mod credentials;
mod ending;
mod flights;
mod handover;
mod herd;
mod hosts;
mod resting;
mod serving;
mod small;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Clock, Credentials, Error, RefreshSupport};
use countersign_model::explore::Scenario;
use countersign_model::ledger::{Before, Host, Ledger};
use countersign_model::provider::Plain;
use countersign_model::server::{PASSWORD, Server};
use countersign_model::steps;
use countersign_model::store::Store;
use countersign_model::sync::Runtime;
use countersign_runtime::{ManualClock, MemoryStore};
use shuttle::future::{JoinHandle, block_on};
use shuttle::thread;

use crate::{Authorized, Keeper, KeeperBuilder, Session, SessionBuilder};

/// Longer than any deadline.
const PATIENCE: Duration = Duration::from_secs(120);

const TICK: Duration = Duration::from_millis(500);

/// All scenarios, by what they are about.
pub(crate) const GROUPS: &[(&str, &[Scenario])] = &[
    ("herd", herd::ALL),
    ("serving", serving::ALL),
    ("flights", flights::ALL),
    ("ending", ending::ALL),
    ("hand-over", handover::ALL),
    ("credentials", credentials::ALL),
    ("hosts", hosts::ALL),
    ("resting", resting::ALL),
];

/// The smallest ones: every schedule of them is tried.
pub(crate) const SMALL: &[Scenario] = small::ALL;

/// The scenario of this name.
pub(crate) fn find(name: &str) -> Option<&'static Scenario> {
    let all = GROUPS.iter().flat_map(|(_, scenarios)| scenarios.iter());
    all.chain(SMALL).find(|scenario| scenario.name == name)
}

const fn scenario(name: &'static str, run: fn()) -> Scenario {
    Scenario { name, run, schedules: 300 }
}

/// One provider, one store, one clock, one runtime; as many hosts as a scenario wants.
struct World {
    clock: ManualClock,
    ledger: Ledger,
    server: Server,
    store: Store,
    provider: Plain,
    runtime: Runtime,
}

impl World {
    /// A provider whose refresh tokens stay.
    fn new() -> Self {
        Self::of(Plain::default())
    }

    /// One whose refresh tokens are spent on use, for good.
    fn rotating() -> Self {
        let refresh = RefreshSupport::Rotating { grace: Duration::ZERO };
        let world = Self::of(Plain::default().refreshing(refresh));
        world.server.state().rotates = true;
        world
    }

    /// One that wants a code on every request.
    fn with_codes() -> Self {
        Self::of(Plain::default().with_codes(Duration::from_secs(30)))
    }

    fn of(provider: Plain) -> Self {
        let (clock, ledger) = (ManualClock::default(), Ledger::default());
        let memory = MemoryStore::with_clock(Arc::new(clock.clone())).unwrap();
        let runtime = Runtime::new(0);
        runtime.enter();
        Self {
            server: Server::new(ledger.clone()),
            store: Store::new(memory, ledger.clone()),
            clock,
            ledger,
            provider,
            runtime,
        }
    }

    fn builder(&self) -> KeeperBuilder {
        let keeper = if trace::wanted() {
            Keeper::builder().effect_filter(trace::Trace)
        } else {
            Keeper::builder()
        };
        keeper
            .transport(self.server.clone())
            .store(self.store.clone())
            .clock(self.clock.clone())
            .replica_seed(7)
    }

    /// A host without a standing task.
    fn quiet_host(&self) -> Keeper {
        self.builder().pull().build().unwrap()
    }

    /// A host with its ticker.
    fn host(&self) -> Keeper {
        self.builder().build().unwrap()
    }

    fn described(&self, keeper: &Keeper) -> SessionBuilder {
        keeper
            .session(self.provider.clone(), "kim")
            .credentials(Credentials::password("kim", PASSWORD.to_owned()))
    }

    fn open(&self, keeper: &Keeper) -> Session {
        block_on(self.described(keeper).open()).unwrap()
    }

    fn signed_in(&self, keeper: &Keeper) -> Session {
        let session = self.open(keeper);
        block_on(session.authorization()).unwrap();
        session
    }

    fn caller(&self, session: &Session) -> Caller {
        Caller { session: session.clone(), ledger: self.ledger.clone(), clock: self.clock.clone() }
    }

    /// Lets time pass whenever everybody waits for it, until `done`.
    fn crank(&self, done: impl Fn() -> bool) {
        let mut passed = Duration::ZERO;
        while !done() {
            let before = steps();
            for _ in 0..24 {
                thread::yield_now();
            }
            if steps() == before {
                assert!(passed < PATIENCE, "somebody waits although time has passed");
                self.clock.advance(TICK);
                passed += TICK;
            }
        }
    }

    /// Everything has gone: no task is left that waits for anything, and no rule was broken.
    fn end(self) {
        let Self { ledger, runtime, .. } = self;
        runtime.join();
        ledger.close();
    }
}

/// What a caller has come back with.
fn ended<T>(call: JoinHandle<Option<T>>) -> T {
    block_on(call).unwrap().unwrap()
}

/// Asks a session for tokens and shows the books what it gets.
#[derive(Clone)]
struct Caller {
    session: Session,
    ledger: Ledger,
    clock: ManualClock,
}

impl Caller {
    fn host(&self) -> Host {
        Arc::as_ptr(&self.session.0.shared).addr()
    }

    fn before(&self) -> Before {
        self.ledger.before(self.host(), self.clock.now())
    }

    fn got(&self, before: &Before, authorized: &Authorized) {
        let access = authorized.access_token().secret().expose();
        self.ledger.handed_out(before, authorized.generation(), access, authorized.expires_at());
    }

    async fn authorization(&self) -> Result<Authorized, Error> {
        let before = self.before();
        let found = self.session.authorization().await;
        if let Ok(authorized) = &found {
            self.got(&before, authorized);
        }
        found
    }

    fn current(&self) -> Option<Authorized> {
        let before = self.before();
        self.session.current().inspect(|authorized| self.got(&before, authorized))
    }

    /// Reports a refusal, and that the report has returned.
    fn reject(&self, authorized: &Authorized) {
        self.session.reject(authorized.generation());
        self.ledger.refused(self.host(), authorized.generation());
    }
}
