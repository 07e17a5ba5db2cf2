//! Unknown fields as JSON: they stand among the known ones.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Map;

use crate::unknown::UnknownFields;

pub(super) fn serialize<S: Serializer>(
    unknown: &UnknownFields,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    unknown.fields().serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<UnknownFields, D::Error> {
    Map::deserialize(deserializer).map(UnknownFields::new)
}
