//! A tokio runtime that is dropped in the middle of an exchange: the session outlives it, and goes on with
//! the runtime of the next caller (F07, F45). A runtime that goes is not a process that dies: the machine is
//! still there, and knows what was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Committed, Error, Fence, RecordName, Revision, SecretBytes, SessionStore};
use countersign_reqwest::Client;
use countersign_runtime::Keeper;
use countersign_seal::suite::{Over, Through};
use countersign_simulator::{Fault, Gate, Operation};
use countersign_store_file::FileStore;
use tokio::runtime::{Builder, Runtime};

use super::{Cx, End, Failure};
use crate::child::{Place, opened};
use crate::clock::{pause, until};
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::Task;
use crate::stage::{Seen, Stage};

const LIFE: Duration = Duration::from_secs(3600);

pub(crate) async fn run(_: Cx) -> Result<End, Failure> {
    let mut findings = Findings::default();
    for kind in Kind::ALL {
        for moment in [Moment::Sending, Moment::Committing] {
            one(kind, moment, &mut findings).await?;
        }
    }
    Ok(End::Findings(findings))
}

/// When the runtime goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moment {
    /// The server has acted, and its answer is on the way.
    Sending,
    /// The answer is here, and its write has not begun.
    Committing,
}

async fn one(kind: Kind, moment: Moment, findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(kind, LIFE).await?;
    let blocked = Arc::new(AtomicBool::new(false));
    let reached = Arc::new(AtomicBool::new(false));
    let first = runtime()?;
    let plan = stage.plan(Task::Renew);
    let (held, at) = (Arc::clone(&blocked), Arc::clone(&reached));
    let opening = first.spawn(async move {
        let http = Client::new(reqwest::Client::builder()).map_err(|e| e.to_string())?;
        let store = FileStore::open(&plan.folder).map_err(|e| e.to_string())?;
        let store = Through(Held { store, blocked: held, reached: at });
        let keeper = Keeper::builder().transport(http.clone()).store(store).build();
        let keeper = keeper.map_err(|e| e.to_string())?;
        let place = opened(&plan, keeper, &http).await.map_err(|e| e.to_string())?;
        place.session.authorization().await.map_err(|e| e.to_string())?;
        place.session.close(Duration::from_secs(60)).await;
        Ok::<Place, String>(place)
    });
    let place = opening.await??;
    let before = place.session.status().generation;

    let gate = Gate::new();
    let operation = if kind == Kind::Absent { Operation::SIGN_IN } else { Operation::REFRESH };
    if moment == Moment::Sending {
        stage.simulator.inject(operation, Fault::GateUntil(gate.clone()), 1);
    }
    let n = stage.seen().exchanges();
    let session = place.session.clone();
    let refresh = first.spawn(async move { drop(session.refresh().await) });
    let there = || match moment {
        Moment::Sending => gate.seen() > 0,
        // The mark is written unhindered; what is written after the answer is not.
        Moment::Committing => {
            if stage.seen().exchanges() > n {
                blocked.store(true, Ordering::SeqCst);
            }
            reached.load(Ordering::SeqCst)
        }
    };
    if moment == Moment::Committing {
        stage.simulator.inject(operation, Fault::Delay(Duration::from_millis(500)), 1);
    }
    if !until(Duration::from_secs(60), there).await {
        return Err(format!("{kind:?}: {moment:?} was not reached").into());
    }
    // Dropped where no task of ours is: as a program does that ends one of its runtimes.
    tokio::task::spawn_blocking(move || drop(first)).await?;
    drop(refresh);
    gate.release();
    blocked.store(false, Ordering::SeqCst);
    let served = place.session.status();
    let unseen = served.generation == before || !served.good;
    findings.claim(
        unseen,
        format!("{}, {moment:?}: no token is seen whose write was not tried", kind.name()),
    );

    let second = runtime()?;
    let (session, api, url) = (place.session.clone(), place.api.clone(), place.url.clone());
    let going_on = second.spawn(async move {
        let renewed = session.refresh().await.map(drop).map_err(|error| error.to_string());
        let reply = api.get(url).send().await.map(|reply| reply.status().as_u16());
        (renewed, reply.map_err(|error| error.to_string()))
    });
    let (renewed, reply) = going_on.await?;
    let seen = stage.seen();
    findings.claim(
        renewed.is_ok() && reply == Ok(200) && as_promised(kind, moment, seen),
        format!("{}, {moment:?}: goes on ({renewed:?}, {reply:?}), {seen:?}", kind.name()),
    );
    tokio::task::spawn_blocking(move || drop((place, second))).await?;
    pause(Duration::from_millis(10)).await;
    Ok(())
}

/// One sign-in and one exchange lie before; one was cut off; then one was asked for.
fn as_promised(kind: Kind, moment: Moment, seen: Seen) -> bool {
    let Seen { sign_ins, refreshes, spent_presented, refused, .. } = seen;
    let quiet = refused == 0 && (kind == Kind::Grace || spent_presented == 0);
    let expected = match (kind, moment) {
        // What was bought is written first, and may answer whoever asks.
        (Kind::Absent | Kind::Codes, Moment::Committing) => {
            (2..=3).contains(&sign_ins) && refreshes == 0
        }
        (_, Moment::Committing) => sign_ins == 1 && (1..=2).contains(&refreshes),
        (Kind::Absent | Kind::Codes, Moment::Sending) => sign_ins == 3,
        (Kind::Reusable | Kind::Budget, Moment::Sending) => sign_ins == 1 && refreshes == 2,
        (Kind::Grace, Moment::Sending) => sign_ins == 1 && refreshes == 2 && spent_presented == 1,
        (Kind::NoGrace | Kind::Unknown, Moment::Sending) => sign_ins == 2 && refreshes == 1,
    };
    quiet && expected
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

/// A store whose writes can be held back before they begin.
struct Held {
    store: FileStore,
    blocked: Arc<AtomicBool>,
    reached: Arc<AtomicBool>,
}

#[async_trait]
impl Over for Held {
    fn below(&self) -> &dyn SessionStore {
        &self.store
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        if self.blocked.load(Ordering::SeqCst) {
            self.reached.store(true, Ordering::SeqCst);
            until(Duration::from_secs(60), || !self.blocked.load(Ordering::SeqCst)).await;
        }
        self.store.commit(name, expected, fence, bytes).await
    }
}
