//! The check vector of the fact sheet, which two independent clients reproduce.

use data_encoding::{BASE64, HEXLOWER};
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use super::{Ephemeral, G, K, N, claim, is_usable, mac, number, pad, scrambler, verifier};

const POOL: &str = "AbCdEfGhI";
const USER: &str = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
const PASSWORD: &str = "Plac3holder!";

fn sha256_of_text(number: &BigUint) -> String {
    HEXLOWER.encode(&Sha256::digest(number.to_str_radix(16)))
}

fn repeated(text: &str) -> BigUint {
    number(&text.repeat(16)).unwrap()
}

#[test]
fn every_number_of_the_check_vector_comes_out() {
    let k = "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6";
    assert_eq!(K.to_str_radix(16), k);
    let a = G.modpow(&repeated("0123456789abcdef"), &N);
    assert_eq!(a.to_str_radix(16).len(), 767);
    let digest = "a38fb1d51d94bab67b85bfa082a654a1fee9b9a6ce0dc7223591727069d90d80";
    assert_eq!(sha256_of_text(&a), digest);
    let salt = number("8f2b1c4d5e6f70819293a4b5c6d7e8f9").unwrap();
    let verifier = verifier(&salt, POOL, USER, PASSWORD);
    let server = Ephemeral::new(&verifier, repeated("fedcba9876543210"));
    let digest = "de979ccb422bf7729e26a077962ebe1b18aae44fe97b94bbba567186d22940b3";
    assert_eq!(sha256_of_text(&server.public), digest);
    let u = "af7baf42257da57d45a0eb2ffa2419340d010344f2eed7251d7110dd5ba4475e";
    assert_eq!(scrambler(&a, &server.public).to_str_radix(16), u);
    let key = server.key(&verifier, &a);
    assert_eq!(HEXLOWER.encode(&key), "26e18a3eb060c16ddd553e338a998155");
    let block = BASE64.decode(b"c2VjcmV0LWJsb2NrLWZvci10aGUtc2hlZXQ=").unwrap();
    let shown = claim(&key, POOL, USER, &block, "Tue Mar 4 09:05:07 UTC 2025");
    assert_eq!(BASE64.encode(&shown), "g3WMbXcHwufblRXYAGgGxRlLTkfUOvW5cW/qO1YktdA=");
}

/// The client's formula over the same numbers, for values that the vector does not have.
fn key_of_a_client(a: &BigUint, server: &Ephemeral, salt: &BigUint, password: &str) -> [u8; 16] {
    let public_a = G.modpow(a, &N);
    let u = scrambler(&public_a, &server.public);
    let inner = Sha256::digest(format!("{POOL}{USER}:{password}"));
    let x = BigUint::from_bytes_be(&Sha256::digest([pad(salt), inner.to_vec()].concat()));
    let base = (&server.public + &*N * &*K - &*K * G.modpow(&x, &N)) % &*N;
    let shared = base.modpow(&(a + &u * x), &N);
    let expanded = mac(&mac(&pad(&u), &[&pad(&shared)]), &[b"Caldera Derived Key", &[1]]);
    expanded[..16].try_into().unwrap()
}

#[test]
fn numbers_that_begin_with_zeros_give_both_sides_one_key() {
    let salt = number("00000c4d5e6f70819293a4b5c6d7e8f9").unwrap();
    assert_eq!(salt, number("c4d5e6f70819293a4b5c6d7e8f9").unwrap());
    let verifier = verifier(&salt, POOL, USER, PASSWORD);
    let a = repeated("0123456789abcdef");
    let public_a = G.modpow(&a, &N);
    let server = Ephemeral::with_leading_zeros(&verifier, repeated("13"), &public_a);
    assert!(server.public.bits() <= 3064);
    assert!(scrambler(&public_a, &server.public).bits() <= 248);
    let key = server.key(&verifier, &public_a);
    assert_eq!(key, key_of_a_client(&a, &server, &salt, PASSWORD));
    assert_ne!(key, key_of_a_client(&a, &server, &salt, "another"));
}

#[test]
fn what_is_no_number_or_a_multiple_of_the_prime_is_told() {
    assert!(number("").is_none() && number("0x12").is_none() && number("-1").is_none());
    assert_eq!(number("fF"), Some(BigUint::from(255_u8)));
    assert!(!is_usable(&N) && !is_usable(&BigUint::ZERO) && !is_usable(&(&*N * 2_u8)));
    assert!(is_usable(&G));
}
