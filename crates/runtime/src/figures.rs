//! What a keeper does and how it keeps up, in numbers.

use std::sync::PoisonError;
use std::time::Duration;

use countersign_core::Error;
use countersign_core::session::{Answer, Report};
use countersign_scheduler::Lateness;

use crate::session::Session;
use crate::shared::Shared;
use crate::sync::{Mutex, MutexGuard};

/// The figures of a [`crate::Keeper`]. Counts begin when it was built.
///
/// ```
/// # use countersign_core::HttpTransport;
/// # use countersign_core::http::{HttpRequest, HttpResponse};
/// # use countersign_core::transport::{Delivery, Reason, TransportError};
/// # use countersign_runtime::{Figures, Keeper};
/// # struct Nobody;
/// # #[async_trait::async_trait]
/// # impl HttpTransport for Nobody {
/// #     async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
/// #         Err(TransportError::new(Delivery::NotSent, Reason::Connect))
/// #     }
/// # }
/// # let keeper = Keeper::builder().transport(Nobody).build()?;
/// fn falls_behind(before: &Figures, now: &Figures) -> bool {
///     let put_off = now.outcomes.put_off - before.outcomes.put_off;
///     let bought = now.outcomes.tokens - before.outcomes.tokens;
///     now.queue_depth > before.queue_depth || put_off > bought
/// }
///
/// let before = keeper.figures();
/// // … a minute later
/// let now = keeper.figures();
/// println!("{} sessions, {} due; late {:?}", now.sessions, now.queue_depth, now.lateness.quantile(0.99));
/// assert!(!falls_behind(&before, &now));
/// # Ok::<(), countersign_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Figures {
    /// Sessions that somebody holds.
    pub sessions: usize,
    /// Sessions that are to be woken, now or later.
    pub appointed: usize,
    /// Sessions that are due and have not been woken, in the queue or parked until an exchange of their origin
    /// and client has landed: more than the few of one moment means that concurrency, the workers, or the
    /// processor, do not keep up.
    pub queue_depth: usize,
    /// Exchanges under way, from asking for leave to the commit, whoever has begun them; and writings of what
    /// readers get, where the store has keys for readers.
    pub under_way: usize,
    /// How much later than appointed the clock has woken sessions: whether this process keeps up. What is put off
    /// afterwards (by a budget, a throttle or an open circuit) is appointed anew and counted from then. A keeper in pull
    /// mode records none.
    pub lateness: Lateness,
    /// How much later than it was due first a token was renewed: whatever has put it off meanwhile, a budget, an outage,
    /// attempts that failed, is in it, and the exchange itself. What was renewed before it was due, since a caller wanted
    /// that or the API had refused the token, is not; nor what a sibling has renewed or a person signed in for. Where a
    /// renewal was left out since nobody used the session, it is due with the next use. A keeper in pull mode records none.
    /// A renewal is due long before the end of its token ([`countersign_scheduler::Windows`]): a lateness of seconds costs
    /// nobody anything.
    pub renewal_lateness: Lateness,
    /// How exchanges ended.
    pub outcomes: Outcomes,
    /// Accounts that [`crate::Keeper::open_many`] has opened, counted with each batch: its progress.
    pub bulk_opened: u64,
    /// Accounts that it could not open, which have an error of their own.
    pub bulk_failed: u64,
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
    /// The answer was an error: the provider said no, or that it cannot now.
    pub refused: u64,
    /// Without an answer of the provider: not sent, or lost on the way.
    pub unanswered: u64,
    /// Put off before anything was sent: by a budget, a throttle or an open circuit.
    pub put_off: u64,
}

/// What is counted.
#[derive(Default)]
pub(crate) struct Counts(Mutex<Counted>);

#[derive(Clone, Default)]
struct Counted {
    lateness: Lateness,
    renewal_lateness: Lateness,
    outcomes: Outcomes,
    bulk_opened: u64,
    bulk_failed: u64,
}

impl Counts {
    /// A session was woken so much later than appointed.
    pub(crate) fn late(&self, late: Duration) {
        self.counted().lateness.record(late);
    }

    /// A token was renewed so much later than it was due first.
    pub(crate) fn renewed(&self, late: Duration) {
        self.counted().renewal_lateness.record(late);
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
        *count(&mut self.counted().outcomes) += 1;
    }

    /// What came of some of many accounts that are opened.
    pub(crate) fn opened_many(&self, opened: &[Result<Session, Error>]) {
        let failed = opened.iter().filter(|opened| opened.is_err()).count();
        let mut counted = self.counted();
        counted.bulk_opened += (opened.len() - failed) as u64;
        counted.bulk_failed += failed as u64;
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let counted = self.figures.counted().clone();
        Figures {
            sessions: self.n_sessions(),
            appointed,
            queue_depth,
            under_way: self.n_flights(),
            lateness: counted.lateness,
            renewal_lateness: counted.renewal_lateness,
            outcomes: counted.outcomes,
            bulk_opened: counted.bulk_opened,
            bulk_failed: counted.bulk_failed,
        }
    }
}
