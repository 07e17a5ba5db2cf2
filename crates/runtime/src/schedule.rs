//! The dry run: when each session renews its token, and how long an outage it survives.

use std::time::Duration;

use countersign_core::session::{Purpose, Status};
use countersign_core::{KeyDigest, ProviderId, Timestamp};

use crate::cell::Cell;
use crate::keeper::Keeper;
use crate::session::Session;

/// What a session will do by itself, should nothing else happen. Holds no secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Planned {
    /// Which session, by the digest of its key: never an identity.
    pub session: KeyDigest,
    /// Whose.
    pub provider: ProviderId,
    /// In which state it is.
    pub state: Status,
    /// What it will do next, and when; `None` if that takes a caller.
    pub next: Option<(Purpose, Timestamp)>,
    /// When its token ends.
    pub expires_at: Option<Timestamp>,
    /// When its refresh token ends, if there is one and that is known: a session that nobody uses and that
    /// has renewed nothing by then needs a sign-in.
    pub refresh_expires_at: Option<Timestamp>,
}

impl Planned {
    /// How long an outage of the provider goes unnoticed that begins at the worst moment, just before
    /// the token is renewed: as long as the old one is still good then. Zero if nothing is planned or
    /// the token ends before.
    pub fn survives(&self) -> Duration {
        match (self.next, self.expires_at) {
            (Some((Purpose::Renew { .. }, at)), Some(end)) => end.since(at),
            _ => Duration::ZERO,
        }
    }
}

impl Session {
    /// What this session will do by itself.
    pub fn planned(&self) -> Planned {
        self.0.planned()
    }
}

impl Keeper {
    /// What every session that somebody holds will do by itself, soonest first, those that wait for a
    /// caller last. Nothing is sent, and nobody is woken.
    pub fn schedule(&self) -> Vec<Planned> {
        let mut all: Vec<Planned> = self.0.all().iter().map(|cell| cell.planned()).collect();
        let instant = |planned: &Planned| planned.next.map_or(Timestamp::MAX, |(_, at)| at);
        all.sort_unstable_by_key(|planned| (instant(planned), planned.session));
        all
    }
}

impl Cell {
    fn planned(&self) -> Planned {
        let (state, held, next) = self.outlook();
        Planned {
            session: self.digest,
            provider: self.provider.id(),
            state,
            next,
            expires_at: held.map(|held| held.0),
            refresh_expires_at: held.and_then(|held| held.1),
        }
    }
}
