//! The seal keys of a store.

use countersign_core::{Origin, ProviderId, Realm, SessionKey, SessionStore};

use super::{Failure, ensure};
use crate::{Sealer, SessionRecord};

/// The keys that a store gives can seal, and those that it gives later open what was sealed.
///
/// # Errors
/// What the store did instead.
pub async fn seal_keys_open_what_they_sealed(store: &dyn SessionStore) -> Result<(), Failure> {
    let realm = Realm::new(Origin::parse("https://suite.example")?);
    let key = SessionKey::new(ProviderId::new("suite"), &realm, "suite");
    let before = Sealer::new(store.seal_keys().await?)?;
    let record = SessionRecord { counter: 42, ..SessionRecord::default() };
    let sealed = before.seal_session(&key, &record)?;
    let after = Sealer::new(store.seal_keys().await?)?;
    ensure(
        before.name(&key.digest()) == after.name(&key.digest()),
        "the keys name a record in two ways",
    )?;
    let opened = after.open_session(&key, sealed.expose_bytes())?;
    ensure(opened.counter == 42, "the keys open another record than was sealed")
}
