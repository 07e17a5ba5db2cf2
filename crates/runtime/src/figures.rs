//! What a keeper does and how it keeps up, in numbers.

use std::sync::PoisonError;
use std::time::Duration;

use countersign_core::session::{Answer, Report};
use countersign_scheduler::Lateness;

use crate::shared::Shared;
use crate::sync::Mutex;

/// The figures of a [`crate::Keeper`]. Counts begin when it was built.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Figures {
    /// Sessions that somebody holds.
    pub sessions: usize,
    /// Sessions that are to be woken, now or later.
    pub appointed: usize,
    /// Sessions that are due and have not been woken: more than the few of one moment means that the
    /// workers, or the processor, do not keep up.
    pub queue_depth: usize,
    /// Exchanges under way, from asking for leave to the commit.
    pub under_way: usize,
    /// How much later than appointed sessions were woken. The renewal of a token is appointed long
    /// before its end: a lateness of seconds costs nobody anything.
    pub lateness: Lateness,
    /// How exchanges ended.
    pub outcomes: Outcomes,
}

/// How exchanges ended, each counted once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Outcomes {
    /// With tokens.
    pub tokens: u64,
    /// With a challenge.
    pub challenges: u64,
    /// With nothing but a yes: a revocation.
    pub done: u64,
    /// The provider said no.
    pub refused: u64,
    /// Without an answer of the provider: not sent, or lost on the way.
    pub unanswered: u64,
    /// Put off before anything was sent: by a budget, a throttle or an open circuit.
    pub put_off: u64,
}

/// What is counted.
#[derive(Default)]
pub(crate) struct Counts(Mutex<(Lateness, Outcomes)>);

impl Counts {
    /// A session was woken so much later than appointed.
    pub(crate) fn late(&self, late: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.record(late);
    }

    /// A step of an exchange has ended.
    pub(crate) fn ended(&self, report: &Report) {
        let count: fn(&mut Outcomes) -> &mut u64 = match report {
            Report::Answered(Answer::Tokens { .. }) => |ends| &mut ends.tokens,
            Report::Answered(Answer::Challenge(_)) => |ends| &mut ends.challenges,
            Report::Answered(Answer::Done) => |ends| &mut ends.done,
            Report::Answered(Answer::Refused(_)) => |ends| &mut ends.refused,
            Report::Answered(Answer::Lost(..)) => |ends| &mut ends.unanswered,
            Report::Deferred(_) => |ends| &mut ends.put_off,
            _ => return,
        };
        *count(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).1) += 1;
    }
}

impl Shared {
    pub(crate) fn figures(&self) -> Figures {
        let now = self.clock.monotonic();
        let (appointed, queue_depth) = {
            let queue = self.queue();
            (queue.len(), queue.n_due(now))
        };
        let queue_depth = queue_depth + self.places.n_parked();
        let (lateness, outcomes) = self.figures.read();
        Figures {
            sessions: self.n_sessions(),
            appointed,
            queue_depth,
            under_way: self.n_flights(),
            lateness,
            outcomes,
        }
    }
}

impl Counts {
    fn read(&self) -> (Lateness, Outcomes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
