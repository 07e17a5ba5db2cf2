//! Announcements of changes.

use std::pin::pin;
use std::time::Duration;

use countersign_core::{RecordName, Revision};
use futures_util::future::{Either, select};

use super::bench::{clear, ensure, fresh_name, put, yield_once};
use super::report::Verdict;
use super::{Failure, Subject};

/// How often a change is made before it counts as not announced.
const CHANGES: u32 = 100;
/// How many names are heard before the next change is made.
const AT_ONCE: u32 = 256;
const BETWEEN: Duration = Duration::from_millis(50);

/// A store that announces changes names the record that was written. It is a hint: others may be named before.
pub(super) async fn a_change_is_announced_where_changes_are(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let name = fresh_name()?;
    let announced = pin!(announced(on, &name));
    let changes = pin!(changes(on, &name));
    let verdict = match select(announced, changes).await {
        Either::Left((true, _)) => Verdict::Passed,
        Either::Left((false, _)) => Verdict::left_out("the store cannot tell of changes"),
        Either::Right((Err(failure), _)) => return Err(failure),
        Either::Right((Ok(()), _)) => return Err(Failure::new("a change was not announced")),
    };
    if on.store.load(&name).await?.is_some() {
        clear(on.store, &name).await?;
    }
    Ok(verdict)
}

/// Whether the change was announced; false if none is.
async fn announced(on: &Subject<'_>, name: &RecordName) -> bool {
    // It may name all that changed before, one by one; a store that never stops to name others ends too.
    for named in 1_u32.. {
        match on.second.watch().await {
            None => return false,
            Some(changed) if changed == *name => return true,
            Some(_) if named % AT_ONCE == 0 => yield_once().await,
            Some(_) => {}
        }
    }
    false
}

/// Writes again and again: who listens may come late.
async fn changes(on: &Subject<'_>, name: &RecordName) -> Result<(), Failure> {
    let mut revision = Revision::NONE;
    for change in 0..CHANGES {
        revision = put(on.store, name, revision, &change.to_string()).await?;
        if on.pass(BETWEEN).await.is_none() {
            yield_once().await;
        }
    }
    ensure(false, "a change was not announced")
}
