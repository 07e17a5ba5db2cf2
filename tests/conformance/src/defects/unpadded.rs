//! A proof of the password whose numbers are hashed as they come, without the zero byte before a high
//! first bit. Half of all numbers are as good without it, so that most sign-ins look right at first.

use countersign_core::http::HttpRequest;
use countersign_core::{Ambient, AuthProvider, Error, Operation};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderName;
use http::header;
use num_bigint::BigUint;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Defect, simple};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "srp-not-padded",
        title: "The numbers of the proof of a password are hashed without their padding",
        target: "cognito",
        caught_by: "p24-proof-of-the-password",
        engine: || simple::asks(request),
    },
    Defect {
        id: "srp-zeros-cut-off",
        title: "Zeros that a number of the proof begins with are cut off before it is hashed",
        target: "cognito",
        caught_by: "p24-proof-with-leading-zeros",
        engine: || simple::asks(request),
    },
];

/// The prime of RFC 3526, group 15.
const PRIME: &[u8] = b"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F\
83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510\
15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7\
ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C\
BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
/// What the service hashes of prime and generator.
const K: &[u8] = b"538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6";
/// The name of the simulator's pool after its region.
const POOL: &str = "CanaryPool";

fn request(
    real: &dyn AuthProvider,
    operation: &Operation,
    ambient: &Ambient<'_>,
) -> Result<HttpRequest, Error> {
    let right = real.request(operation, ambient)?;
    let mut body: Value = serde_json::from_slice(right.body().expose_bytes()).unwrap_or_default();
    let a = BigUint::from_bytes_be(&[0x5a; 128]);
    let public = BigUint::from(2_u8).modpow(&a, &number(PRIME));
    if body["AuthParameters"]["SRP_A"].is_string() {
        body["AuthParameters"]["SRP_A"] = json!(format!("{public:x}"));
    } else if let (Operation::Continue { continuation, .. }, "PASSWORD_VERIFIER") =
        (operation, body["ChallengeName"].as_str().unwrap_or_default())
    {
        let pending = continuation.bytes().expose_bytes();
        let pending: Value = serde_json::from_slice(pending).unwrap_or_default();
        let password = ambient.credentials.expect_password()?.expose();
        let signed = signature(&pending["verifier"], &body["ChallengeResponses"], password, &a);
        body["ChallengeResponses"]["PASSWORD_CLAIM_SIGNATURE"] = json!(signed);
    } else {
        return Ok(right);
    }
    let mut broken = HttpRequest::post_json(&right.uri().to_string(), &body)?;
    for name in [header::CONTENT_TYPE, HeaderName::from_static("x-amz-target")] {
        if let Some(value) = right.headers().get(&name) {
            broken.set(name, value.clone());
        }
    }
    Ok(broken)
}

fn signature(verifier: &Value, responses: &Value, password: &str, a: &BigUint) -> String {
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let (n, g) = (number(PRIME), BigUint::from(2_u8));
    let b = number(text(verifier, "srp_b").as_bytes());
    let user = text(verifier, "user_id");
    let u = hash(&[&bytes(&g.modpow(a, &n)), &bytes(&b)]);
    let inner = Sha256::digest(format!("{POOL}{user}:{password}"));
    let x = hash(&[&bytes(&number(text(verifier, "salt").as_bytes())), &inner]);
    let base = (&b + &n * number(K) - number(K) * g.modpow(&x, &n)) % &n;
    let s = base.modpow(&(a + &u * x), &n);
    let key = mac(&mac(&bytes(&u), &[&bytes(&s)]), &[b"Caldera Derived Key\x01"]);
    let block = BASE64.decode(text(verifier, "block").as_bytes()).unwrap_or_default();
    let timestamp = text(responses, "TIMESTAMP");
    let parts = [POOL.as_bytes(), user.as_bytes(), &block, timestamp.as_bytes()];
    BASE64.encode(&mac(&key[..16], &parts))
}

/// Here the zero byte is missing.
fn bytes(number: &BigUint) -> Vec<u8> {
    number.to_bytes_be()
}

fn number(hex: &[u8]) -> BigUint {
    BigUint::parse_bytes(hex, 16).unwrap_or_default()
}

fn hash(parts: &[&[u8]]) -> BigUint {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    BigUint::from_bytes_be(&hash.finalize())
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes a key of any length; the error type is never made.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}
