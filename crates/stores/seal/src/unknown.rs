//! Fields of a newer version: kept as they are and written back.

use std::fmt;

use serde_json::{Map, Value};
use zeroize::Zeroize;

/// The fields of a record that this version does not know.
///
/// A process of an older version that rewrites a record must not lose what a newer one keeps there.
/// They may hold secrets: `Debug` shows how many there are, and their text is wiped on drop.
#[derive(Clone, Default)]
pub struct UnknownFields(Map<String, Value>);

impl UnknownFields {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) const fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    pub(crate) const fn fields(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl Drop for UnknownFields {
    fn drop(&mut self) {
        wipe_fields(&mut self.0);
    }
}

impl fmt::Debug for UnknownFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnknownFields({})", self.0.len())
    }
}

/// Names stay: they come from a program, not from a person.
fn wipe_fields(fields: &mut Map<String, Value>) {
    fields.values_mut().for_each(wipe);
}

fn wipe(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => *value = Value::Null,
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => wipe_fields(fields),
    }
}
