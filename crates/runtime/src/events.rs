//! What others are told about sessions: after the fact, bounded, with a count of what was dropped.

use std::sync::OnceLock;
use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{Error, Generation, KeyDigest, ProviderId, Timestamp};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// How many events a slow listener may be behind.
const CAPACITY: usize = 256;

/// Something that has happened to a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionEvent {
    /// Which session, by the digest of its key: never an identity.
    pub session: KeyDigest,
    /// Whose.
    pub provider: ProviderId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: SessionEventKind,
}

/// What has happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionEventKind {
    /// A token is handed out from now on.
    Published {
        /// Which one.
        generation: Generation,
        /// Whether the store has it. If not, writing it is tried again.
        saved: bool,
    },
    /// Nothing is handed out from now on.
    Unpublished,
    /// The state has changed.
    Moved {
        /// From this one.
        from: Status,
        /// To this one.
        to: Status,
    },
    /// An exchange failed and the next try is appointed.
    Stalled(Error),
    /// An exchange failed.
    Failed(Error),
    /// The provider has refused the refresh token for good, also where a sign-in follows by itself. The
    /// code of the error tells a reuse, behind which somebody else may stand who holds a copy.
    RefreshRefused(Error),
    /// A refresh token that is spent on use was sent, here or by a process that has died, and nobody can know what came
    /// of it: it is not sent again, and a sign-in follows by itself. Where none may, [`SessionEventKind::Failed`]
    /// tells the same.
    RefreshInDoubt,
    /// A further proof is asked for.
    Challenged,
    /// The session was ended on purpose.
    SignedOut,
    /// The provider asked for a longer wait than is obeyed.
    WaitCapped {
        /// Until when it is obeyed.
        until: Timestamp,
    },
    /// The provider's tokens live for less than two minutes: an ordinary outage or an error of a clock
    /// will show. Told once.
    ShortLived {
        /// How long the first such token lives.
        life: Duration,
    },
    /// A token was over when it came, by its provider's word or by the time it took: check the local
    /// clock. Told once.
    BornExpired,
    /// The clock of the auth origin differs from ours by more than is made up for: check the local
    /// clock. Told once per origin, and again after the local clock was set.
    SkewTooLarge {
        /// The server's clock minus ours, in milliseconds.
        millis: i64,
    },
    /// A password whose change had an unknown end is settled: the new or the old one holds.
    PasswordSettled {
        /// The new one holds.
        new: bool,
    },
}

/// A bounded stream of events.
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<SessionEvent>,
    only: Option<KeyDigest>,
    dropped: u64,
}

impl Events {
    /// The next event; `None` once nobody is left who could send one. Dropping the future loses
    /// nothing.
    pub async fn recv(&mut self) -> Option<SessionEvent> {
        loop {
            match self.receiver.recv().await {
                Ok(event) if self.only.is_none_or(|only| only == event.session) => {
                    return Some(event);
                }
                Ok(_) => {}
                Err(RecvError::Lagged(n)) => self.dropped = self.dropped.saturating_add(n),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The next event that is already there.
    pub fn try_recv(&mut self) -> Option<SessionEvent> {
        use broadcast::error::TryRecvError;
        loop {
            match self.receiver.try_recv() {
                Ok(event) if self.only.is_none_or(|only| only == event.session) => {
                    return Some(event);
                }
                Ok(_) => {}
                Err(TryRecvError::Lagged(n)) => self.dropped = self.dropped.saturating_add(n),
                Err(TryRecvError::Closed | TryRecvError::Empty) => return None,
            }
        }
    }

    /// How many events of the keeper went by because this listener was too slow.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Where events go. Costs nothing until somebody listens.
#[derive(Debug, Default)]
pub(crate) struct Hub(OnceLock<broadcast::Sender<SessionEvent>>);

impl Hub {
    pub(crate) fn listen(&self, only: Option<KeyDigest>) -> Events {
        let sender = self.0.get_or_init(|| broadcast::channel(CAPACITY).0);
        Events { receiver: sender.subscribe(), only, dropped: 0 }
    }

    pub(crate) fn send(&self, event: SessionEvent) {
        if let Some(sender) = self.0.get() {
            // Nobody listening is no failure.
            drop(sender.send(event));
        }
    }
}
