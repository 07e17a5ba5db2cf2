//! What a simulator recorded; nothing here is asked of the client.

use countersign_simulator::{AuthVerdict, Operation, Record, Simulator, Totals};
use http::StatusCode;

use super::ledger::Answers;

/// The simulator's side of the books.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Calls of the resource before the sign-out.
    pub(super) sends: u64,
    /// Those of them that got the resource.
    pub(super) served: u64,
    /// Those that got neither the resource nor a refusal of their token.
    pub(super) failed: u64,
    /// Everything else that was asked of it.
    pub(super) exchanges: u64,
    /// What of that got no answer.
    pub(super) lost: u64,
    /// Access tokens that left in an answer.
    pub(super) tokens: u64,
    /// Exchanges that the outage refused.
    pub(super) outage: u64,
    /// Refresh tokens that came again after they were spent.
    pub(super) spent_again: u64,
    /// Answers that were lost after the server had acted.
    pub(super) lost_after_acting: u64,
    /// When a 429 was sent, and when the next exchange came, both in milliseconds.
    pub(super) throttled: Option<(i64, Option<i64>)>,
    /// What the resource answered before the sign-out.
    pub(super) api_answers: Answers,
    /// What it answered after it.
    pub(super) probe_answers: Answers,
    /// What everything else answered.
    pub(super) auth_answers: Answers,
    /// The simulator has forgotten its first records.
    pub(super) incomplete: bool,
}

impl Seen {
    /// What `simulator` saw; `mark` is the number of its last request before the sign-out.
    pub(super) fn by(simulator: &Simulator, mark: u64) -> Self {
        Self::of(&simulator.records(), &simulator.totals(), mark)
    }

    fn of(records: &[Record], totals: &Totals, mark: u64) -> Self {
        let mut seen = Self {
            spent_again: totals.spent_refresh_token_presented,
            lost_after_acting: totals.faults_of("lose_answer"),
            incomplete: totals.requests != records.len() as u64,
            ..Self::default()
        };
        for record in records {
            let answers = match (record.operation, record.number <= mark) {
                (Operation::RESOURCE, true) => seen.call(record),
                (Operation::RESOURCE, false) => &mut seen.probe_answers,
                _ => seen.exchange(record),
            };
            if let Some(status) = record.status {
                *answers.entry(status).or_default() += 1;
            }
        }
        seen
    }

    /// How often the resource refused a token.
    pub(super) fn refused(&self) -> u64 {
        self.api_answers.get(&StatusCode::UNAUTHORIZED.as_u16()).copied().unwrap_or(0)
    }

    fn call(&mut self, record: &Record) -> &mut Answers {
        let token_refused = !matches!(record.auth, AuthVerdict::Accepted | AuthVerdict::NotAsked);
        self.sends += 1;
        self.served += u64::from(record.success);
        self.failed += u64::from(!record.success && !token_refused);
        &mut self.api_answers
    }

    fn exchange(&mut self, record: &Record) -> &mut Answers {
        self.exchanges += 1;
        self.lost += u64::from(record.status.is_none());
        self.tokens += u64::from(record.generation_issued.is_some() && record.status.is_some());
        self.outage += u64::from(record.fault == Some("outage"));
        match &mut self.throttled {
            None if record.fault == Some("status_429") => {
                self.throttled = Some((record.at_ms, None));
            }
            Some((_, next)) => {
                next.get_or_insert(record.at_ms);
            }
            None => {}
        }
        &mut self.auth_answers
    }
}
