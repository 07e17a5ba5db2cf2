//! Tokens in the form of a JWT (RFC 7519). Nobody verifies them: the simulator knows its tokens by their text.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// The algorithm that the header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256; a true signature.
    Hs256,
    /// RSA with SHA-256; the signature has the right size and is no RSA signature.
    Rs256,
}

/// Mints tokens with one key.
pub struct Mint {
    key: [u8; 32],
    header: Value,
    algorithm: Algorithm,
}

impl Mint {
    /// A mint with that key, for headers of this algorithm.
    #[must_use]
    pub fn new(key: [u8; 32], algorithm: Algorithm) -> Self {
        let name = match algorithm {
            Algorithm::Hs256 => "HS256",
            Algorithm::Rs256 => "RS256",
        };
        Self { key, header: json!({ "alg": name, "typ": "JWT" }), algorithm }
    }

    /// With a key id in the header.
    #[must_use]
    pub fn key_id(mut self, kid: &str) -> Self {
        self.header["kid"] = Value::from(kid);
        self
    }

    /// A signed token with these claims.
    #[must_use]
    pub fn mint(&self, claims: &Value) -> String {
        let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", encode(&self.header), encode(claims));
        let blocks = if self.algorithm == Algorithm::Rs256 { 8 } else { 1 };
        let signature: Vec<u8> = (0..blocks).flat_map(|block| self.sign(&signed, block)).collect();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    fn sign(&self, text: &str, block: u8) -> [u8; 32] {
        // HMAC takes a key of any length, so the default is never used.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return [0; 32] };
        mac.update(text.as_bytes());
        if block > 0 {
            mac.update(&[block]);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mint").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Mint};
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::{Value, json};

    #[test]
    fn a_token_has_three_parts_and_its_claims() {
        for (algorithm, name, size) in
            [(Algorithm::Hs256, "HS256", 32), (Algorithm::Rs256, "RS256", 256)]
        {
            let token = Mint::new([3; 32], algorithm).mint(&json!({ "exp": 7 }));
            let parts: Vec<Vec<u8>> = token
                .split('.')
                .map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap())
                .collect();
            assert_eq!(parts.len(), 3);
            let header: Value = serde_json::from_slice(&parts[0]).unwrap();
            assert_eq!(header["alg"], name);
            assert_eq!(parts[1], br#"{"exp":7}"#);
            assert_eq!(parts[2].len(), size);
        }
    }

    #[test]
    fn the_signature_is_the_published_one_of_rfc_4231_test_case_2() {
        // HMAC pads a short key with zeros, so that the published key of four bytes is also one of 32.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let signature = Mint::new(key, Algorithm::Hs256).sign("what do ya want for nothing?", 0);
        let published = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(data_encoding::HEXLOWER.encode(&signature), published);
    }
}
