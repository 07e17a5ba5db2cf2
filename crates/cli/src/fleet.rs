//! Several sessions of one profile file on one keeper.

use std::time::Duration;

use countersign_core::{Clock, CredentialKind, Timestamp};
use countersign_runtime::{Keeper, Session, SystemClock};
use tokio::runtime::Runtime;

use crate::engine::{CLOSE, interrupted, online};
use crate::exit::Exit;
use crate::keep::Keep;
use crate::moment::Moment;
use crate::opening::{self, Secrets};
use crate::problem::Problem;
use crate::profile::{Profile, StoreSettings};
use crate::transport::LazyTransport;
use crate::{interrupt, output, store};

/// Sessions that are open, each with its profile.
pub(crate) struct Fleet {
    clock: Box<dyn Clock>,
    keeper: Keeper,
    sessions: Vec<(Profile, Session)>,
    unopened: Vec<(Profile, Problem)>,
    runtime: Runtime,
}

/// What is asked of those that are opened.
#[derive(Clone, Copy)]
struct Opening {
    secrets: Secrets,
    wait: Duration,
    /// The number of the replica, where it matters which one this is.
    replica: Option<u64>,
}

impl Opening {
    /// Only what the store holds is looked at.
    const LOOK: Self = Self { secrets: Secrets::Never, wait: Duration::ZERO, replica: None };
}

impl Fleet {
    /// Opens the sessions of `profiles` to end them. One that cannot be opened is told, and is not in the way of
    /// the others.
    pub(crate) fn ending(
        settings: &StoreSettings,
        profiles: Vec<Profile>,
        wait: Duration,
    ) -> Result<Self, Problem> {
        let opening = Opening { secrets: Secrets::ToEnd, wait, replica: None };
        let fleet = Self::on(online()?, settings, profiles, opening, SystemClock::new())?;
        fleet.unopened.iter().for_each(|(_, problem)| output::report(problem));
        Ok(fleet)
    }

    /// Opens them to look at what the store holds: nothing can be exchanged.
    pub(crate) fn look(profiles: Vec<Profile>) -> Result<Self, Problem> {
        let settings = profiles.first().map(|profile| profile.store().clone()).unwrap_or_default();
        let runtime = store::runtime(&settings)?;
        let mut fleet = Self::on(runtime, &settings, profiles, Opening::LOOK, SystemClock::new())?;
        match fleet.unopened.pop() {
            Some((_, problem)) => Err(problem),
            None => Ok(fleet),
        }
    }

    /// Opens them as the replica of that number would, to see at one moment what it would do. One that cannot be opened
    /// is not in the way of the others.
    ///
    /// # Errors
    /// What ails the store as a whole, or its key.
    pub(crate) fn plan(
        settings: &StoreSettings,
        profiles: Vec<Profile>,
        replica: u64,
    ) -> Result<Self, Problem> {
        let opening = Opening { replica: Some(replica), ..Opening::LOOK };
        let runtime = store::runtime(settings)?;
        let fleet = Self::on(runtime, settings, profiles, opening, Moment::new())?;
        if fleet.unopened.iter().any(|(_, problem)| problem.exit() == Exit::Store) {
            interrupt::block_on(&fleet.runtime, store::hearing(settings), async {
                Ok(fleet.keeper.stored().await?)
            })?;
        }
        Ok(fleet)
    }

    fn on(
        runtime: Runtime,
        settings: &StoreSettings,
        profiles: Vec<Profile>,
        opening: Opening,
        clock: impl Clock + Copy + 'static,
    ) -> Result<Self, Problem> {
        let Opening { secrets, wait, replica } = opening;
        let mut unopened = Vec::new();
        let hearing = store::hearing(settings);
        let (keeper, sessions) = interrupt::block_on(&runtime, hearing, async {
            let keeper = opening::described(settings, &LazyTransport::default()).await?;
            let keeper = keeper.clock(clock);
            let keeper = match replica {
                Some(number) => keeper.replica_seed(number),
                None => keeper,
            };
            let keeper = keeper.build()?;
            let codes = SystemClock::new();
            let mut sessions = Vec::with_capacity(profiles.len());
            for profile in profiles {
                let keep = Keep::of(&profile, CredentialKind::Password);
                match opening::session(&keeper, &profile, codes, secrets, wait, keep).await {
                    Ok(opened) => sessions.push((profile, opened.session)),
                    Err(problem) => unopened.push((profile, problem)),
                }
            }
            Ok((keeper, sessions))
        })?;
        Ok(Self { clock: Box::new(clock), keeper, sessions, unopened, runtime })
    }

    /// The sessions.
    pub(crate) fn sessions(&self) -> &[(Profile, Session)] {
        &self.sessions
    }

    /// Those that could not be opened, and why.
    pub(crate) fn unopened(&self) -> &[(Profile, Problem)] {
        &self.unopened
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
