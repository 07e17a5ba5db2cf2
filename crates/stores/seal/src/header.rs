//! What stands in front of the ciphertext.

use countersign_core::Error;

use crate::fault;
use crate::format::RecordFormat;

/// Length of a header in bytes.
pub(crate) const LENGTH: usize = 50;
/// Length of a nonce in bytes.
pub(crate) const NONCE: usize = 24;

const MAGIC: [u8; 4] = *b"CSR1";

/// The facts that are needed before a record can be opened. All are authenticated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) format: RecordFormat,
    pub(crate) kind: u8,
    pub(crate) key: u32,
    pub(crate) name: [u8; 16],
    pub(crate) nonce: [u8; NONCE],
}

impl Header {
    /// The header at the front of `sealed`, and the rest.
    pub(crate) fn split(sealed: &[u8]) -> Result<(Self, &[u8]), Error> {
        let (magic, rest) = sealed.split_first_chunk::<4>().ok_or_else(fault::damaged)?;
        let (&version, rest) = rest.split_first().ok_or_else(fault::damaged)?;
        let format = match version {
            _ if *magic != MAGIC => return Err(fault::damaged()),
            0 => return Err(fault::damaged()),
            1 => RecordFormat::V1,
            2 => RecordFormat::V2,
            3 => RecordFormat::V3,
            _ => return Err(fault::newer()),
        };
        let (&kind, rest) = rest.split_first().ok_or_else(fault::damaged)?;
        let (key, rest) = rest.split_first_chunk().ok_or_else(fault::damaged)?;
        let (name, rest) = rest.split_first_chunk().ok_or_else(fault::damaged)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or_else(fault::damaged)?;
        let key = u32::from_be_bytes(*key);
        Ok((Self { format, kind, key, name: *name, nonce: *nonce }, rest))
    }

    /// The header as it is written.
    pub(crate) fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = self.format.number();
        bytes[5] = self.kind;
        bytes[6..10].copy_from_slice(&self.key.to_be_bytes());
        bytes[10..26].copy_from_slice(&self.name);
        bytes[26..].copy_from_slice(&self.nonce);
        bytes
    }
}

/// What a sealed record shows without a key: for whoever counts which keys a store still needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SealedFacts {
    /// The format that it is written in.
    pub format: RecordFormat,
    /// 1 a session, 2 an account, 3 the part of a session that readers get.
    pub kind: u8,
    /// The id of the key that sealed it; in kind 3 that of a readers' key.
    pub key: u32,
}

impl SealedFacts {
    /// The facts of `sealed`. They are believed by nobody who opens it: a seal that is broken shows itself
    /// only then.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the code `damaged` or `newer_version`.
    pub fn of(sealed: &[u8]) -> Result<Self, Error> {
        let (Header { format, kind, key, .. }, _) = Header::split(sealed)?;
        Ok(Self { format, kind, key })
    }
}
