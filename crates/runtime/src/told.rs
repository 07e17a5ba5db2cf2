//! What waiters hear: every end that is told while somebody waits, in order, so that a waiter who looks
//! late hears of his own and not of the next one.

use std::sync::atomic::Ordering;

use countersign_core::Error;
use countersign_core::session::{Status, Told};

use crate::cell::Cell;

/// Whoever has not looked for so many ends hears of a later one.
const REMEMBERED: usize = 8;

/// One end.
#[derive(Clone)]
pub(crate) struct News {
    pub(crate) told: Told,
    pub(crate) error: Option<Error>,
    /// The state that came with it.
    pub(crate) status: Status,
}

/// The last ones, the newest last; nothing while nobody waits.
#[derive(Default)]
pub(crate) struct ToldLog {
    pub(crate) count: u64,
    /// A few at most, and a session is small: no ring.
    news: Vec<News>,
    /// What was told last, whether anybody waited or not.
    latest: Option<Told>,
    /// After which change of the state that was.
    pub(crate) at_move: u32,
}

impl ToldLog {
    /// Whether `told` was the last that was told, and the state has not changed since, after which it
    /// has done so `moves` times.
    pub(crate) fn repeats(&self, told: Told, moves: u32) -> bool {
        self.latest == Some(told) && self.at_move == moves
    }

    /// Whether there is nothing to hear of but how much was told, after `moves` changes of the state.
    pub(crate) fn is_quiet(&self, moves: u32) -> bool {
        let repeatable = matches!(self.latest, Some(Told::Stalled(_) | Told::Failed(_)));
        self.news.is_empty() && !(repeatable && self.at_move == moves)
    }

    /// So much was told, and nobody is there to hear it.
    pub(crate) fn quiet(count: u64) -> Self {
        Self { count, ..Self::default() }
    }

    /// `waited`: somebody is there who may want to hear it. `instead`: it takes the place of the last
    /// one, which nobody has heard yet. Answers what nobody will hear any more.
    pub(crate) fn tell(&mut self, news: News, waited: bool, instead: bool) -> Vec<News> {
        self.latest = Some(news.told);
        if instead {
            return match self.news.last_mut() {
                Some(last) => vec![std::mem::replace(last, news)],
                None => vec![news],
            };
        }
        self.count += 1;
        if !waited {
            let mut unheard = std::mem::take(&mut self.news);
            // What brings no error may go here and now.
            unheard.extend(Some(news).filter(|news| news.error.is_some()));
            return unheard;
        }
        let oldest = (self.news.len() == REMEMBERED).then(|| self.news.remove(0));
        self.news.push(news);
        oldest.into_iter().collect()
    }

    pub(crate) fn last(&self) -> Option<&News> {
        self.news.last()
    }

    /// What was told since `heard` were.
    pub(crate) fn since(&self, heard: u64) -> impl Iterator<Item = &News> {
        let new = usize::try_from(self.count.saturating_sub(heard)).unwrap_or(usize::MAX);
        self.news.iter().skip(self.news.len().saturating_sub(new))
    }

    /// Another exchange follows what was told last, for whoever has asked for it.
    pub(crate) fn goes_on(&mut self) {
        if let Some(last) = self.news.last_mut() {
            last.status = Status::Authenticating;
        }
    }
}

impl Cell {
    /// Counts a caller that waits, as long as the guard lives. What is told from then on is kept for
    /// him.
    pub(crate) fn wait_counted(&self) -> WaitCount<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        WaitCount(self)
    }

    pub(crate) fn is_waited_for(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

pub(crate) struct WaitCount<'a>(&'a Cell);

impl Drop for WaitCount<'_> {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            let mut core = self.0.core();
            // Whoever has come meanwhile has not been told anything without this mutex.
            let over = !self.0.is_waited_for();
            let heard = if over { std::mem::take(&mut core.told.news) } else { Vec::new() };
            drop(core);
            // There may be somebody else's code in the sources of its errors.
            drop(heard);
        }
    }
}
