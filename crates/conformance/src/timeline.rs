//! What went over the wire in a case, in its order: for reports, without a secret.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::operation::Op;

/// One request and what became of it. It holds no header, no query and no body.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// Virtual time since the case began.
    pub at: Duration,
    /// When its answer came, likewise; `None` if none came.
    pub answered: Option<Duration>,
    /// What was asked.
    pub op: Op,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The fault that it met, by name.
    pub fault: Option<&'static str>,
    /// How it ended, in a word: `answered`, `waiting`, `not_sent`, `interrupted`, `dropped`, `stray`.
    pub end: &'static str,
}

/// Something else that a report shows between the exchanges.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// Virtual time since the case began.
    pub at: Duration,
    /// What, in a few words of the suite's own.
    pub what: String,
}

/// Both, in the order of their beginning. Clones are the same timeline.
#[derive(Clone, Default)]
pub(crate) struct Timeline(Arc<Mutex<Entries>>);

#[derive(Default)]
pub(crate) struct Entries {
    /// The first of them, in their order.
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) marks: Vec<Mark>,
    /// Of those that came later: which are under way, and how many of a kind have ended.
    late: BTreeMap<usize, Exchange>,
    ended: Vec<(Exchange, usize)>,
    n_begun: usize,
}

/// More than this are counted and not kept.
const KEPT: usize = 100_000;

impl Timeline {
    pub(crate) fn begin(&self, exchange: Exchange) -> usize {
        let mut entries = self.entries();
        let number = entries.n_begun;
        entries.n_begun += 1;
        match number < KEPT {
            true => entries.exchanges.push(exchange),
            false => drop(entries.late.insert(number, exchange)),
        }
        number
    }

    /// Notes the end of an exchange.
    pub(crate) fn end(&self, number: usize, change: impl FnOnce(&mut Exchange)) {
        let mut entries = self.entries();
        if let Some(exchange) = entries.exchanges.get_mut(number) {
            change(exchange);
        } else if let Some(mut exchange) = entries.late.remove(&number) {
            change(&mut exchange);
            entries.count_in(exchange);
        }
    }

    pub(crate) fn mark(&self, at: Duration, what: impl Into<String>) {
        self.entries().marks.push(Mark { at, what: what.into() });
    }

    /// How many are so, by what they asked and how they ended.
    pub(crate) fn count(&self, so: impl Fn(&Exchange) -> bool) -> usize {
        let entries = self.entries();
        let kept = entries.exchanges.iter().filter(|exchange| so(exchange)).count();
        let late = entries.late.values().filter(|exchange| so(exchange)).count();
        let ended = entries.ended.iter().filter(|(exchange, _)| so(exchange));
        kept + late + ended.map(|(_, n)| n).sum::<usize>()
    }

    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn count_in(&mut self, exchange: Exchange) {
        let kind = |of: &Exchange| (of.op, of.status, of.fault, of.end);
        match self.ended.iter_mut().find(|(one, _)| kind(one) == kind(&exchange)) {
            Some((_, n)) => *n += 1,
            None => self.ended.push((exchange, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_counted() {
        let timeline = Timeline::default();
        let begin = |op| {
            timeline.begin(Exchange {
                at: Duration::ZERO,
                answered: None,
                op,
                method: String::new(),
                path: String::new(),
                status: None,
                fault: None,
                end: "waiting",
            })
        };
        for _ in 0..KEPT {
            begin(Op::Resource);
        }
        let first = begin(Op::Refresh);
        let second = begin(Op::Refresh);
        timeline.end(second, |exchange| exchange.status = Some(200));
        let sent = || timeline.count(|exchange| exchange.op == Op::Refresh);
        let granted = || timeline.count(|exchange| exchange.status == Some(200));
        assert_eq!((sent(), granted()), (2, 1));
        timeline.end(first, |exchange| exchange.status = Some(400));
        let third = begin(Op::Refresh);
        timeline.end(third, |exchange| exchange.status = Some(200));
        assert_eq!((sent(), granted()), (3, 2));
        assert_eq!(timeline.count(|exchange| exchange.op == Op::Resource), KEPT);
        assert_eq!(timeline.entries().exchanges.len(), KEPT);
    }
}
