//! The change of a password by its owner.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::envelope::{FieldErrors, Refusal, add, success};
use super::login::required_pair;
use super::server::{Asked, Server};
use crate::context::Context;
use crate::token_book::Access;

pub(super) fn change(
    server: &Server,
    asked: &Asked,
    token: &Access,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let (old_name, new_name) = &server.settings.change_fields;
    let (old, new) = required_pair(asked, old_name, new_name)?;
    let Some(account) = cx.accounts.get_mut(&token.account) else {
        return Err(server.unauthenticated());
    };
    if account.password != old {
        let text = "Current password is incorrect";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, text, "wrong_password"));
    }
    let mut errors = FieldErrors::new();
    too_short(&mut errors, new_name, new);
    if !errors.is_empty() {
        return Err(Refusal::validation(errors));
    }
    new.clone_into(&mut account.password);
    cx.secret(new);
    if server.settings.change_revokes {
        cx.tokens.revoke_account(&token.account, true);
    }
    let data = json!({ "message": "Password changed successfully" });
    Ok(success(StatusCode::OK, &data, &cx.random.uuid()))
}

/// The framework's own rule and words.
pub(super) fn too_short(errors: &mut FieldErrors, field: &str, password: &str) {
    if password.chars().count() < 8 {
        let text = "This password is too short. It must contain at least 8 characters.";
        add(errors, field, text);
    }
}
