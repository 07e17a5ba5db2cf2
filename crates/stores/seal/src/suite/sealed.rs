//! Sealed records in a store: whose they are, what is damaged, what is newer, which key.

use countersign_core::{Committed, Revision, SealKeys, SecretBytes, SessionKey, StoredRecord};
use serde_json::Map;

use super::bench::{PROVIDER, clear, counted, ensure, fresh_key, get, realm, sealer, write};
use super::report::Verdict;
use super::{Damage, Failure, Subject};
use crate::{AccountRecord, Found, RecordFormat, Sealer, SessionRecord, UnknownFields};

/// Whoever has the store and its keys, and nothing else, finds out whose sessions are in it.
pub(super) async fn what_is_listed_says_whose_it_is(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let (store, key, sealer) = (on.store, fresh_key()?, sealer(on.store).await?);
    let name = sealer.name(&key.digest());
    write(store, &name, Revision::NONE, sealer.seal_session(&key, &counted(3))?).await?;
    let listed = on.second.list().await?;
    let records = on.second.load_many(&listed).await?;
    let found = listed.iter().zip(records).find_map(|(listed, record)| {
        let found = sealer.open_found(listed, record?.bytes.expose_bytes()).ok()?;
        (found.key().session_at(PROVIDER, &realm().ok()?).as_ref() == Some(&key)).then_some(found)
    });
    ensure(
        matches!(found, Some(Found::Session(_, record)) if record.counter == 3),
        "a session was not found by listing",
    )?;
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// Who can write a store and exchanges two records has won nothing: neither opens, and both are still there.
pub(super) async fn records_swapped_between_two_accounts_do_not_open(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let (store, sealer) = (on.store, sealer(on.store).await?);
    let keys = [fresh_key()?, fresh_key()?];
    let names = keys.each_ref().map(|key| sealer.name(&key.digest()));
    let sealed = |at: usize| sealer.seal_session(&keys[at], &counted(at as u64));
    write(store, &names[0], Revision::NONE, sealed(1)?).await?;
    write(store, &names[1], Revision::NONE, sealed(0)?).await?;
    for (key, name) in keys.iter().zip(&names) {
        let record = get(store, name).await?;
        let code = open(&sealer, key, &record).err().unwrap_or_default();
        ensure(code == "foreign", "a record of another session was opened")?;
        let found = sealer.open_found(name, record.bytes.expose_bytes());
        ensure(found.is_err(), "a record of another session was found where it lay")?;
    }
    for name in &names {
        clear(store, name).await?;
    }
    Ok(Verdict::Passed)
}

/// A record that was changed or cut does not open; it is set aside with its bytes, where the store can do that,
/// and another takes its place.
pub(super) async fn a_damaged_record_is_set_aside_and_replaced(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let (store, key, sealer) = (on.store, fresh_key()?, sealer(on.store).await?);
    let name = sealer.name(&key.digest());
    let whole = sealer.seal_session(&key, &counted(1))?.expose_bytes().to_vec();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mut last = Revision::NONE;
    for damaged in [flipped(0), flipped(30), flipped(60), whole[..whole.len() - 1].to_vec()] {
        last = write(store, &name, last, SecretBytes::new(damaged)).await?;
        let code = open(&sealer, &key, &get(on.second, &name).await?).err().unwrap_or_default();
        ensure(code == "damaged", "a record that was changed was opened")?;
        match store.set_aside(&name, last).await {
            Ok(moved) => {
                ensure(moved, "a damaged record was not set aside")?;
                last = Revision::NONE;
            }
            Err(error) if error.code() == Some("no_place_aside") => {}
            Err(error) => return Err(error.into()),
        }
        last = write(store, &name, last, sealer.seal_session(&key, &counted(2))?).await?;
        let opened = open(&sealer, &key, &get(on.second, &name).await?);
        ensure(opened.is_ok_and(|record| record.counter == 2), "the next record does not open")?;
    }
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// A record that is damaged behind the store's back, as that of an account with all that it must be spared, is
/// found by everybody each time, opens for nobody, and is in the way of whoever believes that there is none.
/// It goes aside for whoever names what he has read.
pub(super) async fn what_is_damaged_where_it_lies_is_not_taken_for_nothing(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let (store, sealer) = (on.store, sealer(on.store).await?);
    for damage in Damage::ALL {
        let session = fresh_key()?;
        let account = session.account();
        let name = sealer.name(&account.digest());
        let guards = AccountRecord { last_code_step: Some(7), ..AccountRecord::default() };
        let guards = || sealer.seal_account(account, &guards);
        let revision = write(store, &name, Revision::NONE, guards()?).await?;
        if on.damage(&name, damage).await.is_none() {
            clear(store, &name).await?;
            return Ok(Verdict::left_out("no way to damage a record was given"));
        }
        let first = get(store, &name).await?;
        for store in [on.second, on.store, on.second] {
            let many = store.load_many(std::slice::from_ref(&name)).await?;
            let many = many.into_iter().next().flatten();
            for there in [Some(get(store, &name).await?), many] {
                let there = there.ok_or_else(|| Failure::new("a damaged record was not found"))?;
                let opened = sealer.open_account(account, there.bytes.expose_bytes());
                ensure(
                    opened.is_err_and(|error| error.code() == Some("damaged")),
                    "a damaged record was opened, or is another error",
                )?;
                ensure(there.revision == first.revision, "to read a damaged record changed it")?;
            }
            ensure(store.list().await?.contains(&name), "a damaged record is not listed")?;
            let late = store.commit(&name, Revision::NONE, None, guards()?).await?;
            ensure(
                matches!(late, Committed::Lost(Some(_))),
                "a write that expected nothing replaced a damaged record",
            )?;
        }
        match store.set_aside(&name, first.revision).await {
            Ok(moved) => ensure(moved, "a damaged record was not set aside")?,
            Err(error) if error.code() == Some("no_place_aside") => {
                ensure(store.remove(&name, first.revision).await?, "it could not be removed")?;
            }
            Err(error) => return Err(error.into()),
        }
        ensure(store.load(&name).await?.is_none(), "a record that was set aside is there")?;
        let next = write(store, &name, Revision::NONE, guards()?).await?;
        ensure(next > revision, "a record that was made again has an old revision")?;
        clear(store, &name).await?;
    }
    Ok(Verdict::Passed)
}

/// A record of a program that is newer is an error that says so, and stays as it is.
pub(super) async fn a_record_of_a_newer_version_is_kept_as_it_is(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let (store, key, sealer) = (on.store, fresh_key()?, sealer(on.store).await?);
    let name = sealer.name(&key.digest());
    let mut newer = sealer.seal_session(&key, &counted(1))?.expose_bytes().to_vec();
    newer[4] = u8::MAX;
    let newer = SecretBytes::new(newer);
    let revision = write(store, &name, Revision::NONE, newer.clone()).await?;
    for store in [on.store, on.second] {
        let record = get(store, &name).await?;
        let code = open(&sealer, &key, &record).err().unwrap_or_default();
        ensure(code == "newer_version", "a record of a newer version is another error")?;
        let same = record.bytes.matches(&newer) && record.revision == revision;
        ensure(same, "a record of a newer version was changed by reading it")?;
    }
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// A new key is put in front: old records open, are found under their names, and are sealed anew; then the old
/// key is not asked for any more.
pub(super) async fn a_record_is_sealed_anew_under_a_new_key(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let (store, key) = (on.store, fresh_key()?);
    let secret = |fill: u8| SecretBytes::new(vec![fill; 32]);
    let old = Sealer::new(SealKeys::new(1, secret(1)))?;
    let new = Sealer::new(SealKeys::new(2, secret(2)).also(1, secret(1)))?;
    let name = old.name(&key.digest());
    ensure(new.name(&key.digest()) == name, "a new key gave a record another name")?;
    let revision =
        write(store, &name, Revision::NONE, old.seal_session(&key, &counted(5))?).await?;
    let record = get(store, &name).await?;
    ensure(open(&new, &key, &record).is_ok(), "a new key in front closed an old record")?;
    let again = new.reseal(&name, record.bytes.expose_bytes())?;
    let again = again.ok_or_else(|| Failure::new("a record was not sealed anew"))?;
    write(store, &name, revision, again).await?;
    let record = get(on.second, &name).await?;
    ensure(
        open(&new, &key, &record).is_ok_and(|record| record.counter == 5),
        "a record that was sealed anew is another one",
    )?;
    ensure(
        open(&old, &key, &record).is_err_and(|code| code == "unknown_key"),
        "a record that was sealed anew opens with the old key",
    )?;
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// During a rolling deploy one release writes the previous format and one the newest; each reads both, and
/// neither loses what the other keeps in fields that it does not know.
pub(super) async fn two_releases_share_a_record(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let (key, sealer) = (fresh_key()?, sealer(on.store).await?);
    let name = sealer.name(&key.digest());
    let old = sealer.clone().writing(RecordFormat::V2);
    let later = Map::from_iter([("later".to_owned(), serde_json::json!({ "kept": [1, 2] }))]);
    let first = SessionRecord { unknown: UnknownFields::new(later), ..counted(0) };
    let mut revision =
        write(on.store, &name, Revision::NONE, old.seal_session(&key, &first)?).await?;
    let turns = [(on.second, &sealer), (on.store, &old), (on.second, &old), (on.store, &sealer)];
    for (turn, (store, writer)) in (1..).zip(turns) {
        let stored = get(store, &name).await?;
        let mut record = open(writer, &key, &stored)
            .map_err(|code| Failure::new(format!("a record of another release: {code}")))?;
        ensure(record.counter + 1 == turn, "a write of another release was lost")?;
        record.counter = turn;
        revision = write(store, &name, revision, writer.seal_session(&key, &record)?).await?;
    }
    let record = open(&sealer, &key, &get(on.store, &name).await?);
    ensure(
        record.is_ok_and(|record| record.unknown.len() == 1),
        "a field that a release does not know was lost",
    )?;
    clear(on.store, &name).await?;
    Ok(Verdict::Passed)
}

/// A replica with the readers' key alone finds and opens its part, and nothing else.
pub(super) async fn readers_get_their_part(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let (store, key) = (on.store, fresh_key()?);
    let secret = |fill: u8| SecretBytes::new(vec![fill; 32]);
    let whole = Sealer::new(SealKeys::new(1, secret(3)).also_for_readers(1, secret(4)))?;
    let of_replica = crate::Readers::new(&SealKeys::for_readers(1, secret(4)))?;
    let (Some(writer), Some(reader)) = (whole.readers(), of_replica) else {
        return Err(Failure::new("readers' keys are not taken"));
    };
    let names = [whole.name(&key.digest()), reader.name(&key.digest())];
    write(store, &names[0], Revision::NONE, whole.seal_session(&key, &counted(6))?).await?;
    write(store, &names[1], Revision::NONE, writer.seal(&key, &counted(6))?).await?;
    let part = get(on.second, &names[1]).await?;
    let part = reader.open(&key, part.bytes.expose_bytes());
    ensure(part.is_ok_and(|part| part.counter == 6), "readers cannot open their part")?;
    let record = get(on.second, &names[0]).await?;
    let opened = reader.open(&key, record.bytes.expose_bytes());
    ensure(opened.is_err(), "readers can open a whole record")?;
    for name in &names {
        clear(store, name).await?;
    }
    Ok(Verdict::Passed)
}

/// The record, or the code of why it does not open.
fn open(sealer: &Sealer, key: &SessionKey, record: &StoredRecord) -> Result<SessionRecord, String> {
    let opened = sealer.open_session(key, record.bytes.expose_bytes());
    opened.map_err(|error| error.code().unwrap_or("no code").to_owned())
}
