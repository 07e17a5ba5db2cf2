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

use countersign_core::{Generation, SecretBuffer, StoredKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::account::AccountRecord;
use crate::format::RecordFormat;
use crate::session::SessionRecord;

pub(crate) use reader::ForReaders;
pub(crate) use who::Who;

/// A record that can be sealed.
pub(crate) trait Record: Sized {
    /// The byte in the header that tells it from other records.
    const KIND: u8;

    /// About so many bytes are written in `format`, beside whose it is.
    fn length(&self, format: RecordFormat) -> usize;

    /// Appends it as JSON, with whose it is where the format says so, and what the format has behind it. The buffer
    /// wipes what it leaves behind.
    fn write(
        &self,
        format: RecordFormat,
        who: Option<Who<'_>>,
        into: &mut SecretBuffer,
    ) -> Result<(), Unreadable>;

    /// From what was written in any format, with whose it is if it says so.
    fn read(plain: &[u8]) -> Result<(Self, Option<StoredKey>), Unreadable>;
}

/// The JSON is none of ours. The parser's own words are dropped: they can quote a secret.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl Record for SessionRecord {
    const KIND: u8 = 1;

    fn length(&self, format: RecordFormat) -> usize {
        let tokens = self.tokens.as_ref().map_or(0, |tokens| tokens::length(tokens, format));
        let memo: usize =
            self.memo.iter().map(|(name, value)| name.len() + in_base64(value.len())).sum();
        let marks = [
            self.journal.map(|_| 192),
            self.ended.map(|_| 160),
            self.refresh_dead.map(|_| 64),
            (!self.unknown.is_empty()).then_some(512),
        ];
        LENGTH_OF_THE_REST + tokens + memo + marks.into_iter().flatten().sum::<usize>()
    }

    fn write(
        &self,
        format: RecordFormat,
        who: Option<Who<'_>>,
        into: &mut SecretBuffer,
    ) -> Result<(), Unreadable> {
        to_json(&session::Stored::new(self, format, who), into)?;
        if let Some(tokens) = self.tokens.as_ref().filter(|_| format.sets_tokens_apart()) {
            tokens::write_apart(tokens, into);
        }
        Ok(())
    }

    fn read(plain: &[u8]) -> Result<(Self, Option<StoredKey>), Unreadable> {
        let (stored, mut apart) = from_json::<session::Stored>(plain)?;
        let (record, who) = stored.split(&mut apart)?;
        nothing_left(apart)?;
        Ok((record, who.map(StoredKey::try_from).transpose()?))
    }
}

impl Record for AccountRecord {
    const KIND: u8 = 2;

    fn length(&self, _: RecordFormat) -> usize {
        LENGTH_OF_THE_REST
    }

    fn write(
        &self,
        _: RecordFormat,
        who: Option<Who<'_>>,
        into: &mut SecretBuffer,
    ) -> Result<(), Unreadable> {
        to_json(&account::Stored::new(self, who), into)
    }

    fn read(plain: &[u8]) -> Result<(Self, Option<StoredKey>), Unreadable> {
        let (stored, behind) = from_json::<account::Stored>(plain)?;
        nothing_left(behind)?;
        let (record, who) = stored.split();
        Ok((record, who.map(StoredKey::try_from).transpose()?))
    }
}

/// What a record takes beside its tokens, the adapter's facts and whose it is, if there is nothing unusual in it. A
/// store in memory keeps what is spare too.
const LENGTH_OF_THE_REST: usize = 448;

/// As so many characters bytes are written (RFC 4648 §5, without padding), and the quotes around them.
const fn in_base64(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3) + 2
}

fn to_json(stored: &impl Serialize, into: &mut SecretBuffer) -> Result<(), Unreadable> {
    serde_json::to_writer(into, stored).map_err(|_| Unreadable)
}

/// What is at the front as JSON, and what stands behind it.
fn from_json<T: DeserializeOwned>(plain: &[u8]) -> Result<(T, &[u8]), Unreadable> {
    let mut values = serde_json::Deserializer::from_slice(plain).into_iter();
    let value = values.next().and_then(Result::ok).ok_or(Unreadable)?;
    let behind = plain.get(values.byte_offset()..).ok_or(Unreadable)?;
    Ok((value, behind))
}

/// What is left over belongs to something that this version does not know, and would be lost.
fn nothing_left(behind: &[u8]) -> Result<(), Unreadable> {
    if behind.is_empty() { Ok(()) } else { Err(Unreadable) }
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
