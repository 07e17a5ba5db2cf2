//! What the client itself counts for one provider; nothing here is asked of a simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_core::Generation;
use http::StatusCode;

/// The client's counts of one session, kept by the layers that see each thing happen.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Counts>);

/// Answers by their status.
pub(super) type Answers = BTreeMap<u16, u64>;

/// What was counted so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Requests of the load that are over, however they ended.
    pub(super) requests: u64,
    /// Those that came to nothing: an error, another status than 200, or an echo of something else.
    pub(super) failed: u64,
    /// Sends of the load beyond the first of each request.
    pub(super) replays: u64,
    /// What the API answered to the load, send by send.
    pub(super) api_answers: Answers,
    /// What the API answered to tokens that were presented after the sign-out.
    pub(super) probe_answers: Answers,
    /// Calls that left for the authentication server.
    pub(super) exchanges: u64,
    /// Those of them that brought no answer.
    pub(super) lost: u64,
    /// What the authentication server answered.
    pub(super) auth_answers: Answers,
    /// Tokens that the session handed out, each once.
    pub(super) generations: BTreeSet<Generation>,
    /// Challenges that were answered.
    pub(super) challenges: u64,
    /// Exchanges that came to nothing while a good token was handed out all the same.
    pub(super) served_on: u64,
    /// Refusals up to the last token.
    pub(super) refused_before: u64,
    /// The next refusal of a token is worth telling.
    pub(super) refusal_is_news: bool,
}

impl Counts {
    /// Tokens after the first one.
    pub(super) fn renewals(&self) -> u64 {
        (self.generations.len() as u64).saturating_sub(1)
    }

    /// How often the API refused a token.
    pub(super) fn refused(&self) -> u64 {
        self.api_answers.get(&StatusCode::UNAUTHORIZED.as_u16()).copied().unwrap_or(0)
    }
}

/// How a request of the load ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    Served,
    Failed,
}

impl Ledger {
    /// The counts at this moment.
    pub(super) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    /// One request of the load is over; it was sent so often.
    pub(super) fn request(&self, ended: Ended, sends: u64) {
        let mut counts = self.lock();
        counts.requests += 1;
        counts.failed += u64::from(ended == Ended::Failed);
        counts.replays += sends.saturating_sub(1);
    }

    /// The API answered one send of the load. Says whether this is the first refusal since
    /// [`Ledger::expect_refusal`].
    pub(super) fn api_answer(&self, status: StatusCode) -> bool {
        let mut counts = self.lock();
        *counts.api_answers.entry(status.as_u16()).or_default() += 1;
        status == StatusCode::UNAUTHORIZED && std::mem::take(&mut counts.refusal_is_news)
    }

    /// The server ends the tokens now.
    pub(super) fn expect_refusal(&self) {
        self.lock().refusal_is_news = true;
    }

    /// The API answered a token that was presented after the sign-out.
    pub(super) fn probe_answer(&self, status: StatusCode) {
        *self.lock().probe_answers.entry(status.as_u16()).or_default() += 1;
    }

    /// A call to the authentication server ended with this status, or without an answer.
    pub(super) fn exchange(&self, status: Option<StatusCode>) {
        let mut counts = self.lock();
        counts.exchanges += 1;
        match status {
            Some(status) => *counts.auth_answers.entry(status.as_u16()).or_default() += 1,
            None => counts.lost += 1,
        }
    }

    /// A token is handed out. If it is another than before, says how many there were, and how often the
    /// API refused the one before.
    pub(super) fn published(&self, generation: Generation) -> Option<(usize, u64)> {
        let mut counts = self.lock();
        if !counts.generations.insert(generation) {
            return None;
        }
        let refused = counts.refused();
        let before = std::mem::replace(&mut counts.refused_before, refused);
        Some((counts.generations.len(), refused - before))
    }

    /// An exchange came to nothing, and a good token is handed out on.
    pub(super) fn served_on(&self) {
        self.lock().served_on += 1;
    }

    /// A challenge was answered.
    pub(super) fn answered_challenge(&self) {
        self.lock().challenges += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Each call changes the counts in one go.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
