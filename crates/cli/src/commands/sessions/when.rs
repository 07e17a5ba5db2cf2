//! Instants of stored sessions, for people and for programs.

use countersign_core::Timestamp;
use serde_json::Value;

use crate::duration;

/// `2026-11-28T12:00:00Z (in 5 min)`.
pub(super) fn told(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        format!("{at} (in {})", duration::words(at.since(now)))
    } else {
        format!("{at} ({} ago)", duration::words(now.since(at)))
    }
}

/// An instant, or null.
pub(super) fn json(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| at.to_string().into())
}
