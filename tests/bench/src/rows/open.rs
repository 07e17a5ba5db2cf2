//! What it takes to have sessions that a store holds: all at once, and each by itself.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{AuthProvider, CredentialSource};
use countersign_runtime::{Keeper, MemoryStore, Session};

use super::request::micros;
use super::{Run, on_this_thread};
use crate::Result;
use crate::clocks::{process_cpu, timed};
use crate::contest::Contest;
use crate::row::{Measure, Row, Target, Unit};
use crate::subject::{Minting, Rfc6749, ShiftClock, credentials, keeper_over};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The sessions of one store, which a program opens anew.
struct Stored {
    clock: ShiftClock,
    store: MemoryStore,
    provider: Arc<Rfc6749>,
    source: Arc<dyn CredentialSource>,
    names: Vec<String>,
}

/// W4a: CPU of opening one of many from a store, by `open_many` and by `open`.
pub(crate) fn opened(run: Run) -> Result<Vec<Row>> {
    let (sessions, name) = if run.quick { (2_000, "2k") } else { (20_000, "20k") };
    let runtime = on_this_thread()?;
    let stored = runtime.block_on(Stored::with(sessions))?;
    let each = |spent: Duration| micros(spent) / sessions as f64;
    let figures = Contest::new(run.rounds(9))
        .with(|| {
            let keeper = stored.keeper()?;
            let (spent, opened) =
                timed(process_cpu, || runtime.block_on(stored.one_by_one(&keeper)));
            stored.all_there(&opened?)?;
            Ok(each(spent))
        })
        .with(|| {
            let keeper = stored.keeper()?;
            let (spent, opened) = timed(process_cpu, || runtime.block_on(stored.at_once(&keeper)));
            stored.all_there(&opened?)?;
            Ok(each(spent))
        })
        .run()?;
    Ok(Row::measured(
        "W4a/opened",
        format!(
            "CPU of opening one of {name} sessions from a store, all at once; limit: each by itself"
        ),
        (Measure::Cpu, Unit::Microseconds),
        figures.of(1),
        Some(figures.of(0)),
        Target::None,
    )
    .into_iter()
    .collect())
}

impl Stored {
    async fn with(sessions: usize) -> Result<Self> {
        let clock = ShiftClock::new();
        let stored = Self {
            store: MemoryStore::with_clock(Arc::new(clock.clone()))?,
            clock,
            provider: Arc::new(Rfc6749::at("http://127.0.0.1:9")?),
            source: Arc::new(credentials()),
            names: (0..sessions).map(|n| format!("account-{n:08}")).collect(),
        };
        let keeper = stored.keeper()?;
        for session in stored.one_by_one(&keeper).await? {
            session.authorization().await?;
        }
        Ok(stored)
    }

    fn keeper(&self) -> Result<Keeper> {
        Ok(keeper_over(Minting::new(DAY), &self.clock, self.store.clone())?)
    }

    async fn one_by_one(&self, keeper: &Keeper) -> Result<Vec<Session>> {
        let mut opened = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let described = keeper.session_of(Arc::<Rfc6749>::clone(&self.provider), name);
            opened.push(described.credentials_from(Arc::clone(&self.source)).open().await?);
        }
        Ok(opened)
    }

    async fn at_once(&self, keeper: &Keeper) -> Result<Vec<Session>> {
        let provider: Arc<dyn AuthProvider> = Arc::<Rfc6749>::clone(&self.provider);
        let opened = keeper
            .open_many(provider, &self.names, |session| {
                session.credentials_from(Arc::clone(&self.source))
            })
            .await?;
        Ok(opened.into_iter().collect::<std::result::Result<_, _>>()?)
    }

    /// Opened is a session that has its token.
    fn all_there(&self, opened: &[Session]) -> Result<()> {
        let with_token = opened.iter().filter(|session| session.current().is_some()).count();
        if with_token != self.names.len() {
            return Err(
                format!("{with_token} of {} sessions have a token", self.names.len()).into()
            );
        }
        Ok(())
    }
}
