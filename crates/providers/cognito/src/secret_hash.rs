//! The hash that proves the client secret in requests which name a user.

use countersign_core::{Credentials, SecretString};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `Base64(HMAC-SHA256(client secret, username + client id))`, or `None` for a public client.
///
/// `username` must be the one of the same request: the service computes the hash again from that.
pub(crate) fn secret_hash(
    credentials: &Credentials,
    username: &str,
    client_id: &str,
) -> Option<SecretString> {
    let secret = credentials.client_secret().filter(|secret| !secret.is_empty())?;
    // HMAC takes a key of any length; the error type is never made.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(username.as_bytes());
    mac.update(client_id.as_bytes());
    Some(SecretString::new(BASE64.encode(&mac.finalize().into_bytes())))
}
