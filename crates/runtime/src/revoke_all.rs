//! Ending many sessions at once, after a compromise: those that are open here, and those that are only
//! in the store.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::time::Duration;

use countersign_core::{
    AccountKey, Committed, Error, ErrorKind, KeyDigest, Monotonic, RecordName, RevokeSupport,
    StoredKey, Timestamp, TokenSet,
};
use countersign_seal::{EndCause, Ended, Found, SessionRecord};

use crate::builder::SessionBuilder;
use crate::cell::Cell;
use crate::keeper::Keeper;
use crate::prepare::lease;
use crate::readers_copy;
use crate::session::Session;
use crate::shared::Shared;
use crate::sign_in::SignOutOutcome;
use crate::stored::{Listed, listed};
use crate::sync::Mutex;
use crate::wait::{Waited, wait};

/// So many sessions are ended at the same time.
const LANES: usize = 16;

/// Which sessions are ended.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Selection {
    /// Every one.
    All,
    /// Those with the provider of this word (`ibex`, `cognito`, …), at any origin.
    Provider(Box<str>),
    /// Those of one account, with whatever client and audience.
    Account(StoredKey),
}

impl Selection {
    /// The sessions with the provider `word`.
    pub fn provider(word: &str) -> Self {
        Self::Provider(word.into())
    }

    /// The sessions of `account`.
    pub fn account(account: &AccountKey) -> Self {
        Self::Account(account.into())
    }

    /// Whether the session of `key` is among them.
    pub fn has(&self, key: &StoredKey) -> bool {
        match self {
            Self::All => true,
            Self::Provider(word) => key.provider() == &**word,
            Self::Account(account) => key.account() == account.account(),
        }
    }
}

/// What has become of all of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RevocationReport {
    /// One entry a session, and one for each record of which nobody can tell whose it is.
    pub sessions: Vec<Revocation>,
    /// The store could not be listed: then only sessions that are open here were ended.
    pub store_error: Option<Error>,
}

impl RevocationReport {
    /// Whether nothing of what was selected is left that anybody could use or that is not known.
    pub fn is_complete(&self) -> bool {
        let over = |one: &Revocation| {
            matches!(one.outcome, RevocationOutcome::Revoked | RevocationOutcome::AlreadyEnded)
                && one.refresh == Remaining::Nothing
        };
        self.store_error.is_none() && self.sessions.iter().all(over)
    }
}

/// What is true about one session now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Revocation {
    /// The name of its record in the store; `None` if it was never stored.
    pub record: Option<RecordName>,
    /// Whose it is; `None` if nobody can tell. Personal: keep it out of logs.
    pub session: Option<StoredKey>,
    /// What was achieved.
    pub outcome: RevocationOutcome,
    /// How long its access token can still be used by whoever has a copy.
    pub access: Remaining,
    /// The same for its refresh token.
    pub refresh: Remaining,
    /// Why it is not better than that.
    pub error: Option<Error>,
}

/// What was achieved for one session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum RevocationOutcome {
    /// The provider has revoked it, and the store keeps a tombstone.
    Revoked,
    /// It is forgotten here and in the store; at the provider it lives on, or its access token does.
    LocalOnly {
        /// The end of its access token; `None` if there was none.
        valid_until: Option<Timestamp>,
    },
    /// Revocation, or the tombstone, was tried; whether it came about is not known.
    Unconfirmed,
    /// It had been ended before; nothing was done now.
    AlreadyEnded,
    /// Nothing was done: it could not be read or written.
    Failed,
}

/// How long a token can still be used by whoever has a copy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Remaining {
    /// Not at all, or there is none.
    Nothing,
    /// Until then.
    Until(Timestamp),
    /// Until the provider ends it: nobody has said when.
    Unknown,
}

