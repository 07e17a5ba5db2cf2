//! Making an account.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::envelope::{FieldErrors, Refusal, add, success};
use super::login::user;
use super::password::too_short;
use super::server::Asked;
use crate::account::Account;
use crate::context::Context;

const FIELDS: [&str; 5] = ["email", "username", "password", "first_name", "last_name"];

/// 201 with the user and without tokens, or messages for every field that is not right.
pub(super) fn register(asked: &Asked, cx: &mut Context<'_>) -> Result<Response<Bytes>, Refusal> {
    let mut errors = FieldErrors::new();
    for name in FIELDS.into_iter().filter(|name| asked.text(name).is_none()) {
        add(&mut errors, name, asked.why_not(name));
    }
    let text = |name| asked.text(name).unwrap_or_default();
    let (email, username, password) = (text("email"), text("username"), text("password"));
    if !email.is_empty() && !email.contains('@') {
        add(&mut errors, "email", "Enter a valid email address.");
    }
    if cx.accounts.get(email).is_some() {
        add(&mut errors, "email", "user with this email already exists.");
    }
    let taken = |account: &Account| {
        account.attributes.get("username").is_some_and(|taken| taken == username)
    };
    if cx.accounts.iter().any(taken) {
        add(&mut errors, "username", "A user with that username already exists.");
    }
    if !password.is_empty() {
        too_short(&mut errors, "password", password);
    }
    if !errors.is_empty() {
        return Err(Refusal::validation(errors));
    }
    cx.about(email);
    cx.secret(password);
    let id = 100 + cx.accounts.iter().count();
    let account = Account::user(email, password)
        .attribute("username", username)
        .attribute("first_name", text("first_name"))
        .attribute("last_name", text("last_name"))
        .attribute("user_id", id.to_string());
    let data = json!({ "user": user(&account) });
    cx.accounts.insert(account);
    Ok(success(StatusCode::CREATED, &data, &cx.random.uuid()))
}
