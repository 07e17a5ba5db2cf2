//! The records as JSON: private types, one module per record. They are written to last: a name here
//! is a name in files of users.

mod account;
mod challenge;
mod reader;
mod session;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod unknown;
mod who;

use countersign_core::{Generation, SecretBuffer, SecretBytes, StoredKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use who::Who;

use crate::account::AccountRecord;
use crate::session::SessionRecord;

pub(crate) use reader::ForReaders;

/// A record that can be sealed.
pub(crate) trait Record: Sized {
    /// The byte in the header that tells it from other records.
    const KIND: u8;

    /// As JSON, with whose it is where the format says so.
    fn write(&self, who: Option<&StoredKey>) -> Result<SecretBytes, Unreadable>;

    /// From JSON, with whose it is if it says so.
    fn read(json: &[u8]) -> Result<(Self, Option<StoredKey>), Unreadable>;
}

/// The JSON is none of ours. The parser's own words are dropped: they can quote a secret.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl Record for SessionRecord {
    const KIND: u8 = 1;

    fn write(&self, who: Option<&StoredKey>) -> Result<SecretBytes, Unreadable> {
        to_json(&session::Stored::new(self, who.map(Who::from)))
    }

    fn read(json: &[u8]) -> Result<(Self, Option<StoredKey>), Unreadable> {
        let (record, who) = from_json::<session::Stored>(json)?.split()?;
        Ok((record, who.map(StoredKey::try_from).transpose()?))
    }
}

impl Record for AccountRecord {
    const KIND: u8 = 2;

    fn write(&self, who: Option<&StoredKey>) -> Result<SecretBytes, Unreadable> {
        to_json(&account::Stored::new(self, who.map(Who::from)))
    }

    fn read(json: &[u8]) -> Result<(Self, Option<StoredKey>), Unreadable> {
        let (record, who) = from_json::<account::Stored>(json)?.split();
        Ok((record, who.map(StoredKey::try_from).transpose()?))
    }
}

/// Through a buffer that wipes what it leaves behind.
fn to_json(stored: &impl Serialize) -> Result<SecretBytes, Unreadable> {
    let mut buffer = SecretBuffer::new();
    serde_json::to_writer(&mut buffer, stored).map_err(|_| Unreadable)?;
    Ok(buffer.finish())
}

fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(json).map_err(|_| Unreadable)
}

/// A generation as JSON.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct StoredGeneration {
    counter: u64,
    tag: u32,
}

impl From<Generation> for StoredGeneration {
    fn from(generation: Generation) -> Self {
        Self { counter: generation.counter, tag: generation.tag }
    }
}

impl From<StoredGeneration> for Generation {
    fn from(stored: StoredGeneration) -> Self {
        Self { counter: stored.counter, tag: stored.tag }
    }
}
