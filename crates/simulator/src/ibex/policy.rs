//! The vendor's rule for new passwords.

/// At least 8 characters, with an upper-case letter, a lower-case letter, a digit and a symbol.
pub(super) fn allows(password: &str) -> bool {
    let has = |class: fn(char) -> bool| password.chars().any(class);
    password.chars().count() >= 8
        && has(char::is_uppercase)
        && has(char::is_lowercase)
        && has(|c| c.is_ascii_digit())
        && has(|c| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn each_class_is_needed_and_eight_characters() {
        assert!(allows("Tr1cky-P"));
        for weak in ["Tr1ck-P", "tr1cky-pass", "TR1CKY-PASS", "Tricky-Pass", "Tr1ckyPass"] {
            assert!(!allows(weak), "{weak}");
        }
    }
}
