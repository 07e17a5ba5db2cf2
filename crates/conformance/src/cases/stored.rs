//! Locks that nobody lets go, and records that nobody can read.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{Committed, ErrorKind, RecordName, SecretBytes, StoredRecord};

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::reading::{fails, plain};
use crate::steps::{caller, done};
use crate::target::Control;

const GROUP: &str = "storage";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f28-orphan-lock-ends",
        "A lock whose holder has died stops the others no longer than its lease, and is not taken over before",
        |bench| Box::pin(orphan(bench)),
    )
    .proves(&[Row::F(28)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f28-wait-for-a-lock-is-bounded",
        "A caller who waits for a lock that is held on and on is told so by its deadline, and is served when it is free",
        |bench| Box::pin(bounded(bench)),
    )
    .proves(&[Row::F(28)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f28-dropped-process-leaves-no-lock",
        "A process that goes away in the middle of an exchange leaves no lock that outlives its lease",
        |bench| Box::pin(dropped(bench)),
    )
    .proves(&[Row::F(28), Row::F(7)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f30-damaged-record-is-no-token",
        "A record with a flipped bit is never handed out, is not overwritten unseen, and a sign-in goes on or says what to do",
        |bench| Box::pin(damaged(bench, Damage::Flipped)),
    )
    .proves(&[Row::F(30)]),
    Case::new(
        GROUP,
        "f30-torn-record-is-no-token",
        "A record that ends in the middle is never handed out, and a sign-in goes on or says what to do",
        |bench| Box::pin(damaged(bench, Damage::Torn)),
    )
    .proves(&[Row::F(30)]),
    Case::new(
        GROUP,
        "f30-swapped-records-are-no-token",
        "Records that somebody has exchanged for each other are never handed out",
        |bench| Box::pin(swapped(bench)),
    )
    .proves(&[Row::F(30), Row::F(34)]),
];

async fn names(bench: &Bench) -> Result<Vec<RecordName>, Finding> {
    Ok(bench.store().list().await?)
}

async fn orphan(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let mut held = Vec::new();
    for name in names(&bench).await? {
        held.push(bench.store().lock(&name, 50 * SECOND, SECOND).await?);
    }
    bench.mark("the holder dies");
    std::mem::forget(held);
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    session.reject(session.authorization().await?.generation());
    let waiting = caller(&session);
    bench.pass(45 * SECOND).await;
    expect::same("exchanges before the lease ends", bench.sent(renewal) - before, 0)?;
    done(waiting).await??;
    expect::same("exchanges", bench.sent(renewal) - before, 1)
}

async fn bounded(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let mut held = Vec::new();
    for name in names(&bench).await? {
        held.push(bench.store().lock(&name, 20 * MINUTE, SECOND).await?);
    }
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    session.reject(session.authorization().await?.generation());
    let began = bench.elapsed();
    let kinds = [ErrorKind::Store, ErrorKind::TimedOut];
    let error = fails("the caller", &kinds, session.authorization_within(2 * MINUTE).await)?;
    let took = bench.elapsed().saturating_sub(began);
    expect::holds_or("an answer in two minutes", took <= 2 * MINUTE + SECOND, format!("{took:?}"))?;
    let last = session.status().last_error.unwrap_or(error);
    expect::holds_or("an error that names the holder", last.to_string().contains("lock"), &last)?;
    expect::same("exchanges without the lock", bench.sent(renewal) - before, 0)?;
    for lock in held {
        lock.release().await;
    }
    bench.until("a new token", 15 * MINUTE, || session.current().is_some()).await?;
    expect::same("exchanges", bench.sent(renewal) - before, 1)
}

async fn dropped(bench: Bench) -> Result<(), Finding> {
    let first = bench.siblings(1).await?.remove(0);
    let gate = bench.hold(bench.renewal());
    first.reject(first.authorization().await?.generation());
    gate.reached().await;
    let second = bench.process()?.open_with(|b| b.deadline(10 * MINUTE)).await?;
    drop(first);
    // Its answer never comes; its lease does end.
    let old = second.authorization().await?.generation();
    second.reject(old);
    let new = second.authorization().await?.generation();
    expect::same("the refused token again", new == old, false)?;
    gate.open();
    bench.pass(MINUTE).await;
    expect::state(&second, Status::Active)
}

#[derive(Clone, Copy)]
enum Damage {
    Flipped,
    Torn,
}

/// Writes other bytes in the place of a record, as a disk or a careless copy does.
async fn overwrite(bench: &Bench, name: &RecordName, bytes: Vec<u8>) -> Result<(), Finding> {
    let store = bench.store();
    let StoredRecord { revision, .. } = expect::there("the record", store.load(name).await?)?;
    let end = store.commit(name, revision, None, SecretBytes::new(bytes)).await?;
    expect::holds("a record that was overwritten", matches!(end, Committed::Done(_)))
}

async fn bytes_of(bench: &Bench, name: &RecordName) -> Result<Vec<u8>, Finding> {
    let record = expect::there("the record", bench.store().load(name).await?)?;
    Ok(record.bytes.expose_bytes().to_vec())
}

async fn damaged(bench: Bench, damage: Damage) -> Result<(), Finding> {
    let mut held = bench.sign_in().await?.authorization().await?.generation();
    bench.next_code().await;
    let mut replaced = 0;
    for name in names(&bench).await? {
        let whole = bytes_of(&bench, &name).await?;
        let mut bytes = whole.clone();
        match damage {
            Damage::Flipped => bytes.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1),
            Damage::Torn => bytes.truncate(whole.len() / 2),
        }
        overwrite(&bench, &name, bytes.clone()).await?;
        let session = bench.process()?.open().await?;
        let given = session.authorization().await?.generation();
        if given == held {
            // The account's: it says which passwords were refused. The tokens are none of its business, and
            // no password is tried before a person has looked.
            let error = expect::fails("a sign-in", ErrorKind::Store, session.sign_in().await)?;
            let says = error.to_string().contains("--guards");
            expect::holds_or("an error that says what to do", says, error)?;
            let same = bytes_of(&bench, &name).await? == bytes;
            expect::holds("the damaged bytes where they were", same)?;
            overwrite(&bench, &name, whole).await?;
        } else {
            // The session's: it was set aside, and a sign-in has brought the next one.
            expect::holds("the new tokens in the store", session.status().saved)?;
            (replaced, held) = (replaced + 1, given);
            bench.next_code().await;
        }
    }
    expect::same("records that a sign-in has replaced", replaced, 1)?;
    let sent = bench.sent(Op::SignIn);
    expect::same("sign-ins", sent, 2)
}

async fn swapped(bench: Bench) -> Result<(), Finding> {
    let held = bench.sign_in().await?.authorization().await?.generation();
    bench.next_code().await;
    let all = names(&bench).await?;
    let [one, other] = &all[..] else {
        return Err(Finding::new("two records of one session", all.len().to_string()));
    };
    let (first, second) = (bytes_of(&bench, one).await?, bytes_of(&bench, other).await?);
    overwrite(&bench, one, second).await?;
    overwrite(&bench, other, first).await?;
    let session = match bench.process()?.open().await {
        Ok(session) => session,
        Err(_) => return Ok(()),
    };
    match session.authorization_within(MINUTE).await {
        Ok(given) => expect::same("a token out of it", given.generation() == held, false),
        Err(error) => plain(&error),
    }
}
