//! The pool's rule for new passwords.

use super::Settings;
use super::refusal::Refusal;

/// Refuses a password that is too short or lacks a class of characters.
///
/// # Errors
/// `InvalidPasswordException`, whose text says which rule.
pub(super) fn check(settings: &Settings, password: &str) -> Result<(), Refusal> {
    match broken_rule(settings.password_length, password) {
        None => Ok(()),
        Some(text) => Err(Refusal::new("InvalidPasswordException", text, "password_policy")),
    }
}

/// The service's words for the first rule that a password breaks.
pub(crate) fn broken_rule(least: usize, password: &str) -> Option<String> {
    let has = |class: fn(char) -> bool| password.chars().any(class);
    let broken = if password.chars().count() < least {
        "Password not long enough"
    } else if !has(char::is_lowercase) {
        "Password must have lowercase characters"
    } else if !has(char::is_uppercase) {
        "Password must have uppercase characters"
    } else if !has(|c| c.is_ascii_digit()) {
        "Password must have numeric characters"
    } else if !has(|c| !c.is_alphanumeric()) {
        "Password must have symbol characters"
    } else {
        return None;
    };
    Some(format!("Password did not conform with policy: {broken}"))
}
