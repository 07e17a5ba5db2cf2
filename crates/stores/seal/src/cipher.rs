//! Sealing and opening bytes: the one place that knows the cipher.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use countersign_core::{Error, KeyDigest, SecretBytes};
use zeroize::Zeroizing;

use crate::fault;
use crate::header::{Header, LENGTH};
use crate::keys::Key;

const TAG: usize = 16;

/// Header, ciphertext and tag of `plain`.
pub(crate) fn seal(
    cipher_key: &Key,
    header: Header,
    key: &KeyDigest,
    plain: &SecretBytes,
) -> Result<SecretBytes, Error> {
    let front = header.to_bytes();
    // One allocation: a buffer that grew would leave a copy of the plain text behind.
    let mut sealed = Vec::with_capacity(LENGTH + plain.len() + TAG);
    sealed.extend_from_slice(&front);
    sealed.extend_from_slice(plain.expose_bytes());
    let cipher = XChaCha20Poly1305::new(&(**cipher_key).into());
    let nonce = XNonce::from(header.nonce);
    let body = &mut sealed[LENGTH..];
    let tag = cipher
        .encrypt_inout_detached(&nonce, &associated(&front, key), body.into())
        .map_err(|_| fault::unwritable())?;
    sealed.extend_from_slice(&tag);
    Ok(SecretBytes::new(sealed))
}

/// The plain text of `body`, which stood behind `header`.
pub(crate) fn open(
    cipher_key: &Key,
    header: Header,
    key: &KeyDigest,
    body: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (body, tag) = body.split_last_chunk::<TAG>().ok_or_else(fault::damaged)?;
    let mut plain = Zeroizing::new(body.to_vec());
    let cipher = XChaCha20Poly1305::new(&(**cipher_key).into());
    let nonce = XNonce::from(header.nonce);
    let associated = associated(&header.to_bytes(), key);
    cipher
        .decrypt_inout_detached(&nonce, &associated, plain.as_mut_slice().into(), &Tag::from(*tag))
        .map_err(|_| fault::damaged())?;
    Ok(plain)
}

fn associated(front: &[u8; LENGTH], key: &KeyDigest) -> [u8; LENGTH + 32] {
    let mut bytes = [0; LENGTH + 32];
    bytes[..LENGTH].copy_from_slice(front);
    bytes[LENGTH..].copy_from_slice(key.as_bytes());
    bytes
}
