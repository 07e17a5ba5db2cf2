//! The plain header in front of the sealed bytes: it lets a write compare revisions without a key.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `CSF1` |
//! | 1 | version: 1 |
//! | 8 | revision, big-endian |
//! | 16 | the first half of SHA-256 over the 13 bytes above and the sealed bytes |
//! | rest | sealed bytes |

use std::fs::File;
use std::io::{self, Read, Write};

use countersign_core::{Revision, SecretBytes, StoredRecord};
use sha2::{Digest, Sha256};

/// The longest record that is read or written, in bytes.
pub(crate) const LONGEST: usize = 16 * 1024 * 1024;

const HEADER: usize = 29;
const MAGIC: &[u8; 4] = b"CSF1";
const VERSION: u8 = 1;
/// Revisions count the writes, and never come to this bit.
const OF_DAMAGE: u64 = 1 << 63;

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// A record.
    Good(StoredRecord),
    /// Something that no version wrote, or that was changed since.
    Damaged(StoredRecord),
    /// What a newer version wrote.
    Newer,
}

/// Reads a record from a file that is about `length` bytes long.
pub(crate) fn read(file: &mut File, length: u64) -> io::Result<Content> {
    let mut header = Vec::with_capacity(HEADER);
    file.take(HEADER as u64).read_to_end(&mut header)?;
    // One more than the longest, so that one that is too long is seen to be.
    let mut bytes = Vec::with_capacity(length.min(LONGEST as u64) as usize);
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    // Also a short file can be one of a newer version.
    if is_newer(&header) {
        return Ok(Content::Newer);
    }
    let whole = header.len() == HEADER && bytes.len() <= LONGEST;
    let (front, sum) = header.split_at(header.len().min(13));
    if !whole || front[..4] != *MAGIC || front[4] != VERSION || *sum != checksum(front, &bytes) {
        return Ok(Content::Damaged(damaged(header, &bytes)));
    }
    let mut revision = [0; 8];
    revision.copy_from_slice(&front[5..]);
    let revision = Revision(u64::from_be_bytes(revision));
    Ok(Content::Good(StoredRecord { revision, bytes: SecretBytes::new(bytes) }))
}

/// What is left of a record: all of the file, which no seal takes for one of its own, whichever part of it was
/// hit. The revision is one that no write gives, and another for other bytes, so that whoever replaces what he
/// has read replaces nothing else.
fn damaged(mut file: Vec<u8>, rest: &[u8]) -> StoredRecord {
    file.extend_from_slice(&rest[..rest.len().min(LONGEST)]);
    let mut hash = [0; 8];
    hash.copy_from_slice(&checksum(&[], &file)[..8]);
    let revision = Revision(u64::from_be_bytes(hash) | OF_DAMAGE);
    StoredRecord { revision, bytes: SecretBytes::new(file) }
}

/// Writes a record.
pub(crate) fn write(file: &mut File, revision: Revision, bytes: &SecretBytes) -> io::Result<()> {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(MAGIC);
    header[4] = VERSION;
    header[5..13].copy_from_slice(&revision.0.to_be_bytes());
    let sum = checksum(&header[..13], bytes.expose_bytes());
    header[13..].copy_from_slice(&sum);
    file.write_all(&header)?;
    file.write_all(bytes.expose_bytes())
}

fn is_newer(front: &[u8]) -> bool {
    front.len() >= 5 && front[..4] == *MAGIC && front[4] > VERSION
}

fn checksum(front: &[u8], bytes: &[u8]) -> [u8; 16] {
    let digest = Sha256::new().chain_update(front).chain_update(bytes).finalize();
    let mut sum = [0; 16];
    sum.copy_from_slice(&digest[..16]);
    sum
}
