//! Codes as people type them.

use countersign_core::{SecretBuffer, SecretString};

/// The digits alone, where there are only digits and blanks: authenticators show `123 456`. Anything else
/// stays as it is.
pub(crate) fn tidy(code: SecretString) -> SecretString {
    let text = code.expose().trim();
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ') {
        return code;
    }
    let mut digits = SecretBuffer::new();
    for part in text.split(' ') {
        digits.push(part.as_bytes());
    }
    SecretString::from_bytes(digits.finish()).unwrap_or(code)
}

/// Whether this can be the code of an authenticator: six digits.
pub(crate) fn is_of_authenticator(code: &SecretString) -> bool {
    code.len() == 6 && code.expose().bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_between_digits_go_and_nothing_else() {
        for (typed, sent) in [
            ("123 456", "123456"),
            (" 012345 ", "012345"),
            ("Xy7! mailed", "Xy7! mailed"),
            ("", ""),
        ] {
            assert_eq!(tidy(SecretString::new(typed)).expose(), sent);
        }
        assert!(is_of_authenticator(&SecretString::new("012345")));
        for bad in ["12345", "1234567", "12345a", "１２"] {
            assert!(!is_of_authenticator(&SecretString::new(bad)), "{bad}");
        }
    }
}
