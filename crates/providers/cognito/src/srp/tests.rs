//! The check vector of the fact sheet as numbers, and everything that must be refused.

use countersign_core::{ErrorKind, SecretBytes, SecretString, Seed};
use crypto_bigint::BoxedUint;
use crypto_bigint::modular::BoxedMontyForm;
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};

use super::group::{Group, fit, hashed, padded};
use super::{Client, Party, derived, private, verifier};

const SALT: &str = "8f2b1c4d5e6f70819293a4b5c6d7e8f9";
const TIMESTAMP: &str = "Tue Mar 4 09:05:07 UTC 2025";
const BLOCK: &[u8] = b"c2VjcmV0LWJsb2NrLWZvci10aGUtc2hlZXQ=";

fn party() -> Party<'static> {
    Party { realm: "AbCdEfGhI", name: "3f2504e0-4f89-11d3-9a0c-0305e82c3301" }
}

fn password() -> SecretString {
    SecretString::new("Plac3holder!")
}

fn client() -> Client {
    let a = HEXLOWER.decode("0123456789abcdef".repeat(16).as_bytes()).unwrap();
    Client::of_ephemeral(&SecretBytes::new(a)).unwrap()
}

fn hex(n: &BoxedUint) -> String {
    let text = HEXLOWER.encode(&n.to_be_bytes());
    text.trim_start_matches('0').to_owned()
}

fn sha256(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}

/// B = k·v + g^b mod N: the server's half.
fn server_half(x: &BoxedUint) -> BoxedUint {
    let group = Group::get();
    let b = HEXLOWER.decode("fedcba9876543210".repeat(16).as_bytes()).unwrap();
    let number = |n| BoxedMontyForm::new(n, &group.params);
    (&group.k * number(group.power_of_g(x)) + number(group.power_of_g(&fit(&b)))).retrieve()
}

#[test]
fn p24_the_check_vector_passes_as_numbers() {
    let group = Group::get();
    assert_eq!(
        hex(&Group::multiplier(&group.prime)),
        "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6"
    );
    let client = client();
    let a = client.public_hex();
    assert_eq!((a.len(), &a[..16]), (767, "54b8e4da8991abf6"));
    assert_eq!(sha256(&a), "a38fb1d51d94bab67b85bfa082a654a1fee9b9a6ce0dc7223591727069d90d80");
    let x = private(party(), &password(), &super::number(SALT).unwrap());
    assert_eq!(hex(&x), "d9cd8cf96ae4c2a8acf550d61bbad60699a0a1cdd52cf4591494210e41fc554d");
    let b = server_half(&x);
    assert_eq!(hex(&b).len(), 768);
    assert_eq!(
        sha256(&hex(&b)),
        "de979ccb422bf7729e26a077962ebe1b18aae44fe97b94bbba567186d22940b3"
    );
    assert_eq!(
        hex(&hashed([&*padded(&client.public), &*padded(&b)])),
        "af7baf42257da57d45a0eb2ffa2419340d010344f2eed7251d7110dd5ba4475e"
    );
    let key = client.key(party(), &password(), SALT, &hex(&b)).unwrap();
    assert_eq!(HEXLOWER.encode(key.0.expose_bytes()), "26e18a3eb060c16ddd553e338a998155");
    let block = BASE64.decode(BLOCK).unwrap();
    assert_eq!(
        key.sign(party(), &block, TIMESTAMP).expose(),
        "g3WMbXcHwufblRXYAGgGxRlLTkfUOvW5cW/qO1YktdA="
    );
}

#[test]
fn p24_hexadecimal_of_either_case_and_with_leading_zeros_is_one_number() {
    let client = client();
    let x = private(party(), &password(), &super::number(SALT).unwrap());
    let b = hex(&server_half(&x));
    let key = |salt: &str, b: &str| {
        let key = client.key(party(), &password(), salt, b).unwrap();
        HEXLOWER.encode(key.0.expose_bytes())
    };
    let expected = key(SALT, &b);
    assert_eq!(key(&SALT.to_uppercase(), &b.to_uppercase()), expected);
    assert_eq!(key(&format!("000{SALT}"), &format!("00{b}")), expected);
}

#[test]
fn what_no_honest_server_sends_is_refused() {
    let client = client();
    let prime = hex(&Group::get().prime);
    let too_long = format!("1{}", "0".repeat(768));
    for b in ["0", "0000", "", "canary", "-1", "1g", &prime, &too_long] {
        let refused = client.key(party(), &password(), SALT, b).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Protocol, "{b}");
        assert!(!refused.to_string().contains("canary"));
    }
    for salt in ["", "xyz", &too_long] {
        let refused = client.key(party(), &password(), salt, "5").err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Protocol, "{salt}");
    }
    // k·g^x itself: S would be zero, whoever the server is.
    let group = Group::get();
    let x = private(party(), &password(), &super::number(SALT).unwrap());
    let number = BoxedMontyForm::new(group.power_of_g(&x), &group.params);
    let b = hex(&(&group.k * number).retrieve());
    assert!(client.key(party(), &password(), SALT, &b).is_err());
}

#[test]
fn every_purpose_of_a_seed_has_an_ephemeral_of_its_own() {
    let seed = Seed::new(SecretBytes::new(vec![7; 32]));
    let (user, device) =
        (Client::new(&seed, "user").unwrap(), Client::new(&seed, "device").unwrap());
    assert_ne!(user.public_hex(), device.public_hex());
    assert_eq!(user.public_hex(), Client::new(&seed, "user").unwrap().public_hex());
    for short in [Seed::default(), Seed::new(SecretBytes::new(vec![7; 31]))] {
        assert_eq!(Client::new(&short, "user").err().map(|e| e.kind()), Some(ErrorKind::Internal));
    }
    assert!(derived(&seed, "user", 128).matches(&derived(&seed, "user", 128)));
    assert_eq!(
        derived(&seed, "user", 40).expose_bytes(),
        &derived(&seed, "user", 128).expose_bytes()[..40]
    );
}

#[test]
fn a_verifier_is_what_the_server_keeps_in_the_place_of_a_password() {
    let salt = HEXLOWER.decode(SALT.as_bytes()).unwrap();
    let x = private(party(), &password(), &fit(&salt));
    let kept = verifier(party(), &password(), &salt);
    assert_eq!(kept.expose_bytes(), &**padded(&Group::get().power_of_g(&x)));
}
