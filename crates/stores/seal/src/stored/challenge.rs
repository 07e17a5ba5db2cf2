//! A pending challenge as JSON.

use std::collections::BTreeMap;

use countersign_core::{Challenge, ChallengeKind, Continuation, Timestamp};
use serde::{Deserialize, Serialize};

use super::text::{Digits, Hidden};
use crate::session::PendingChallenge;

#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    id: Digits,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<i64>,
    name: Box<str>,
    kind: Kind,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, String>,
    wants: Vec<Box<str>>,
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<u32>,
    #[serde(default)]
    reanswerable: bool,
    continuation: Hidden,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Choice,
    Code,
    NewPassword,
    Unsupported,
}

impl From<&PendingChallenge> for Pending {
    fn from(pending: &PendingChallenge) -> Self {
        let challenge = &pending.challenge;
        Self {
            id: pending.id.into(),
            claimed: pending.claimed.map(Timestamp::as_millis),
            name: challenge.name.clone(),
            kind: match challenge.kind {
                ChallengeKind::Choice => Kind::Choice,
                ChallengeKind::Code => Kind::Code,
                ChallengeKind::NewPassword => Kind::NewPassword,
                // A kind that this format has no word for cannot be answered by who reads it.
                _ => Kind::Unsupported,
            },
            parameters: challenge.parameters.clone(),
            wants: challenge.wants.clone(),
            expires_at: challenge.expires_at.as_millis(),
            attempts_left: challenge.attempts_left,
            reanswerable: challenge.reanswerable,
            continuation: challenge.continuation.bytes().into(),
        }
    }
}

impl From<Pending> for PendingChallenge {
    fn from(stored: Pending) -> Self {
        let kind = match stored.kind {
            Kind::Choice => ChallengeKind::Choice,
            Kind::Code => ChallengeKind::Code,
            Kind::NewPassword => ChallengeKind::NewPassword,
            Kind::Unsupported => ChallengeKind::Unsupported,
        };
        let continuation = Continuation::new(stored.continuation.bytes());
        let expires_at = Timestamp::from_millis(stored.expires_at);
        let mut challenge = Challenge::new(&stored.name, kind, continuation, expires_at);
        challenge.parameters = stored.parameters;
        challenge.wants = stored.wants;
        challenge.attempts_left = stored.attempts_left;
        challenge.reanswerable = stored.reanswerable;
        let claimed = stored.claimed.map(Timestamp::from_millis);
        Self { challenge, claimed, id: stored.id.fingerprint() }
    }
}
