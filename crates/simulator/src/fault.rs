//! Faults on demand: what may go wrong, for which operation and how often.

use std::fmt;
use std::time::Duration;

use crate::gate::Gate;
use crate::operation::Operation;

/// One thing that goes wrong with one request.
///
/// Each variant says whether the server *acts*, that is carries out what was asked before things go wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The expiry fields of the answer hold nonsense. Acts.
    AbsurdExpiry(Absurd),
    /// The answer is JSON that ends in the middle. Acts.
    BrokenJson,
    /// The connection ends without an answer. Does not act.
    Cut,
    /// 200 with a JSON document of 100,000 nested arrays. Does not act.
    DeepJson,
    /// The answer comes late. Acts at once.
    Delay(Duration),
    /// Every member of the answer's JSON object twice, with other tokens the second time. Acts.
    DuplicateJson,
    /// 200 without a body. Acts.
    Empty,
    /// The access token of the answer is the empty string. Acts.
    EmptyToken,
    /// 200 and a body that never ends. Does not act.
    Endless,
    /// 200 and that many bytes of body. Does not act.
    Flood(u64),
    /// The answer waits behind a gate that the test holds. Acts at once.
    GateUntil(Gate),
    /// 200 and a body that is small and becomes that many spaces when it is decompressed, 1 GiB at most. Does not
    /// act.
    GzipBomb(u64),
    /// Neither answer nor end of connection. Does not act.
    Hang,
    /// 502 with the HTML page of a gateway. Does not act.
    Html,
    /// The access token of the answer has 64 KiB. Acts.
    HugeToken,
    /// The connection ends without an answer, after the server has acted.
    LoseAnswer,
    /// The expiry fields are missing from the answer. Acts.
    MissingExpiry,
    /// 307 to this address. Does not act.
    Redirect {
        /// The value of `Location`.
        to: String,
    },
    /// The connection is dropped before the request is looked at. Does not act. A shell without a socket can say that
    /// nothing was sent; on a socket it looks like [`Fault::Cut`].
    Refuse,
    /// The answer's body comes in small pieces. Acts at once.
    Slow {
        /// Bytes in a piece.
        chunk: usize,
        /// The pause before each piece.
        every: Duration,
    },
    /// 429 in the provider's own words. Does not act.
    Status429 {
        /// What it says about when to come back.
        retry_after: RetryAfter,
    },
    /// 500 in the provider's own words. Does not act.
    Status500,
    /// 503 in the provider's own words. Does not act.
    Status503,
    /// The access token of the answer has a line end and a header in it. Acts.
    TokenWithNewline,
    /// The answer ends in the middle of its body, with the connection. Acts.
    Truncate,
    /// A good token is refused as a bad one is. Does not act: at the resource and at a question about the account
    /// a token that is bad anyhow is refused in its own way, and every other request is refused unseen.
    Unauthorized,
    /// The `Date` header is wrong by that many milliseconds. Acts.
    WrongDate {
        /// Added to the server's time in the header alone.
        offset_ms: i64,
    },
}

impl Fault {
    /// The snake-case name, as in records.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AbsurdExpiry(_) => "absurd_expiry",
            Self::BrokenJson => "broken_json",
            Self::Cut => "cut",
            Self::DeepJson => "deep_json",
            Self::Delay(_) => "delay",
            Self::DuplicateJson => "duplicate_json",
            Self::Empty => "empty",
            Self::EmptyToken => "empty_token",
            Self::Endless => "endless",
            Self::Flood(_) => "flood",
            Self::GateUntil(_) => "gate_until",
            Self::GzipBomb(_) => "gzip_bomb",
            Self::Hang => "hang",
            Self::Html => "html",
            Self::HugeToken => "huge_token",
            Self::LoseAnswer => "lose_answer",
            Self::MissingExpiry => "missing_expiry",
            Self::Redirect { .. } => "redirect",
            Self::Refuse => "refuse",
            Self::Slow { .. } => "slow",
            Self::Status429 { .. } => "status_429",
            Self::Status500 => "status_500",
            Self::Status503 => "status_503",
            Self::TokenWithNewline => "token_with_newline",
            Self::Truncate => "truncate",
            Self::Unauthorized => "unauthorized",
            Self::WrongDate { .. } => "wrong_date",
        }
    }
}

/// Nonsense in place of an expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absurd {
    /// `3600.5`
    Float,
    /// `1e300`
    Huge,
    /// `-1`
    Negative,
    /// `"soon"`
    String,
    /// `0`
    Zero,
}

/// What a 429 says about when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// `Retry-After` with the date that is that many seconds from now.
    Date(u64),
    /// Nothing.
    None,
    /// The provider's own header with that many seconds from now; nothing where it has none.
    Reset(u64),
    /// `Retry-After` in seconds.
    Seconds(u64),
}

/// How many requests meet a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// That many, then no more.
    Exactly(u32),
    /// All, until the faults are cleared.
    Forever,
}

impl From<u32> for Times {
    fn from(times: u32) -> Self {
        Self::Exactly(times)
    }
}

/// The faults that wait for their requests, the oldest first.
#[derive(Default)]
pub(crate) struct Plan {
    waiting: Vec<(Operation, Fault, Times)>,
}

impl Plan {
    pub(crate) fn add(&mut self, operation: Operation, fault: Fault, times: Times) {
        self.waiting.push((operation, fault, times));
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The fault that this request meets; counts it.
    pub(crate) fn take(&mut self, asked: Operation) -> Option<Fault> {
        self.waiting.retain(|(_, _, times)| *times != Times::Exactly(0));
        let (_, fault, times) =
            self.waiting.iter_mut().find(|(operation, ..)| operation.covers(asked))?;
        if let Times::Exactly(left) = times {
            *left -= 1;
        }
        Some(fault.clone())
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.iter().filter(|(_, _, times)| *times != Times::Exactly(0)).count()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("waiting", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Plan, Times};
    use crate::operation::Operation;

    #[test]
    fn a_fault_meets_its_operation_as_often_as_was_said_and_in_order() {
        let mut plan = Plan::default();
        plan.add(Operation::REFRESH, Fault::Hang, 2.into());
        plan.add(Operation::ANY, Fault::Cut, Times::Forever);
        let mut names = |operation| plan.take(operation).map(|fault| fault.name());
        assert_eq!(names(Operation::SIGN_IN), Some("cut"));
        assert_eq!(names(Operation::REFRESH), Some("hang"));
        assert_eq!(names(Operation::REFRESH), Some("hang"));
        assert_eq!(names(Operation::REFRESH), Some("cut"));
        plan.clear();
        assert!(plan.take(Operation::REFRESH).is_none());
    }
}
