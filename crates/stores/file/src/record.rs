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

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// A record.
    Good(StoredRecord),
    /// Something that no version wrote, or that was changed since.
    Damaged,
    /// What a newer version wrote.
    Newer,
}

/// Reads a record.
pub(crate) fn read(file: &mut File, length: u64) -> io::Result<Content> {
    let Some(rest) = length.checked_sub(HEADER as u64).filter(|rest| *rest <= LONGEST as u64)
    else {
        // Also a short file can be one of a newer version.
        let mut front = Vec::new();
        file.take(5).read_to_end(&mut front)?;
        return Ok(if is_newer(&front) { Content::Newer } else { Content::Damaged });
    };
    let mut header = [0; HEADER];
    let mut bytes = vec![0; rest as usize];
    match file.read_exact(&mut header).and_then(|()| file.read_exact(&mut bytes)) {
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => return Ok(Content::Damaged),
        other => other?,
    }
    if is_newer(&header) {
        return Ok(Content::Newer);
    }
    let (front, sum) = header.split_at(13);
    if front[..4] != *MAGIC || front[4] != VERSION || *sum != checksum(front, &bytes) {
        return Ok(Content::Damaged);
    }
    let mut revision = [0; 8];
    revision.copy_from_slice(&front[5..]);
    let revision = Revision(u64::from_be_bytes(revision));
    Ok(Content::Good(StoredRecord { revision, bytes: SecretBytes::new(bytes) }))
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
