//! How the service reads a body: strict about its type, lax about everything else.

use bytes::Bytes;
use http::Request;
use serde_json::{Deserializer, Map, Value};

use super::refusal::Refusal;
use crate::wire;

/// The members of a body.
pub(super) struct Bound(Map<String, Value>);

impl Bound {
    /// Reads JSON if the type says so, to the letter; else a form if the type says that; else nothing. What follows the
    /// JSON object is not looked at, and of a member that comes twice the last one counts.
    pub(super) fn of(request: &Request<Bytes>) -> Self {
        let content_type = wire::header_text(request.headers(), "content-type").unwrap_or_default();
        Self(match content_type.split([' ', ';']).next().unwrap_or_default() {
            "application/json" => {
                let mut values = Deserializer::from_slice(request.body()).into_iter::<Value>();
                match values.next() {
                    Some(Ok(Value::Object(members))) => members,
                    _ => Map::new(),
                }
            }
            "application/x-www-form-urlencoded" => {
                let pairs = wire::form(request.body()).unwrap_or_default();
                pairs.into_iter().map(|(name, value)| (name, Value::from(value))).collect()
            }
            _ => Map::new(),
        })
    }

    /// A member that must be there, with so many characters. Names match in any case.
    ///
    /// # Errors
    /// 422.
    pub(super) fn text(&self, name: &str, least: usize, most: usize) -> Result<&str, Refusal> {
        let exact = self.0.get(name);
        let any_case =
            || self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        let text = exact.or_else(any_case).and_then(Value::as_str).ok_or_else(Refusal::invalid)?;
        match (least.max(1)..=most).contains(&text.chars().count()) {
            true => Ok(text),
            false => Err(Refusal::invalid()),
        }
    }

    /// A user name: 1 to 255 characters.
    ///
    /// # Errors
    /// 422.
    pub(super) fn username(&self) -> Result<&str, Refusal> {
        self.text("username", 1, 255)
    }
}
