//! Steps that many cases take.

use std::time::Duration;

use countersign_core::{EarliestRefresh, Generation, RefreshSupport, SecretString};
use countersign_runtime::{MemoryStore, Session};
use tokio::task::JoinHandle;

use crate::bench::Bench;
use crate::expect::{Finding, How};
use crate::operation::Op;
use crate::process::Process;

/// So long a caller of a case waits that has to sit through held answers.
const PATIENCE: Duration = Duration::from_secs(600);

impl Bench {
    /// What buys the next token here: a refresh, or another sign-in where there is none.
    pub fn renewal(&self) -> Op {
        match self.claims().refresh {
            RefreshSupport::Absent => Op::SignIn,
            _ => Op::Refresh,
        }
    }

    /// A program elsewhere: it has a store of its own.
    ///
    /// # Errors
    /// A finding if no keeper can be built.
    pub fn apart(&self) -> Result<Process, Finding> {
        let store = MemoryStore::with_clock(self.clock())?;
        self.process_with(|builder| builder.store(store))
    }

    /// The secret that signs the account in: its password, or that of a client.
    ///
    /// # Errors
    /// A finding if the account has neither.
    #[track_caller]
    pub fn secret(&self) -> Result<SecretString, Finding> {
        let credentials = &self.account().credentials;
        let password = credentials.expect_password().ok();
        let secret = password.or_else(|| credentials.client_secret()).cloned();
        secret.ok_or_else(|| Finding::new("an account with a secret", "none"))
    }

    /// So many processes whose patient callers share one token.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn siblings(&self, n: usize) -> Result<Vec<Session>, Finding> {
        let mut all = Vec::new();
        for number in 0..n {
            let session = self.process()?.open_with(|builder| builder.deadline(PATIENCE)).await?;
            match number {
                0 => self.first()?.complete(&session, session.sign_in().await?).await?,
                _ => drop(session.authorization().await?),
            }
            all.push(session);
        }
        // Where sign-ins carry codes, the next one needs the next step.
        let step = self.claims().sign_in_code.unwrap_or_default();
        self.pass(step).await;
        Ok(all)
    }

    /// Waits until the middle of the next time step of codes, where a second more or less changes none.
    pub(crate) async fn middle_of_a_step(&self) {
        let claims = self.claims();
        let step = claims.code_per_request.max(claims.sign_in_code).unwrap_or_default();
        let millis = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        let into = self.now().as_millis().rem_euclid(millis);
        let rest = step.saturating_sub(Duration::from_millis(into.unsigned_abs()));
        self.pass(rest + step / 2).await;
    }

    /// How the spread of renewals is bounded for a token of this life: the earliest and the latest
    /// moment, counted from its beginning (`design.md` §4).
    pub fn renewal_window(&self, life: Duration) -> (Duration, Duration) {
        let at_least = |part: Duration, least: u64| part.max(Duration::from_secs(least));
        let advisory = at_least(life / 4, 10).min(Duration::from_secs(900)).min(life / 2);
        let mandatory = at_least(life / 20, 2).min(Duration::from_secs(60)).min(life / 5);
        match self.claims().earliest_refresh {
            EarliestRefresh::Anytime => {
                let latest = life - advisory;
                ((latest - life / 10).max(life / 2), latest)
            }
            EarliestRefresh::MandatoryWindow => (life - mandatory, life - mandatory / 2),
        }
    }
}

/// A caller in a task of its own, and the generation that it is given.
pub(crate) type Caller = JoinHandle<Result<Generation, countersign_core::Error>>;

/// The generation that a caller is given, in a task of its own.
pub(crate) fn caller(session: &Session) -> Caller {
    let session = session.clone();
    tokio::spawn(async move { session.authorization().await.map(|a| a.generation()) })
}

/// What a task came to.
///
/// # Errors
/// A finding if it panicked.
#[track_caller]
pub(crate) fn done<T>(task: JoinHandle<T>) -> impl Future<Output = Result<T, Finding>> + use<T> {
    let finding = Finding::new("a caller that returns", "a panic").by(How::Panic);
    async move { task.await.map_err(|_| finding) }
}
