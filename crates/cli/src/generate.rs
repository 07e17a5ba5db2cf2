//! Choosing a password that follows the rules of a provider.

use countersign_core::{PasswordPolicy, SecretBuffer, SecretString};
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::problem::Problem;

/// How long a password is where the rules allow it: 143 bits.
const LENGTH: usize = 24;
/// Characters that are told apart in every typeface, and symbols that no provider's rules leave out.
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
const DIGITS: &[u8] = b"23456789";
const SYMBOLS: &[u8] = b"!#%*+-.:=?@_";
/// One draw in a few misses a class; so many that all miss one do not happen.
const MOST_DRAWS: usize = 1000;

/// A random password that `policy` allows, with upper and lower case, digits and symbols.
///
/// # Errors
/// [`Exit::Defect`] if the rules cannot be followed, or the system gives no random bytes.
pub(crate) fn password(policy: Option<PasswordPolicy>) -> Result<SecretString, Problem> {
    let policy = policy.unwrap_or_default();
    let length = LENGTH.max(policy.min_length).min(policy.max_length.unwrap_or(usize::MAX));
    let strict = PasswordPolicy { upper: true, lower: true, digit: true, symbol: true, ..policy };
    for _ in 0..MOST_DRAWS {
        let drawn = draw(length)?;
        if strict.broken_by(drawn.expose()).is_empty() {
            return Ok(drawn);
        }
    }
    Err(Problem::new(
        Exit::Defect,
        "no password follows the provider's rules",
        "choose one yourself",
    ))
}

fn draw(length: usize) -> Result<SecretString, Problem> {
    let alphabet = [UPPER, LOWER, DIGITS, SYMBOLS].concat();
    // Bytes from here on would make the first characters likelier than the others.
    let fair = 256 - 256 % alphabet.len();
    let mut password = SecretBuffer::new();
    let mut drawn = 0;
    let mut bytes = Zeroizing::new([0; 64]);
    while drawn < length {
        getrandom::fill(&mut bytes[..]).map_err(|error| {
            Problem::new(Exit::Defect, "the system gives no random bytes", "check the system")
                .note(error.to_string())
        })?;
        for byte in bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair) {
            if drawn < length {
                password.push(&[alphabet[byte % alphabet.len()]]);
                drawn += 1;
            }
        }
    }
    Ok(SecretString::from_bytes(password.finish()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_password_follows_the_rules_and_is_never_the_same() {
        let rules = [
            None,
            Some(PasswordPolicy { min_length: 8, symbol: true, ..PasswordPolicy::default() }),
            Some(PasswordPolicy { min_length: 40, ..PasswordPolicy::default() }),
            Some(PasswordPolicy { max_length: Some(10), ..PasswordPolicy::default() }),
        ];
        for (policy, length) in rules.into_iter().zip([24, 24, 40, 10]) {
            let mut seen = HashSet::new();
            for _ in 0..50 {
                let password = password(policy).unwrap();
                assert_eq!(password.len(), length);
                assert!(policy.unwrap_or_default().broken_by(password.expose()).is_empty());
                assert!(seen.insert(password.expose().to_owned()));
            }
        }
    }

    #[test]
    fn every_character_is_drawn() {
        let drawn = draw(20_000).unwrap();
        let drawn: HashSet<u8> = drawn.expose().bytes().collect();
        assert_eq!(drawn.len(), UPPER.len() + LOWER.len() + DIGITS.len() + SYMBOLS.len());
    }

    #[test]
    fn rules_that_cannot_be_followed_end() {
        let short = PasswordPolicy { max_length: Some(3), ..PasswordPolicy::default() };
        assert_eq!(password(Some(short)).unwrap_err().exit(), Exit::Defect);
    }
}
