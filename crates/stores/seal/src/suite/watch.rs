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
const BETWEEN: Duration = Duration::from_millis(50);

/// So many changes of other records are named at a time before the writer goes on.
const BACKLOG: u32 = 1024;

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
    let mut others = 0_u32;
    while let Some(changed) = on.second.watch().await {
        if changed == *name {
            return true;
        }
        // What has changed before may be named first, and that may be much; a store that names something
        // at every moment must still let the writer write.
        others += 1;
        if others.is_multiple_of(BACKLOG) {
            yield_once().await;
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
