//! Several sessions of one profile file on one keeper.

use std::time::Duration;

use countersign_core::{Clock as _, CredentialKind, Timestamp};
use countersign_runtime::{Keeper, Session, SystemClock};
use tokio::runtime::Runtime;

use crate::engine::{CLOSE, interrupted, online};
use crate::keep::Keep;
use crate::opening::{self, Secrets};
use crate::problem::Problem;
use crate::profile::{Profile, StoreSettings};
use crate::transport::LazyTransport;
use crate::{interrupt, output, store};

/// Sessions that are open, each with its profile.
pub(crate) struct Fleet {
    clock: SystemClock,
    keeper: Keeper,
    sessions: Vec<(Profile, Session)>,
    runtime: Runtime,
}

impl Fleet {
    /// Opens the sessions of `profiles` to end them. One that cannot be opened is told, and is not in the way of
    /// the others.
    pub(crate) fn ending(
        settings: &StoreSettings,
        profiles: Vec<Profile>,
        wait: Duration,
    ) -> Result<Self, Problem> {
        Self::on(online()?, settings, profiles, Secrets::ToEnd, wait, |problem| {
            output::report(&problem);
            Ok(())
        })
    }

    /// Opens them to look at what the store holds: nothing can be exchanged.
    pub(crate) fn look(profiles: Vec<Profile>) -> Result<Self, Problem> {
        let settings = profiles.first().map(|profile| profile.store().clone()).unwrap_or_default();
        let runtime = store::runtime(&settings)?;
        Self::on(runtime, &settings, profiles, Secrets::Never, Duration::ZERO, Err)
    }

    fn on(
        runtime: Runtime,
        settings: &StoreSettings,
        profiles: Vec<Profile>,
        secrets: Secrets,
        wait: Duration,
        failed: fn(Problem) -> Result<(), Problem>,
    ) -> Result<Self, Problem> {
        let clock = SystemClock::new();
        let hearing = store::hearing(settings);
        let (keeper, sessions) = interrupt::block_on(&runtime, hearing, async {
            let keeper = opening::keeper(settings, &LazyTransport::default(), clock).await?;
            let mut sessions = Vec::with_capacity(profiles.len());
            for profile in profiles {
                let keep = Keep::of(&profile, CredentialKind::Password);
                match opening::session(&keeper, &profile, clock, secrets, wait, keep).await {
                    Ok(opened) => sessions.push((profile, opened.session)),
                    Err(problem) => failed(problem)?,
                }
            }
            Ok((keeper, sessions))
        })?;
        Ok(Self { clock, keeper, sessions, runtime })
    }

    /// The sessions.
    pub(crate) fn sessions(&self) -> &[(Profile, Session)] {
        &self.sessions
    }

    /// The hour.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The keeper that they are on.
    pub(crate) const fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Asks them what the store answers alone: it needs no network, and is done at once.
    pub(crate) fn ask<T>(&self, question: impl AsyncFnOnce(&[(Profile, Session)]) -> T) -> T {
        self.runtime.block_on(question(&self.sessions))
    }

    /// Does something with them, until it is done or somebody asks the process to end; then waits for what
    /// is under way to be committed.
    pub(crate) fn run<T>(
        &self,
        work: impl AsyncFnOnce(&[(Profile, Session)]) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.runtime.block_on(async {
            let done = tokio::select! {
                biased;
                () = interrupt::wait() => Err(interrupted()),
                done = work(&self.sessions) => done,
            };
            self.keeper.shutdown(CLOSE).await;
            done
        })
    }
}