impl Keeper {
    /// Ends every session of `selection`: those that are open in this keeper and those that are found
    /// in its store. Each is withdrawn here at once when its turn comes, revoked at the provider within
    /// the budgets of its origin and client, and leaves a tombstone in the store, so that no process
    /// brings it back without an explicit sign-in.
    ///
    /// Siblings that share the store drop a session when they see its tombstone: within a second where
    /// the store tells of changes ([`countersign_core::SessionStore::watch`]), else with their next
    /// exchange; until then they use the access token that they have. After `within` no further session
    /// is begun, and those are reported as [`RevocationOutcome::Failed`]; exchanges that were begun go on
    /// in the background.
    ///
    /// `resolve` describes a session that is only in the store, most often by
    /// [`Keeper::session_of`] with the provider of that word and the credentials that a revocation
    /// needs. A session that it does not know, or describes as another one, cannot be revoked at its
    /// provider: it gets its tombstone, and the report says until when its tokens live.
    ///
    /// With readers' keys alone nothing can be listed or ended (`store_error`, code `readers_only`): do it where
    /// the seal keys are.
    ///
    /// ```
    /// # async fn example(keeper: countersign_runtime::Keeper) {
    /// use std::time::Duration;
    /// use countersign_runtime::{RevocationOutcome, Selection};
    ///
    /// let nobody = |_: &countersign_core::StoredKey| None;
    /// let report = keeper.revoke_all(&Selection::All, Duration::from_secs(60), nobody).await;
    /// for session in report.sessions {
    ///     if session.outcome != RevocationOutcome::Revoked {
    ///         println!("{:?} lives on: {:?}, {:?}", session.record, session.access, session.refresh);
    ///     }
    /// }
    /// # }
    /// ```
    pub async fn revoke_all(
        &self,
        selection: &Selection,
        within: Duration,
        resolve: impl Fn(&StoredKey) -> Option<SessionBuilder>,
    ) -> RevocationReport {
        let deadline = self.0.clock.monotonic().after(within);
        let listing = wait(&*self.0.clock, listed(&self.0), deadline).await;
        let (found, store_error) = match listing {
            Waited::Came(Ok(found)) => (found, None),
            Waited::Came(Err(error)) => (Vec::new(), Some(error)),
            Waited::Over => (Vec::new(), Some(out_of_time())),
        };
        let work = self.plan(selection, found, resolve);
        let keeper = &self.0;
        let sessions = in_lanes(work, LANES, |work| work.done(keeper, deadline)).await;
        RevocationReport { sessions, store_error }
    }

    fn plan(
        &self,
        selection: &Selection,
        found: Vec<Listed>,
        resolve: impl Fn(&StoredKey) -> Option<SessionBuilder>,
    ) -> Vec<Work> {
        let mut open: HashMap<KeyDigest, Arc<Cell>> = HashMap::new();
        for cell in self.0.all() {
            if selection.has(&StoredKey::from(&cell.key)) {
                open.insert(cell.digest, cell);
            }
        }
        let mut work = Vec::new();
        for Listed { name, found, .. } in found {
            match found {
                Ok(Found::Session(key, record)) if selection.has(&key) => {
                    let live = open.remove(&key.digest());
                    let here = live.is_some();
                    let (live, error) = match live {
                        Some(cell) => (Some(cell), None),
                        None if record.is_over() => (None, None),
                        None => match resolve(&key) {
                            Some(described) if described.is_of(&key) => {
                                match described.into_cell() {
                                    Ok(cell) => (Some(cell), None),
                                    Err(error) => (None, Some(error)),
                                }
                            }
                            Some(_) => (None, Some(not_that_one())),
                            None => (None, Some(not_known())),
                        },
                    };
                    let was = Was::stored(&record);
                    let ended = record.ended.filter(|_| record.is_over() && !here);
                    let over = ended.map(|ended| ended.cause);
                    work.push(Work { name: Some(name), key: Some(key), live, was, over, error });
                }
                // Accounts hold no token; what readers get ends with the record that it was made of.
                Ok(_) => {}
                // Whose it is cannot be told, so it may be one of them.
                Err(error) => work.push(Work {
                    name: Some(name),
                    key: None,
                    live: None,
                    was: Was::default(),
                    over: None,
                    error: Some(error),
                }),
            }
        }
        // Never stored, or the store could not be listed.
        work.extend(open.into_values().map(|cell| Work {
            name: None,
            key: Some(StoredKey::from(&cell.key)),
            was: Was::default(),
            live: Some(cell),
            over: None,
            error: None,
        }));
        work
    }
}

