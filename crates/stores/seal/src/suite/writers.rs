//! Many writers at once.

use countersign_core::{Committed, RecordName, Revision, SessionStore};
use futures_util::future::try_join_all;

use super::bench::{bytes, clear, ensure, fresh_name, get, put};
use super::report::Verdict;
use super::{Failure, Subject};

const WRITERS: u32 = 8;
const WRITES: u32 = 12;

/// Writers that each add one to a number, again and again, without a lock: none of the additions is
/// lost, since whoever loses reads again.
pub(super) async fn no_write_of_many_is_lost(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    put(store, &name, Revision::NONE, "0").await?;
    let stores = [on.store, on.second].into_iter().cycle().take(WRITERS as usize);
    try_join_all(stores.map(|store| count(store, &name))).await?;
    let total = number(get(store, &name).await?.bytes.expose_bytes())?;
    ensure(total == WRITERS * WRITES, "a write was lost among many")?;
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

async fn count(store: &dyn SessionStore, name: &RecordName) -> Result<(), Failure> {
    let mut record = get(store, name).await?;
    let mut done = 0;
    while done < WRITES {
        let next = number(record.bytes.expose_bytes())? + 1;
        match store.commit(name, record.revision, None, bytes(&next.to_string())).await? {
            Committed::Done(_) => {
                done += 1;
                record = get(store, name).await?;
            }
            Committed::Lost(Some(winner)) => {
                ensure(winner.revision > record.revision, "a write lost to an older record")?;
                record = winner;
            }
            Committed::Lost(None) => {
                return Err(Failure::new("a record vanished among many writes"));
            }
        }
    }
    Ok(())
}

fn number(bytes: &[u8]) -> Result<u32, Failure> {
    let number = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Failure::new("a read shows bytes that nobody wrote"))
}
