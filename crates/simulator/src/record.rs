//! What a simulator has seen: one record a request, and totals.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::operation::Operation;

/// What became of the credential that a request presented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthVerdict {
    /// Taken.
    Accepted,
    /// The token is good, the code that goes with it is not.
    BadCode,
    /// Past its end.
    Expired,
    /// Not in the form that the provider wants, as with a wrong scheme word.
    Malformed,
    /// None was presented where one was needed.
    Missing,
    /// The operation needs none.
    #[default]
    NotAsked,
    /// Good, and refused by a fault.
    RefusedByFault,
    /// Ended by the server.
    Revoked,
    /// Never issued here.
    Unknown,
}

/// One request as the simulator saw it. It holds no value of a header, a query or a body.
#[derive(Clone)]
#[non_exhaustive]
pub struct Record {
    /// The place in the sequence of all requests: 1 for the first.
    pub number: u64,
    /// When it came, in the caller's milliseconds (without the server's skew).
    pub at_ms: i64,
    /// What it asked for.
    pub operation: Operation,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The names of its headers, in lower case, each once.
    pub header_names: Vec<String>,
    /// The fault that it met, by name; `outage` during an outage.
    pub fault: Option<&'static str>,
    /// The status that was sent; `None` where no answer was sent.
    pub status: Option<u16>,
    /// Whether the provider looked at it, to carry it out or to refuse it.
    pub acted: bool,
    /// Whether what it asked for was done, also if the answer was then lost or spoiled.
    pub success: bool,
    /// Whether a fault altered what was answered. One that finds nothing of its kind in the answer alters nothing.
    pub altered: bool,
    /// Why it was refused, where it was.
    pub reason: Option<&'static str>,
    /// The account that it was about, where that is known.
    pub account: Option<String>,
    /// The generation of the access token that it presented.
    pub generation_presented: Option<u64>,
    /// The generation of the access token that it was given.
    pub generation_issued: Option<u64>,
    /// What became of the presented access token.
    pub auth: AuthVerdict,
    /// Whether it presented a rotating refresh token that was spent before.
    pub spent_refresh_token: bool,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("number", &self.number)
            .field("at_ms", &self.at_ms)
            .field("operation", &self.operation)
            .field("fault", &self.fault)
            .field("status", &self.status)
            .field("acted", &self.acted)
            .field("success", &self.success)
            .field("reason", &self.reason)
            .field("presented", &self.generation_presented)
            .field("issued", &self.generation_issued)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

/// Counts over all requests since the start, also over those whose records were dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// All requests.
    pub requests: u64,
    /// Requests that were carried out, by operation, whether or not the answer arrived.
    pub exchanges: BTreeMap<Operation, u64>,
    /// Requests that the provider refused, by operation. What faults refused does not count.
    pub refused: BTreeMap<Operation, u64>,
    /// Requests that met a fault, by the fault's name. An outage counts as `outage`.
    pub faults: BTreeMap<&'static str, u64>,
    /// Calls of the resource that were carried out.
    pub resource_ok: u64,
    /// Calls of the resource that were refused as unauthorised, by the provider or by a fault.
    pub resource_unauthorized: u64,
    /// Rotating refresh tokens that were presented again after they were spent.
    pub spent_refresh_token_presented: u64,
}

impl Totals {
    /// How many requests for this operation were carried out.
    #[must_use]
    pub fn exchanges_of(&self, operation: Operation) -> u64 {
        self.exchanges.get(&operation).copied().unwrap_or(0)
    }

    /// How many requests for this operation the provider refused.
    #[must_use]
    pub fn refused_of(&self, operation: Operation) -> u64 {
        self.refused.get(&operation).copied().unwrap_or(0)
    }

    /// How many requests met this fault.
    #[must_use]
    pub fn faults_of(&self, name: &str) -> u64 {
        self.faults.get(name).copied().unwrap_or(0)
    }

    fn count(&mut self, record: &Record) {
        self.requests += 1;
        if let Some(fault) = record.fault {
            *self.faults.entry(fault).or_default() += 1;
        }
        self.spent_refresh_token_presented += u64::from(record.spent_refresh_token);
        if record.acted && record.success {
            *self.exchanges.entry(record.operation).or_default() += 1;
        } else if record.acted {
            *self.refused.entry(record.operation).or_default() += 1;
        }
        if record.operation == Operation::RESOURCE {
            self.resource_ok += u64::from(record.success);
            let refused = !matches!(record.auth, AuthVerdict::Accepted | AuthVerdict::NotAsked);
            self.resource_unauthorized += u64::from(!record.success && refused);
        }
    }
}

/// The latest records and the totals over all.
pub(crate) struct Recorder {
    records: VecDeque<Record>,
    limit: usize,
    totals: Totals,
}

impl Recorder {
    pub(crate) fn new(limit: usize) -> Self {
        Self { records: VecDeque::new(), limit: limit.max(1), totals: Totals::default() }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.totals.requests + 1
    }

    pub(crate) fn push(&mut self, record: Record) {
        self.totals.count(&record);
        if self.records.len() == self.limit {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }
}
