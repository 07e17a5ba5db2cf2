//! The dry run: when each session renews its token, and how long an outage it survives.

use std::time::Duration;

use countersign_core::session::{Purpose, Status};
use countersign_core::{Generation, KeyDigest, ProviderId, Timestamp};
use countersign_scheduler::{Purpose as Asked, Request};

use crate::cell::{Cell, Outlook};
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
    /// The earliest and the latest instant at which a keeper does that, whichever number it has as its
    /// replica's ([`KeeperBuilder::replica_seed`](crate::KeeperBuilder::replica_seed)), if it takes the session up at
    /// this moment; what is overdue is due at once. `None` if nothing is planned, and where it is for this keeper alone
    /// to say: a wait that is counted from a failure, the next look of a keeper that only reads, and the renewal of a
    /// session that nobody uses.
    pub window: Option<(Timestamp, Timestamp)>,
    /// When its token ends.
    pub expires_at: Option<Timestamp>,
    /// When its refresh token ends, if there is one and that is known: a session that nobody uses and that
    /// has renewed nothing by then needs a sign-in.
    pub refresh_expires_at: Option<Timestamp>,
}

impl Planned {
    /// The same as [`survives`](Self::survives) for the replica that renews last of all that there may be. Also zero
    /// where [`window`](Self::window) is `None`.
    pub fn survives_at_worst(&self) -> Duration {
        let last = self.window.map(|(_, latest)| latest);
        self.left_after(last)
    }

    /// How long an outage of the provider goes unnoticed that begins at the worst moment, just before
    /// the token is renewed: as long as the old one is still good then. Zero if nothing is planned or
    /// the token ends before.
    pub fn survives(&self) -> Duration {
        self.left_after(self.next.map(|(_, at)| at))
    }

    fn left_after(&self, renewed_at: Option<Timestamp>) -> Duration {
        match (self.next, renewed_at, self.expires_at) {
            (Some((Purpose::Renew { .. }, _)), Some(at), Some(end)) => end.since(at),
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
        let seen = self.outlook();
        Planned {
            session: self.digest,
            provider: self.provider.id(),
            state: seen.state,
            next: seen.next,
            window: self.window(&seen),
            expires_at: seen.ends.map(|ends| ends.0),
            refresh_expires_at: seen.ends.and_then(|ends| ends.1),
        }
    }

    fn window(&self, seen: &Outlook) -> Option<(Timestamp, Timestamp)> {
        let purpose = match seen.next?.0 {
            Purpose::Renew { .. } if seen.dozing || self.is_read_only() => return None,
            Purpose::Renew { life, expires_at } => {
                Asked::Refresh { issued_at: expires_at.before(life), expires_at }
            }
            Purpose::Moment if seen.state == Status::LockedOut => {
                Asked::LockoutEnd(seen.not_before)
            }
            Purpose::Moment => Asked::ChallengeDeadline(seen.not_before),
            Purpose::Retry { .. } | Purpose::Probe | Purpose::Save { .. } => return None,
        };
        let at_latest = match purpose {
            Asked::Refresh { expires_at, .. } => expires_at,
            _ => Timestamp::MAX,
        };
        let request = Request {
            purpose,
            not_before: seen.not_before,
            at_latest,
            session: self.digest,
            // The bounds are the same for every one.
            generation: Generation::default(),
        };
        Some(self.planner().due_between(&request, self.shared.clock.now()))
    }
}
