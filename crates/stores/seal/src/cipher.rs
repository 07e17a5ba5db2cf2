//! Sealing and opening bytes: the one place that knows the cipher.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use countersign_core::{Error, KeyDigest, SecretBuffer, SecretBytes};
use zeroize::Zeroizing;

use crate::fault;
use crate::format::RecordFormat;
use crate::header::{Header, LENGTH};
use crate::keys::Key;

/// Length of a tag in bytes.
pub(crate) const TAG: usize = 16;

/// Header, ciphertext and tag of the plain text that stands behind `header` in `sealed`: in its place.
pub(crate) fn seal(
    cipher_key: &Key,
    header: Header,
    digest: Option<&KeyDigest>,
    mut sealed: SecretBuffer,
) -> Result<SecretBytes, Error> {
    let cipher = XChaCha20Poly1305::new(&(**cipher_key).into());
    let nonce = XNonce::from(header.nonce);
    let body = sealed.expose_mut().get_mut(LENGTH..).ok_or_else(fault::unwritable)?;
    let associated = Associated::new(header, digest)?;
    let tag = cipher
        .encrypt_inout_detached(&nonce, associated.bytes(), body.into())
        .map_err(|_| fault::unwritable())?;
    sealed.push(&tag);
    Ok(sealed.finish())
}

/// The plain text of `body`, which stood behind `header`. Format 1 needs the digest of the record's key.
pub(crate) fn open(
    cipher_key: &Key,
    header: Header,
    digest: Option<&KeyDigest>,
    body: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (body, tag) = body.split_last_chunk::<TAG>().ok_or_else(fault::damaged)?;
    let mut plain = Zeroizing::new(body.to_vec());
    let cipher = XChaCha20Poly1305::new(&(**cipher_key).into());
    let nonce = XNonce::from(header.nonce);
    let associated = Associated::new(header, digest)?;
    cipher
        .decrypt_inout_detached(
            &nonce,
            associated.bytes(),
            plain.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| fault::damaged())?;
    Ok(plain)
}

/// What is authenticated beside the ciphertext: the header, and in format 1 the digest of the key, which
/// in the later ones is under the seal itself.
struct Associated {
    bytes: [u8; LENGTH + 32],
    length: usize,
}

impl Associated {
    fn new(header: Header, digest: Option<&KeyDigest>) -> Result<Self, Error> {
        let mut bytes = [0; LENGTH + 32];
        bytes[..LENGTH].copy_from_slice(&header.to_bytes());
        let length = match header.format {
            RecordFormat::V1 => {
                let digest = digest.ok_or_else(fault::unnamed)?;
                bytes[LENGTH..].copy_from_slice(digest.as_bytes());
                bytes.len()
            }
            RecordFormat::V2 | RecordFormat::V3 => LENGTH,
        };
        Ok(Self { bytes, length })
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
