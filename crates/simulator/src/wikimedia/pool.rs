//! The pool behind the service: who may sign in, and what it says to the service when somebody may not.

use std::collections::HashMap;

use super::server::Server;
use crate::account::Account;
use crate::cognito::policy::broken_rule;
use crate::context::Context;

/// An exception of the pool. The service shows its text at one endpoint alone.
#[derive(Debug)]
pub(super) struct PoolError {
    pub(super) name: String,
    pub(super) message: String,
    pub(super) word: &'static str,
}

impl PoolError {
    pub(super) fn new(name: &str, message: impl Into<String>, word: &'static str) -> Self {
        Self { name: name.to_owned(), message: message.into(), word }
    }

    pub(super) fn not_authorized(message: &str, word: &'static str) -> Self {
        Self::new("NotAuthorizedException", message, word)
    }

    /// The text that the vendor's library makes of it.
    pub(super) fn text(&self) -> String {
        format!("{}: {}", self.name, self.message)
    }
}

/// A first password that has to be chosen.
pub(super) struct Session {
    pub(super) identity: String,
    pub(super) challenge: String,
    pub(super) expires_at_ms: i64,
    pub(super) answered: bool,
}

/// A code that was sent, for a recovery or a confirmation.
pub(super) struct Code {
    pub(super) text: String,
    pub(super) expires_at_ms: i64,
    /// How many wrong ones were given instead.
    pub(super) wrong: u32,
}

/// The codes by identity; a new one replaces the one before.
pub(super) type Codes = HashMap<String, Code>;

/// How many wrong codes of a recovery are looked at.
pub(super) const MOST_CODES: u32 = 5;
const LOCKOUT_FAILURES: u32 = 5;
const LONGEST_LOCKOUT_S: i64 = 900;

/// The account of a name as it was typed at a sign-in.
pub(super) fn typed(server: &Server, cx: &Context<'_>, name: &str) -> Option<String> {
    let ignored = server.settings.ignore_case;
    let found = cx.accounts.get(name).or_else(|| {
        cx.accounts.iter().find(|known| ignored && known.identity.eq_ignore_ascii_case(name))
    });
    found.map(|account| account.identity.clone())
}

/// Checks a password.
///
/// # Errors
/// What the pool would say; after five wrong ones it is locked for 1 s, doubling to 15 minutes.
pub(super) fn password(
    server: &Server,
    cx: &mut Context<'_>,
    name: &str,
    password: &str,
) -> Result<String, PoolError> {
    let wrong = |word| PoolError::not_authorized("Incorrect username or password.", word);
    let identity = typed(server, cx, name).ok_or_else(|| wrong("unknown_account"))?;
    cx.about(&identity);
    let now_ms = cx.now_ms;
    let Some(account) = cx.accounts.get_mut(&identity) else {
        return Err(wrong("unknown_account"));
    };
    if account.is_locked_out(now_ms) {
        return Err(PoolError::not_authorized("Password attempts exceeded", "locked_out"));
    }
    let temporary = account.temporary_password.as_deref().filter(|_| account.must_change_password);
    if temporary.unwrap_or(&account.password) != password {
        account.failed_attempts += 1;
        if let Some(over) = account.failed_attempts.checked_sub(LOCKOUT_FAILURES) {
            let seconds = 2_i64.saturating_pow(over).min(LONGEST_LOCKOUT_S);
            account.locked_until_ms = Some(now_ms.saturating_add(seconds * 1000));
        }
        return Err(wrong("wrong_password"));
    }
    standing(account)?;
    account.failed_attempts = 0;
    account.locked_until_ms = None;
    cx.secret(password);
    Ok(identity)
}

/// The exception that the account's attribute `error` asks for.
///
/// # Errors
/// That exception.
pub(super) fn forced(account: &Account) -> Result<(), PoolError> {
    let Some(error) = account.attributes.get("error") else { return Ok(()) };
    let (name, text) = error.split_once(':').unwrap_or((error, "on demand"));
    Err(PoolError::new(name.trim(), text.trim(), "on_demand"))
}

/// Refuses an account that may not get tokens.
///
/// # Errors
/// The exception that says why.
pub(super) fn standing(account: &Account) -> Result<(), PoolError> {
    forced(account)?;
    if account.disabled {
        return Err(PoolError::not_authorized("User is disabled.", "user_disabled"));
    }
    if account.unverified {
        let text = "User is not confirmed.";
        return Err(PoolError::new("UserNotConfirmedException", text, "user_not_confirmed"));
    }
    if account.attributes.contains_key("reset_required") {
        let text = "Password reset required for the user";
        return Err(PoolError::new("PasswordResetRequiredException", text, "reset_required"));
    }
    Ok(())
}

/// Refuses a password that breaks the pool's rule.
///
/// # Errors
/// `InvalidPasswordException`.
pub(super) fn check_policy(password: &str) -> Result<(), PoolError> {
    match broken_rule(8, password) {
        None => Ok(()),
        Some(text) => Err(PoolError::new("InvalidPasswordException", text, "password_policy")),
    }
}
