//! Bodies by their literal names, in every spelling that the vendor's pages show.

use countersign_core::http::HttpResponse;
use countersign_core::{
    AccessToken, Error, ErrorKind, Lifetime, Profile, RefreshToken, SecretString, Timestamp,
    TokenResponse, jwt,
};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A flat object; some of its names are settings.
pub(crate) struct Fields<'a>(pub(crate) &'a [(&'a str, &'a str)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// An envelope whose `data` holds tokens.
#[derive(Deserialize)]
struct Enveloped {
    data: Option<Data>,
}

/// `access` and `refresh` in the guide, `access_token` and `refresh_token` on the newest page, either
/// one level down in `tokens`.
#[derive(Deserialize, Default)]
pub(crate) struct Data {
    access: Option<SecretString>,
    access_token: Option<SecretString>,
    refresh: Option<SecretString>,
    refresh_token: Option<SecretString>,
    tokens: Option<Box<Data>>,
    user: Option<Value>,
}

impl Data {
    /// Reads `data`, or the whole body where there is no envelope.
    pub(crate) fn read(response: &HttpResponse) -> Result<Self, Error> {
        match response.json::<Enveloped>()?.data {
            Some(data) => Ok(data),
            None => response.json(),
        }
    }

    pub(crate) fn into_tokens(self, now: Timestamp) -> Result<TokenResponse, Error> {
        let inner = self.tokens.map(|inner| *inner).unwrap_or_default();
        let access = [self.access, self.access_token, inner.access, inner.access_token];
        let access = access.into_iter().flatten().next().ok_or_else(|| {
            Error::new(ErrorKind::Protocol)
                .hint("the answer holds no access token in any known place")
        })?;
        let refresh = [self.refresh, self.refresh_token, inner.refresh, inner.refresh_token];
        let refresh = refresh.into_iter().flatten().next();

        let mut tokens = TokenResponse::new(AccessToken::new(access)?);
        tokens.refresh_token = refresh.map(RefreshToken::new).transpose()?;
        // The end of the access token is its own `exp`, which the engine reads; that of the refresh
        // token is nowhere else either.
        let claims = tokens.refresh_token.as_ref().map(|token| jwt::Claims::read(token.secret()));
        let ends = claims.and_then(Result::ok).and_then(|claims| claims.expires_at());
        tokens.refresh_expiry = ends.filter(|ends| *ends > now).map(Lifetime::Until);

        let user = self.user.or(inner.user).unwrap_or_default();
        let claims = jwt::Claims::read(tokens.access_token.secret()).ok();
        let claimed = claims.and_then(|claims| claims.id("user_id"));
        tokens.subject = claimed.or_else(|| scalar(user.get("id")?)).map(Into::into);
        tokens.profile = profile(&user);
        Ok(tokens)
    }
}

/// What a registration tells about the new user: `data.user`, or `data` itself.
pub(crate) fn registered(response: &HttpResponse) -> Result<Profile, Error> {
    #[derive(Deserialize)]
    struct Registered {
        data: Option<Value>,
    }
    let data = response.json::<Registered>()?.data.unwrap_or_default();
    Ok(profile(data.get("user").unwrap_or(&data)))
}

/// `{id, email, username, role, account {id, name, slug}}`; what is missing or odd is left out.
fn profile(user: &Value) -> Profile {
    let mut profile = Profile::new();
    let account = user.get("account").unwrap_or(&Value::Null);
    for (name, value) in [
        ("id", user.get("id")),
        ("email", user.get("email")),
        ("username", user.get("username")),
        ("role", user.get("role")),
        ("account.id", account.get("id")),
        ("account.name", account.get("name")),
        ("account.slug", account.get("slug")),
    ] {
        if let Some(text) = value.and_then(scalar) {
            profile.set(name, &text);
        }
    }
    profile
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
