//! The seal keys of a store.

use super::bench::{counted, ensure, fresh_key, sealer};
use super::report::Verdict;
use super::{Failure, Subject};

/// The keys that a store gives can seal, and those that it gives later, or to another process, open what was
/// sealed.
pub(super) async fn seal_keys_open_what_they_sealed(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let key = fresh_key()?;
    let before = sealer(on.store).await?;
    let sealed = before.seal_session(&key, &counted(42))?;
    for store in [on.store, on.second] {
        let after = sealer(store).await?;
        let names = [before.name(&key.digest()), after.name(&key.digest())];
        ensure(names[0] == names[1], "the keys name a record in two ways")?;
        ensure(before.salt() == after.salt(), "the keys give two salts")?;
        let opened = after.open_session(&key, sealed.expose_bytes())?;
        ensure(opened.counter == 42, "the keys open another record than was sealed")?;
    }
    Ok(Verdict::Passed)
}
