//! W2: many callers at once, on a token that has ended, that is due, and one that is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_core::session::Reauthentication;
use countersign_runtime::Session;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::{Run, on_all_cores};
use crate::Result;
use crate::clocks::wall;
use crate::contest::Contest;
use crate::limit::Flight;
use crate::row::{Measure, Row, Target, Unit};
use crate::server::Server;
use crate::subject::{CALLER, HOUR, Rfc6749, ShiftClock, Sleepers, client, credentials, keeper_at};

const WALL: (Measure, Unit) = (Measure::Wall, Unit::Milliseconds);

/// What the server takes for an answer.
pub(crate) const SERVER_MS: u64 = 50;

/// What a volley of callers came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Volley {
    /// When the last one had its answer.
    pub(crate) last_ms: f64,
    /// How many were served.
    pub(crate) served: u64,
}

/// A session, the limit beside it, and a server that takes its time.
pub(crate) struct Scene {
    pub(crate) runtime: Runtime,
    pub(crate) server: Server,
    pub(crate) clock: ShiftClock,
    pub(crate) session: Session,
    pub(crate) flight: Flight,
}

impl Scene {
    /// Signed in; nobody signs in again by himself.
    pub(crate) fn new() -> Result<Self> {
        let runtime = on_all_cores()?;
        let server = Server::start()?;
        let clock = ShiftClock::new();
        let (session, flight) = runtime.block_on(async {
            let keeper = keeper_at(client()?, &clock)?;
            let session = keeper
                .session(Rfc6749::at(server.url())?, "one")
                .reauthentication(Reauthentication::Manual)
                .deadline(CALLER)
                .open()
                .await?;
            session.sign_in_with(credentials()).await?;
            Ok::<_, crate::Error>((session, Flight::to(server.address()?).await?))
        })?;
        server.set("delay_ms", SERVER_MS)?;
        Ok(Self { runtime, server, clock, session, flight })
    }

    /// `callers` ask for the session's authorization at once.
    pub(crate) fn ours(&self, callers: usize) -> Result<Volley> {
        self.runtime.block_on(volley(callers, || {
            let session = self.session.clone();
            async move { session.authorization().await.is_ok() }
        }))
    }

    /// The same, of the limit.
    pub(crate) fn limit(&self, callers: usize) -> Result<Volley> {
        self.flight.forget();
        self.runtime.block_on(volley(callers, || {
            let flight = self.flight.clone();
            async move { flight.header().await.is_some() }
        }))
    }

    /// Lets the token end, and leaves it to callers to notice.
    pub(crate) fn end(&self) {
        self.clock.pass(HOUR, Sleepers::Left);
    }

    /// How many exchanges `piece` has caused.
    fn exchanges<T>(&self, piece: impl FnOnce() -> Result<T>) -> Result<(u64, T)> {
        let before = self.server.exchanges()?;
        let made = piece()?;
        Ok((self.server.exchanges()? - before, made))
    }
}

/// W2a and W2b: the token has ended; 1,000 and 10,000 callers.
pub(crate) fn ended(run: Run) -> Result<Vec<Row>> {
    let scene = Scene::new()?;
    let mut rows = Vec::new();
    for (callers, most) in [(1_000, 1.05), (10_000, 1.1)] {
        let mut exchanges = Vec::new();
        let figures = Contest::new(run.rounds(41))
            .with(|| all_served(scene.limit(callers)?, callers))
            .with(|| {
                scene.end();
                let (n, volley) = scene.exchanges(|| scene.ours(callers))?;
                exchanges.push(n as f64);
                all_served(volley, callers)
            })
            .run()?;
        rows.push(worst(
            format!("W2a/{callers}"),
            format!("exchanges of {callers} callers, token ended"),
            &exchanges,
        ));
        rows.extend(Row::measured(
            format!("W2b/{callers}"),
            format!("last of {callers} callers, token ended, server takes {SERVER_MS} ms"),
            WALL,
            figures.of(1),
            Some(figures.of(0)),
            Target::Ratio(most),
        ));
    }
    Ok(rows)
}

