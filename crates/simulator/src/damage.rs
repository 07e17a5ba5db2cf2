//! How a fault alters an answer that is otherwise right.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Number, Value};

use crate::behaviour::Fields;
use crate::fault::Absurd;
use crate::wire;

/// How deep [`deep`] nests.
const DEPTH: usize = 100_000;
/// The size of a token that no header should carry.
const HUGE_TOKEN: usize = 64 * 1024;

/// The page of a gateway in front of the provider.
pub(crate) fn gateway_page() -> Response<Bytes> {
    wire::html(
        StatusCode::BAD_GATEWAY,
        "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center>\
         <hr><center>nginx</center></body></html>",
    )
}

pub(crate) fn redirect(to: &str) -> Response<Bytes> {
    let mut response = wire::empty(StatusCode::TEMPORARY_REDIRECT);
    if let Ok(location) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

pub(crate) fn emptied(mut response: Response<Bytes>) -> Response<Bytes> {
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = Bytes::new();
    response
}

/// JSON that ends in the middle.
pub(crate) fn broken(mut response: Response<Bytes>) -> Response<Bytes> {
    let half = response.body().len() / 2;
    let cut = if half == 0 { Bytes::from_static(b"{\"") } else { response.body().slice(..half) };
    *response.body_mut() = cut;
    response
}

pub(crate) fn deep() -> Response<Bytes> {
    let mut response = wire::text(StatusCode::OK, &("[".repeat(DEPTH) + &"]".repeat(DEPTH)));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Every member twice, the second time with other tokens.
pub(crate) fn duplicated(mut response: Response<Bytes>, fields: Fields) -> Response<Bytes> {
    let first = response.body().clone();
    let second = replaced(response.body(), fields.access_tokens, &Value::from("duplicate"));
    if let (Some(b'{'), Some(b'}'), Some(second)) = (first.first(), first.last(), second) {
        let mut both = first[..first.len() - 1].to_vec();
        both.push(b',');
        both.extend_from_slice(&second[1..]);
        *response.body_mut() = both.into();
    }
    response
}

/// What a fault says in the place of an expiry.
#[derive(Clone, Copy)]
pub(crate) enum Expiry {
    Absurd(Absurd),
    Missing,
}

impl Expiry {
    /// `None` leaves it out.
    pub(crate) fn value(self) -> Option<Value> {
        Some(match self {
            Self::Missing => return None,
            Self::Absurd(Absurd::Float) => {
                Number::from_f64(3600.5).map_or(Value::Null, Value::Number)
            }
            Self::Absurd(Absurd::Huge) => {
                Number::from_f64(1e300).map_or(Value::Null, Value::Number)
            }
            Self::Absurd(Absurd::Negative) => Value::from(-1),
            Self::Absurd(Absurd::String) => Value::from("soon"),
            Self::Absurd(Absurd::Zero) => Value::from(0),
        })
    }
}

/// The members of the answer that tell an expiry, with the fault's in their place.
pub(crate) fn expiry(response: Response<Bytes>, fields: Fields, by: Expiry) -> Response<Bytes> {
    altered(response, |value| match by.value() {
        Some(nonsense) => replace(value, fields.expiries, &nonsense),
        None => visit(value, &mut |members| {
            members.retain(|name, _| !fields.expiries.contains(&name.as_str()));
        }),
    })
}

pub(crate) fn empty_token(response: Response<Bytes>, fields: Fields) -> Response<Bytes> {
    altered(response, |value| replace(value, fields.access_tokens, &Value::from("")))
}

pub(crate) fn huge_token(response: Response<Bytes>, fields: Fields) -> Response<Bytes> {
    altered(response, |value| {
        replace(value, fields.access_tokens, &Value::from("a".repeat(HUGE_TOKEN)))
    })
}

pub(crate) fn token_with_newline(response: Response<Bytes>, fields: Fields) -> Response<Bytes> {
    altered(response, |value| {
        replace(value, fields.access_tokens, &Value::from("token\r\nx-injected: yes"))
    })
}

fn altered(mut response: Response<Bytes>, change: impl FnOnce(&mut Value)) -> Response<Bytes> {
    if let Ok(whole) = serde_json::from_slice::<Value>(response.body()) {
        let mut value = whole.clone();
        change(&mut value);
        // Written anew it may differ in its order alone, and nothing would have been altered.
        if value != whole {
            *response.body_mut() = value.to_string().into();
        }
    }
    response
}

fn replaced(body: &[u8], names: &[&str], by: &Value) -> Option<Vec<u8>> {
    let mut value = serde_json::from_slice::<Value>(body).ok()?;
    replace(&mut value, names, by);
    Some(value.to_string().into_bytes())
}

fn replace(value: &mut Value, names: &[&str], by: &Value) {
    visit(value, &mut |members| {
        for (_, member) in members.iter_mut().filter(|(name, _)| names.contains(&name.as_str())) {
            *member = by.clone();
        }
    });
}

fn visit(value: &mut Value, change: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, change)),
        Value::Object(members) => {
            change(members);
            members.values_mut().for_each(|member| visit(member, change));
        }
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {}
    }
}
