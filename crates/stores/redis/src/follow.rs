//! Following the stream of changes: what was written, by whomever, is named once.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use countersign_core::{Error, RecordName, SessionStore};
use redis::Value;

use crate::connect::Wire;
use crate::link::Ask;
use crate::shared::{Shared, number, text};
use crate::store::RedisStore;
use crate::wait::Pauses;

/// How long the server lets us wait for news before it says that there is none. Not longer than a sibling
/// may take to hear of a change: so long a connection that is dead in silence is believed.
const BLOCK: Duration = Duration::from_millis(500);

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Following begins so far before the newest change: what was written between the reading of a record and
/// the beginning is among it.
const BEFORE: u64 = 10_000;

/// An entry of the stream: milliseconds and a counter, which order all entries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Entry(u64, u64);

/// Where one follower is.
#[derive(Default)]
pub(crate) struct Follower {
    /// Taken out while it is waited on: a follower that is dropped then begins again with a new one, where
    /// this one was.
    wire: Option<Wire>,
    /// The last entry that was seen; `None` before the first look.
    seen: Option<Entry>,
    /// Named next.
    names: VecDeque<RecordName>,
}

impl Follower {
    /// The next name; `None` if the server does not let us follow.
    pub(crate) async fn next(&mut self, store: &RedisStore) -> Option<RecordName> {
        let shared = store.shared();
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            if let Some(name) = self.names.pop_front() {
                return Some(name);
            }
            let looked = match self.wire.take() {
                Some(wire) => self.wait_for_news(shared, wire).await,
                None => self.begin(store).await,
            };
            let Err(error) = looked else {
                pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
                continue;
            };
            if error.code() == Some("no_permission") {
                tracing::warn!(redis = %shared.link.place(), %error, "changes cannot be followed");
                return None;
            }
            let clock = shared.link.clock();
            clock.sleep_until(clock.monotonic().after(pauses.next())).await;
        }
    }

    /// Connects, and finds out whether something was missed.
    async fn begin(&mut self, store: &RedisStore) -> Result<(), Error> {
        let shared = store.shared();
        let wire = shared.link.another().await?;
        let stream = shared.names.changes();
        let mut command = redis::cmd("XREVRANGE");
        command.arg(&stream).arg("+").arg("-").arg("COUNT").arg(1);
        let until = shared.link.clock().monotonic().after(shared.link.answer());
        let value = shared.link.ask_over(&wire, &Ask::Command(&command), until).await?;
        let newest = shared.array(value)?.into_iter().next().and_then(entry);
        let newest = newest.map(|(entry, _)| entry).unwrap_or_default();
        let Some(seen) = self.seen else {
            self.seen = Some(Entry(newest.0.saturating_sub(BEFORE), 0));
            self.wire = Some(wire);
            return Ok(());
        };
        if newest < seen || self.trimmed(shared, &wire, seen).await? {
            // The stream lost its end (a restart, a fail-over), or we were away for too long.
            self.names = store.list().await?.into();
            self.seen = Some(newest);
        }
        // Whoever could not write is told that the server is back, before others overtake him.
        add_missing(&mut self.names, shared.unwritten());
        self.wire = Some(wire);
        Ok(())
    }

    /// Whether entries after `seen` may have been cut off: then the oldest is not the first one that there
    /// ever was, and later than `seen`.
    async fn trimmed(&self, shared: &Shared, wire: &Wire, seen: Entry) -> Result<bool, Error> {
        let mut command = redis::cmd("XINFO");
        command.arg("STREAM").arg(shared.names.changes());
        let until = shared.link.clock().monotonic().after(shared.link.answer());
        let value = match shared.link.ask_over(wire, &Ask::Command(&command), until).await {
            // There is no stream, and nothing was missed: the newest entry is not before ours.
            Err(error) if error.code() == Some("ERR") => return Ok(false),
            answer => answer?,
        };
        let facts = shared.array(value)?;
        let fact = |key: &str| {
            let mut pairs = facts.chunks_exact(2);
            pairs.find(|pair| text(&pair[0]).as_deref() == Some(key)).map(|pair| &pair[1])
        };
        let count = |key| fact(key).and_then(number);
        let (Some(ever), Some(now)) = (count("entries-added"), count("length")) else {
            return Err(shared.unexpected());
        };
        let oldest = fact("first-entry").cloned().and_then(entry).map(|(entry, _)| entry);
        Ok(ever > now && oldest.is_none_or(|oldest| oldest > seen))
    }

    async fn wait_for_news(&mut self, shared: &Shared, wire: Wire) -> Result<(), Error> {
        let seen = self.seen.unwrap_or_default();
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(1000).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        command.arg("STREAMS").arg(shared.names.changes()).arg(format!("{}-{}", seen.0, seen.1));
        let until =
            shared.link.clock().monotonic().after(BLOCK.saturating_add(shared.link.answer()));
        let value = shared.link.ask_over(&wire, &Ask::Command(&command), until).await?;
        self.wire = Some(wire);
        if value == Value::Nil {
            return Ok(());
        }
        // One stream: its name, and its entries.
        let mut streams = shared.array(value)?.into_iter();
        let stream = shared.array(streams.next().unwrap_or_default())?;
        let entries = shared.array(stream.into_iter().nth(1).unwrap_or_default())?;
        let entries: Vec<_> = entries.into_iter().filter_map(entry).collect();
        self.seen = self.seen.max(entries.iter().map(|(id, _)| *id).max());
        add_missing(&mut self.names, entries.into_iter().filter_map(|(_, name)| name));
        Ok(())
    }
}

/// Appends what is not there yet, each once. There may be very many of both.
fn add_missing<T: Clone + Eq + Hash>(names: &mut VecDeque<T>, more: impl IntoIterator<Item = T>) {
    let mut known: HashSet<T> = names.iter().cloned().collect();
    names.extend(more.into_iter().filter(|name| known.insert(name.clone())));
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let (millis, counter) = text.split_once('-')?;
        Some(Self(millis.parse().ok()?, counter.parse().ok()?))
    }
}

/// Reads an entry: its place, and the name in it. One that is not of ours has no name.
fn entry(value: Value) -> Option<(Entry, Option<RecordName>)> {
    let Value::Array(parts) = value else { return None };
    let id = Entry::parse(&text(parts.first()?)?)?;
    let name = match parts.get(1) {
        Some(Value::Array(fields)) => fields
            .chunks_exact(2)
            .find(|field| text(&field[0]).as_deref() == Some("name"))
            .and_then(|field| RecordName::parse(&text(&field[1])?)),
        _ => None,
    };
    Some((id, name))
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static COMPARED: AtomicUsize = AtomicUsize::new(0);

    /// A name whose comparisons are counted.
    #[derive(Clone, Debug)]
    struct Counted(usize);

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            COMPARED.fetch_add(1, Ordering::Relaxed);
            self.0 == other.0
        }
    }

    impl Eq for Counted {}

    impl Hash for Counted {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    #[test]
    fn what_is_missing_is_found_with_few_comparisons_however_much_there_is() {
        const N: usize = 4_000;
        let mut names: VecDeque<Counted> = (0..N).map(Counted).collect();
        // Half of it is there, and all of it comes twice.
        add_missing(&mut names, (N / 2..N + N / 2).chain(N / 2..N + N / 2).map(Counted));
        let compared = COMPARED.load(Ordering::Relaxed);
        assert!(compared <= 8 * N, "{compared} comparisons");
        let all: Vec<usize> = names.iter().map(|name| name.0).collect();
        assert_eq!(all, (0..N + N / 2).collect::<Vec<_>>());
    }
}
