//! The hash in which a client shows its secret.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Base64 of HMAC-SHA256 with the secret as key over user name and client id.
pub(super) fn secret_hash(client_secret: &str, user_name: &str, client_id: &str) -> String {
    // HMAC takes a key of any length, so nothing is never answered.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(client_secret.as_bytes()) else {
        return String::new();
    };
    mac.update(user_name.as_bytes());
    mac.update(client_id.as_bytes());
    BASE64.encode(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::secret_hash;

    /// The value was made by an independent client (pycognito).
    #[test]
    fn the_hash_of_a_known_client() {
        let hash = secret_hash("c13nt-s3cr3t", "kim", "1example23456789");
        assert_eq!(hash, "1quDWfL/2lA/oDHjAU0ntPJNv1m1mE0lIE53hyTPI00=");
    }
}
