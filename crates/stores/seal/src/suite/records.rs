//! Reading, writing by compare and swap, removing.

use countersign_core::{Committed, Revision, SecretBytes};

use super::bench::{bytes, clear, ensure, fresh_name, get, holds, put, write};
use super::report::Verdict;
use super::{Failure, Subject};

/// Nothing was written under a name: there is no record, and nothing to remove.
pub(super) async fn a_name_without_a_record_has_none(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    ensure(store.load(&name).await?.is_none(), "there is a record that nobody wrote")?;
    ensure(!store.remove(&name, Revision(1)).await?, "a record that nobody wrote was removed")?;
    Ok(Verdict::Passed)
}

/// Each write raises the revision, and a read shows what the last one wrote.
pub(super) async fn a_write_raises_the_revision(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    let mut last = Revision::NONE;
    for text in ["one", "two, which is longer", ""] {
        let next = put(store, &name, last, text).await?;
        ensure(next > last, "a write did not raise the revision")?;
        let record = get(store, &name).await?;
        ensure(record.revision == next, "a read shows another revision than the write told")?;
        ensure(holds(&record, text), "a read shows other bytes than were written")?;
        last = next;
    }
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// A store keeps bytes, not text, and also many of them: a record can be as long as the tokens in it.
pub(super) async fn bytes_are_kept_as_they_are(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    let mut last = Revision::NONE;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    for written in [every_byte.clone(), every_byte.repeat(512), vec![0; 3]] {
        let written = SecretBytes::new(written);
        last = write(store, &name, last, written.clone()).await?;
        let read = get(on.second, &name).await?;
        ensure(read.bytes.matches(&written), "a read shows other bytes than were written")?;
    }
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// Whoever names an outdated revision changes nothing and is shown the winner's record.
pub(super) async fn a_write_to_an_outdated_revision_loses(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    let absent = store.commit(&name, Revision(1), None, bytes("early")).await?;
    ensure(
        matches!(absent, Committed::Lost(None)),
        "a write that replaces a record which does not exist did not lose to nothing",
    )?;
    let first = put(store, &name, Revision::NONE, "first").await?;
    let second = put(store, &name, first, "second").await?;
    for outdated in [Revision::NONE, first] {
        let lost = store.commit(&name, outdated, None, bytes("late")).await?;
        let Committed::Lost(Some(winner)) = lost else {
            return Err(Failure::new("a write to an outdated revision did not lose to the winner"));
        };
        ensure(
            winner.revision == second && holds(&winner, "second"),
            "the loser was shown another record than the winner's",
        )?;
    }
    ensure(holds(&get(store, &name).await?, "second"), "a write that lost was kept")?;
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// A record is removed by its revision only.
pub(super) async fn removal_needs_the_revision(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    let first = put(store, &name, Revision::NONE, "first").await?;
    let second = put(store, &name, first, "second").await?;
    ensure(!store.remove(&name, first).await?, "a record was removed by an outdated revision")?;
    ensure(holds(&get(store, &name).await?, "second"), "a removal that was refused changed it")?;
    ensure(store.remove(&name, second).await?, "a record was not removed by its revision")?;
    ensure(!store.remove(&name, second).await?, "a record was removed twice")?;
    ensure(store.load(&name).await?.is_none(), "a record that was removed is there")?;
    Ok(Verdict::Passed)
}

/// A record that is removed and made again is not taken for the old one.
pub(super) async fn a_removed_record_does_not_fit_its_old_revision(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    let old = put(store, &name, Revision::NONE, "old").await?;
    ensure(store.remove(&name, old).await?, "a record was not removed by its revision")?;
    let new = put(store, &name, Revision::NONE, "new").await?;
    ensure(new != old, "a record that was made again has its old revision")?;
    let late = store.commit(&name, old, None, bytes("late")).await?;
    ensure(
        matches!(late, Committed::Lost(Some(_))),
        "a write to a record that was removed replaced the one made since",
    )?;
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// A record is set aside by its revision only; then its name is free, and its old revision fits nothing.
/// A store that has no place for it says so and keeps the record. What is set aside stays there: a few
/// bytes for each run of this case.
pub(super) async fn a_record_that_is_set_aside_makes_room(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    let first = put(store, &name, Revision::NONE, "first").await?;
    let broken = put(store, &name, first, "broken").await?;
    match store.set_aside(&name, first).await {
        Err(error) if error.code() == Some("no_place_aside") => {
            ensure(holds(&get(store, &name).await?, "broken"), "a record vanished")?;
            clear(store, &name).await?;
            return Ok(Verdict::left_out("the store has no place to set a record aside"));
        }
        moved => ensure(!moved?, "it was set aside by an outdated revision")?,
    }
    ensure(
        holds(&get(store, &name).await?, "broken"),
        "setting aside that was refused changed it",
    )?;
    ensure(store.set_aside(&name, broken).await?, "it was not set aside by its revision")?;
    ensure(!store.set_aside(&name, broken).await?, "it was set aside twice")?;
    ensure(store.load(&name).await?.is_none(), "a record that was set aside is there")?;
    ensure(!store.list().await?.contains(&name), "a record that was set aside is listed")?;
    let next = put(store, &name, Revision::NONE, "next").await?;
    ensure(next > broken, "a record that was made again has an old revision")?;
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// The names of all records are listed, and those of removed ones are not.
pub(super) async fn list_names_every_record(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let store = on.store;
    let names = [fresh_name()?, fresh_name()?, fresh_name()?];
    for name in &names {
        put(store, name, Revision::NONE, "listed").await?;
    }
    let listed = store.list().await?;
    ensure(names.iter().all(|name| listed.contains(name)), "a record is not listed")?;
    for name in &names {
        clear(store, name).await?;
    }
    let listed = store.list().await?;
    ensure(!names.iter().any(|name| listed.contains(name)), "a removed record is listed")?;
    Ok(Verdict::Passed)
}

/// Several records are read at once, in the order that was asked for.
pub(super) async fn load_many_keeps_the_order(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let store = on.store;
    let [a, none, b] = [fresh_name()?, fresh_name()?, fresh_name()?];
    put(store, &a, Revision::NONE, "a").await?;
    put(store, &b, Revision::NONE, "b").await?;
    let records = store.load_many(&[b.clone(), none, a.clone(), b.clone()]).await?;
    let right = match &records[..] {
        [Some(first), None, Some(second), Some(third)] => {
            holds(first, "b") && holds(second, "a") && holds(third, "b")
        }
        _ => false,
    };
    ensure(right, "several records came in another order than was asked for")?;
    ensure(store.load_many(&[]).await?.is_empty(), "no names gave records")?;
    clear(store, &a).await?;
    clear(store, &b).await?;
    Ok(Verdict::Passed)
}