/// One session that is to be ended.
struct Work {
    name: Option<RecordName>,
    key: Option<StoredKey>,
    live: Option<Arc<Cell>>,
    was: Was,
    /// How it was ended before.
    over: Option<EndCause>,
    error: Option<Error>,
}

/// What there was.
#[derive(Clone, Copy, Default)]
struct Was {
    access: Option<Timestamp>,
    /// Whether there was a refresh token, and its end.
    refresh: Option<Option<Timestamp>>,
}

impl Was {
    fn stored(record: &SessionRecord) -> Self {
        record.tokens.as_ref().map(Self::of).unwrap_or_default()
    }

    fn of(tokens: &TokenSet) -> Self {
        let refresh = tokens.refresh_token().map(|_| tokens.refresh_expires_at());
        Self { access: Some(tokens.expires_at()), refresh }
    }

    /// With what is held here beside it.
    fn and(self, held: Option<&TokenSet>) -> Self {
        let Some(held) = held.map(Self::of) else { return self };
        Self { access: self.access.max(held.access), refresh: held.refresh.or(self.refresh) }
    }

    fn access(self, now: Timestamp) -> Remaining {
        match self.access {
            Some(end) if end > now => Remaining::Until(end),
            _ => Remaining::Nothing,
        }
    }

    fn refresh(self, now: Timestamp) -> Remaining {
        match self.refresh {
            Some(Some(end)) if end <= now => Remaining::Nothing,
            Some(Some(end)) => Remaining::Until(end),
            Some(None) => Remaining::Unknown,
            None => Remaining::Nothing,
        }
    }
}

impl Work {
    async fn done(self, shared: &Arc<Shared>, deadline: Monotonic) -> Revocation {
        let now = shared.clock.now();
        let Self { name, key, live, was, over, error } = self;
        let report = |outcome, access, refresh, error| Revocation {
            record: name.clone(),
            session: key.clone(),
            outcome,
            access,
            refresh,
            error,
        };
        if let Some(cause) = over {
            // A tombstone that the provider has not confirmed says nothing about what lives on there.
            let left = match cause {
                EndCause::Revoked => Remaining::Nothing,
                EndCause::SignedOut => Remaining::Unknown,
            };
            return report(RevocationOutcome::AlreadyEnded, left, left, None);
        }
        let left = deadline.since(shared.clock.monotonic());
        let (access, refresh) = (was.access(now), was.refresh(now));
        if left.is_zero() {
            return report(RevocationOutcome::Failed, access, refresh, Some(out_of_time()));
        }
        if let Some(cell) = live {
            let was = was.and(cell.core().held.as_ref());
            let (access, refresh) = (was.access(now), was.refresh(now));
            let support = cell.provider.capabilities().revoke;
            return match Session(Arc::clone(&cell)).sign_out(left).await {
                SignOutOutcome::Revoked => {
                    let nothing = Remaining::Nothing;
                    report(RevocationOutcome::Revoked, nothing, nothing, None)
                }
                SignOutOutcome::LocalOnly { valid_until } => {
                    let refresh = match support {
                        RevokeSupport::None => refresh,
                        _ => Remaining::Nothing,
                    };
                    let access = valid_until.map_or(Remaining::Nothing, Remaining::Until);
                    let outcome = RevocationOutcome::LocalOnly { valid_until };
                    report(outcome, access, refresh, None)
                }
                SignOutOutcome::Unconfirmed => {
                    let error = cell.core().last_error.as_ref().map(|(_, error)| error.clone());
                    report(RevocationOutcome::Unconfirmed, access, refresh, error)
                }
            };
        }
        let (Some(key), Some(name)) = (&key, &name) else {
            return report(
                RevocationOutcome::Failed,
                Remaining::Unknown,
                Remaining::Unknown,
                error,
            );
        };
        match wait(&*shared.clock, bury(shared, key, name), deadline).await {
            Waited::Came(Ok(())) => {
                let valid_until = was.access.filter(|end| *end > now);
                let outcome = RevocationOutcome::LocalOnly { valid_until };
                report(outcome, access, refresh, error)
            }
            Waited::Came(Err(error)) => {
                report(RevocationOutcome::Failed, access, refresh, Some(error))
            }
            Waited::Over => {
                report(RevocationOutcome::Unconfirmed, access, refresh, Some(out_of_time()))
            }
        }
    }
}

