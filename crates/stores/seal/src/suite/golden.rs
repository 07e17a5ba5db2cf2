//! Records and journals of every format version, as they lie on disks since: sealed once, and never written again.

use countersign_core::{
    Origin, ProviderId, Realm, Revision, SealKeys, SecretBytes, SessionKey, SessionStore,
};

use super::bench::{clear, ensure, fresh_name, get, write};
use super::report::Verdict;
use super::{Failure, Subject};
use crate::{Sealer, SessionRecord};

const SESSIONS: [&str; 6] = [
    include_str!("../../tests/golden/session-1.hex"),
    include_str!("../../tests/golden/session-2.hex"),
    include_str!("../../tests/golden/session-3.hex"),
    include_str!("../../tests/golden/session-1-newer-fields.hex"),
    include_str!("../../tests/golden/session-2-newer-fields.hex"),
    include_str!("../../tests/golden/session-3-newer-fields.hex"),
];

const JOURNALS: [&str; 3] = [
    include_str!("../../tests/golden/journal-1.hex"),
    include_str!("../../tests/golden/journal-2.hex"),
    include_str!("../../tests/golden/journal-3.hex"),
];

const ACCOUNTS: [&str; 3] = [
    include_str!("../../tests/golden/account-1.hex"),
    include_str!("../../tests/golden/account-2.hex"),
    include_str!("../../tests/golden/account-3.hex"),
];

/// What was sealed by a release of before comes out of the store as it went in, opens, and stays what it is when it
/// is written by this one.
pub(super) async fn records_of_every_version_open_and_are_gone_on_from(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let sealer = Sealer::new(SealKeys::new(1, SecretBytes::new((0..32).collect())))?;
    let realm = Realm::new(Origin::parse("https://auth.example")?);
    let kim = SessionKey::new(ProviderId::new("acme"), &realm, "kim@example.org");
    for hex in SESSIONS {
        session(on, &sealer, &kim, hex, |record| record.counter > 0).await?;
    }
    for hex in JOURNALS {
        let open = |record: &SessionRecord| {
            let refresh = record.tokens.as_ref().and_then(|tokens| tokens.refresh_token());
            record.journal.is_some() && refresh.is_some()
        };
        session(on, &sealer, &kim, hex, open).await?;
    }
    for hex in ACCOUNTS {
        let name = fresh_name()?;
        let revision = write(on.store, &name, Revision::NONE, golden(hex)?).await?;
        let there = get(on.second, &name).await?;
        let record = sealer.open_account(kim.account(), there.bytes.expose_bytes())?;
        let weighs = (record.refused.len(), record.locked_until, record.last_code_step);
        ensure(weighs.0 > 0 && weighs.1.is_some(), "guards of an older version were lost")?;
        write(on.second, &name, revision, sealer.seal_account(kim.account(), &record)?).await?;
        let there = get(on.store, &name).await?;
        let record = sealer.open_account(kim.account(), there.bytes.expose_bytes())?;
        let now = (record.refused.len(), record.locked_until, record.last_code_step);
        ensure(now == weighs, "guards of an older version did not survive a write of this one")?;
        clear(on.store, &name).await?;
    }
    Ok(Verdict::Passed)
}

async fn session(
    on: &Subject<'_>,
    sealer: &Sealer,
    key: &SessionKey,
    hex: &str,
    is_whole: impl Fn(&SessionRecord) -> bool,
) -> Result<(), Failure> {
    let name = fresh_name()?;
    let revision = write(on.store, &name, Revision::NONE, golden(hex)?).await?;
    let first = opened(on.second, sealer, key, &name).await?;
    ensure(is_whole(&first), "a record of an older version has lost something")?;
    write(on.second, &name, revision, sealer.seal_session(key, &first)?).await?;
    let again = opened(on.store, sealer, key, &name).await?;
    let same = (again.counter, again.journal, again.unknown.len())
        == (first.counter, first.journal, first.unknown.len());
    ensure(
        same && is_whole(&again),
        "a record of an older version did not survive a write of this one",
    )?;
    clear(on.store, &name).await
}

async fn opened(
    store: &dyn SessionStore,
    sealer: &Sealer,
    key: &SessionKey,
    name: &countersign_core::RecordName,
) -> Result<SessionRecord, Failure> {
    Ok(sealer.open_session(key, get(store, name).await?.bytes.expose_bytes())?)
}

fn golden(hex: &str) -> Result<SecretBytes, Failure> {
    let digits: String = hex.split_whitespace().collect();
    let bytes = data_encoding::HEXLOWER.decode(digits.as_bytes());
    bytes
        .map(SecretBytes::new)
        .map_err(|_| Failure::new("a golden record is no hexadecimal number"))
}