/// W2c: the token is good and due; the renewal runs while 1,000 callers come.
pub(crate) fn due(run: Run) -> Result<Vec<Row>> {
    let (scene, callers) = (Scene::new()?, 1_000);
    let mut exchanges = Vec::new();
    let figures = Contest::new(run.rounds(61))
        .with(|| all_served(scene.ours(callers)?, callers))
        .with(|| {
            let (n, volley) = scene.exchanges(|| {
                let before = scene.session.status().generation;
                // Into the advisory window; the keeper's own task hears of it.
                scene.clock.pass(HOUR * 85 / 100, Sleepers::Woken);
                let volley = scene.ours(callers)?;
                scene.runtime.block_on(renewed(&scene.session, before))?;
                Ok(volley)
            })?;
            exchanges.push(n as f64);
            all_served(volley, callers)
        })
        .run()?;
    let mut rows = vec![worst(
        "W2c/exchanges".into(),
        format!("exchanges of {callers} callers, token due"),
        &exchanges,
    )];
    rows.extend(Row::measured(
        "W2c",
        format!(
            "last of {callers} callers, token due and being renewed; limit: the same on a fresh one"
        ),
        WALL,
        figures.of(1),
        Some(figures.of(0)),
        Target::Ratio(2.0),
    ));
    Ok(rows)
}

/// W2d: the server refuses; all are told, and the session comes back.
pub(crate) fn refused(run: Run) -> Result<Vec<Row>> {
    let (scene, callers) = (Scene::new()?, 1_000);
    let (mut exchanges, mut back) = (Vec::new(), Vec::new());
    let figures = Contest::new(run.rounds(41))
        .with(|| {
            scene.server.set("status", 400)?;
            let volley = scene.limit(callers)?;
            none_served(volley)
        })
        .with(|| {
            scene.server.set("status", 400)?;
            scene.end();
            let (n, volley) = scene.exchanges(|| scene.ours(callers))?;
            exchanges.push(n as f64);
            // The cause is gone: a sign-in, and everybody is served again.
            scene.server.set("status", 200)?;
            let (again, served) = scene.exchanges(|| {
                scene.runtime.block_on(scene.session.sign_in_with(credentials()))?;
                Ok(scene.ours(callers)?.served)
            })?;
            back.push(if again == 1 { served as f64 } else { 0.0 });
            none_served(volley)
        })
        .run()?;
    let mut rows = vec![worst(
        "W2d/exchanges".into(),
        format!("exchanges of {callers} callers, server refuses"),
        &exchanges,
    )];
    rows.extend(Row::measured(
        "W2d",
        format!("last of {callers} callers told, server refuses after {SERVER_MS} ms"),
        WALL,
        figures.of(1),
        Some(figures.of(0)),
        Target::Ratio(1.1),
    ));
    let least = back.iter().copied().fold(f64::INFINITY, f64::min);
    rows.push(Row::counted(
        "W2d/recovers",
        "callers served when the cause is gone, by one sign-in",
        least,
        Target::Exactly(callers as f64),
    ));
    Ok(rows)
}

async fn renewed(session: &Session, before: Option<countersign_core::Generation>) -> Result<()> {
    loop {
        let changed = session.changed();
        if session.status().generation != before {
            return Ok(());
        }
        changed.await;
    }
}

/// The worst round: every one must be so.
fn worst(id: String, what: String, counts: &[f64]) -> Row {
    let farthest =
        counts.iter().copied().max_by(|a, b| (a - 1.0).abs().total_cmp(&(b - 1.0).abs()));
    Row::counted(id, what, farthest.unwrap_or_default(), Target::Exactly(1.0))
}

fn all_served(volley: Volley, callers: usize) -> Result<f64> {
    if volley.served as usize != callers {
        return Err(format!("{} of {callers} callers were served", volley.served).into());
    }
    Ok(volley.last_ms)
}

fn none_served(volley: Volley) -> Result<f64> {
    if volley.served > 0 {
        return Err(
            format!("{} callers were served by a server that refuses", volley.served).into()
        );
    }
    Ok(volley.last_ms)
}

/// `callers` tasks at once, each of which makes one call.
async fn volley<F>(callers: usize, call: impl Fn() -> F) -> Result<Volley>
where
    F: Future<Output = bool> + Send + 'static,
{
    let (last, served) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut set = JoinSet::new();
    let start = wall();
    for _ in 0..callers {
        let (call, last, served) = (call(), Arc::clone(&last), Arc::clone(&served));
        set.spawn(async move {
            let good = call.await;
            let since = u64::try_from((wall() - start).as_nanos()).unwrap_or(u64::MAX);
            last.fetch_max(since, Ordering::Relaxed);
            served.fetch_add(u64::from(good), Ordering::Relaxed);
        });
    }
    while let Some(ended) = set.join_next().await {
        ended?;
    }
    let last = Duration::from_nanos(last.load(Ordering::Relaxed));
    Ok(Volley { last_ms: last.as_secs_f64() * 1e3, served: served.load(Ordering::Relaxed) })
}
