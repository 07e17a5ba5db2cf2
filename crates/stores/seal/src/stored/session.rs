//! A session record as JSON.

use std::collections::BTreeMap;

use countersign_core::{Memo, Rotation, Timestamp};
use serde::{Deserialize, Serialize};

use super::challenge::Pending;
use super::text::{Digits, Hidden};
use super::tokens::Tokens;
use super::who::Who;
use super::{StoredGeneration, Unreadable};
use crate::format::RecordFormat;
use crate::session::{EndCause, Ended, Journal, SessionRecord};
use crate::unknown::UnknownFields;

#[derive(Serialize, Deserialize)]
pub(super) struct Stored<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<Who<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<StoredJournal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<Pending>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    memo: BTreeMap<Box<str>, Hidden>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<StoredEnded>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_dead: Option<Digits>,
    #[serde(default)]
    suspicion: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<StoredRotation>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    guarded: bool,
    #[serde(default)]
    counter: u64,
    #[serde(flatten, with = "super::unknown")]
    unknown: UnknownFields,
}

#[derive(Serialize, Deserialize)]
struct StoredJournal {
    refresh: Digits,
    generation: StoredGeneration,
    sent_at: i64,
    attempt: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredEnded {
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<StoredGeneration>,
    at: i64,
    cause: StoredCause,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredCause {
    SignedOut,
    Revoked,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredRotation {
    Kept,
    Rotated,
}

impl<'a> Stored<'a> {
    pub(super) fn new(
        record: &'a SessionRecord,
        format: RecordFormat,
        who: Option<Who<'a>>,
    ) -> Self {
        Self {
            who,
            tokens: record.tokens.as_ref().map(|tokens| Tokens::new(tokens, format)),
            journal: record.journal.map(StoredJournal::from),
            challenge: record.challenge.as_ref().map(Pending::from),
            memo: record.memo.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            ended: record.ended.map(StoredEnded::from),
            refresh_dead: record.refresh_dead.map(Digits::from),
            suspicion: record.suspicion,
            rotation: record.rotation.map(|rotation| match rotation {
                Rotation::Kept => StoredRotation::Kept,
                Rotation::Rotated => StoredRotation::Rotated,
            }),
            guarded: record.guarded,
            counter: record.counter,
            unknown: record.unknown.clone(),
        }
    }

    /// The record, and whose it is. What stands apart is taken from the front of `apart`.
    pub(super) fn split(
        self,
        apart: &mut &[u8],
    ) -> Result<(SessionRecord, Option<Who<'a>>), Unreadable> {
        let stored = self;
        let record = SessionRecord {
            tokens: stored.tokens.map(|tokens| tokens.set(apart)).transpose()?,
            journal: stored.journal.map(Journal::from),
            challenge: stored.challenge.map(Into::into),
            memo: Memo::from_entries(stored.memo.into_iter().map(|(k, v)| (k, v.bytes()))),
            ended: stored.ended.map(Ended::from),
            refresh_dead: stored.refresh_dead.map(Digits::fingerprint),
            suspicion: stored.suspicion,
            rotation: stored.rotation.map(|rotation| match rotation {
                StoredRotation::Kept => Rotation::Kept,
                StoredRotation::Rotated => Rotation::Rotated,
            }),
            guarded: stored.guarded,
            counter: stored.counter,
            unknown: stored.unknown,
        };
        Ok((record, stored.who))
    }
}

impl From<Journal> for StoredJournal {
    fn from(journal: Journal) -> Self {
        Self {
            refresh: journal.refresh.into(),
            generation: journal.generation.into(),
            sent_at: journal.sent_at.as_millis(),
            attempt: journal.attempt,
        }
    }
}

impl From<StoredJournal> for Journal {
    fn from(stored: StoredJournal) -> Self {
        Self {
            refresh: stored.refresh.fingerprint(),
            generation: stored.generation.into(),
            sent_at: Timestamp::from_millis(stored.sent_at),
            attempt: stored.attempt,
        }
    }
}

impl From<Ended> for StoredEnded {
    fn from(ended: Ended) -> Self {
        let cause = match ended.cause {
            EndCause::SignedOut => StoredCause::SignedOut,
            EndCause::Revoked => StoredCause::Revoked,
        };
        Self { generation: ended.generation.map(Into::into), at: ended.at.as_millis(), cause }
    }
}

impl From<StoredEnded> for Ended {
    fn from(stored: StoredEnded) -> Self {
        let cause = match stored.cause {
            StoredCause::SignedOut => EndCause::SignedOut,
            StoredCause::Revoked => EndCause::Revoked,
        };
        let at = Timestamp::from_millis(stored.at);
        Self { generation: stored.generation.map(Into::into), at, cause }
    }
}
