//! An account record as JSON.

use countersign_core::{Certainty, Timestamp};
use serde::{Deserialize, Serialize};

use super::text::{Digits, HiddenText};
use super::who::Who;
use crate::account::{AccountRecord, PendingPassword, RefusedSecret, SignInCount};
use crate::unknown::UnknownFields;

#[derive(Serialize, Deserialize)]
pub(super) struct Stored<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<Who<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<StoredRefused>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_code_step: Option<u64>,
    #[serde(default)]
    sign_ins: StoredCount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_password: Option<StoredPassword>,
    #[serde(flatten, with = "super::unknown")]
    unknown: UnknownFields,
}

#[derive(Serialize, Deserialize)]
struct StoredRefused {
    secret: Digits,
    certainty: StoredCertainty,
    at: i64,
    tries: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredCertainty {
    Certain,
    Possible,
}

#[derive(Default, Serialize, Deserialize)]
struct StoredCount {
    day: i64,
    count: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredPassword {
    password: HiddenText,
    at: i64,
    operation: Box<str>,
    #[serde(default)]
    tried_new: bool,
    #[serde(default)]
    tried_old: bool,
}

impl<'a> Stored<'a> {
    pub(super) fn new(record: &AccountRecord, who: Option<Who<'a>>) -> Self {
        let SignInCount { day, count } = record.sign_ins;
        Self {
            who,
            refused: record.refused.iter().copied().map(StoredRefused::from).collect(),
            locked_until: record.locked_until.map(Timestamp::as_millis),
            last_code_step: record.last_code_step,
            sign_ins: StoredCount { day, count },
            pending_password: record.pending_password.as_ref().map(StoredPassword::from),
            unknown: record.unknown.clone(),
        }
    }

    /// The record, and whose it is.
    pub(super) fn split(self) -> (AccountRecord, Option<Who<'a>>) {
        let stored = self;
        let StoredCount { day, count } = stored.sign_ins;
        let record = AccountRecord {
            refused: stored.refused.into_iter().map(RefusedSecret::from).collect(),
            locked_until: stored.locked_until.map(Timestamp::from_millis),
            last_code_step: stored.last_code_step,
            sign_ins: SignInCount { day, count },
            pending_password: stored.pending_password.map(PendingPassword::from),
            unknown: stored.unknown,
        };
        (record, stored.who)
    }
}

impl From<RefusedSecret> for StoredRefused {
    fn from(refused: RefusedSecret) -> Self {
        let certainty = match refused.certainty {
            Certainty::Certain => StoredCertainty::Certain,
            Certainty::Possible => StoredCertainty::Possible,
        };
        let RefusedSecret { secret, at, tries, .. } = refused;
        Self { secret: secret.into(), certainty, at: at.as_millis(), tries }
    }
}

impl From<StoredRefused> for RefusedSecret {
    fn from(stored: StoredRefused) -> Self {
        let certainty = match stored.certainty {
            StoredCertainty::Certain => Certainty::Certain,
            StoredCertainty::Possible => Certainty::Possible,
        };
        let at = Timestamp::from_millis(stored.at);
        Self { secret: stored.secret.fingerprint(), certainty, at, tries: stored.tries }
    }
}

impl From<&PendingPassword> for StoredPassword {
    fn from(pending: &PendingPassword) -> Self {
        Self {
            password: (&pending.password).into(),
            at: pending.at.as_millis(),
            operation: pending.operation.clone(),
            tried_new: pending.tried_new,
            tried_old: pending.tried_old,
        }
    }
}

impl From<StoredPassword> for PendingPassword {
    fn from(stored: StoredPassword) -> Self {
        Self {
            password: stored.password.text(),
            at: Timestamp::from_millis(stored.at),
            operation: stored.operation,
            tried_new: stored.tried_new,
            tried_old: stored.tried_old,
        }
    }
}