/// Writes the tombstone of a session whose provider is not at hand.
async fn bury(shared: &Arc<Shared>, key: &StoredKey, name: &RecordName) -> Result<(), Error> {
    let sealer = shared.sealer().await?;
    let account = sealer.name(&key.account().digest());
    let lease = lease(shared.policy.exchange_deadline);
    let lock = shared.store.lock(&account, lease, lease).await?;
    let buried = async {
        let Some(there) = shared.store.load(name).await? else { return Ok(()) };
        let found = sealer.open_found(name, there.bytes.expose_bytes())?;
        let Found::Session(owner, mut record) = found else { return Err(out_of_time()) };
        if record.is_over() {
            return Ok(());
        }
        let generation = record.tokens.as_ref().map(TokenSet::generation);
        (record.tokens, record.journal, record.challenge) = (None, None, None);
        let at = shared.clock.now();
        record.ended = Some(Ended { generation, at, cause: EndCause::SignedOut });
        let bytes = sealer.seal_session_of(&owner, &record)?;
        let end = shared.store.commit(name, there.revision, Some(lock.fence()), bytes).await?;
        match end {
            Committed::Done(_) => {
                readers_copy::write(shared, &sealer, &owner, &record, Some(lock.fence())).await;
                Ok(())
            }
            Committed::Lost(_) => Err(Error::new(ErrorKind::Store)
                .hint("somebody else has written the session meanwhile; revoke it again")),
        }
    };
    let buried = buried.await;
    lock.release().await;
    buried
}

/// Runs `each` over `items`, at most `n` at a time; the results come in the order in which they end.
pub(crate) async fn in_lanes<T, R, F: Future<Output = R>>(
    items: Vec<T>,
    n: usize,
    each: impl Fn(T) -> F,
) -> Vec<R> {
    let waiting = Mutex::new(VecDeque::from(items));
    let done = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let lane = || async {
        while let Some(item) = next() {
            let result = each(item).await;
            done.lock().unwrap_or_else(PoisonError::into_inner).push(result);
        }
    };
    let mut lanes: Vec<Pin<Box<_>>> = (0..n).map(|_| Box::pin(lane())).collect();
    poll_fn(|cx| {
        lanes.retain_mut(|lane| lane.as_mut().poll(cx).is_pending());
        if lanes.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    drop(lanes);
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn out_of_time() -> Error {
    Error::new(ErrorKind::TimedOut).hint("the time for the revocation is over; revoke again")
}

fn not_known() -> Error {
    Error::new(ErrorKind::Configuration).hint(
        "no provider is at hand for this session: it is forgotten here, and its tokens live until they \
         end",
    )
}

fn not_that_one() -> Error {
    Error::new(ErrorKind::Configuration).hint(
        "the provider that was given for this session has another realm: the session is forgotten \
         here, and its tokens live until they end",
    )
}
